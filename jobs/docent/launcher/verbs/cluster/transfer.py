"""Copy data onto and off the volume of a run in the cluster: `docent push` and `docent pull`.

They read or write the given folder, and start the run's transfer pod for the time of the transfer.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from docent.launcher.verbs import options
from docent.launcher.verbs.cluster.target import connect, counted, left_out

if TYPE_CHECKING:
    from docent.config import PipelineConfig
    from docent.launcher.cluster.api.client import Cluster

_file = click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    default=options.DEFAULT_FILE,
    show_default=True,
    help="Pipeline file that names volume and image while there is no run yet.",
)


@click.command()
@click.argument("source", metavar="DIR", type=click.Path(path_type=Path, exists=True))
@click.argument("destination", metavar="[DEST]", required=False)
@options.options(options.which_run, options.namespace, _file)
def push(source: Path, destination: str | None, run_name: str | None, namespace: str, file: Path) -> None:
    """Copy a folder or file to the volume, to DEST below /data (by default, the same relative path)."""
    from docent.launcher.cluster.start import forget
    from docent.launcher.cluster.transfer.transfer import volume
    from docent.launcher.render import Plan, transfer_pod

    plain = not source.is_absolute() and ".." not in source.parts and source != Path()
    target = destination or (source.as_posix() if plain else f"sources/{source.resolve().name}")
    cluster = connect(namespace)
    plan = Plan.of(_config(cluster, run_name, file))
    _make_platform(cluster, plan)
    forget(cluster, [target])
    with volume(cluster, transfer_pod(plan)) as far, counted(f"push {target}") as moved:
        receipt = far.push(source, target, moved, left_out)
    click.echo(f"{receipt.files} files, {receipt.size_bytes / 1e6:.1f} MB copied to /data/{target}")


@click.command()
@click.argument("source", metavar="PATH")
@click.argument("destination", metavar="[DEST]", type=click.Path(path_type=Path), required=False)
@click.option("--replace", is_flag=True, help="Replace DEST if it exists.")
@options.options(options.which_run, options.namespace, _file)
def pull(
    source: str, destination: Path | None, replace: bool, run_name: str | None, namespace: str, file: Path
) -> None:
    """Copy a folder or file from PATH below /data to DEST (by default, its name in the working directory)."""
    from docent.errors import LauncherError
    from docent.launcher.cluster.transfer.transfer import volume
    from docent.launcher.render import Plan, transfer_pod

    name = Path(source).name
    target = destination or Path(name)
    if target.is_dir() and not replace:
        target = target / name
    if target.exists() and not replace:
        raise LauncherError(105, "the destination exists already", str(target), "another DEST, or --replace")
    cluster = connect(namespace)
    with volume(cluster, transfer_pod(Plan.of(_config(cluster, run_name, file)))) as far:
        with counted(f"pull {source}") as moved:
            receipt = far.pull(source, target, moved)
    click.echo(f"{receipt.files} files, {receipt.size_bytes / 1e6:.1f} MB copied to {target}")


def _config(cluster: Cluster, run_name: str | None, file: Path) -> PipelineConfig:
    """Return the stored configuration of a run, or that of the file where there is no run yet."""
    from docent.errors import LauncherError
    from docent.launcher.cluster.watch.runs import find, stored_config

    try:
        run, record = find(cluster, run_name)
        return stored_config(cluster, run, record)
    except LauncherError as error:
        if error.exit_code != 102 or not file.is_file():
            raise
    return options.read_config(file, run_name, (), cluster.namespace)


def _make_platform(cluster: Cluster, plan: Any) -> None:
    """Create volume, accounts and policies, as far as they do not exist yet."""
    from docent.launcher.cluster import start
    from docent.launcher.cluster.api.differences import change
    from docent.launcher.render import platform

    if not start.namespace_exists(cluster):
        start.make_namespace(cluster, plan)
    bodies = [body for body in platform(plan) if body["kind"] != "Namespace" and not start.is_plan(plan, body)]
    missing = [body for body in bodies if cluster.get(body["kind"], body["metadata"]["name"]) is None]
    start.apply(cluster, [change(cluster, body) for body in missing])
