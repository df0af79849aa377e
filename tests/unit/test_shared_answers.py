"""The card of a data set and the report say in the same words what the test shares with training."""

from __future__ import annotations

import pytest

from docent.artifacts.summaries import LeakAudit
from docent.config.stages import BuildDataset
from docent.evidence.shared_answers import shared_with_training
from docent.records import Example, Item, Span, Split
from docent.stages.build_dataset.card import data_card
from docent.stages.build_dataset.splits.audit import Overlap
from docent.stages.build_dataset.splits.subjects import read_subjects
from docent.stages.build_dataset.tally import Tally, statistics
from docent.stages.report.inputs.subject import Subject
from docent.stages.report.sentences.cautions import cautions_of
from docent.stages.report.sentences.findings import Evidence


def item(name: str, kind: str) -> Item:
    return Item.model_validate(
        {
            "id": name,
            "kind": kind,
            "name": name,
            "text": "",
            "source": Span(file="a.md", first_line=1, last_line=1),
            "document_id": "d",
            "document": "a",
        }
    )


def row(item: str, split: Split, answer: str) -> Example:
    return Example(
        id=answer,
        split=split,
        data_id=0,
        item_id=item,
        item_name=item,
        question="What is it?",
        answer=answer,
        temperature=0.0,
        teacher="t",
        question_type="visitor",
        language="English",
        sources=(),
    )


def card_of(kind: str, items: tuple[str, ...]) -> tuple[str, LeakAudit]:
    """The card of a data set whose test answers are training sentences, one of them word for word."""
    subjects = read_subjects(item(name, kind) for name in items)
    tally, overlap = Tally(subjects), Overlap(set(items))
    for name in items:
        first, second = "It is old. It is red.", "It is red. It is old."
        for one in (row(name, "train", first), row(name, "test", second), row(name, "test", first)):
            tally.row(one)
            overlap.add(one)
    audit = LeakAudit(
        leaks=0,
        test_images=0,
        test_answers_also_in_train=overlap.answers(),
        test_answers_of_training_sentences=overlap.of_training_sentences(),
        test_answers_with_training_sentences=overlap.with_training_sentences(),
    )
    return data_card(tally, BuildDataset(name="N", license="mit"), audit, statistics(tally, ())).decode(), audit


@pytest.mark.parametrize(
    ("kind", "items", "says"),
    [
        ("exhibit", ("a", "b"), "4 of 4 test answers consist of sentences that also stand in training answers: those "),
        ("exhibit", ("a",), "those questions can be answered by remembering the text."),
        ("section", ("a", "b"), "their questions test what was trained on."),
    ],
)
def test_card_and_report_say_the_same_of_answers_that_training_knows(
    kind: str, items: tuple[str, ...], says: str
) -> None:
    card, audit = card_of(kind, items)
    evidence = Evidence(
        arms={},
        exhibits=len(items),
        examples=2 * len(items),
        audit=audit,
        subject=Subject(exhibits=len(items)) if kind == "exhibit" else Subject(documents=1, sections=len(items)),
    )
    told = [sentence for sentence in cautions_of(evidence, scored=True) if "training answers" in sentence]
    assert len(told) == 1 and says in told[0]
    assert told[0] in card
    whole = [sentence for sentence in cautions_of(evidence, scored=True) if "word for word" in sentence]
    assert len(whole) == 1 and whole[0] in card


def audited(whole: int = 0, recombined: int = 0, partly: int = 0) -> LeakAudit:
    return LeakAudit(
        leaks=0,
        test_images=9,
        test_answers_also_in_train=whole,
        test_answers_of_training_sentences=recombined,
        test_answers_with_training_sentences=partly,
    )


def test_nothing_is_said_where_nothing_is_shared_and_one_answer_is_one() -> None:
    assert shared_with_training(audited(), 9, 3, "exhibit") == []
    (told,) = shared_with_training(audited(whole=1), 2404, 3, "exhibit")
    assert told.startswith("1 of 2\N{NARROW NO-BREAK SPACE}404 test answers stands in training word for word: ")


def test_answers_that_share_a_sentence_with_training_are_counted_and_told() -> None:
    overlap = Overlap({"a", "b"})
    steps = "Open the lid. Wait an hour. Light the fire."
    for one in (row("a", "train", steps), row("a", "test", f"{steps} Close the lid."), row("b", "test", steps)):
        overlap.add(one)
    assert (overlap.with_training_sentences(), overlap.of_training_sentences()) == (1, 0)
    (told,) = shared_with_training(audited(partly=overlap.with_training_sentences()), 2, 2, "section")
    assert told == "1 of 2 test answers shares at least one sentence with training answers about the same section."
    _, more = shared_with_training(audited(recombined=3, partly=5), 9, 2, "section")
    assert more == "2 more share at least one sentence with training answers about the same section."
