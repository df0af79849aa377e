"""What a person sees while a run goes on: a live table on a terminal, plain lines elsewhere.

Reads `progress-*.json` files of the run folder; writes only to the terminal.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from docent.confinement import OutsideRunError, inside
from docent.launcher.backends.local import Finished
from docent.printing import printable
from docent.spec import RunStates
from docent.store import load_json

PLAIN_INTERVAL_S = 20.0
BAR_WIDTH = 24
MAX_NUMBER = 1e15
"""Larger counts of a progress file are not believed."""
STYLES = {"done": "green", "running": "cyan", "failed": "red", "waiting": "dim"}


class PlainView:
    """One line when something happens, and where everything stands every 20 seconds."""

    def __init__(self, states: RunStates, console: Console) -> None:
        self.states, self.console = states, console
        self.at_work: list[str] = []
        self._said_s = time.monotonic()

    def __enter__(self) -> PlainView:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def started(self, unit: str) -> None:
        """A unit began."""
        self.at_work.append(unit)
        self._say(f"{unit:<18} started")

    def finished(self, unit: str, seconds: float, rows: int) -> None:
        """A unit is complete."""
        if unit in self.at_work:
            self.at_work.remove(unit)
        self._say(f"{unit:<18} done in {seconds:.1f} s, {rows} rows")

    def failed(self, end: Finished) -> None:
        """A shard ended badly."""
        self._say(f"{end.unit:<18} shard {end.shard.index} ended with {end.exit_code}")
        self._say(end.cause)

    def tick(self) -> None:
        """Now and then, say how far the units at work are."""
        if time.monotonic() - self._said_s < PLAIN_INTERVAL_S:
            return
        self._said_s = time.monotonic()
        for unit in self.at_work:
            self._say(f"{unit:<18} {describe(read_progress(self.states.run_dir, unit))}")

    def _say(self, line: str) -> None:
        self.console.print(Text(line), soft_wrap=True)


class LiveView:
    """A table that redraws itself, with a bar, rate and time to go for every unit at work."""

    def __init__(self, states: RunStates, console: Console) -> None:
        self.states = states
        self.phase = {name: "done" if states.of(name).artifact else "waiting" for name in states.units}
        self.note = {name: "already there" if phase == "done" else "" for name, phase in self.phase.items()}
        self.live = Live(console=console, refresh_per_second=4, get_renderable=self._table)
        self.console = console

    def __enter__(self) -> LiveView:
        self.live.__enter__()
        return self

    def __exit__(self, *details: Any) -> None:
        self.live.__exit__(*details)

    def started(self, unit: str) -> None:
        """A unit began."""
        self.phase[unit] = "running"

    def finished(self, unit: str, seconds: float, rows: int) -> None:
        """A unit is complete."""
        self.phase[unit] = "done"
        self.note[unit] = f"{rows} rows in {seconds:.1f} s"

    def failed(self, end: Finished) -> None:
        """A shard ended badly."""
        self.phase[end.unit] = "failed"
        self.note[end.unit] = f"shard {end.shard.index} ended with {end.exit_code}"
        self.console.print(Text(end.cause, style="red"))

    def tick(self) -> None:
        """The table redraws itself."""

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, show_header=False)
        for unit, phase in self.phase.items():
            style = STYLES[phase]
            if phase == "running":
                progress = read_progress(self.states.run_dir, unit)
                share = progress["done"] / progress["total"] if progress["total"] else 0.0
                filled = round(min(1.0, share) * BAR_WIDTH)
                note = f"{'━' * filled}{'╌' * (BAR_WIDTH - filled)} {describe(progress)}"
            else:
                note = self.note[unit]
            table.add_row(Text(unit), Text(phase, style=style), Text(note))
        return table


def read_progress(run_dir: Path, unit: str) -> dict[str, Any]:
    """Progress of all shards of a unit together: done, total, rate_per_s, eta_s, message."""
    total: dict[str, Any] = {"done": 0.0, "total": 0.0, "rate_per_s": 0.0, "eta_s": None, "message": ""}
    for path in sorted((run_dir / unit).glob("progress-*.json")):
        part = _progress_of(path)
        for key in ("done", "total", "rate_per_s"):
            total[key] += part.get(key, 0.0)
        if "eta_s" in part:
            total["eta_s"] = max(total["eta_s"] or 0.0, part["eta_s"])
        total["message"] = part.get("message") or total["message"]
    return total


def _progress_of(path: Path) -> dict[str, Any]:
    """What a shard said last, without what is no number or text: the file may be torn, or of a stranger."""
    try:
        found = load_json(inside(path.parent, path.name)) or {}
    except (OSError, OutsideRunError):
        return {}
    usable: dict[str, Any] = {}
    for key in ("done", "total", "rate_per_s", "eta_s"):
        value = found.get(key)
        if isinstance(value, int | float) and 0 <= value < MAX_NUMBER:
            usable[key] = value
    message = found.get("message")
    return usable | ({"message": printable(message)} if isinstance(message, str) else {})


def describe(progress: dict[str, Any]) -> str:
    """One line: how far, how fast, how long still."""
    if not progress["total"]:
        return "starting"
    words = [f"{progress['done']:g} of {progress['total']:g}", f"{progress['rate_per_s']:.3g}/s"]
    if progress["eta_s"] is not None:
        words.append(f"{progress['eta_s']:.0f} s to go")
    return ", ".join([*words, printable(progress["message"])] if progress["message"] else words)
