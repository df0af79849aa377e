"""Verbs around runs: what is missing on this machine, and what can be deleted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from docent.launcher.verbs import options


@click.command()
@options.options(options.which_run, options.data)
@click.option("--yes", is_flag=True, help="Delete without asking.")
def gc(run_name: str | None, data: Path, yes: bool) -> None:
    """Delete what no complete unit of the run needs any more."""
    from docent.errors import LauncherError
    from docent.launcher.garbage import delete, find_garbage
    from docent.launcher.run import lock
    from docent.launcher.state import resolved_config

    run_dir = options.find_run(data, run_name)
    resolved_config(run_dir)
    with lock(run_dir):
        found = find_garbage(run_dir)
        for garbage in found:
            click.echo(f"{garbage.size_bytes / 1e6:8.1f} MB  {garbage.path}  ({garbage.why})")
        if not found:
            click.echo("nothing to delete")
            return
        if not yes:
            if not sys.stdin.isatty():
                raise LauncherError(2, "gc deletes only when told", "no terminal to ask on", "docent gc --yes")
            click.confirm(f"delete {len(found)} of these?", abort=True)
        delete(found)


@click.command()
@options.options(options.file_argument, options.run_name, options.data, options.sets, options.as_json)
def doctor(file: Path, run_name: str | None, data: Path, sets: Sequence[str], output: str) -> None:
    """Name everything that is missing on this machine; exit 105 if something is."""
    from dataclasses import asdict

    from docent.launcher.doctor import examine
    from docent.launcher.verbs.tables import print_table

    config, _ = options.read_run(file, run_name, data, sets)
    checks = examine(config, data)
    print_table([asdict(check) for check in checks], output, "this machine")
    if any(check.level == "missing" for check in checks):
        sys.exit(105)
