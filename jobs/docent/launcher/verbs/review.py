"""Define the verb `review`: write pairs as a page and a CSV file for people to review, and apply their decisions.

Reads the run; writes only `<run>/review/`.
"""

import importlib
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import click

from docent.artifacts.confinement import inside
from docent.config.stages import EDITS_PLACEHOLDER
from docent.errors import LauncherError
from docent.launcher.runs.settings import resolved_config
from docent.launcher.verbs import invocation, options
from docent.messages.suggested_commands import complete
from docent.records import QAPair
from docent.spec import RunStates

REVIEW = "docent.stages.curate.review"
"""The package that implements the verb, imported only when needed."""
MOST_LINES_NAMED = 20


@click.command()
@options.options(options.run_argument, options.data)
@click.option(
    "--apply",
    "edits",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Check the decisions in this CSV file, and store them with the run.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=300, show_default=True, help="Maximum number of pairs on the page."
)
def review(run_name: str | None, data: Path, edits: Path | None, limit: int) -> None:
    """Write a run's pairs for people to read, edit and approve; with --apply, store their decisions."""
    run_dir = options.find_run(data, run_name)
    states = RunStates(resolved_config(run_dir), run_dir, as_left=True)
    if edits is not None:
        _apply_edits(states, edits)
        return
    folder = inside(run_dir, "review")
    counts = importlib.import_module(f"{REVIEW}.review").write(_inputs(states), folder, run_dir.name, limit)
    total, on_page, carried, without_pair = map(counts.pop, ("pairs", "on_page", "carried", "without_pair"))
    click.echo(f"{total} pairs: {', '.join(f'{count} {name}' for name, count in counts.items())}")
    if carried:
        click.echo(f"{carried} decisions and notes were copied from the previous pairs.csv")
    if without_pair:
        kept = run_dir / "review" / "decisions-without-pair.csv"
        click.echo(f"{without_pair} decisions belong to pairs that no longer exist; they were moved to {kept}")
    click.echo(f"all pairs     {run_dir / 'review' / 'pairs.csv'}")
    click.echo(f"{_to_read(on_page, total, limit)}  {run_dir / 'review' / 'index.html'}")
    again = complete(f"docent review {run_dir.name}", invocation.current())
    click.echo(f"next: {again} --apply {EDITS_PLACEHOLDER}")


def _to_read(on_page: int, total: int, limit: int) -> str:
    if on_page == total:
        return f"{on_page} to read"
    more = f"; for all: --limit {total}" if on_page == limit else ", the maximum of a page"
    return f"{on_page} of {total} to read{more}"


def _inputs(states: RunStates) -> dict[str, Any]:
    """Return the complete units of the run.

    Raises:
        LauncherError: (102) the run has no pairs yet.
    """
    inputs = {name: artifact for name in states.units if (artifact := states.of(name).artifact) is not None}
    if not {"assemble", "generate-qa"} <= inputs.keys():
        raise LauncherError(102, "the run has no pairs yet", str(states.run_dir), "docent run --to curate")
    return inputs


def _apply_edits(states: RunStates, path: Path) -> None:
    """Check the decisions as stage curate does, store them with the run, and print counts and the next command."""
    decided = importlib.import_module(f"{REVIEW}.edits").read_edits(path)
    known = {pair.id for pair in _inputs(states)["generate-qa"].rows(QAPair) if pair.id in decided}
    counts = Counter(edit.decision for edit in decided.values())
    decisions = ", ".join(f"{counts[name]} {name}" for name in sorted(counts)) or "no decisions"
    click.echo(f"{path}: {decisions}")
    if unknown := sorted(edit.line for pair_id, edit in decided.items() if pair_id not in known):
        lines = ", ".join(map(str, unknown[:MOST_LINES_NAMED]))
        click.echo(f"{len(unknown)} decisions belong to pairs that do not exist in this run: lines {lines}")
    earlier = importlib.import_module(f"{REVIEW}.earlier_decisions")
    folder = inside(states.run_dir, "review")
    if left_out := earlier.store(path, folder):
        click.echo(f"{left_out} decisions applied earlier are not in this file, but in {folder / earlier.BEFORE}")
    stored = folder / earlier.APPLIED
    resolved = str(states.run_dir / "pipeline.resolved.yaml")
    command = shlex.join(["docent", "run", resolved, "--set", f"curate.edits={stored}"])
    click.echo(f"next: {complete(command, invocation.current())}")
