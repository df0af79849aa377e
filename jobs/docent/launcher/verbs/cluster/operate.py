"""Verbs for a run on the cluster after its start: retry, cancel, wait."""

from __future__ import annotations

import click

from docent.errors import LauncherError
from docent.launcher.cluster.operate import cancel as stop
from docent.launcher.cluster.operate import retry as launch_again
from docent.launcher.cluster.operate import wait as wait_for_end
from docent.launcher.cluster.watch.attach import attach
from docent.launcher.cluster.watch.runs import command
from docent.launcher.verbs import options
from docent.launcher.verbs.cluster.target import find
from docent.launcher.verbs.output.tables import console

_detach = click.option("--detach", is_flag=True, help="Start the run and return at once.")


@click.command()
@options.options(options.which_run, options.namespace, _detach)
def retry(run_name: str | None, namespace: str, detach: bool) -> None:
    """Launch a failed or cancelled run again, with the same plan."""
    cluster, run, record = find(namespace, run_name)
    number = launch_again(cluster, run, record)
    if number is None:
        click.echo(f"nothing to retry: run {run} is done")
        return
    click.echo(f"launch {number} of run {run}")
    if detach:
        click.echo(command("status -w", cluster, run))
        return
    attach(cluster, run, number, console())
    click.echo(command("open", cluster, run))


@click.command()
@options.options(options.which_run, options.namespace)
def cancel(run_name: str | None, namespace: str) -> None:
    """Stop a run on the cluster; complete units and checkpoints of trainings are kept."""
    cluster, run, record = find(namespace, run_name)
    click.echo(f"run {run} is cancelled" if stop(cluster, run, record) else f"nothing to cancel: run {run} has ended")


@click.command()
@options.options(options.which_run, options.namespace)
@click.option("--timeout-s", type=float, help="Exit with 104 after this many seconds.")
def wait(run_name: str | None, namespace: str, timeout_s: float | None) -> None:
    """Wait until a run on the cluster ends; exit 0: done, 100: failed, 103: cancelled, 104: timed out."""
    cluster, run, _ = find(namespace, run_name)
    try:
        wait_for_end(cluster, run, timeout_s)
    except KeyboardInterrupt:  # of the waiting, not of the run
        where, again = f"namespace {cluster.namespace}", command("wait", cluster, run)
        raise LauncherError(101, f"run {run} is not finished yet; it goes on", where, again) from None
