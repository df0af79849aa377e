"""JSON from a model: asked for in three ways, read without guessing, whatever stands around it or is broken in it."""

from __future__ import annotations

import asyncio
import copy
import json
import math
import re
from datetime import date
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from docent.llm.chat import RequestRefusedError
from docent.llm.journal.records import Entry
from docent.llm.structure import json_reply
from docent.llm.structure.json_reply import read_reply
from docent.llm.structure.structure import (
    PROBE_QUESTION,
    RUNGS,
    Probe,
    Rung,
    ask_for_json,
    choose_rung,
    correction,
)
from docent.llm.wire.thoughts import without_thoughts


class Pair(BaseModel):
    question: str
    answer: str


class Pairs(BaseModel):
    """What a teacher writes about one exhibit."""

    pairs: list[Pair] = Field(min_length=1, max_length=5, description="One per topic.")
    level: Literal["easy", "hard"] = "easy"
    title: str | None = None
    share: float = 0.5


class Tree(BaseModel):
    name: str
    children: list[Tree] = []


class Loose(BaseModel):
    values: dict[str, Any]


PAIR = Pair(question="What is it?", answer="A Klein bottle.")
GOOD = PAIR.model_dump_json()
FENCED = f"```json\n{GOOD}\n```"

READ = {
    "plain": GOOD,
    "white space and a byte order mark": f"\ufeff \n{GOOD}\n",
    "fence": FENCED,
    "fence without a language": f"```\n{GOOD}\n```",
    "fence in a fence": f"````markdown\n{FENCED}\n````",
    "fence on one line": f"```json {GOOD} ```",
    "fence never closed": f"```json\n{GOOD}",
    "prose around": f"Sure! Here it is: {GOOD} I hope {{this}} helps.",
    "braces in the prose before": f"For {{name}} and \\frac{{1}}{{2}}: {GOOD}",
    "thoughts before": f'<think>Perhaps {{"question": "no", "answer": "no"}}?</think>\n{GOOD}',
    "the same twice": f"{GOOD}\n{GOOD}",
    "another object beside": f'{{"note": "see below"}} {GOOD}',
    "a key twice": '{"question": "no", "question": "What is it?", "answer": "A Klein bottle."}',
    "a bracket too many": GOOD + "}",
}


@pytest.mark.feature("structured-replies")
@pytest.mark.parametrize("text", READ.values(), ids=READ.keys())
def test_what_stands_around_an_object_does_not_matter(text: str) -> None:
    reading = read_reply(text, Pair)
    assert (reading.value, reading.problem, reading.repaired) == (PAIR, "", False)


MENDED = {
    "comma at the end": ('{"question": "a", "answer": "b",}', ("a", "b")),
    "single quotes": ("{'question': 'a', 'answer': 'b'}", ("a", "b")),
    "curly quotes": ("{“question”: “a”, “answer”: “b”}", ("a", "b")),
    "names without quotes": ('{question: "a", answer: "b"}', ("a", "b")),
    "a stray backslash": ('{"question": "a", "answer": "C:\\\\x \\q",}', ("a", "C:\\x \\q")),
    "letters of no alphabet": ('{"question": "Größe", "answer": "是 \\n 「b」",}', ("Größe", "是 \n 「b」")),
    "quotes within": ('{"question": "a", "answer": "the "b" of it"}', ("a", 'the "b" of it')),
    "comma missing": ('{"question": "a" "answer": "b"}', ("a", "b")),
    "line break in a string": ('{"question": "a", "answer": "b\nc"}', ("a", "b\nc")),
    "control characters": ('{"question": "a\x01", "answer": "b\x00"}', ("a\x01", "b\x00")),
    "fenced and broken": ("```json\n{'question': 'a', 'answer': 'b',}\n```\nThat is all.", ("a", "b")),
}


@pytest.mark.feature("structured-replies")
@pytest.mark.parametrize(("text", "meant"), MENDED.values(), ids=MENDED.keys())
def test_broken_json_is_mended_and_marked(text: str, meant: tuple[str, str]) -> None:
    reading = read_reply(text, Pair)
    assert reading.value == Pair(question=meant[0], answer=meant[1])
    assert reading.repaired


REFUSED = {
    "empty": "",
    "only white space": " \n\t",
    "only thoughts": "<think>well</think>",
    "prose": "I cannot answer that.",
    "a proxy's page": "<!DOCTYPE html><html><body>{502}</body></html>",
    "a list": f"[{GOOD[:-1]}",
    "null": "null",
    "another schema": '{"answer": 1}',
    "a wrong type": '{"question": "a", "answer": 7}',
    "one level too deep": f'{{"result": {GOOD}}}',
    "two that differ": GOOD + '{"question": "a", "answer": "b"}',
    "a broken one after it": GOOD + ' better: {"question": "a", "answer": "b',
    "lone surrogate, escaped": '{"question": "a", "answer": "\\ud800"}',
    "lone surrogate": '{"question": "a", "answer": "\ud800"}',
    "a value missing": '{"question": , "answer": "b"}',
    "fields that came from quotes within": '{"question": "what is "x", "and": "y"?", "answer": "b"}',
    "a comment": '{"question": "a", // the first\n "answer": "b"}',
    "more than one value": '{"question": "a", "answer": "b", "c", "d"}',
    "two strings for one": '{"question": "a", "answer": "b" "c"}',
    "what json-repair itself fails on": '{"q": ""answer": "```json\n[/*>\\"answer": "|NaN```"}NaN"}',
    "deep nesting": '{"question":' * 100_000,
    "deep lists": "[" * 100_000,
    "deep and closed": '{"question":' * 5_000 + "1" + "}" * 5_000,
    "many small objects": "{} " * 300_000,
    "many braces": "{" * 900_000,
    "a number of 5,000 digits": '{"question": "a", "answer": ' + "9" * 5000 + "}",
    "ten megabytes of text": "a" * 10_000_000,
    "ten megabytes of JSON": '{"question": "a", "answer": "' + "b" * 10_000_000 + '"}',
    "ten megabytes of wrong fields": '{"question": [' + "0," * 5_000_000 + "0]}",
    "broken and long": '{"question": "a", "answer": "' + "b" * 500_000 + '",}',
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_has_a_short_problem(text: str) -> None:
    reading = read_reply(text, Pair)
    assert reading.value is None
    assert 0 < len(reading.problem) <= json_reply.MAX_PROBLEM_CHARS
    assert reading.problem.isprintable()


@pytest.mark.feature("structured-replies")
def test_a_reply_cut_anywhere_is_refused() -> None:
    pairs = [Pair(question=f"What is {{{i}}}?", answer='He said "no", once.') for i in range(3)]
    texts = [Pairs(pairs=pairs, level="hard", title="A {title}", share=12.25).model_dump_json(indent=1), GOOD]
    for text in [*texts, texts[0].replace('"level"', "level")]:
        assert read_reply(text, Pairs if "pairs" in text else Pair).value
        for end in range(len(text)):
            for cut in (text[:end], f"```json\n{text[:end]}", f"```json\n{text[:end]}\n```"):
                assert read_reply(cut, Pairs if "pairs" in text else Pair).value is None, cut


def test_the_inner_object_of_a_broken_one_is_not_taken_for_it() -> None:
    reading = read_reply('{"name": "root", "children": [{"name": "leaf"}],}', Tree)
    assert reading.value == Tree(name="root", children=[Tree(name="leaf")])
    assert read_reply('{"name": "root", "children": [{"name": "leaf", "children": []}', Tree).value is None


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "[NaN]", '{"a": [1, 1e999]}'])
def test_a_number_that_json_cannot_hold_is_refused(number: str) -> None:
    assert read_reply(f'{{"values": {{"a": {number}}}}}', Loose).value is None
    assert read_reply(f'Here: {{"values": {{"a": {number}}}}}', Loose).value is None


def test_types_are_strict_as_far_as_json_has_them() -> None:
    class Dated(BaseModel):
        day: date
        count: int
        share: float

    assert read_reply('{"day": "2026-11-21", "count": 3, "share": 1}', Dated).value
    assert not read_reply('{"day": "2026-11-21", "count": "3", "share": 1}', Dated).value
    assert not read_reply('{"day": "2026-11-21", "count": 3, "share": "1"}', Dated).value


def test_a_problem_names_the_fields() -> None:
    assert read_reply('{"question": 1}', Pair).problem == (
        "question: Input should be a valid string; answer: Field required"
    )


# No text has a backspace or a form feed: before a letter their escapes are taken for LaTeX.
# Nor are a tab or a line break before a letter tried, which may be LaTeX, and marks of a model's thoughts.
json_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\b\f")).filter(
    lambda text: not re.search(r"[\t\n\r][A-Za-z]", text) and without_thoughts(text) == text
)
pairs_strategy = st.builds(
    Pairs,
    pairs=st.lists(st.builds(Pair, question=json_texts, answer=json_texts), min_size=1, max_size=5),
    level=st.sampled_from(["easy", "hard"]),
    title=st.none() | json_texts,
    share=st.floats(allow_nan=False, allow_infinity=False),
)
before = st.sampled_from(
    ["", "```json\n", "```\n", "Here it is:\n```JSON\n", "\ufeff", "<think>hm</think>\n\n", "It is "]
)
after = st.sampled_from(["", "\n```", "\n```\nDone {so far}.", " That's it!\n", "\n\n```\n```"])


@given(value=pairs_strategy, head=before, tail=after, indent=st.sampled_from([None, 2]), ascii_only=st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_value_comes_back_through_any_wrapping(
    value: Pairs, head: str, tail: str, indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(value.model_dump(), indent=indent, ensure_ascii=ascii_only)
    reading = read_reply(head + text + tail, Pairs)
    assert reading.value == value, reading.problem
    assert not reading.repaired


pieces = st.sampled_from(
    [*"{}[]\",:\\'`“”", "\n", "\x00", " ", "question", "answer", '{"question": "', '"}', "```", "1e9"]
)
anything = st.text() | st.lists(pieces | st.text(max_size=3), max_size=60).map("".join)


@given(text=anything)
@settings(max_examples=400, deadline=None)
def test_no_text_raises(text: str) -> None:
    reading = read_reply(text, Pair)
    assert (reading.value is None) == bool(reading.problem)


def body(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"model": "m", "messages": list(messages), "temperature": 0.5}


SYSTEM = {"role": "system", "content": "You are a guide."}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
USER = {"role": "user", "content": [{"type": "text", "text": "What is it?"}, PICTURE]}


@pytest.mark.parametrize("rung", RUNGS)
def test_asking_leaves_the_body_alone_and_says_the_same_every_time(rung: Any) -> None:
    asked = body(SYSTEM, USER)
    before = copy.deepcopy(asked)
    made = ask_for_json(asked, Pairs, rung)
    assert asked == before
    assert json.dumps(made) == json.dumps(ask_for_json(asked, Pairs, rung))
    assert made["messages"][-1] == USER
    assert (made["temperature"], made["model"]) == (0.5, "m")
    assert made.get("response_format", {}).get("type") == (None if rung == "prompt" else rung)


def test_the_schema_is_in_strict_form() -> None:
    asked = ask_for_json(body(SYSTEM, USER), Pairs, "json_schema")
    assert asked["messages"] == [SYSTEM, USER]
    told = asked["response_format"]["json_schema"]
    assert (told["name"], told["strict"]) == ("Pairs", True)
    assert told["schema"] == {
        "$defs": {
            "Pair": {
                "type": "object",
                "properties": {"question": {"type": "string"}, "answer": {"type": "string"}},
                "required": ["question", "answer"],
                "additionalProperties": False,
            }
        },
        "type": "object",
        "description": "What a teacher writes about one exhibit.",
        "properties": {
            "pairs": {
                "type": "array",
                "items": {"$ref": "#/$defs/Pair"},
                "description": "One per topic. (minItems: 1, maxItems: 5)",
            },
            "level": {"type": "string", "enum": ["easy", "hard"]},
            "title": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "share": {"type": "number"},
        },
        "required": ["pairs", "level", "title", "share"],
        "additionalProperties": False,
    }


def test_a_field_may_be_called_like_a_keyword() -> None:
    class Odd(BaseModel):
        title: str
        default: int = 3

    form = ask_for_json(body(USER), Odd, "json_schema")["response_format"]["json_schema"]["schema"]
    assert form["required"] == list(form["properties"]) == ["title", "default"]


def test_a_schema_that_strict_mode_cannot_hold_is_not_called_strict() -> None:
    told = ask_for_json(body(USER), Loose, "json_schema")["response_format"]["json_schema"]
    assert not told["strict"]
    assert told["schema"]["properties"]["values"] == {"type": "object", "additionalProperties": True}


def test_a_model_that_contains_itself_has_an_object_at_the_top() -> None:
    form = ask_for_json(body(USER), Tree, "json_schema")["response_format"]["json_schema"]["schema"]
    assert form["type"] == "object"
    assert form["properties"]["children"]["items"] == {"$ref": "#/$defs/Tree"}
    assert form["$defs"]["Tree"]["additionalProperties"] is False


def test_the_name_is_one_that_endpoints_take() -> None:
    class Größe(BaseModel):
        n: int

    assert ask_for_json(body(USER), Größe, "json_schema")["response_format"]["json_schema"]["name"] == "Gr__e"


@pytest.mark.parametrize("rung", ["json_object", "prompt"])
def test_the_lower_rungs_say_the_schema_in_the_system_message(rung: Any) -> None:
    told = ask_for_json(body(SYSTEM, USER), Pair, rung)["messages"][0]
    assert told["content"].startswith("You are a guide.\n\n")
    assert "JSON" in told["content"] and '"question":{"type":"string"}' in told["content"]
    without = ask_for_json(body(USER), Pair, rung)["messages"]
    assert [message["role"] for message in without] == ["system", "user"]
    parts = {"role": "system", "content": [{"type": "text", "text": "You are a guide."}]}
    content = ask_for_json(body(parts, USER), Pair, rung)["messages"][0]["content"]
    assert [part["type"] for part in content] == ["text", "text"] and "JSON" in content[1]["text"]


def test_the_correction_shows_the_reply_and_the_problem() -> None:
    asked = body(SYSTEM, USER)
    made = correction(asked, "x" * 1_000_000, "answer: Field required")
    assert [message["role"] for message in made["messages"]] == ["system", "user", "assistant", "user"]
    assert len(made["messages"][2]["content"]) < 10_000
    assert "answer: Field required" in made["messages"][3]["content"] and "JSON" in made["messages"][3]["content"]
    assert asked == body(SYSTEM, USER)
    for odd in ("", "\ud800"):
        turn = correction(asked, odd, "why")["messages"][2]["content"]
        assert turn.encode("utf-8")


PROBED = '{"name_of_the_capital": "Paris", "letters_in_the_name": 5}'


@pytest.mark.parametrize(
    ("json_schema", "json_object", "expected", "asked"),
    [
        (Entry(PROBED, "stop"), None, "json_schema", 1),
        (None, Entry(PROBED, "stop"), "json_object", 2),
        (Entry("Paris has 5 letters.", "stop"), Entry(PROBED, "stop"), "json_object", 2),
        (Entry(f"```json\n{PROBED}\n```", "stop"), None, "prompt", 2),
        (Entry(PROBED, "length"), Entry("", "length"), "prompt", 2),
        (Entry(PROBED + "!", "stop"), Entry(PROBED[:-1] + ', "more": 1}', "stop"), "prompt", 2),
        (Entry('{"capital": "Paris", "letters": 5}', "stop"), Entry("{}", "stop"), "prompt", 2),
        (None, None, "prompt", 2),
    ],
)
def test_the_probe_finds_the_strictest_rung_that_is_kept_to(
    json_schema: Entry | None, json_object: Entry | None, expected: str, asked: int
) -> None:
    tried: list[Rung] = []

    async def ask(rung: Rung) -> Entry:
        tried.append(rung)
        answer = {"json_schema": json_schema, "json_object": json_object}[rung]
        if answer is None:
            raise RequestRefusedError("response_format is not supported")
        return answer

    assert asyncio.run(choose_rung(ask)) == expected
    assert len(tried) == asked


def test_only_the_schema_tells_what_the_probe_is_to_answer() -> None:
    assert "JSON" not in PROBE_QUESTION and "name_of_the_capital" not in PROBE_QUESTION
    body = {"messages": [{"role": "user", "content": PROBE_QUESTION}]}
    assert ask_for_json(body, Probe, "json_schema")["messages"] == body["messages"]
    assert "JSON" in json.dumps(ask_for_json(body, Probe, "json_object")["messages"])


def test_floats_within_other_fields_are_seen() -> None:
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")

        name: str

    assert not read_reply('{"name": "a", "x": NaN}', Open).value
    assert math.isclose(read_reply('{"name": "a", "x": 1.5}', Open).value.x, 1.5)
