"""Estimate a run before it starts: memory and steps of each approach, requests to the teacher and their price.

Reads the pipeline file, `config.json` of the base model, and the run as far as it exists; writes and sends nothing. A
stage that can estimate its requests is a package with a module `estimate` that has `estimate(ctx) -> dict`; `memory`
of stage finetune estimates the approaches.
"""

import importlib
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from docent.config import PipelineConfig
from docent.context import Context
from docent.errors import ConfigError, IncompleteInputError, InputError, PipelineError
from docent.launcher.verbs import invocation, options
from docent.launcher.verbs.output.tables import print_table, say_warning
from docent.messages.printing import printable
from docent.messages.suggested_commands import complete
from docent.pipeline import STAGES, Unit
from docent.progress import Progress
from docent.records import Example
from docent.spec import RunStates
from docent.store import Shard

GIB = 2**30


@click.command()
@options.options(
    options.file_argument,
    options.run_here,
    options.data,
    options.sets,
    click.option(
        "--rows",
        type=click.IntRange(1),
        help="Number of training rows; default: those of the run, if it has a data set.",
    ),
    options.as_json,
)
def estimate(
    file: Path | None, run_name: str | None, data: Path, sets: Sequence[str], rows: int | None, output: str
) -> None:
    """Show parameters, steps and memory of each approach, and the requests to the teacher with their price.

    The approaches need only the configuration of the base model: no source, run, weights or GPU. The requests need a
    run that is complete up to `assemble`. One token is estimated as four characters. Every request counts once; retries
    are not included.
    """
    config, run_dir = options.read_run(file, run_name, data, sets)
    states = RunStates(config, run_dir)
    problems: list[PipelineError] = []
    approaches, teacher = None, None
    try:
        approaches = _approaches(config, rows or _training_rows(states))
    except ConfigError as error:
        problems.append(error)
    try:
        teacher = [
            {"unit": unit.name, **_requests(states, unit)}
            for unit in states.units.values()
            if _can_estimate(STAGES[unit.stage].run)
        ]
    except (IncompleteInputError, InputError) as error:
        problems.append(error)
    if problems and approaches is None and teacher is None:
        raise problems[-1]
    for problem in problems:
        next_step = complete(problem.next_step, invocation.current())
        say_warning(f"{problem.what}\n  where: {printable(problem.where)}", next_step)
    if output == "json":
        llm = config.llm
        named = teacher and [{**row, "provider": llm.provider, "model": llm.model, "mode": llm.mode} for row in teacher]
        click.echo(json.dumps({"approaches": approaches, "teacher": named}, indent=1, ensure_ascii=False))
    else:
        _print_tables(config, approaches, teacher, run_dir)


def _approaches(config: PipelineConfig, rows: int | None) -> dict[str, dict[str, Any]] | None:
    """Return the estimates of all approaches, or None if the pipeline trains nothing.

    Raises:
        ConfigError: torch is not installed, or the configuration of the base model cannot be read.
    """
    if config.finetune is None:
        return None
    if importlib.util.find_spec("torch") is None:
        raise ConfigError("an estimate of the approaches needs torch", "", 'pip install "docent[finetune]"')
    module = importlib.import_module(STAGES["finetune"].run.partition(":")[0] + ".memory")
    estimated: dict[str, dict[str, Any]] = module.estimate_approaches(config.finetune, config.seed, rows)
    return estimated


def _training_rows(states: RunStates) -> int | None:
    """Return the number of training rows of the run's data set, or None if there is none yet."""
    for unit in states.units.values():
        if unit.stage == "finetune":
            try:
                return sum(row.split == "train" for row in _context(states, unit).stream(Example))
            except (IncompleteInputError, InputError):
                return None
    return None


def _can_estimate(run: str) -> bool:
    """Return whether a stage can estimate its requests, given the path of its function."""
    # Look for the file: finding the spec of a submodule imports its package, which for `score` is scipy.
    spec = importlib.util.find_spec(run.partition(":")[0])
    folders = (spec.submodule_search_locations or ()) if spec else ()
    return any((Path(folder) / "estimate.py").is_file() for folder in folders)


def _requests(states: RunStates, unit: Unit) -> dict[str, Any]:
    """Return the estimate of a unit's requests.

    Raises:
        IncompleteInputError: (44) an input of the unit is not complete.
        InputError: a source file does not exist.
    """
    module = importlib.import_module(STAGES[unit.stage].run.partition(":")[0] + ".estimate")
    estimated: dict[str, Any] = module.estimate(_context(states, unit))
    return estimated


def _context(states: RunStates, unit: Unit) -> Context:
    """Return the context in which a unit would run.

    Raises:
        IncompleteInputError: (44) an input of the unit is not complete.
        InputError: a source file does not exist.
    """
    inputs = {name: artifact for name in unit.reads if (artifact := states.of(name).artifact) is not None}
    missing = [name for name in unit.reads if name not in inputs]
    if missing:
        what = f"the estimate for {unit.name} needs the output of {', '.join(missing)}, which is not complete"
        raise IncompleteInputError(what, str(states.run_dir), f"docent run --to {missing[-1]}")
    folder = states.run_dir / unit.name
    return Context(states.config, unit, states.run_dir, folder, Shard(0, 1), inputs, Progress(None))


def _print_tables(
    config: PipelineConfig,
    approaches: dict[str, dict[str, Any]] | None,
    requests: list[dict[str, Any]] | None,
    run_dir: Path,
) -> None:
    """Print one table of the approaches and one of the requests, as far as they could be estimated."""
    if approaches and config.finetune:
        rows = [
            {
                "approach": name,
                "trained": f"{one['trainable_parameters']:,}",
                "of_all": f"{100 * one['trainable_parameters'] / one['total_parameters']:.2f} %",
                "steps": one["steps"] or "unknown",
                "processes": one["processes"],
                **{
                    f"{part}_GiB": "unknown" if one[f"{part}_bytes"] is None else f"{one[f'{part}_bytes'] / GIB:.2f}"
                    for part in ("weights", "optimizer", "activation", "peak")
                },
            }
            for name, one in approaches.items()
        ]
        print_table(rows, "table", f"approaches: {config.finetune.base_model}, {config.finetune.dtype}")
    if requests:
        llm = config.llm
        teacher = "the offline teacher" if llm.provider == "offline" else f"{llm.model} at {llm.base_url}, {llm.mode}"
        rows = [{name: "unknown" if value is None else value for name, value in row.items()} for row in requests]
        print_table(rows, "table", f"requests of {run_dir}: {teacher}")
