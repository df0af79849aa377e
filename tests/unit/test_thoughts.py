"""Thoughts of a model are left out of its replies, whichever marks stand around them."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from docent.llm.structure.dialogue import format_dialogue, parse_dialogue
from docent.llm.structure.json_reply import read_reply
from docent.llm.wire.thoughts import without_thoughts

DRAFT, SAID = format_dialogue([("How old?", "Of 1777.")]), format_dialogue([("How old?", "Of 1890.")])
BEFORE = {
    "tags": f"<think>\n{DRAFT}\n</think>\n",
    "no opening tag": f"{DRAFT}\nNo, that is wrong.\n</think>\n",
    "twice": f"<think>{DRAFT}</think>{DRAFT}<think>hm</think>",
    "brackets": f"[THINK]{DRAFT}[/THINK]",
    "brackets without the first": f"{DRAFT}[/THINK]",
    "capitals": f"<THINKING>{DRAFT}</THINKING>",
    "tokens": f"<|begin_of_thought|>{DRAFT}<|end_of_thought|>\n<|begin_of_solution|>",
    "triangles": f"◁think▷{DRAFT}◁/think▷",
    "channels": f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant<|channel|>final<|message|>",
    "a channel with a form": f"<|channel|>analysis<|message|>{DRAFT}<|end|><|channel|>final <|constrain|>x<|message|>",
    "channels without their tokens": f"analysis{DRAFT}assistantfinal",
}


class Age(BaseModel):
    year: int


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE.keys())
def test_only_what_stands_behind_the_thoughts_counts(before: str) -> None:
    assert parse_dialogue(before + SAID, 1) == [("How old?", "Of 1890.")]
    assert read_reply(before.replace(DRAFT, '{"year": 1777}') + '{"year": 1890}', Age).value == Age(year=1890)


@pytest.mark.parametrize(
    "text",
    [f"<think>{DRAFT}", f"</think><think>\n{DRAFT}", f"<|channel|>analysis<|message|>{DRAFT}", f"{DRAFT}</think>"],
)
def test_of_thoughts_without_an_end_nothing_is_said(text: str) -> None:
    assert without_thoughts(text) == ""


@pytest.mark.parametrize("text", [SAID, "", "Press < or > to think.", "a <thin> sheet", "analysis of the glaze"])
def test_a_text_without_thoughts_stays_as_it_is(text: str) -> None:
    assert without_thoughts(text) == text


def test_a_tag_inside_of_whole_json_is_text() -> None:
    class Said(BaseModel):
        answer: str

    said = Said(answer="The tag </think> ends the thoughts.")
    assert read_reply(said.model_dump_json(), Said).value == said
