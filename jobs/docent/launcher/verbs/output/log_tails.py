"""Print the ends of the logs of a run's shards. Reads `<run>/<unit>/log-tail-*.txt`; writes only to the terminal."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

import click

from docent.artifacts.confinement import inside, is_plain
from docent.errors import LauncherError
from docent.messages.printing import printable, terminal_safe


def tails_of(run_dir: Path, unit: str, index: int | None) -> list[Path]:
    """Return the log files of a unit, or of all units of a stage or whose names begin alike.

    Args:
        index: of one shard; of all where None.

    Raises:
        LauncherError: (102) there is no log.
    """
    pattern = "log-tail-*.txt" if index is None else f"log-tail-{index:05d}.txt"
    units = sorted(path.name for path in run_dir.iterdir() if path.is_dir() and any(path.glob("log-tail-*.txt")))
    begun = [unit] if unit in units else [name for name in units if name.startswith(unit)] if unit else []
    plain = [name for name in begun if is_plain(name)]
    tails = [tail for name in plain for tail in sorted((run_dir / name).glob(pattern)) if tail.is_file()]
    if not tails:
        raise _no_log(run_dir, unit, units)
    return [inside(run_dir, f"{tail.parent.name}/{tail.name}") for tail in tails]


def print_tails(tails: Sequence[Path]) -> None:
    """Print log files, each with its unit and shard where there are several."""
    for tail in tails:
        if len(tails) > 1:
            click.echo(f"--- {printable(tail.parent.name)}, shard {int(tail.stem.removeprefix('log-tail-'))}")
        click.echo(terminal_safe(tail.read_text(encoding="utf-8", errors="replace").rstrip()))


def _no_log(run_dir: Path, unit: str, units: Sequence[str]) -> LauncherError:
    near = difflib.get_close_matches(unit, units, 1)
    logged = f"; units with a log: {', '.join(map(printable, units))}" if units else ""
    next_step = f"docent logs {near[0]}" if near and is_plain(near[0]) else "docent status"
    return LauncherError(102, f"{printable(unit)} has no log here{logged}", str(run_dir), next_step)
