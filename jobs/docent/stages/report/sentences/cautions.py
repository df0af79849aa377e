"""What limits the verdict: leaks, missing parts, repeated answers, few exhibits. Reads nothing, writes nothing."""

from __future__ import annotations

from docent.evidence.shared_answers import SharedAnswers, shared_with_training
from docent.stages.report.sentences.amounts import counted, thousands
from docent.stages.report.sentences.findings import Evidence
from docent.stages.report.sentences.wording import percent

FEW_CLUSTERS = 40
OFFLINE_TEACHER = "offline-extractive"
FRUITLESS = 0.25
"""Share of requests without a pair from which on it is said."""


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
    found += _unseeing(evidence)
    found += _repeated(evidence)
    if scored and evidence.tuned:
        noise = "the intervals do not cover" if evidence.exhibits > 1 else "nothing here measures"
        found.append(f"One training run per approach: {noise} training noise.")
    if scored and evidence.exhibits == 1:
        found.append(f"With 1 {evidence.unit} there is no interval and no test of significance.")
    elif scored and 0 < evidence.exhibits < FEW_CLUSTERS:
        exhibits = counted(evidence.exhibits, evidence.unit, evidence.units)
        found.append(f"Only {exhibits} were tested: the intervals are wide.")
    if OFFLINE_TEACHER in evidence.teachers:
        found.append(
            "The teacher is offline-extractive, not a language model: its questions are fixed patterns, its answers "
            f"are {offline_answers(evidence)}. {offline_gaps(evidence)}"
        )
    if evidence.made and not evidence.reviewed:
        found.append("No person has checked the questions and answers.")
    found += _gaps(evidence)
    return tuple(found)


def offline_answers(evidence: Evidence) -> str:
    """What the answers of the offline teacher are, after `its answers are`."""
    if evidence.item == "exhibit":
        return "sentences of the descriptions"
    descriptions = "" if evidence.item == "section" else "of a description or "
    piece = "one part of a section" if evidence.parted else "one section"
    return f"sentences {descriptions}of {piece}, put in a few fixed forms for cells of tables and entries of lists"


def offline_gaps(evidence: Evidence) -> str:
    """What such an answer may lack of its source, as a sentence."""
    if evidence.item == "exhibit":
        return "Sentences of a description may be missing, in between and at the end."
    return "Sentences in between may be missing, and so may the end of the section, even the last step of a procedure."


def _unseeing(evidence: Evidence) -> list[str]:
    """That a model answers alike without the photo, where it does so for half of the test or more."""
    if not evidence.compared or 2 * evidence.unseeing < evidence.compared:
        return []
    of = f"{evidence.unseeing} of {counted(evidence.compared, 'test question')}"
    if evidence.unseeing == evidence.compared:
        of = (
            "the only test question" if evidence.compared == 1 else f"all {counted(evidence.compared, 'test question')}"
        )
    return [f"{evidence.blind} answers {of} the same without the photo (blind): it need not look at it."]


def _gaps(evidence: Evidence) -> list[str]:
    """Requests to the teacher that gave nothing, and sections that nothing is known about."""
    found = []
    if evidence.requests and evidence.fruitless >= FRUITLESS * evidence.requests:
        of = f"{thousands(evidence.fruitless)} of {counted(evidence.requests, 'request')} to the teacher"
        found.append(f"{of} ({percent(evidence.fruitless / evidence.requests)}) gave no pair.")
    if evidence.unasked:
        have = "has" if evidence.unasked == 1 else "have"
        found.append(
            f"{thousands(evidence.unasked)} of {counted(evidence.sections, 'section')} {have} no row in the data set."
        )
    return found


def _repeated(evidence: Evidence) -> list[str]:
    """What the test shares with training, beside photos."""
    shared = SharedAnswers(
        evidence.repeated_answers, evidence.recombined_answers, evidence.examples, evidence.exhibits, evidence.item,
        evidence.partly_known_answers,
    )  # fmt: skip
    found = shared_with_training(shared)
    if evidence.shared_figures:
        stand = "stands" if evidence.shared_figures == 1 else "stand"
        figures = f"{evidence.shared_figures} of {counted(evidence.figures, 'figure')}"
        found.append(f"{figures} {stand} in several splits: the test shows pictures that are trained on.")
    return found
