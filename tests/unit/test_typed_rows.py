"""Replies about sections: what is usable, what becomes of it, and what is said of the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.manual_run import figure, items_of, manual, png

from docent.config.stages import GenerateQA
from docent.llm.chat import ChatReply
from docent.llm.structure.typed import ReasonedReply, TypedReply
from docent.records import Item, QAPair, Reject
from docent.stages.generate_qa import requests_for
from docent.stages.generate_qa.calls import Call, ItemIndex, plan_calls
from docent.stages.generate_qa.conversation import reworded, rewording_request
from docent.stages.generate_qa.shortfall import Tally
from docent.stages.generate_qa.typed import rows_of
from docent.stages.generate_qa.views import Asking


def call_and_asking(kind: str, items: list[Item] | None = None, **settings: Any) -> tuple[Call, Asking]:
    """The first call of a type about the first section."""
    found = items or items_of(manual(2))
    section = GenerateQA(types=(kind,), temperatures=(0.4,), **settings)
    return plan_calls(found, section)[0], Asking(section, 7, ItemIndex.of(found), lambda image: Path(image.file))


def reply(*pairs: tuple[str, str], figures: tuple[str, ...] = (), **fields: Any) -> ChatReply:
    made = [{"question": question, "answer": answer, "figures": list(figures)} for question, answer in pairs]
    value = TypedReply.model_validate({"pairs": made})
    return ChatReply(**{"text": value.model_dump_json(), "finish_reason": "stop", "value": value, **fields})


def problem(kind: str, answered: ChatReply, **settings: Any) -> str:
    call, asking = call_and_asking(kind, **settings)
    problem_of = requests_for([call], asking)[0].problem_of
    assert problem_of is not None
    return problem_of(answered)


GOOD = ("What voltage has the start of the Aquilo 300?", "The start of the Aquilo 300 works at 24 V.")


def test_a_good_pair_has_no_problem() -> None:
    assert problem("inference", reply(GOOD)) == ""
    assert problem("inference", reply(GOOD, ("More than asked for?", "Left out."))) == ""


@pytest.mark.feature("pairs-per-chunk", "true-or-false", "pair-styles")
@pytest.mark.parametrize(
    ("kind", "pairs", "told"),
    [
        ("inference", [], "0 pairs, 1 were asked for"),
        ("inference", [(" \n", "An answer.")], "empty"),
        ("inference", [("A question?", "\x00 ")], "empty"),
        ("inference", [("Long?", "word " * 301)], "301 words, at most 300"),
        ("summarization", [("Long?", "word " * 121)], "121 words, at most 120"),
        ("long_answer", [GOOD, GOOD, ("Another?", "Yes, one.")], "pair 2: its question is a repetition"),
        ("short_answer", [GOOD, ("Two?", "24 V"), ("Three?", "6 months")], "10 words, at most 5"),
        (
            "short_answer",
            [("One?", "25 V"), ("Two?", "24 V."), ("Three?", "6 months")],
            "does not stand in the section",
        ),
        ("boolean", [("Is it?", "Yes, it is."), ("Is it not?", "False. It is.")], "neither with True nor with False"),
        ("true_false_fill_blank", [("Is it 24 V?", "24 V.")], "no blank"),
        ("true_false_fill_blank", [("True or false: it is 12 V.", "False.")], "does not correct"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_few_words(kind: str, pairs: list[tuple[str, str]], told: str) -> None:
    assert told in problem(kind, reply(*pairs))


@pytest.mark.feature("true-or-false")
@pytest.mark.parametrize(
    "pair",
    [
        ("True or false: the start works at 24 V.", "True. The start works at 24 V."),
        ("True or false: it works at 12 V.", "False. It works at 24 V."),
        ("The start works at ____.", "The start works at 24 V."),
    ],
)
def test_a_judged_statement_and_a_filled_blank_are_both_taken(pair: tuple[str, str]) -> None:
    assert problem("true_false_fill_blank", reply(pair)) == ""


@pytest.mark.feature("pair-styles")
def test_short_answers_are_words_of_the_section() -> None:
    assert (
        problem("short_answer", reply(("One?", "24 V"), ("Two?", "every 6 months."), ("Three?", "red lamp 11"))) == ""
    )


@pytest.mark.feature("pairs-per-chunk", "run-statistics")
def test_the_usable_part_of_a_last_reply_is_kept_and_the_rest_reported() -> None:
    call, asking = call_and_asking("long_answer")
    last = reply(GOOD, ("", "x"), problem="1 pairs, 3 were asked for")
    last = ChatReply(last.text, "stop", problem=last.problem)
    rows = list(rows_of(call, last, asking, "m1"))
    assert [type(row) for row in rows] == [QAPair, Reject]
    assert isinstance(rows[1], Reject) and rows[1].reason == "fewer pairs than asked for"
    assert rows[1].detail.startswith(f"long_answer x2: {call.item.name}") and rows[1].parents == (call.item.id,)
    tally = Tally()
    tally.count(call, rows, last)
    assert tally.lines() == ["short of quota: long_answer 1 of 3: 2 x 1 pairs, 3 were asked for"]


@pytest.mark.parametrize(
    ("answered", "reason"),
    [
        (ChatReply("", "", error="HTTP 400: not this one"), "refused by the teacher"),
        (ChatReply("I would rather not.", "stop", problem="no JSON object in it"), "reply not usable"),
        (ChatReply('{"pairs": [', "length", problem="cut off at max_tokens"), "reply not usable"),
        (ChatReply('{"pairs": []}', "stop", problem="0 pairs, 1 were asked for"), "reply not usable"),
    ],
)
def test_a_call_without_anything_usable_is_one_reject_with_type_and_reason(answered: ChatReply, reason: str) -> None:
    call, asking = call_and_asking("inference")
    (row,) = rows_of(call, answered, asking, "m1")
    assert isinstance(row, Reject) and row.reason == reason
    assert row.detail.startswith("inference x1: ") and (answered.error or answered.problem) in row.detail
    tally = Tally()
    tally.count(call, [row], answered)
    assert tally.lines() == [f"short of quota: inference (medium) 0 of 1: 1 x {answered.error or answered.problem}"]


@pytest.mark.feature("figures-in-prompts")
def test_only_listed_figures_are_taken_and_others_are_said() -> None:
    items = items_of(manual(2, {0: [figure(1, png(1), "files/1.png"), figure(2, png(2), "files/2.png")]}))
    call, asking = call_and_asking("inference", items)
    named = ("FIGURE_2", "{{ FIGURE_1 }}", "{{FIGURE_2}}", "../../etc/passwd", "")
    pair, reject = rows_of(call, reply(GOOD, figures=named), asking, "m1")
    assert isinstance(pair, QAPair) and [image.name for image in pair.figures] == ["figure-1.png", "figure-2.png"]
    assert isinstance(reject, Reject) and reject.reason == "figure that was not listed"
    assert (reject.raw, reject.parents) == ("../../etc/passwd", (pair.id,))
    tally = Tally()
    tally.count(call, [pair, reject])
    assert tally.lines() == ["figures named but not listed: 1; their pairs were kept without them"]


@pytest.mark.feature("reasoning")
def test_reasoning_is_kept_beside_the_answer() -> None:
    call, asking = call_and_asking("inference", reasoning=True)
    made = {"question": "Q?", "answer": "A is so.", "reasoning_steps": [" One. ", "", "Two."], "figures": []}
    value = ReasonedReply.model_validate({"pairs": [made]})
    (pair,) = rows_of(call, ChatReply(value.model_dump_json(), "stop", value=value), asking, "m1")
    assert isinstance(pair, QAPair) and pair.reasoning == ("One.", "Two.") and pair.answer == "A is so."


def test_steps_keep_their_lines_and_control_characters_go() -> None:
    call, asking = call_and_asking("process_workflow")
    (pair,) = rows_of(call, reply(("How\x07 is\u2019t done? ", "1. Open  it.\r\n\n2. Close it.\x1b ")), asking, "m1")
    assert isinstance(pair, QAPair)
    assert (pair.question, pair.answer) == ("How is't done?", "1. Open it.\n2. Close it.")


@pytest.mark.feature("pair-styles")
def test_the_second_step_of_a_conversation_changes_questions_only_and_may_fail() -> None:
    call, asking = call_and_asking("conversation")
    answered = reply(*((f"What about the pump, {n}?", f"The pump is number {n}.") for n in range(4)))
    rows = tuple(row for row in rows_of(call, answered, asking, "m1") if isinstance(row, QAPair))
    assert len({row.conversation for row in rows}) == 1 and rows[0].conversation
    request = rewording_request(call, [(row.question, row.answer) for row in rows], "en", asking)
    assert "Question: What about the pump, 3?\nAnswer: The pump is number 3." in request.messages[1].content
    assert "sees nothing else" not in request.messages[0].content, "the second step wants the opposite of the first"
    assert request.problem_of is not None
    assert request.problem_of(reply(GOOD)) == "1 turns, there are 4"
    second = reply(*((f"And it, {n}?", "Another answer.") for n in range(4)))
    assert request.problem_of(second) == ""
    after = reworded(rows, second)
    assert [row.question for row in after] == [f"And it, {n}?" for n in range(4)]
    assert [row.answer for row in after] == [row.answer for row in rows]
    assert not {row.id for row in after} & {row.id for row in rows}
    assert reworded(rows, ChatReply("", "", error="gone")) == list(rows)


@pytest.mark.feature("pair-styles", "run-statistics")
def test_the_balance_of_true_and_false_is_measured() -> None:
    call, asking = call_and_asking("boolean", quotas={"boolean": 3})
    answered = reply(("A?", "True. It is."), ("B?", "False. It is not."), ("C?", "True, it is so."))
    rows = list(rows_of(call, answered, asking, "m1"))
    tally = Tally()
    tally.count(call, rows, answered)
    assert tally.lines() == ["boolean answers: 2 true, 1 false"]


def test_a_second_section_is_any_other_with_a_text_where_none_is_related() -> None:
    items = [item.model_copy(update={"related": ()}) for item in items_of(manual(5))]
    items[2] = items[2].model_copy(update={"text": " \n"})
    index = ItemIndex.of(items)
    call, _ = call_and_asking("multi_hop_reasoning", items)
    for place in (0, 1, 3, 4):
        found = [index.partner(replace(call, item=items[place]), seed) for seed in range(60)]
        assert {one.id for one in found if one} == {items[n].id for n in {0, 1, 3, 4} - {place}}
    assert ItemIndex.of(items[:1]).partner(call, 0) is None
