"""The verb that estimates a run before it starts: what the teacher is asked, and its price.

Reads the pipeline file and what is complete of the run on this machine; writes nothing and asks nobody. A unit whose
stage can tell has a module `estimate` beside it with `estimate(ctx) -> dict`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from docent.context import Context
from docent.errors import IncompleteInputError
from docent.launcher.verbs import options
from docent.launcher.verbs.output.tables import print_table
from docent.pipeline import STAGES, Unit
from docent.progress import Progress
from docent.spec import RunStates
from docent.store import Shard


@click.command()
@options.options(options.file_argument, options.run_here, options.data, options.sets, options.as_json)
def estimate(file: Path | None, run_name: str | None, data: Path, sets: Sequence[str], output: str) -> None:
    """Show what the teacher will be asked, and what that costs.

    A token counts as four characters. Every request counts once; repeated requests come on top.
    """
    config, run_dir = options.read_run(file, run_name, data, sets)
    states = RunStates(config, run_dir)
    again = options.same_run(file, config.run.name, data)
    asking = [unit for unit in states.units.values() if _can_estimate(STAGES[unit.stage].run)]
    rows = [{"unit": unit.name, **_estimated(states, unit, again)} for unit in asking]
    llm = config.llm
    if output == "table":
        rows = [{name: "unknown" if value is None else value for name, value in row.items()} for row in rows]
    else:
        rows = [{**row, "provider": llm.provider, "model": llm.model, "mode": llm.mode} for row in rows]
    teacher = "the offline teacher" if llm.provider == "offline" else f"{llm.model} at {llm.base_url}, {llm.mode}"
    print_table(rows, output, f"estimate for {run_dir}: {teacher}")


def _can_estimate(run: str) -> bool:
    """Return whether a stage can estimate what it will ask."""
    # Looked for as a file: finding the spec of a submodule imports its package, which for `score` is scipy.
    spec = importlib.util.find_spec(run.partition(":")[0])
    folders = (spec.submodule_search_locations or ()) if spec else ()
    return any((Path(folder) / "estimate.py").is_file() for folder in folders)


def _estimated(states: RunStates, unit: Unit, again: str) -> dict[str, Any]:
    """Return the estimate of a unit's stage.

    Raises:
        IncompleteInputError: (44) a unit that it reads is not complete.
    """
    inputs = {name: artifact for name in unit.reads if (artifact := states.of(name).artifact) is not None}
    missing = [name for name in unit.reads if name not in inputs]
    if missing:
        raise IncompleteInputError(
            f"an estimate of {unit.name} needs what it reads: {', '.join(missing)}",
            str(states.run_dir),
            f"docent run {again} --to {missing[-1]}",
        )
    folder = states.run_dir / unit.name
    ctx = Context(states.config, unit, states.run_dir, folder, Shard(0, 1), inputs, Progress(None))
    module = importlib.import_module(STAGES[unit.stage].run.partition(":")[0] + ".estimate")
    estimated: dict[str, Any] = module.estimate(ctx)
    return estimated
