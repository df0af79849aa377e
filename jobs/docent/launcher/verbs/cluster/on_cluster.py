"""Implement the verbs run, status, logs, gc and open for runs on a cluster.

Reads the pipeline file and the cluster; writes what `docent run` creates there, and with `open` a copy of the report.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from docent.checks import check_stages
from docent.config import PipelineConfig
from docent.errors import LauncherError
from docent.launcher.cluster import start
from docent.launcher.cluster.api.client import Cluster
from docent.launcher.cluster.api.execution import CommandError
from docent.launcher.cluster.inputs import Input
from docent.launcher.cluster.operate import garbage, launch
from docent.launcher.cluster.start import Intent
from docent.launcher.cluster.state import RunRecord, command, place, standing, stored_config
from docent.launcher.cluster.transfer.transfer import volume
from docent.launcher.cluster.watch import logs as cluster_logs
from docent.launcher.cluster.watch.attach import RunWatcher, attach
from docent.launcher.local.preflight import without_pictures
from docent.launcher.render import Plan, transfer_pod
from docent.launcher.runs.unit_state import TABLE, Phase, after_launch, status_line
from docent.launcher.verbs import invocation
from docent.launcher.verbs.cluster.target import ask, counted, find, left_out
from docent.launcher.verbs.output.tables import console, print_table
from docent.messages.plurals import counted as of_number
from docent.messages.printing import terminal_safe
from docent.messages.suggested_commands import CALLED_AS, as_text
from docent.pipeline import units


def run(config: PipelineConfig, yes: bool, detach: bool) -> None:
    """Start a run in the cluster, or watch it if it is running; do nothing if it is complete.

    Raises:
        ConfigError: a stage does not support the configuration.
        LauncherError: the run cannot start or has failed; with the matching exit code.
    """
    check_stages(config)
    for problem in without_pictures(config, list(units(config).values())):
        raise problem
    cluster = Cluster.connect(config.kubernetes.namespace)
    intent = start.intend(cluster, config)
    name, todo = config.run.name, start.verdict(cluster, intent)
    number = None
    if todo == "nothing":
        click.echo(f"nothing to do: {len(intent.plan.units)} units of run {name} are complete in {cluster.namespace}")
    elif todo == "launch":
        number = _launch(cluster, intent, yes)
    else:
        click.echo(f"run {name} is already running in namespace {cluster.namespace}")
    if todo != "nothing" and detach:
        click.echo(command("status -w", cluster, name))
        return
    if todo != "nothing":
        attach(cluster, name, number, console())
        click.echo(f"run {name} is done")
    if "report" in intent.plan.units:
        click.echo(f"report: {command('open', cluster, name)}")


def _launch(cluster: Cluster, intent: Intent, yes: bool) -> int:
    plan, again = intent.plan, "docent run --yes"
    print_table(start.plan_table(plan), "table", f"run {plan.run} in namespace {cluster.namespace}")
    for one in intent.pushes:
        click.echo(f"will be copied to the volume: {one.source} -> /data/{one.destination}")
    new = not start.namespace_exists(cluster)
    if new:
        ask(f"create namespace {cluster.namespace} and start the run in it?", yes, again)
        start.make_namespace(cluster, plan)
    changes = start.check(cluster, plan)
    if not new:
        ask("start the run?", yes, again)
    written = start.apply(cluster, changes)
    click.echo(f"{written} of {len(changes)} platform objects applied, {len(changes) - written} unchanged")
    start.send_inputs(cluster, intent, _sending, left_out)
    return launch(cluster, intent)


@contextmanager
def _sending(one: Input) -> Iterator[Callable[[int], Any]]:
    """Print which input is being sent; on a terminal, also show its size and speed."""
    click.echo(f"sending {one.source} to /data/{one.destination}")
    with counted(one.destination) as moved:
        yield moved


def status(namespace: str, run_name: str | None, output: str, watch: bool) -> None:
    """Show the state of a run; with `watch`, until it ends."""
    cluster, name, record = find(namespace, run_name)
    where = place(cluster, name)
    if watch and output == "table":
        click.echo(where)
        attach(cluster, name, None, console())
        return
    how = standing(cluster, name, record)
    # Before a new launch has begun, the record still describes the previous one.
    units = {unit: state if how == "running" else after_launch(state) for unit, state in record.units.items()}
    rows = [asdict(status_line(unit, state)) for unit, state in units.items()]
    title = f"{where}: {how}, launch {record.run.get('launch', record.launch)}"
    if output == "table" and not rows:  # a table without rows has no title either
        click.echo(title)
    else:
        print_table(rows, output, title, TABLE)
    if how == "starting" and (why := RunWatcher(cluster, name).obstacle()):
        click.echo(f"the launcher is waiting: {why}", err=True)


def logs(namespace: str, run_name: str | None, unit: str, index: int | None, follow: bool) -> None:
    """Print the log of a unit, or of `launcher`."""
    cluster, name, record = find(namespace, run_name)
    known = list(dict.fromkeys([*record.run.get("plans", ()), *record.units, "launcher"]))
    if unit not in known:
        raise LauncherError(102, f"unit {unit!r} does not exist", f"run {name}", f"use one of: {', '.join(known)}")
    if follow:
        lines = cluster_logs.follow(cluster, name, unit, index)
    else:
        lines = cluster_logs.lines(cluster, name, record, unit, index)
    try:
        for line in lines:
            click.echo(line)
    except KeyboardInterrupt:  # it stops the watching, not the run
        again = command(f"logs {unit} -f", cluster, name)
        what = f"stopped watching; run {name} continues in the cluster"
        raise LauncherError(101, what, place(cluster, name), again) from None


def gc(namespace: str, run_name: str | None, everything: bool, models: bool, yes: bool) -> None:
    """Delete unneeded files on the run's volume, then its unneeded objects."""
    cluster, name, record = find(namespace, run_name)
    unneeded = garbage(cluster, name, record, everything)
    chosen = ["--all"] * everything + ["--models"] * models
    again = command(" ".join(["gc", *chosen, "--yes"]), cluster, name)
    if not everything:
        _tidy_volume(cluster, name, record, ["--models"] if models else [], again, yes)
    for body in unneeded:
        click.echo(f"{body['kind']}/{body['metadata']['name']}")
    if not unneeded:
        click.echo("no objects to delete")
        return
    ask(f"delete the {of_number(len(unneeded), 'object')} listed above?", yes, again)
    for body in unneeded:  # by uid: keep an object that was meanwhile created under the same name
        cluster.delete(body["kind"], body["metadata"]["name"], body["metadata"]["uid"])


def _tidy_volume(cluster: Cluster, name: str, record: RunRecord, models: list[str], again: str, yes: bool) -> None:
    """Run `docent gc` in the transfer pod: list files first, and delete them after confirmation.

    Args:
        models: the option `--models`, if it was given.
        again: the command that deletes without asking.
    """
    called_as = f"{CALLED_AS}={as_text(invocation.of_run_on_cluster(name, cluster.namespace))}"  # for suggestions
    tidy = ["env", called_as, "docent", "gc", "--run", name, "--data", "/data", *models]
    with volume(cluster, transfer_pod(Plan.of(stored_config(cluster, name, record)))) as far:
        shown: set[str] = set()
        try:
            _show_lines(far.run(tidy), shown)
        except CommandError as error:
            if error.status != 2:  # 2: it has listed the files and needs confirmation
                raise LauncherError(100, error.stderr.strip(), f"run {name}", command("gc", cluster, name)) from None
            ask("delete these files from the volume?", yes, again)
            _show_lines(far.run([*tidy, "--yes"]), shown)


def _show_lines(pieces: Iterable[bytes], shown: set[str]) -> None:
    """Print the lines of a listing that were not shown before, even if reading the chunks ends with an error."""
    received = b""
    try:
        for piece in pieces:
            received += piece
    finally:
        lines = [terminal_safe(line.decode("utf-8", "replace")) for line in received.splitlines()]
        for line in lines:
            if line not in shown:
                click.echo(line)
        shown.update(lines)


def fetch_report(namespace: str, run_name: str | None, data: Path) -> Path:
    """Copy the report page from the volume, and return its local path.

    Raises:
        LauncherError: (102) the report has not been written yet.
    """
    cluster, name, record = find(namespace, run_name)
    unit = record.units.get("report")
    if unit is None or unit.phase is not Phase.DONE or not unit.spec:
        where = f"run {name} in namespace {cluster.namespace}"
        raise LauncherError(102, "the report has not been written yet", where, command("wait", cluster, name))
    page = data / f"{name}-on-cluster" / "report.html"
    with volume(cluster, transfer_pod(Plan.of(stored_config(cluster, name, record)))) as far:
        with counted("report") as moved:
            far.pull(f"{name}/report/{unit.spec[:10]}/index.html", page, moved)
    return page
