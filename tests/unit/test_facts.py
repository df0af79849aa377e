"""The facts of a text, and where they stand."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.markdown_files import TIDE_CLOCK, document, written

from docent.text.facts import facts_of
from docent.text.markdown.references import plain_text

FIGURE = re.compile(r"\{\{\s*([^{}\n]{1,100}?)\s*\}\}")


def texts(text: str) -> list[str]:
    return [fact.text for fact in facts_of(text, 1, "a.md", None, FIGURE)]


def lines(text: str, first_line: int = 1) -> list[tuple[int, int]]:
    return [(fact.source.first_line, fact.source.last_line) for fact in facts_of(text, first_line, "a.md")]


@pytest.mark.feature("facts")
@pytest.mark.parametrize(
    "sentence",
    [
        "The U.S. Army used 3.5 kg of it in 1944.",
        "The U.S. ... 3.5 case stays in one piece.",
        "Dr. Smith weighed approx. 3.5 kg, e.g. of No. 5.",
        "It begins here... and it goes on in lower case.",
    ],
)
def test_abbreviations_decimals_and_lower_case_do_not_end_a_sentence(sentence: str) -> None:
    assert texts(f"Before it comes this. {sentence} After it comes that.")[1] == sentence


@pytest.mark.feature("facts")
def test_nested_items_carry_the_text_of_their_parents_and_their_wrapped_lines() -> None:
    text = (
        "- Drive:\n  - the **motor** has\n    a rubber foot\n  1. the belt is toothed\n     - by 2 mm\n\n"
        "- Base is heavy\n  - It weighs `48 kg`.\n\n"
        "    A second paragraph is here. It has two sentences.\n- [x] A task was done\n"
    )
    assert texts(text) == [
        "Drive: the motor has a rubber foot",
        "Drive: the belt is toothed",
        "Drive: the belt is toothed: by 2 mm",
        "Base is heavy",
        "Base is heavy: It weighs 48 kg.",
        "A second paragraph is here.",
        "It has two sentences.",
        "A task was done",
    ]
    assert lines(text, 10) == [(11, 12), (13, 13), (14, 14), (16, 16), (17, 17), (19, 19), (19, 19), (20, 20)]


@pytest.mark.feature("facts")
def test_a_row_of_a_table_is_a_fact_that_names_its_columns() -> None:
    text = "| Mode | | Speed |\n|:--|--|--:|\n| Slow | a note | 0.5 `rpm` |\n| Show | | 1.5 rpm |\n| x | | |\n"
    text += "\nA sentence below it.\n"
    assert texts(text) == ["Mode: Slow; a note; Speed: 0.5 rpm", "Mode: Show; Speed: 1.5 rpm", "A sentence below it."]
    assert lines(text) == [(3, 3), (4, 4), (7, 7)]


@pytest.mark.feature("facts")
def test_code_headings_figures_links_and_short_pieces_are_no_facts() -> None:
    text = (
        "# A heading is no fact\n\nToo short.\n\n```\ncode is no fact at all\n```\n\n{{FIGURE_1.1}}\n\n"
        "![a picture](of/it.png)\n\n"
        "See {{ FIGURE_1.2 }} and [the _manual_](http://example.org/a_b) for `{{token}}` of <b>all</b> &amp; more.\n\n"
        "[manual]: http://example.org/a\n\n<!-- a comment is no fact -->\n"
    )
    assert texts(text) == ["See and the manual for {{token}} of all & more."]


@pytest.mark.feature("facts")
def test_a_text_without_facts_is_one_fact_and_code_alone_is_none() -> None:
    assert texts("\nYes.\n\nNo.\n") == ["Yes. No."] and lines("\nYes.\n\nNo.\n", 5) == [(6, 8)]
    assert texts("```\nonly code stands here\n```") == texts("{{FIGURE_1.1}}") == texts("---") == texts(" \n") == []


@pytest.mark.feature("facts")
def test_facts_of_a_manual_stand_in_the_lines_they_name() -> None:
    found = document(TIDE_CLOCK)
    in_file = TIDE_CLOCK.read_text(encoding="utf-8").splitlines()
    facts = [fact for section in found.sections for fact in section.facts]
    assert len(facts) > 50 and sum(len(fact.text) < 11 for fact in facts) <= 2
    for fact in facts:
        said = " ".join(in_file[fact.source.first_line - 1 : fact.source.last_line])
        last = re.findall(r"\w+", fact.text)[-1]
        assert last in said and "```" not in fact.text and "![" not in fact.text


@given(
    words=st.lists(
        st.sampled_from(["It stands.", "no end", "A 3.5 kg", "Mr. X", "*em*", "`a b`", "U.S."]), min_size=1, max_size=30
    ),
    seed=st.randoms(),
)
def test_sentences_of_a_wrapped_paragraph_cover_its_words_in_order(words: list[str], seed) -> None:
    text = "".join(word + seed.choice([" ", "\n"]) for word in ["This is a paragraph.", *words, "It ends here now."])
    found = facts_of(text, 1, "a.md")
    said = [plain_text(line) for line in text.split("\n")]
    for fact in found:
        spanned = " ".join(" ".join(said[fact.source.first_line - 1 : fact.source.last_line]).split())
        assert fact.text in spanned
    assert [fact.source.first_line for fact in found] == sorted(fact.source.first_line for fact in found)


def test_text_of_pages_is_no_markdown_where_it_is_indented_or_underlined() -> None:
    page = "    An indented line of a page is text.\n\n    And so is the next one of it.\n"
    (first, second) = facts_of(page, 1, "a.pdf", page=7)
    assert (first.text, first.source.page, second.source.first_line) == ("An indented line of a page is text.", 7, 3)
    assert lines("One line ends here.\r\n\r\nAnother ends here.\r\n") == [(1, 1), (3, 3)]


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("**bold *and italic* text** __so__ _too_", "bold and italic text so too"),
        ("snake_case and 2 * 3 * 4 and a*b", "snake_case and 2 * 3 * 4 and a*b"),
        (r"\*not\* \[so\]", "*not* [so]"),
        ("`__init__` and ``a ` b``", "__init__ and a ` b"),
        ("[a](<b c> 'd') [e][f] ![g](h) <https://i.j/k>", "a e ![g](h) https://i.j/k"),
        ("x < y and y > z &lt; 5", "x < y and y > z < 5"),
        ("`a` <b `c`> `d` **`e`** [`f`](g) \ue0000\ue001", "a <b c> d e f 0"),
        ("[a\nb](c\nd)", "[a\nb](c\nd)"),
    ],
)
def test_marks_are_left_out_and_their_look_alikes_stay(markdown: str, plain: str) -> None:
    assert plain_text(markdown) == plain


@pytest.mark.timeout(60)  # seconds where all is well, hours where it is not
def test_marks_that_never_close_are_read_in_one_pass() -> None:
    for piece in ("**a ", "[a](", "_a ", "<a ", "`a ``b ", "![", "&a", "A. "):
        facts_of(piece * (30_000 // len(piece)), 1, "a.md", None, FIGURE)


def test_markdown_joins_the_lines_of_a_paragraph(tmp_path) -> None:
    (section,) = written(tmp_path, "Short line\nCapital goes on here.\n").sections
    assert [fact.text for fact in section.facts] == ["Short line Capital goes on here."]


@pytest.mark.parametrize("line", [">" * 300 + " a", "+ " * 300 + "x", "1. " * 120 + "x"])
def test_a_line_nested_as_no_writing_is_leaves_the_others_as_facts(line: str) -> None:
    facts = facts_of(f"The pump weighs 12 kg.\n{line}\nThe valve is made of brass.", 5, "a.txt", 2)
    told = {fact.text: (fact.source.first_line, fact.source.page) for fact in facts}
    assert told["The pump weighs 12 kg."] == (5, 2) and told["The valve is made of brass."] == (7, 2)
