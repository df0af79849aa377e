"""Format the closing lines of `docent run`: rejected rows, missing pairs, the push, and the next commands.

Reads the artifacts of the run and their first rejected rows; writes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import click

from docent.artifacts.pushed import UNIT, is_open, read_push
from docent.artifacts.summaries import ReviewSummary, Statistics, read_summary
from docent.config.stages import LICENSE_PLACEHOLDER
from docent.errors import PipelineError
from docent.launcher.verbs import invocation
from docent.messages.plurals import counted
from docent.messages.printing import printable
from docent.messages.suggested_commands import Invocation, complete
from docent.source_files.collection import UNNAMED, license_of, read_source_names
from docent.spec import RunStates
from docent.store import Artifact

AGAIN = f"docent run --only {UNIT}"
NAMED = 5
"""Maximum number of rejected rows to list."""
MAX_NAME_CHARS = 150


def closing_lines(states: Any, chosen: list[str]) -> Iterator[str]:
    """Yield all closing lines.

    Args:
        chosen: the units of this launch.
    """
    for lines in (_left_out, _shortfall, _unmatched, unlicensed, push_lines):
        yield from lines(states, chosen)


def _again(states: Any) -> Invocation:
    """Describe the options of a command that repeats this launch up to the same last unit."""
    context = click.get_current_context(silent=True)
    given = context.params if context else {}
    last = given.get("last") or given.get("only")
    return replace(invocation.of_run(states.run_dir), span=("--to", last) if last else ())


def _left_out(states: Any, chosen: list[str]) -> Iterator[str]:
    """Yield the photos, files and rows of the sources that could not be used, and the command to read them again."""
    artifact = states.of("ingest").artifact if "ingest" in chosen else None
    if artifact and artifact.success.rejected:
        listed = artifact.folder / "rejects-*.jsonl"
        yield f"rejected by ingest: {artifact.success.rejected} ({artifact.rejected_because}), listed in {listed}"
        yield from rejected_names(artifact)
        yield f"to read them again after fixing them: {complete('docent run', _again(states))}"


def _shortfall(states: Any, chosen: list[str]) -> Iterator[str]:
    """Yield the question types for which the teacher wrote fewer pairs than requested."""
    artifact = states.of("build-dataset").artifact if "build-dataset" in chosen else None
    statistics = read_summary(artifact, Statistics)
    if statistics and (missing := statistics.missing_by_type):
        listed = ", ".join(f"{name} {number}" for name, number in missing.most_common())
        more = complete("docent run --set llm.provider=openai", _again(states))
        offline = states.config.llm.provider == "offline"
        yield f"pairs requested but not written: {listed}" + (
            f"; a model can write more (paid, with a key in OPENAI_API_KEY): {more}" if offline else ""
        )


def _unmatched(states: Any, chosen: list[str]) -> Iterator[str]:
    """Yield how many review decisions refer to pairs that no longer exist."""
    artifact = states.of("curate").artifact if "curate" in chosen else None
    review = read_summary(artifact, ReviewSummary)
    if review and review.unmatched:
        total = review.matched + review.unmatched
        what = f"{review.unmatched} of {total} decisions belong to pairs that do not exist"
        yield f"{what}: {complete('docent review', invocation.current())}"


def unlicensed(states: Any, chosen: list[str]) -> Iterator[str]:
    """Yield the command to set the licence of a data set that has none."""
    section = states.config.build_dataset
    if "build-dataset" not in chosen or section is None or section.license:
        return
    if license_of(read_source_names(states.of("ingest").artifact)) == UNNAMED:
        named = f"docent run --set build_dataset.license={LICENSE_PLACEHOLDER}"
        command = complete(named, _again(states))
        yield f"licence of the data set: {UNNAMED}; to set it: {command}"


def push_lines(states: RunStates, chosen: Sequence[str]) -> Iterator[str]:
    """Yield where the data set was pushed, or why it was not and how to push it.

    Args:
        chosen: names of the units to report on.
    """
    section, artifact = states.config.build_dataset, states.of(UNIT).artifact if UNIT in chosen else None
    if section is None or not section.push_to or artifact is None:
        return
    last, given = read_push(states.run_dir), invocation.of_run(states.run_dir)
    of_this = last is not None and (last.repository, last.digest) == (section.push_to, artifact.digest)
    if last is None or not of_this:
        yield f"data set not pushed to {section.push_to} yet; to push it: {complete(AGAIN, given)}"
    elif is_open(states.config, states.run_dir, artifact):
        yield f"data set not pushed to {last.repository}: {last.reason}"
        yield f"  next: {complete(last.next_step, given)}"
    else:
        yield f"data set pushed to {last.repository}: {counted(last.files, 'file')}, commit {last.commit[:10]}"
        yield from (f"  note: {complete(note, given)}" for note in last.notes)


def rejected_names(artifact: Artifact) -> Iterator[str]:
    """Yield the first rows that a complete unit rejected, and the number of the others."""
    names = list(_names(artifact))
    yield from (f"  {name}" for name in names)
    others = artifact.success.rejected - len(names)
    if names and others > 0:
        yield f"  and {counted(others, 'other')}"


def _names(artifact: Artifact) -> Iterator[str]:
    """Yield the first rejected rows as text; none if the files are damaged, which `docent run --verify` reports."""
    try:
        for reject in islice(artifact.rejects(), NAMED):
            kept = " (its exhibit stays)" if reject.parents and artifact.unit == "ingest" else ""
            yield printable(f"{reject.reason}: {reject.detail or reject.raw}", MAX_NAME_CHARS) + kept
    except (PipelineError, OSError):
        return
