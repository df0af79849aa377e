"""Verbs that inspect a run: its state, its logs, the sources of a row, its report. They write nothing locally."""

import difflib
import json
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from docent.artifacts.confinement import inside, is_plain
from docent.errors import LauncherError
from docent.launcher.runs.folder import status as look
from docent.launcher.runs.settings import is_locked, resolved_config
from docent.launcher.runs.trace import lines
from docent.launcher.runs.trace import trace as follow
from docent.launcher.verbs import options
from docent.launcher.verbs.output.status_text import picture, what_next
from docent.launcher.verbs.output.tables import console, print_table
from docent.messages.printing import printable, terminal_safe
from docent.spec import RunStates


@click.command()
@options.options(options.named_run, options.which_run, options.data, options.as_json, options.backend)
@options.namespace
@click.option("-w", "--watch", is_flag=True, help="Update the table until the run ends.")
def status(
    named: str | None, run_name: str | None, data: Path, output: str, backend: str, namespace: str, watch: bool
) -> None:
    """Show the state of a run. RUN is the same as --run RUN."""
    run_name = click.get_current_context().params["run_name"] = run_name or named  # suggested commands include it
    if backend == "kubernetes":
        from docent.launcher.verbs.cluster import on_cluster

        on_cluster.status(namespace, run_name, output, watch)
    else:
        _status_here(run_name, data, output, watch)


def _status_here(run_name: str | None, data: Path, output: str, watch: bool) -> None:
    run_dir = options.find_run(data, run_name)
    states = RunStates(resolved_config(run_dir), run_dir, as_left=True)
    if output == "json":
        print_table([asdict(line) for line in look(states)], output, str(run_dir))
        return
    if watch and is_locked(run_dir):
        states = _watch(states)
    else:
        console().print(picture(states))
    for line in what_next(states):
        click.echo(line)


def _watch(states: RunStates) -> RunStates:
    """Update the table while a launcher is working on the run; return the last states.

    Raises:
        LauncherError: (101) Ctrl-C; the run continues.
    """
    from rich.live import Live

    run_dir, pause = states.run_dir, threading.Event()
    try:
        with Live(console=console(), auto_refresh=False) as live:
            while True:
                going_on = is_locked(run_dir)
                if (config := resolved_config(run_dir)) != states.config:  # another launch began, or one failed
                    states = RunStates(config, run_dir, as_left=True)
                live.update(picture(states), refresh=True)
                if not going_on or pause.wait(1.0):
                    return states
    except KeyboardInterrupt:  # it stops the watching, not the run
        goes_on = is_locked(run_dir)
        again = "docent status -w" if goes_on else "docent status"
        what = f"stopped watching; run {run_dir.name} {'continues' if goes_on else 'has ended'}"
        raise LauncherError(101, what, str(run_dir), again) from None


@click.command()
@click.argument("unit")
@options.options(options.which_run, options.data, options.backend, options.namespace)
@click.option("--index", type=int, help="Index of the shard, from 0; default: all shards.")
@click.option("-f", "--follow", is_flag=True, help="On a cluster: follow the log until the unit ends.")
def logs(
    unit: str, run_name: str | None, data: Path, backend: str, namespace: str, index: int | None, follow: bool
) -> None:
    """Print the end of a unit's log; on a cluster, the complete logs of its pods.

    UNIT can also be a stage, such as `finetune`, or the beginning of unit names; then all matching logs are printed. On
    a cluster it must be a unit or `launcher`.
    """
    if backend == "kubernetes":
        from docent.launcher.verbs.cluster import on_cluster

        on_cluster.logs(namespace, run_name, unit, index, follow)
        return
    if follow:
        raise click.UsageError("-f works on a cluster only (--backend kubernetes); here use: docent status -w")
    _print_tails(_tails_of(options.find_run(data, run_name), unit, index))


def _tails_of(run_dir: Path, unit: str, index: int | None) -> list[Path]:
    """Return the log files of the unit with this name, or else of all units whose names begin with it.

    Args:
        index: index of the shard, or None for all shards.

    Raises:
        LauncherError: (102) no unit that matches has a log.
    """
    pattern = "log-tail-*.txt" if index is None else f"log-tail-{index:05d}.txt"
    units = sorted(path.name for path in run_dir.iterdir() if path.is_dir() and any(path.glob("log-tail-*.txt")))
    begun = [unit] if unit in units else [name for name in units if name.startswith(unit)] if unit else []
    plain = [name for name in begun if is_plain(name)]
    tails = [tail for name in plain for tail in sorted((run_dir / name).glob(pattern)) if tail.is_file()]
    if not tails:
        raise _no_log(run_dir, unit, units)
    return [inside(run_dir, f"{tail.parent.name}/{tail.name}") for tail in tails]


def _print_tails(tails: Sequence[Path]) -> None:
    """Print log files; if there are several, print a heading with unit and shard above each."""
    for tail in tails:
        if len(tails) > 1:
            click.echo(f"--- {printable(tail.parent.name)}, shard {int(tail.stem.removeprefix('log-tail-'))}")
        click.echo(terminal_safe(tail.read_text(encoding="utf-8", errors="replace").rstrip()))


def _no_log(run_dir: Path, unit: str, units: Sequence[str]) -> LauncherError:
    near = difflib.get_close_matches(unit, units, 1)
    logged = f"; units with a log: {', '.join(map(printable, units))}" if units else ""
    next_step = f"docent logs {near[0]}" if near and is_plain(near[0]) else "docent status"
    return LauncherError(102, f"no log of {printable(unit)}{logged}", str(run_dir), next_step)


@click.command()
@click.argument("row_id", metavar="ID")
@options.options(options.which_run, options.data, options.as_json)
def trace(row_id: str, run_name: str | None, data: Path, output: str) -> None:
    """Trace a row back to the lines of its source file."""
    run_dir = options.find_run(data, run_name)
    config = resolved_config(run_dir)
    traced = follow(RunStates(config, run_dir, as_left=True), row_id)
    if output == "json":
        click.echo(json.dumps([{"unit": row.unit, **row.row} for row in traced.values()], indent=1, ensure_ascii=False))
    else:
        click.echo(terminal_safe("\n".join(lines(traced, config))))


@click.command("open")
@options.options(options.which_run, options.data, options.backend, options.namespace)
def open_report(run_name: str | None, data: Path, backend: str, namespace: str) -> None:
    """Open the report in a browser and print its path."""
    import webbrowser

    if backend == "kubernetes":
        from docent.launcher.verbs.cluster import on_cluster

        path = on_cluster.fetch_report(namespace, run_name, data)
    else:
        path = inside(options.find_run(data, run_name), "report/latest/index.html")
    if not path.is_file():
        raise LauncherError(102, "the report has not been written yet", str(path), "docent run")
    click.echo(path)
    if sys.stdout.isatty():
        webbrowser.open(path.resolve().as_uri())
