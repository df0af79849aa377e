"""Verbs that inspect a run: its state, its logs, the source of a row, its report. They write nothing."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import asdict
from pathlib import Path

import click

from docent.artifacts.confinement import inside
from docent.errors import LauncherError
from docent.launcher.runs.folder import status as look
from docent.launcher.runs.settings import is_locked, resolved_config
from docent.launcher.runs.trace import lines
from docent.launcher.runs.trace import trace as follow
from docent.launcher.verbs import options
from docent.launcher.verbs.output.log_tails import print_tails, tails_of
from docent.launcher.verbs.output.status_text import picture, what_next
from docent.launcher.verbs.output.tables import console, print_table
from docent.messages.printing import terminal_safe
from docent.spec import RunStates


@click.command()
@options.options(options.named_run, options.which_run, options.data, options.as_json, options.backend)
@options.namespace
@click.option("-w", "--watch", is_flag=True, help="Update the table until the run ends.")
@click.pass_context
def status(
    context: click.Context,
    named: str | None,
    run_name: str | None,
    data: Path,
    output: str,
    backend: str,
    namespace: str,
    watch: bool,
) -> None:
    """Show the state of a run; RUN is the same as --run RUN."""
    run_name = context.params["run_name"] = run_name or named  # suggested commands name it too
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
    """Keep the table up to date while a launcher works on the run; return the states as they were last.

    Raises:
        LauncherError: (101) Ctrl-C; the run goes on.
    """
    from rich.live import Live

    run_dir, pause = states.run_dir, threading.Event()
    try:
        with Live(console=console(), auto_refresh=False) as live:
            while True:
                going_on = is_locked(run_dir)
                if (config := resolved_config(run_dir)) != states.config:  # another launch began, or failed
                    states = RunStates(config, run_dir, as_left=True)
                live.update(picture(states), refresh=True)
                if not going_on or pause.wait(1.0):
                    return states
    except KeyboardInterrupt:  # of the watching, not of the run
        goes_on = is_locked(run_dir)
        again = "docent status -w" if goes_on else "docent status"
        what = f"watching stopped; run {run_dir.name} {'goes on' if goes_on else 'has ended'}"
        raise LauncherError(101, what, str(run_dir), again) from None


@click.command()
@click.argument("unit")
@options.options(options.which_run, options.data, options.backend, options.namespace)
@click.option("--index", type=int, help="Index of the shard; default: all shards.")
@click.option("-f", "--follow", is_flag=True, help="On a cluster: follow the log until the unit ends.")
def logs(
    unit: str, run_name: str | None, data: Path, backend: str, namespace: str, index: int | None, follow: bool
) -> None:
    """Print the log of a unit: its end, on a cluster the whole logs of its pods. There UNIT may be `launcher`.

    On this machine UNIT may be a stage, such as `finetune`, or the beginning of unit names: all of them are printed.
    """
    if backend == "kubernetes":
        from docent.launcher.verbs.cluster import on_cluster

        on_cluster.logs(namespace, run_name, unit, index, follow)
        return
    if follow:
        raise click.UsageError(
            "-f works on a cluster only (--backend kubernetes); here the terminal of the run shows what goes on"
        )
    print_tails(tails_of(options.find_run(data, run_name), unit, index))


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
    """Open the report in a browser, and print its path."""
    import webbrowser

    if backend == "kubernetes":
        from docent.launcher.verbs.cluster import on_cluster

        path = on_cluster.fetch_report(namespace, run_name, data)
    else:
        path = inside(options.find_run(data, run_name), "report/latest/index.html")
    if not path.is_file():
        raise LauncherError(102, "there is no report yet", str(path), "docent run")
    click.echo(path)
    if sys.stdout.isatty():
        webbrowser.open(path.resolve().as_uri())
