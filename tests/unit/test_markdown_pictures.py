"""Pictures of a manual in every way that people write them: read into their sections, or named with their line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PIL import Image
from tests.markdown_files import load

from docent.records import Document, Fact, Figure, Reject
from docent.text.markdown.pictures import definitions_in, pictures_in


def read(folder: Path, text: str, *pictures: str) -> tuple[list[Figure], list[Reject], list[Fact]]:
    """Figures, rejects and facts of a manual beside pictures of these names."""
    for number, name in enumerate(pictures):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (30 + number, 20), (number * 40, 90, 30)).save(path, "PNG")
    (folder / "manual.md").write_text(text, encoding="utf-8")
    rows = load(folder, "manual.md", {})
    sections = [section for row in rows if isinstance(row, Document) for section in row.sections]
    rejects = [row for row in rows if isinstance(row, Reject)]
    return [f for s in sections for f in s.figures], rejects, [f for s in sections for f in s.facts]


def names(figures: list[Figure]) -> list[str]:
    return [figure.image.name for figure in figures if figure.image]


@pytest.mark.parametrize(
    ("markup", "file"),
    [
        ("![Front view][front]", "front.png"),
        ("![front][]", "front.png"),
        ("![FRONT]", "front.png"),
        ("![Side][long  way\nround]", "deep/side.png"),
        ("![Front](front.png){width=50%}", "front.png"),
        ('![Front](front.png "A title (old)"){: .wide #front }', "front.png"),
        ("![Front](front.png =300x200)", "front.png"),
        ("![Front](front.png 'Title' =300x)", "front.png"),
        ("![Room](deep room/side view.png)", "deep room/side view.png"),
        ("![Room](deep\\ room/side\\ view.png)", "deep room/side view.png"),
        ("![Room](<deep room/side view.png>)", "deep room/side view.png"),
        ("![Room](deep%20room/side%20view.png)", "deep room/side view.png"),
        ('![Room](deep room/side view.png "Title")', "deep room/side view.png"),
        ("![Room](deep room\\side view.png)", "deep room/side view.png"),
        ("![Front](.\\front.png)", "front.png"),
        ("![Front](front.png?raw=true)", "front.png"),
        ("![Front](front.png#only-light)", "front.png"),
        ("![Odd](odd#1 100%.png)", "odd#1 100%.png"),
        ("![Old (1)](old (1).png)", "old (1).png"),
        ("![[front.png|300]]", "front.png"),
        ('<img src="front.png" alt="x" width="300">', "front.png"),
        ("<IMG width=3 SRC=front.png/>", "front.png"),
        ("<img srcset='no.png 2x, never.png 3x' src='front.png' alt='a > b'>", "front.png"),
        ('<p align="center">\n  <img src="front.png">\n</p>', "front.png"),
        ('<picture><source srcset="no.png"><img src="front.png"></picture>', "front.png"),
        ("[![Front](front.png)](https://example.org/large)", "front.png"),
    ],
)
def test_a_picture_is_read_however_it_is_written_and_is_no_statement(tmp_path: Path, markup: str, file: str) -> None:
    pictures = ("front.png", "deep/side.png", "deep room/side view.png", "odd#1 100%.png", "old (1).png")
    text = f"# Set up\n\nThe plinth stands level.\n\n{markup}\n\nThe lamp is red.\n\n"
    text += '[front]: front.png "Front"\n[Long Way  Round]:\n  <deep/side.png>\n'
    figures, rejects, facts = read(tmp_path, text, *pictures)
    assert (names(figures), rejects) == ([file.replace("/", "_")], [])
    assert [fact.text for fact in facts] == ["The plinth stands level.", "The lamp is red."]
    assert figures[0].token in text


def test_pictures_belong_to_the_section_that_shows_them_and_sentences_keep_their_words(tmp_path: Path) -> None:
    text = "# One\n\nTurn the plinth ![top] to the wall, see <img src=side.png alt='the _side_'> there.\n\n"
    text += "# Two\n\n<figure><img src='back.png'><figcaption>The <b>back</b></figcaption></figure>\n\n"
    text += "It is heavy as lead.\n"
    text += "\n[top]: top.png\n"
    figures, rejects, facts = read(tmp_path, text, "top.png", "side.png", "back.png")
    assert rejects == []
    assert names(figures) == ["top.png", "side.png", "back.png"]
    assert [figure.caption for figure in figures] == ["top", "the _side_", "The back"]
    assert [fact.text for fact in facts] == ["Turn the plinth to the wall, see there.", "It is heavy as lead."]


@pytest.mark.parametrize(
    ("markup", "line", "detail"),
    [
        ("![Plan][nowhere]", 3, "[nowhere] is not defined"),
        ("![nowhere]", 3, "[nowhere] is not defined"),
        ("![Plan]()", 3, "no path"),
        ("<img alt='x'>", 3, "no path"),
        ("![Plan](lost picture.png)", 3, ""),
        ("<div>\n<img src='lost.png'>\n</div>", 4, ""),
        ("![Plan](..\\..\\secret.png)", 3, ""),
        ("{{FIGURE_9}} is the plan.", 3, ""),
    ],
)
def test_a_picture_that_is_not_there_is_named_with_its_line(
    tmp_path: Path, markup: str, line: int, detail: str
) -> None:
    _, rejects, facts = read(tmp_path, f"# Set up\n\n{markup}\n\nThe lamp is red.\n")
    assert [reject.detail.startswith(f"manual.md line {line}") for reject in rejects] == [True]
    assert detail in rejects[0].detail
    assert "The lamp is red." in [fact.text for fact in facts]
    assert not any("![" in fact.text or "<img" in fact.text or "FIGURE" in fact.text for fact in facts)


def test_what_only_looks_like_a_picture_stays_in_the_text(tmp_path: Path) -> None:
    text = "# A\n\nCareful![1] the `![a](b.png)` and `<img src=c.png>` show \\![no](picture.png) here.\n\n"
    text += "<!-- <img src='d.png'> ![e](f.png) -->\n\nNever <!-- ![g](h.png) --> touch it.\n\n```\n[x]: y.png\n```\n"
    figures, rejects, facts = read(tmp_path, text)
    assert (figures, rejects) == ([], [])
    assert [fact.text for fact in facts] == [
        "Careful![1] the ![a](b.png) and <img src=c.png> show ![no](picture.png) here.",
        "Never touch it.",
    ]


def test_a_line_that_looks_like_a_definition_and_says_something_stays(tmp_path: Path) -> None:
    text = "# A\n\n[Note]: the belt is old and must be replaced.\n\n[1]: http://example.org\n"
    assert [fact.text for fact in read(tmp_path, text)[2]] == ["[Note]: the belt is old and must be replaced."]


def test_variables_of_a_template_are_words_and_figures_are_figures(tmp_path: Path) -> None:
    text = "# A\n\nThe lamp stays on for {{ minutes }} minutes. See {{ lamp }} for the place.\n"
    figures, rejects, facts = read(tmp_path, text, "manual/lamp.png")
    assert (names(figures), rejects) == (["manual_lamp.png"], [])
    assert [fact.text for fact in facts] == ["The lamp stays on for {{ minutes }} minutes.", "See for the place."]


def test_hostile_pictures_are_read_in_one_pass(tmp_path: Path) -> None:
    def seconds(size: int) -> float:
        pieces = ("![", "![a](", "![a](b 'c", "![a][", '<img a="', "<img ", "![a](\\", "[a]: <b ", "[^", "^[a [")
        start = time.process_time()
        for piece in pieces:
            read(tmp_path, "# A\n\n" + piece * (size // len(piece)))
        return time.process_time() - start

    assert seconds(40_000) < 12 * max(seconds(10_000), 0.02)


def test_a_path_in_angle_brackets_that_begins_like_a_tag_is_a_path() -> None:
    text = "See ![the plan][plan].\n\n[plan]: <img/b plan.png>\n"
    definitions = definitions_in(text)
    assert definitions == {"plan": "img/b plan.png"}
    assert [picture.path for picture in pictures_in(text, definitions)] == ["img/b plan.png"]
