"""Verbs that check this machine and delete unneeded files of a run."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from docent.errors import LauncherError
from docent.launcher.local.doctor import examine
from docent.launcher.local.run import lock
from docent.launcher.runs.garbage import Garbage, delete, find_garbage
from docent.launcher.verbs import invocation, options
from docent.launcher.verbs.output.tables import print_table
from docent.messages.plurals import counted
from docent.messages.printing import printable
from docent.messages.suggested_commands import complete


@click.command()
@options.options(options.which_run, options.data, options.backend, options.namespace)
@click.option("--all", "everything", is_flag=True, help="On a cluster: delete all objects except volume and Secrets.")
@click.option("--models", is_flag=True, help="Also delete trained models; without this option, --yes keeps them.")
@click.option("--yes", is_flag=True, help="Delete without asking for confirmation.")
def gc(
    run_name: str | None, data: Path, backend: str, namespace: str, everything: bool, models: bool, yes: bool
) -> None:
    """Delete files that no complete unit of the run needs. Trained models are confirmed separately."""
    if backend == "kubernetes":
        from docent.launcher.verbs.cluster import on_cluster

        on_cluster.gc(namespace, run_name, everything, models, yes)
        return
    if everything:
        raise click.UsageError("--all works on a cluster only (--backend kubernetes); delete the folder of the run")
    _gc_here(options.find_run(data, run_name), models, yes)


def _gc_here(run_dir: Path, models: bool, yes: bool) -> None:
    with lock(run_dir):
        unneeded = find_garbage(run_dir)
        if not unneeded:
            click.echo(f"nothing to delete in run {run_dir.name} ({run_dir})")
            return
        trained = [garbage for garbage in unneeded if garbage.model]
        others = [garbage for garbage in unneeded if not garbage.model]
        click.echo(f"run {run_dir.name} ({run_dir}):")
        for garbage in [*others, *trained]:
            why = f"{garbage.model}; {garbage.why}" if garbage.model else garbage.why
            click.echo(f"{garbage.size_bytes / 1e6:8.1f} MB  {printable(str(garbage.path))}  ({printable(why)})")
        given = invocation.of_run(run_dir)
        again = complete("docent gc --models --yes" if models else "docent gc --yes", given)
        paths = f"{counted(len(others), 'path')} that {'contains' if len(others) == 1 else 'contain'} no trained model"
        if _is_confirmed(f"delete {paths}?", others, yes, again):
            delete(run_dir, others)
        if not models and (yes or not sys.stdin.isatty()):
            if trained:
                more = complete("docent gc --models --yes", given)
                click.echo(f"kept: {counted(len(trained), 'trained model')}; to delete: {more}")
        elif _is_confirmed(f"delete the {counted(len(trained), 'trained model')} listed above?", trained, yes, again):
            delete(run_dir, trained)


def _is_confirmed(question: str, unneeded: Sequence[Garbage], yes: bool, again: str) -> bool:
    """Return whether to delete the paths, asking for confirmation unless `yes` is set.

    Raises:
        LauncherError: (2) standard input is not a terminal.
    """
    if not unneeded or yes:
        return bool(unneeded)
    if not sys.stdin.isatty():
        raise LauncherError(2, "gc needs confirmation, and there is no terminal to ask on", "standard input", again)
    return click.confirm(question)


@click.command()
@options.options(options.file_argument, options.run_here, options.data, options.sets, options.as_json)
def doctor(file: Path | None, run_name: str | None, data: Path, sets: Sequence[str], output: str) -> None:
    """List what is missing on this machine for a run; exit 105 if anything is missing."""
    config, _ = options.read_run(file, run_name, data, sets)
    checks = examine(config, data)
    given = invocation.current()
    rows = [{**asdict(check), "next_step": complete(check.next_step, given)} for check in checks]
    print_table(rows, output, "this machine")
    if any(check.level == "missing" for check in checks):
        sys.exit(105)
