"""Verbs that show what a run would do, before it does it. They read the pipeline file and write nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from docent.launcher.verbs import options


@click.command()
@options.options(
    options.file_argument, options.run_name, options.data, options.sets, options.units_range, options.as_json
)
def plan(
    file: Path,
    run_name: str | None,
    data: Path,
    sets: Sequence[str],
    first: str | None,
    last: str | None,
    only: str | None,
    output: str,
) -> None:
    """Show what a run would do, unit by unit, and why."""
    from docent.launcher.plan import as_json, choose
    from docent.launcher.plan import plan as make_plan
    from docent.launcher.verbs.tables import print_table
    from docent.spec import RunStates

    config, run_dir = options.read_run(file, run_name, data, sets)
    lines = as_json(make_plan(RunStates(config, run_dir), choose(config, first, last, only)))
    print_table(lines, output, f"plan of {run_dir}")
