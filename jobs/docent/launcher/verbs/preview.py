"""Verbs that show in advance what a run would do.

They read the pipeline file (`diff` also the cluster) and write nothing.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from docent.checks import check_stages
from docent.launcher.cluster.api.client import Cluster
from docent.launcher.cluster.inputs import gather
from docent.launcher.cluster.start import differences
from docent.launcher.local.preflight import look_ahead
from docent.launcher.plan import TABLE, choose
from docent.launcher.plan import plan as make_plan
from docent.launcher.render import Plan, launcher_job, platform, to_yaml, transfer_pod, workload
from docent.launcher.runs.settings import ATTEMPT, file_in_force, is_locked
from docent.launcher.verbs import invocation, options
from docent.launcher.verbs.output.status_text import with_attempt
from docent.launcher.verbs.output.tables import print_table
from docent.spec import RunStates


@click.command()
@options.options(
    options.file_argument, options.run_here, options.data, options.sets, options.units_range, options.as_json
)
def plan(
    file: Path | None,
    run_name: str | None,
    data: Path,
    sets: Sequence[str],
    first: str | None,
    last: str | None,
    only: str | None,
    output: str,
) -> None:
    """Show what a run would do, unit by unit, and why."""
    if file is None and run_name and file_in_force(data / run_name, at_work=False).name == ATTEMPT:
        # No unit has succeeded yet: only the settings of the attempt are known, and suggested commands must name them.
        file = click.get_current_context().params["file"] = data / run_name / ATTEMPT
        if not is_locked(data / run_name):  # otherwise the first launch is still running
            again = with_attempt(data / run_name)
            click.echo(
                f"using the settings of the last attempt, which are not stored with the run; to run with them: {again}",
                err=True,
            )
    config, run_dir = options.read_run(file, run_name, data, sets)
    check_stages(config)
    states, chosen = RunStates(config, run_dir), choose(config, first, last, only)
    title = f"plan of {run_dir}{'' if run_dir.is_dir() else ' (new run)'}"
    print_table(list(map(asdict, make_plan(states, chosen))), output, title, TABLE)
    look_ahead(config, states, chosen, invocation.current())


@click.command()
@options.options(options.file_argument, options.run_name, options.namespace_of_file, options.sets)
@click.option("--unit", metavar="UNIT", help="Print only the object of this unit.")
@click.option("-o", "output", type=click.Choice(["yaml", "json"]), default="yaml", help="Output format.")
def render(
    file: Path | None, run_name: str | None, namespace: str | None, sets: Sequence[str], unit: str | None, output: str
) -> None:
    """Print all Kubernetes objects of a run; needs no cluster."""
    config, _ = gather(options.read_config(file, run_name, sets, namespace), {}, missing_ok=True)
    plan = Plan.of(config)
    if unit:
        bodies = [workload(plan, unit)]
    else:
        units = [workload(plan, name) for name in plan.units]
        bodies = [*platform(plan), transfer_pod(plan), launcher_job(plan, 1), *units]
    if output == "json":
        shown = bodies[0] if unit else {"apiVersion": "v1", "kind": "List", "items": bodies}
        click.echo(json.dumps(shown, indent=1, ensure_ascii=False))
    else:
        click.echo("---\n".join(to_yaml(body) for body in bodies), nl=False)


@click.command()
@options.options(options.file_argument, options.run_name, options.namespace_of_file, options.sets)
def diff(file: Path | None, run_name: str | None, namespace: str | None, sets: Sequence[str]) -> None:
    """Show what a run would change on the cluster; exit code 0: nothing, 1: something, above 1: an error."""
    config = options.read_config(file, run_name, sets, namespace)
    lines = differences(Cluster.connect(config.kubernetes.namespace), config)
    for line in lines:
        click.echo(line)
    sys.exit(1 if lines else 0)
