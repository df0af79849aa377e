"""Tell at the end of `docent run` what was left out, what was not written, and which commands follow.

Reads the artifacts of the run; writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import click

from docent.artifacts.summaries import ReviewSummary, Statistics, read_summary
from docent.config.stages import LICENSE_PLACEHOLDER
from docent.launcher.verbs import invocation
from docent.launcher.verbs.output.rejects_text import rejected_names
from docent.messages.suggested_commands import Invocation, complete
from docent.source_files.collection import UNNAMED, license_of, read_source_names


def closing_lines(states: Any, chosen: list[str]) -> Iterator[str]:
    """Yield the closing lines.

    Args:
        chosen: the units of this launch.
    """
    for lines in (_left_out, _shortfall, _unmatched, unlicensed):
        yield from lines(states, chosen)


def _again(states: Any) -> Invocation:
    """Describe a command that repeats this launch: it ends with the same unit."""
    context = click.get_current_context(silent=True)
    given = context.params if context else {}
    last = given.get("last") or given.get("only")
    return replace(invocation.of_run(states.run_dir), span=("--to", last) if last else ())


def _left_out(states: Any, chosen: list[str]) -> Iterator[str]:
    """Yield which photos, files and rows of the sources could not be used, and how to read them again."""
    artifact = states.of("ingest").artifact if "ingest" in chosen else None
    if artifact and artifact.success.rejected:
        listed = artifact.folder / "rejects-*.jsonl"
        yield f"could not be used: {artifact.success.rejected} ({artifact.rejected_because}), named in {listed}"
        yield from rejected_names(artifact)
        yield f"to read them again once they are fixed: {complete('docent run', _again(states))}"


def _shortfall(states: Any, chosen: list[str]) -> Iterator[str]:
    """Yield the question types for which the teacher wrote fewer pairs than asked for."""
    artifact = states.of("build-dataset").artifact if "build-dataset" in chosen else None
    statistics = read_summary(artifact, Statistics)
    if statistics and (missing := statistics.missing_by_type):
        listed = ", ".join(f"{name} {number}" for name, number in missing.most_common())
        more = complete("docent run --set llm.provider=openai", _again(states))
        offline = states.config.llm.provider == "offline"
        yield f"asked for and not written: {listed}" + (
            f"; a model writes more, with a key in OPENAI_API_KEY and for a price: {more}" if offline else ""
        )


def _unmatched(states: Any, chosen: list[str]) -> Iterator[str]:
    """Yield how many decisions of a review are about pairs that have changed since."""
    artifact = states.of("curate").artifact if "curate" in chosen else None
    review = read_summary(artifact, ReviewSummary)
    if review and review.unmatched:
        total = review.matched + review.unmatched
        what = f"{review.unmatched} of {total} decisions are about pairs that are not there"
        yield f"{what}: {complete('docent review', invocation.current())}"


def unlicensed(states: Any, chosen: list[str]) -> Iterator[str]:
    """Yield how to set the licence of a data set whose card says `other` because none was named."""
    section = states.config.build_dataset
    if "build-dataset" not in chosen or section is None or section.license:
        return
    if license_of(read_source_names(states.of("ingest").artifact)) == UNNAMED:
        named = f"docent run --set build_dataset.license={LICENSE_PLACEHOLDER}"
        command = complete(named, _again(states))
        yield f"licence of the data set: {UNNAMED}; to name yours: {command}"
