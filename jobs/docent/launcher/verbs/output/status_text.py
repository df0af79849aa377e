"""Print the state of a run for users: the table, the time left, and the next commands. Reads the run folder."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from docent.artifacts.confinement import inside
from docent.errors import TemporaryError
from docent.launcher.local.backend import slots
from docent.launcher.runs.folder import status, unstored_attempt
from docent.launcher.runs.settings import ATTEMPT, RESOLVED, file_in_force, is_locked
from docent.launcher.runs.time_left import left
from docent.launcher.runs.unit_state import TABLE, Phase, StatusLine, note
from docent.launcher.verbs import invocation
from docent.launcher.verbs.output.closing_text import push_lines, rejected_names
from docent.launcher.verbs.output.tables import table
from docent.messages.printing import printable
from docent.messages.suggested_commands import complete
from docent.spec import RunStates

SECONDS = "seconds: computing time since the last start, summed over shards; without process start and waiting times"
"""Explains the column `seconds`, because `docent run` prints the time from start to end instead."""


def picture(states: RunStates) -> Any:
    """Return the table of units, and below it the remaining time of the current launch, if known."""
    from rich.console import Group
    from rich.text import Text

    rows = [{key: value for key, value in asdict(line).items() if key in TABLE} for line in status(states)]
    below = [SECONDS] if any(row["seconds"] is not None for row in rows) else []
    if time_left := left(states, slots(states.config.run.workers)):
        below.append(str(time_left))
    return Group(table(rows, str(states.run_dir)), *map(Text, below))


def what_next(states: RunStates) -> Iterator[str]:
    """Yield the lines below the table: rejected rows, and how to continue if no launcher works on the run."""
    run_dir = states.run_dir
    given = invocation.of_run(run_dir)
    at_work = is_locked(run_dir)
    if not at_work:
        yield from of_unstored_attempt(states)
    lines = status(states)
    for line in lines:
        if line.phase is Phase.DONE and line.rejected and (artifact := states.of(line.unit).artifact):
            yield f"rejected by {line.unit}: {line.rejected}, listed in {artifact.folder / 'rejects-*.jsonl'}"
            if line.unit == "ingest":  # only these can be fixed by the user; other stages reject docent's own pairs
                yield from rejected_names(artifact)
        if line.phase is Phase.FAILED and not at_work:
            yield f"{line.unit} failed: {complete(f'docent logs {line.unit}', given)}"
    if at_work:
        return
    if any(line.phase is not Phase.DONE for line in lines):
        yield from _next_of_open(states, lines)
        return
    yield from push_lines(states, [line.unit for line in lines])
    if any(line.unit == "ingest" and line.rejected for line in lines):
        yield f"to read the rejected files again after fixing them: {complete('docent run', given)}"
    if page := report_page(states):
        yield f"report: {page}"


def report_page(states: RunStates) -> Path | None:
    """Return the path of the report, by its latest link if there is one; None if it is not complete."""
    report = states.of("report").artifact if "report" in states.units else None
    latest = inside(states.run_dir, "report/latest/index.html")
    if report is None:
        return None
    return latest if latest.is_file() else report.folder / "index.html"


def _next_of_open(states: RunStates, lines: list[StatusLine]) -> Iterator[str]:
    """Yield the next command for an incomplete run: the suggestion of the first failure, or else the same command."""
    run_dir = states.run_dir
    stored = file_in_force(run_dir, at_work=False).name == RESOLVED
    failed = [line for line in lines if line.phase is Phase.FAILED]
    advised = next((line.next_step for line in failed if "docent run" in line.next_step), "")
    if stored and advised:
        yield f"next: {advised}"
        return
    if advised := next((line.next_step for line in failed if line.next_step), ""):
        yield f"the error message advises: {advised}"
    elif any(line.exit_code != TemporaryError.exit_code for line in failed):
        yield "fix the cause first; otherwise the same command fails again"
    yield f"next: {complete('docent run', invocation.of_run(run_dir)) if stored else with_attempt(run_dir)}"


def of_unstored_attempt(states: RunStates) -> Iterator[str]:
    """Yield how the last launch ended and how to continue it, if its settings are not stored with the run."""
    run_dir = states.run_dir
    units = unstored_attempt(states)
    if units:
        yield f"the last attempt used other settings, which are not stored with run {run_dir.name}:"
        for name, unit in units.items():
            yield printable(f"  {name} {'' if unit.phase is Phase.STOPPED else 'failed: '}{note(unit)}", max_chars=2000)
        yield f"  to continue with them: {with_attempt(run_dir)}"


def with_attempt(run_dir: Path) -> str:
    """Return the command that continues the run with the settings of its last attempt."""
    return complete("docent run", replace(invocation.of_run(run_dir), file=str(run_dir / ATTEMPT)))
