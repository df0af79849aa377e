"""Write sentences about the limits of the verdict: leaks, missing parts, repeated answers, few exhibits."""

from collections.abc import Iterator

from docent.evidence.shared_answers import shared_with_training
from docent.stages.report.inputs.subject import Subject
from docent.stages.report.sentences.amounts import counted, plural, thousands
from docent.stages.report.sentences.findings import Evidence
from docent.stages.report.sentences.wording import percent

FEW_CLUSTERS = 40
OFFLINE_TEACHER = "offline-extractive"
FRUITLESS = 0.25
"""The page warns if at least this share of the requests gave no pair."""


def leaked(evidence: Evidence) -> str:
    """Return the number of test photos that are also in training or validation, as the beginning of a sentence."""
    if evidence.audit is None:
        return ""
    leaks = evidence.audit.leaks
    splits = {"training" if leak.split == "train" else leak.split for leak in evidence.audit.leaked}
    of = f" of {evidence.test_photos}" if evidence.test_photos else ""
    descend = plural(leaks, "descends from, or is the same file as,", "descend from, or are the same file as,")
    photos = "photo" if not of and leaks == 1 else "photos"
    return f"{leaks}{of} test {photos} {descend} {' or '.join(sorted(splits)) or 'training'} photos"


def cautions_of(evidence: Evidence, scored: bool) -> tuple[str, ...]:
    """Return the limits of the verdict, one sentence each.

    Args:
        scored: whether any answer was scored.
    """
    failed, exhibits, subject = evidence.failed_shards, evidence.exhibits, evidence.subject
    sentences = []
    if failed:
        parts = plural(failed, "1 part failed and is", f"{failed} parts failed and are")
        sentences.append(f"{parts} missing from this run; the list is below.")
    sentences += [*_same_without_photo(evidence), *_shared(evidence)]
    if scored and evidence.tuned:
        noise = "the intervals do not cover" if exhibits > 1 else "nothing here measures"
        sentences.append(f"One training run per approach: {noise} training noise.")
    if scored and exhibits == 1:
        sentences.append(f"With 1 {subject.unit} there is no interval and no test of significance.")
    elif scored and 0 < exhibits < FEW_CLUSTERS:
        sentences.append(f"Only {counted(exhibits, subject.unit, subject.units)} were tested: the intervals are wide.")
    if OFFLINE_TEACHER in evidence.teachers:
        sentences.append(
            "The teacher is offline-extractive, not a language model: its questions are fixed patterns, its answers "
            f"are {offline_answers(subject)}. {offline_gaps(subject)}"
        )
    if evidence.data_set and not evidence.reviewed:
        sentences.append("No person has checked the questions and answers.")
    return (*sentences, *_gaps(evidence))


def offline_answers(subject: Subject) -> str:
    """Return what the offline teacher's answers consist of, to follow the words `its answers are`."""
    if subject.item == "exhibit":
        return "sentences of the descriptions"
    descriptions = "" if subject.item == "section" else "of a description or "
    piece = "one part of a section" if subject.parted else "one section"
    return f"sentences {descriptions}of {piece}, put in a few fixed forms for cells of tables and entries of lists"


def offline_gaps(subject: Subject) -> str:
    """Return a sentence about what an answer of the offline teacher may leave out of its source."""
    if subject.item == "exhibit":
        return "Sentences of a description may be missing, in between and at the end."
    return "Sentences in between may be missing, and so may the end of the section, even the last step of a procedure."


def _same_without_photo(evidence: Evidence) -> Iterator[str]:
    """Yield a sentence if a model gives the same answer without the photo for at least half of the test questions."""
    blind = evidence.blind
    if blind is None or not blind.compared or 2 * blind.same < blind.compared:
        return
    questions = counted(blind.compared, "test question")
    of = f"{blind.same} of {questions}"
    if blind.same == blind.compared:
        of = plural(blind.compared, "the only test question", f"all {questions}")
    yield f"{blind.model} answers {of} the same without the photo (blind): it need not look at it."


def _gaps(evidence: Evidence) -> Iterator[str]:
    """Yield sentences about requests to the teacher that gave no pair, and sections without a row in the data set."""
    requests, fruitless = evidence.requests, evidence.fruitless
    if requests and fruitless >= FRUITLESS * requests:
        of = f"{thousands(fruitless)} of {counted(requests, 'request')} to the teacher"
        yield f"{of} ({percent(fruitless / requests)}) gave no pair."
    sections = evidence.subject.sections
    if evidence.data_set and (unasked := sections - evidence.subject.asked):
        have = plural(unasked, "has", "have")
        yield f"{thousands(unasked)} of {counted(sections, 'section')} {have} no row in the data set."


def _shared(evidence: Evidence) -> Iterator[str]:
    """Yield sentences about answers and figures that are in both test and training."""
    audit = evidence.audit
    if audit is None:
        return
    yield from shared_with_training(audit, evidence.examples, evidence.exhibits, evidence.subject.item)
    if shared := audit.figures_in_several_splits:
        figures = f"{shared} of {counted(audit.figures or 0, 'figure')} {plural(shared, 'stands', 'stand')}"
        yield f"{figures} in several splits: the test shows pictures that are trained on."
