"""Name the first rows that a unit rejected. Reads `rejects-*.jsonl` of the run folder; writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from docent.errors import PipelineError
from docent.messages.plurals import counted
from docent.messages.printing import printable
from docent.store import Artifact

NAMED = 5
"""Rows that are named; the file has all of them."""
MAX_NAME_CHARS = 150


def rejected_names(artifact: Artifact) -> Iterator[str]:
    """Yield the first rows that a complete unit rejected, and how many others there are."""
    names = list(_names(artifact))
    yield from (f"  {name}" for name in names)
    others = artifact.success.rejected - len(names)
    if names and others > 0:
        yield f"  and {counted(others, 'other')}"


def _names(artifact: Artifact) -> Iterator[str]:
    """Yield the first rejected rows in words; none where the files are damaged, which `docent run --verify` finds."""
    try:
        for reject in islice(artifact.rejects(), NAMED):
            kept = " (its exhibit stays)" if reject.parents and artifact.unit == "ingest" else ""
            yield printable(f"{reject.reason}: {reject.detail or reject.raw}", MAX_NAME_CHARS) + kept
    except (PipelineError, OSError):
        return
