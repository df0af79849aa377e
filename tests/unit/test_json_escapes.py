"""LaTeX in JSON with single backslashes, and line breaks that only look like it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from docent.llm.structure.json_escapes import with_latex
from docent.llm.structure.json_reply import read_reply


class Said(BaseModel):
    answer: str


def read(answer: str) -> str | None:
    """An answer as it stands between the quotes of a JSON string."""
    found = read_reply(f'{{"answer": "{answer}"}}', Said).value
    return found.answer if isinstance(found, Said) else None


@pytest.mark.parametrize(
    "text",
    [
        r"\frac{1}{2} of \beta and \bar{x}",
        r"3 \times 4 \to 12, \theta = \tan \alpha, \text{m}",
        r"\rho, \right) and \rightarrow",
        r"$E = h\nu$",
        r"the frequency \nu is 5 Hz",
        r"\(h\nu\) and \[\nabla \cdot u\]",
        r"a \neq b, x \notin Y, c \ne d",
        r"\nu_{max} and \nabla^2",
        r"E = h\nu.",
        r"\sum_{i} \Delta x \, \{1\} \% \upsilon \underline{a}",
        r"\begin{array} 1 \\ 2 \end{array}",
    ],
)
def test_latex_comes_back_as_it_was_written(text: str) -> None:
    doubled = text.replace(r"\\", "\0").replace("\\", r"\\").replace("\0", r"\\\\")
    single = text.replace(r"\\", r"\\\\")
    assert read(single) == read(doubled) == text, "with one backslash and with two"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (r"one\ntwo\nThree", "one\ntwo\nThree"),
        (r"pane\ne vino", "pane\ne vino"),
        (r"siete\nu ocho:\nu nueve", "siete\nu ocho:\nu nueve"),
        (r"meer\nless is more", "meer\nless is more"),
        (r"the law F = ma.\nu is the speed", "the law F = ma.\nu is the speed"),
        (r"a\tb\tname\r\nnext", "a\tb\tname\r\nnext"),
        (r"caf\u00e9 \"x\" a\/b C:\\temp\\new", 'café "x" a/b C:\\temp\\new'),
        (r"$5\n$6", "$5\n$6"),
    ],
)
def test_line_breaks_tabs_and_letters_stay_what_json_says(text: str, meant: str) -> None:
    assert read(text) == meant


def test_a_command_that_a_gateway_has_decoded_comes_back() -> None:
    assert read("\frac{1}{2} of \beta") == r"\frac{1}{2} of \beta"


def test_what_may_be_both_is_refused_with_the_way_out() -> None:
    reading = read_reply(r'{"answer": "The law E = mc^2 holds for the angle\nu too"}', Said)
    assert reading.value is None and "double the backslash" in reading.problem and r"\nu" in reading.problem


@pytest.mark.parametrize("wrap", ["{}", "```json\n{}\n```", "Here it is: {} That is all.", "{},"])
def test_it_is_counted_as_repaired_only_where_the_object_changed(wrap: str) -> None:
    single, doubled = r'{"answer": "\frac{a}{b}"}', r'{"answer": "\\frac{a}{b}"}'
    assert read_reply(wrap.replace("{}", single), Said) == read_reply(single, Said)
    assert read_reply(r'{"answer": "100\% \& more"}', Said).repaired
    assert read_reply(single, Said).repaired and not read_reply(doubled, Said).repaired
    assert not read_reply(rf"With \frac and \beta: {doubled}", Said).repaired


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60))
def test_json_of_text_without_control_characters_stays_as_it_is(text: str) -> None:
    assert with_latex(json.dumps(text)) == (json.dumps(text), "")
    assert with_latex(json.dumps(text, ensure_ascii=False)) == (json.dumps(text, ensure_ascii=False), "")


@given(st.text(r"\bfnrtu{}$ axeio\"", max_size=40))
def test_no_reply_has_a_backspace_or_a_form_feed_before_a_letter(text: str) -> None:
    answer = read(text)
    letters = zip(answer or "", (answer or "")[1:], strict=False)
    assert not any(first in "\b\f" and second.isalpha() for first, second in letters)


def test_what_a_model_thinks_before_it_answers_is_not_looked_at() -> None:
    reading = read_reply('With E = mc^2 and the angle\\nu in mind.</think>{"answer": "It holds."}', Said)
    assert reading.value == Said(answer="It holds.")
