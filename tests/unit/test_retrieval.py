"""The round trip: a question leads back to its own section, or the pair is rejected."""

from __future__ import annotations

import pytest
from tests.unit.test_curate import item_of, pair

from docent.config.stages import Curate
from docent.records import QAPair, Reject
from docent.stages.curate import GateSet
from docent.stages.curate.gates.retrieval import Retrieval

TEXTS = [
    "Lift the glass cover and open three bolts with the key.",
    "The lamp has a warm and a cool part and is dimmed with the arrow keys.",
    "Clean the belt with alcohol; never oil the belt.",
    "유리 덮개는 위로 들어 올립니다.",
    "玻璃罩要向上提起。",
]
SECTIONS = tuple(
    item_of(f"Manual: part {number}", text, "section", number * 10) for number, text in enumerate(TEXTS, 1)
)


@pytest.mark.parametrize(
    ("question", "own", "rank"),
    [
        ("How are the bolts of the cover opened?", 0, 1),
        ("What must never be done to a belt?", 2, 1),
        ("How are the bolts of the cover opened?", 2, 0),
        ("Which keys dim the lamp?", 0, 2),
        ("유리 덮개를 어떻게 들어 올립니까?", 3, 1),
        ("玻璃罩怎么提起？", 4, 1),
    ],
)
def test_a_question_finds_its_section_in_any_script(question: str, own: int, rank: int) -> None:
    assert Retrieval(TEXTS).rank(question, [own]) == rank


def test_of_two_sections_the_better_one_counts_and_equal_ones_do_not_push_each_other_back() -> None:
    twice = Retrieval([*TEXTS, TEXTS[0]])
    assert twice.rank("How are the bolts of the cover opened?", [5]) == 1
    assert Retrieval(TEXTS).rank("Which keys dim the lamp?", [0, 1]) == 1


def test_without_sections_or_words_nothing_is_found() -> None:
    assert Retrieval([]).rank("What?", []) == 0
    assert Retrieval(["", "…"]).rank("What is the cover?", [0]) == 0


def judged(*pairs: QAPair, rank: int | None = 1) -> list[str]:
    exhibit = item_of("block", "A blue block.", "exhibit", 99)
    section = Curate(round_trip_rank=rank, min_question_support=0, min_answer_support=0)
    verdicts = GateSet(section, [*SECTIONS, exhibit]).judge(list(pairs))
    return [verdict.reason if isinstance(verdict, Reject) else "" for verdict in verdicts]


def test_a_pair_whose_question_leads_elsewhere_is_rejected_when_the_gate_is_on() -> None:
    good = pair("Open three bolts with the key.", "How are the bolts opened?", "fact_based", SECTIONS[0])
    lost = pair("Lift the glass cover with the key.", "Which keys dim the lamp?", "fact_based", SECTIONS[0])
    assert judged(good, lost) == ["", "round trip"]
    assert judged(good, lost, rank=2) == ["", ""]
    assert judged(good, lost, rank=None) == ["", ""]


def test_questions_of_visitors_and_later_turns_of_conversations_are_exempt() -> None:
    exhibit = item_of("block", "A blue block.", "exhibit", 99)
    visitor = pair("This is a blue block.", "What am I looking at?", "visitor", exhibit)
    turn = pair("Open three bolts with the key.", "And then?", "conversation", SECTIONS[0], conversation="c")
    later = turn.model_copy(update={"index": 1})
    assert judged(visitor, later) == ["", ""]


def test_a_pair_about_two_sections_may_lead_to_either() -> None:
    both = pair("The cover is lifted, the belt is cleaned.", "How is the belt cleaned?", "summary", SECTIONS[0])
    alone = both
    both = both.model_copy(update={"sources": (SECTIONS[0].source, SECTIONS[2].source)})
    assert judged(both) == [""]
    assert judged(alone, rank=1) == ["round trip"]
