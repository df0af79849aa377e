"""Verbs for a run on the cluster after its start: retry, cancel, wait, and push and pull to copy data.

`push` reads and `pull` writes the given path; both start the run's transfer pod for the duration of the transfer.
"""

from pathlib import Path

import click

from docent.config import PipelineConfig
from docent.errors import LauncherError
from docent.launcher.cluster import start, state
from docent.launcher.cluster.api.client import Cluster
from docent.launcher.cluster.api.differences import change
from docent.launcher.cluster.operate import cancel as stop
from docent.launcher.cluster.operate import retry as launch_again
from docent.launcher.cluster.operate import wait as wait_for_end
from docent.launcher.cluster.state import command
from docent.launcher.cluster.transfer.transfer import volume
from docent.launcher.cluster.watch.attach import attach
from docent.launcher.render import Plan, platform, transfer_pod
from docent.launcher.verbs import options
from docent.launcher.verbs.cluster.target import counted, find, left_out
from docent.launcher.verbs.output.tables import console

_file = click.option(
    "--config",
    "file",
    type=options.PATH,
    default=options.DEFAULT_FILE,
    show_default=True,
    help="Pipeline file with the settings of volume and image, used if the run does not exist yet.",
)
_detach = click.option("--detach", is_flag=True, help="Start the run and return immediately.")


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
    """Wait until a run on the cluster ends; exit code 0: done, 100: failed, 103: cancelled, 104: timed out."""
    cluster, run, _ = find(namespace, run_name)
    try:
        wait_for_end(cluster, run, timeout_s)
    except KeyboardInterrupt:  # it stops the waiting, not the run
        where, again = f"namespace {cluster.namespace}", command("wait", cluster, run)
        raise LauncherError(101, f"stopped waiting; run {run} continues in the cluster", where, again) from None


@click.command()
@click.argument("source", metavar="DIR", type=click.Path(path_type=Path, exists=True))
@click.argument("destination", metavar="[DEST]", required=False)
@options.options(options.which_run, options.namespace, _file)
def push(source: Path, destination: str | None, run_name: str | None, namespace: str, file: Path) -> None:
    """Copy a folder or file to the volume, to DEST below /data (by default, the same relative path)."""
    plain = not source.is_absolute() and ".." not in source.parts and source != Path()
    target = destination or (source.as_posix() if plain else f"sources/{source.resolve().name}")
    cluster = Cluster.connect(namespace)
    plan = Plan.of(_config(cluster, run_name, file))
    _make_platform(cluster, plan)
    start.forget(cluster, [target])
    with volume(cluster, transfer_pod(plan)) as far, counted(f"push {target}") as moved:
        receipt = far.push(source, target, moved, left_out)
    click.echo(f"{receipt.files} files, {receipt.size_bytes / 1e6:.1f} MB copied to /data/{target}")


@click.command()
@click.argument("source", metavar="PATH")
@click.argument("destination", metavar="[DEST]", type=options.PATH, required=False)
@click.option("--replace", is_flag=True, help="Replace DEST if it exists.")
@options.options(options.which_run, options.namespace, _file)
def pull(
    source: str, destination: Path | None, replace: bool, run_name: str | None, namespace: str, file: Path
) -> None:
    """Copy a folder or file from PATH below /data to DEST (by default, its name in the working directory)."""
    name = Path(source).name
    target = destination or Path(name)
    if target.is_dir() and not replace:
        target = target / name
    if target.exists() and not replace:
        raise LauncherError(105, "the destination already exists", str(target), "choose another DEST, or add --replace")
    cluster = Cluster.connect(namespace)
    with volume(cluster, transfer_pod(Plan.of(_config(cluster, run_name, file)))) as far:
        with counted(f"pull {source}") as moved:
            receipt = far.pull(source, target, moved)
    click.echo(f"{receipt.files} files, {receipt.size_bytes / 1e6:.1f} MB copied to {target}")


def _config(cluster: Cluster, run_name: str | None, file: Path) -> PipelineConfig:
    """Return the stored configuration of a run, or that of the file if the run does not exist yet."""
    try:
        run, record = state.find(cluster, run_name)
        return state.stored_config(cluster, run, record)
    except LauncherError as error:
        if error.exit_code != 102 or not file.is_file():
            raise
    return options.read_config(file, run_name, (), cluster.namespace)


def _make_platform(cluster: Cluster, plan: Plan) -> None:
    """Create the platform objects, such as volume, accounts and policies, that do not exist yet."""
    if not start.namespace_exists(cluster):
        start.make_namespace(cluster, plan)
    bodies = [body for body in platform(plan) if body["kind"] != "Namespace" and not start.is_plan(plan, body)]
    missing = [body for body in bodies if cluster.get(body["kind"], body["metadata"]["name"]) is None]
    start.apply(cluster, [change(cluster, body) for body in missing])
