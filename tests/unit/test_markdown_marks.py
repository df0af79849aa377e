"""What Markdown of other tools says beside words: formulas, footnotes, ids, callouts, TOML, soft hyphens."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.markdown_files import written

from docent.text.facts import facts_of
from docent.text.markdown.formulas import formula_spans


def facts(folder: Path, text: str) -> list[str]:
    return [fact.text for section in written(folder, text).sections for fact in section.facts]


def lines(folder: Path, text: str) -> list[tuple[int, int]]:
    found = [fact.source for section in written(folder, text).sections for fact in section.facts]
    return [(span.first_line, span.last_line) for span in found]


@pytest.mark.parametrize(
    "statement",
    [
        r"The bound $\sum_{i} x_{i}^{*} \le y_*$ holds for every gear.",
        r"It is $$a_1*b_1 + a_2*b_2$$ in all cases.",
        r"The radius \(r_{max} * s_{min}\) is engraved.",
        r"Then \[ f[x](y) = <a> * b_{<c} \] follows at once.",
        r"Every $n$th tooth of $k_1 \text{. A}_2$ is gilt.",
        r"Thus \begin{align*} a_1 &= b*c \\ d_2 &= e*f \end{align*} holds.",
        r"A matrix $\mathbf{{x}}$ with $y^{{2}}$ in it.",
    ],
)
def test_a_formula_stands_in_the_fact_as_it_was_written(tmp_path: Path, statement: str) -> None:
    assert facts(tmp_path, f"# Maps\n\n{statement}\n") == [statement]


def test_a_displayed_formula_is_whole_over_lists_blank_lines_and_lines_of_equals_signs(tmp_path: Path) -> None:
    text = "# A\n\nBefore the formula.\n\n$$\nx_{1}\n===\n- y_{2}*z\n\n+ 1\n$$\n\n"
    text += "\\[\n> a_1 + b_1\n\\]\n\n```math\na_{1}*b_{1}*c\n```\n"
    assert facts(tmp_path, text) == [
        "Before the formula.",
        "$$ x_{1} === - y_{2}*z + 1 $$",
        "\\[ > a_1 + b_1 \\]",
        "a_{1}*b_{1}*c",
    ]
    assert lines(tmp_path, text)[1] == (5, 11)
    assert [section.title for section in written(tmp_path, text).sections] == ["A"]


@pytest.mark.parametrize(
    "prose",
    [
        "It costs $5 and $10, *or* more.",
        "From $5-$10 *each* or 10$ in all.",
        "Between $5 per *month* and 10$ it varies.",
        "US$5 *and* US$6 are the fees.",
        "Set $HOME/bin:$PATH in *both* shells.",
        "See \\(the *note*\\) and \\[the *list*\\].",
        "An escaped \\$5 *or* \\$6 fee.",
    ],
)
def test_prices_and_escaped_brackets_are_no_formulas(tmp_path: Path, prose: str) -> None:
    assert formula_spans(prose) == []
    assert "*" not in facts(tmp_path, f"# A\n\n{prose}\n")[0]


def test_footnotes_are_statements_of_their_own_with_their_own_lines(tmp_path: Path) -> None:
    text = (
        "# Weight\n\nThe arm carries 7 kg[^1] at most.[^arm] It was tested^[By the workshop in 2019.] twice"
        " [^arm][^lost].\n\n"
        "[^1]: Measured with the belt\n    of the second year.\n\n    A second paragraph on the belt.\n"
        "[^arm]: Without its handle of brass.\n\nThe base is of slate.\n"
    )
    assert facts(tmp_path, text) == [
        "The arm carries 7 kg at most.",
        "It was tested twice.",
        "By the workshop in 2019.",
        "Measured with the belt of the second year.",
        "A second paragraph on the belt.",
        "Without its handle of brass.",
        "The base is of slate.",
    ]
    assert lines(tmp_path, text) == [(3, 3), (3, 3), (3, 3), (5, 6), (8, 8), (9, 9), (11, 11)]


def test_a_class_of_characters_is_no_footnote(tmp_path: Path) -> None:
    assert facts(tmp_path, "# A\n\nNames match [^a-z] and nothing else, 10^[3] times.\n") == [
        "Names match [^a-z] and nothing else, 10^[3] times."
    ]


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("## Gear {#gear-1}", "Gear"),
        ("## Gear { #gear .old key=value }", "Gear"),
        ('## Gear {: #gear data-x="a b"}', "Gear"),
        ("## Gear {/* #gear */}", "Gear"),
        ("## Gear {-} ##", "Gear"),
        ("## Gear ## {#gear}", "Gear"),
        ("## Gear ####", "Gear"),
        ("Gear {#gear}\n-------", "Gear"),
        ("## Gear[^1] <a id='x'></a>", "Gear"),
        ("## The set {A, B}", "The set {A, B}"),
        ("## Gear #", "Gear"),
        ("## C#", "C#"),
        ("## {{ gear }} of brass", "{{ gear }} of brass"),
        ("## The ge\u00adar \u200btrain", "The gear train"),
    ],
)
def test_a_title_is_its_words_alone(tmp_path: Path, heading: str, title: str) -> None:
    assert [section.title for section in written(tmp_path, f"{heading}\n\nIt is of brass.\n").sections] == [title]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("> [!NOTE]\n> Keep the cover closed.", ["Keep the cover closed."]),
        ("> [!tip]- Before you start\n> Keep the cover closed.", ["Before you start", "Keep the cover closed."]),
        (":::tip\nKeep the cover closed.\n:::", ["Keep the cover closed."]),
        (":::note[Before you start]\n\nKeep it closed.\n\n:::", ["Before you start", "Keep it closed."]),
        ('::: warning "Before you start"\nKeep it closed.\n:::', ["Before you start", "Keep it closed."]),
        ("!!! note\n    Keep it closed.\n\n    Call the workshop.", ["Keep it closed.", "Call the workshop."]),
        ('???+ note "Before you start"\n    Keep it closed.\n\nAnd wait.', ["Before you start", "Keep it closed."]),
        ('=== "The first tab"\n\n    Keep it closed.\n', ["The first tab", "Keep it closed."]),
        ("Keep it closed.\n{: .wide #x }", ["Keep it closed."]),
        ("Keep [the cover]{.underline} closed.", ["Keep the cover closed."]),
        (
            "<div class=x>\n<p>Keep it closed.</p><p>Call the\nworkshop.</p></div>",
            ["Keep it closed.", "Call the workshop."],
        ),
    ],
)
def test_marks_of_callouts_and_tags_are_no_words_and_what_they_hold_is(
    tmp_path: Path, block: str, expected: list[str]
) -> None:
    assert facts(tmp_path, f"# A\n\n{block}\n") == expected


def test_front_matter_in_toml_is_read_and_is_no_text(tmp_path: Path) -> None:
    text = '+++\ntitle = "Lamp +++ gear"\ndescription = """\nHow it\nis set"""\nversion = 1.50\n'
    text += "new = true\ndate = 2021-03-04\n"
    document = written(tmp_path, text + 'tags = ["a", "b"]\n[deep]\nx = 1\n+++\n# A\n\nThe lamp is red.\n')
    assert document.name == "Lamp +++ gear"
    assert document.meta == {
        "title": "Lamp +++ gear",
        "description": "How it is set",
        "version": "1.50",
        "new": "true",
        "date": "2021-03-04",
        "tags": "a, b",
    }
    (fact,) = document.sections[0].facts
    assert (fact.text, fact.source.first_line) == ("The lamp is red.", 15)


def test_toml_that_is_broken_stays_in_the_text(tmp_path: Path) -> None:
    document = written(tmp_path, "+++\nThe lamp is red.\n+++\n")
    assert "The lamp is red." in document.sections[0].text


def test_soft_hyphens_and_zero_width_characters_leave_the_words_whole(tmp_path: Path) -> None:
    text = "# A\n\nThe con\u00adser\u00advation of\u2060 the or\u200bre\ufeffry takes a fo\u200crt\u200dnight.\n\n"
    text += "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u200b\n"
    document = written(tmp_path, text)
    assert document.sections[0].facts[0].text == "The conservation of the orrery takes a fortnight."
    assert "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645" in document.sections[0].text


def test_marks_that_never_close_are_read_in_one_pass(tmp_path: Path) -> None:
    def seconds(size: int) -> float:
        start = time.process_time()
        for piece in (
            "$a ",
            "$$a ",
            "\\(a ",
            "\\[a\n",
            "[^a",
            "^[a ",
            "{: a=",
            "## a {#",
            "<figcaption><p>",
            "$$\n\n",
            "!!! a\n    ",
        ):
            written(tmp_path, "# A\n\nText.\n\n" + piece * (size // len(piece)))
        return time.process_time() - start

    assert seconds(40_000) < 12 * max(seconds(10_000), 0.02)


def test_marks_of_markdown_are_words_in_a_text_that_may_be_none() -> None:
    found = facts_of("!!! attention\n::: Closed on Mondays :::\n", 1, "a.txt")
    said = " ".join(fact.text for fact in found)
    assert "attention" in said and "::: Closed on Mondays :::" in said
