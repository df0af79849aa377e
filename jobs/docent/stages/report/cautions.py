"""What limits the verdict: leaks, missing parts, repeated answers, few exhibits. Reads nothing, writes nothing."""

from __future__ import annotations

from docent.plurals import counted
from docent.stages.report.findings import Evidence

FEW_CLUSTERS = 40
OFFLINE_TEACHER = "offline-extractive"


def warning_of(evidence: Evidence) -> str:
    """Why the numbers cannot be believed as they are; empty when they can."""
    if not evidence.leaks:
        return ""
    return f"{leaked(evidence)}, so these numbers are too good."


def leaked(evidence: Evidence) -> str:
    """Test photos that training or validation knows, as the beginning of a sentence."""
    of = f" of {evidence.test_photos}" if evidence.test_photos else ""
    descend = (
        "descends from, or is the same file as," if evidence.leaks == 1 else "descend from, or are the same file as,"
    )
    photos = "photo" if not of and evidence.leaks == 1 else "photos"
    return f"{evidence.leaks}{of} test {photos} {descend} {evidence.leaks_from} photos"


def cautions_of(evidence: Evidence, scored: bool) -> tuple[str, ...]:
    """What limits the verdict, one sentence each.

    Args:
        scored: whether any answer was scored.
    """
    found = []
    if evidence.failed_shards:
        parts = (
            "1 part failed and is" if evidence.failed_shards == 1 else f"{evidence.failed_shards} parts failed and are"
        )
        found.append(f"{parts} missing from this run; the list is below.")
    found += _repeated(evidence)
    if scored and evidence.tuned:
        found.append("One training run per approach: the intervals do not cover training noise.")
    if scored and evidence.exhibits == 1:
        found.append(f"With 1 {evidence.item} there is no interval and no test of significance.")
    elif scored and 0 < evidence.exhibits < FEW_CLUSTERS:
        exhibits = counted(evidence.exhibits, evidence.item, evidence.items)
        found.append(f"Intervals over only {exhibits} tend to come out somewhat too narrow.")
    if OFFLINE_TEACHER in evidence.teachers:
        source = "descriptions" if evidence.item == "exhibit" else "documents"
        found.append(
            f"The teacher is offline-extractive: questions and answers are sentences of the {source}, "
            "not written by a language model."
        )
    return tuple(found)


def _repeated(evidence: Evidence) -> list[str]:
    """What the test shares with training, beside photos."""
    found = []
    whole, parts, examples = evidence.repeated_answers, evidence.recombined_answers, evidence.examples
    of = f"of {counted(examples, 'test answer')}"
    if whole:
        stand = "stands" if whole == 1 else "stand"
        found.append(f"{whole} {of} {stand} in training word for word: remembering one is enough to be right.")
    if parts:
        consist = "consists" if parts == 1 else "consist"
        known = "the test asks for recognition, not for new knowledge."
        if evidence.item == "section":
            known = "their questions test what was trained on."
        found.append(f"{parts} {of} {consist} of sentences that also stand in training answers: {known}")
    if evidence.shared_figures:
        stand = "stands" if evidence.shared_figures == 1 else "stand"
        figures = f"{evidence.shared_figures} of {counted(evidence.figures, 'figure')}"
        found.append(f"{figures} {stand} in several splits: the test shows pictures that are trained on.")
    return found
