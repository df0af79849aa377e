"""Verbs around runs: what is missing on this machine, and what can be deleted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from docent.launcher.verbs import invocation, options


@click.command()
@options.options(options.which_run, options.data, options.backend, options.namespace)
@click.option("--all", "everything", is_flag=True, help="On a cluster: all objects of the run but volume and Secrets.")
@click.option("--yes", is_flag=True, help="Delete without asking.")
def gc(run_name: str | None, data: Path, backend: str, namespace: str, everything: bool, yes: bool) -> None:
    """Delete what no complete unit of the run needs any more."""
    if backend == "kubernetes":
        from docent.launcher.verbs import on_cluster

        on_cluster.gc(namespace, run_name, everything, yes)
        return
    if everything:
        raise click.UsageError("--all works on a cluster only (--backend kubernetes); delete the run's folder here")
    _gc_here(options.find_run(data, run_name), yes)


def _gc_here(run_dir: Path, yes: bool) -> None:
    from docent.errors import LauncherError
    from docent.launcher.garbage import delete, find_garbage
    from docent.launcher.run import lock
    from docent.printing import printable

    if not run_dir.is_dir():
        raise LauncherError(102, f"there is no run {run_dir.name!r}", str(run_dir), f"docent run --run {run_dir.name}")
    with lock(run_dir):
        found = find_garbage(run_dir)
        for garbage in found:
            click.echo(f"{garbage.size_bytes / 1e6:8.1f} MB  {printable(str(garbage.path))}  ({garbage.why})")
        if not found:
            click.echo("nothing to delete")
            return
        if not yes:
            if not sys.stdin.isatty():
                again = f"docent gc {options.same_run(None, run_dir.name, run_dir.parent)} --yes"
                raise LauncherError(2, "gc deletes only when told", "no terminal to ask on", again)
            click.confirm(f"delete {len(found)} of these?", abort=True)
        delete(run_dir, found)


@click.command()
@options.options(options.file_argument, options.run_here, options.data, options.sets, options.as_json)
def doctor(file: Path | None, run_name: str | None, data: Path, sets: Sequence[str], output: str) -> None:
    """Name everything that is missing on this machine; exit 105 if something is."""
    from dataclasses import asdict

    from docent.launcher.doctor import examine
    from docent.launcher.verbs.tables import print_table
    from docent.suggested_commands import complete

    config, _ = options.read_run(file, run_name, data, sets)
    checks = examine(config, data)
    given = invocation.current()
    rows = [{**asdict(check), "next_step": complete(check.next_step, given)} for check in checks]
    print_table(rows, output, "this machine")
    if any(check.level == "missing" for check in checks):
        sys.exit(105)
