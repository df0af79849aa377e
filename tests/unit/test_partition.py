"""Elements by title: bounded, clean, every one on its page."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.pdf_files import PdfPage, paragraph, read_pdf, text_lines, write_pdf
from tests.pdf_report import lines_of_pages
from tests.published import published

from docent.stages.ingest.pdf.page.blocks import Block, Line
from docent.stages.ingest.pdf.partition import MAX_CHARS, Element, by_title, elements_of, joined, lines_of


def element(chars: int, *, title: bool = False) -> Element:
    return Element(title, (Line("x" * chars, 1, 1),))


def sizes(groups: list[list[Element]]) -> list[list[int]]:
    return [[part.chars for part in group] for group in groups]


@pytest.mark.feature("pdf-partition")
def test_a_report_becomes_elements_of_bounded_length_that_lose_no_word(report_pdf: Path) -> None:
    document = read_pdf(report_pdf, layout="partition", figure_dpi=72).document
    assert max(len(section.text) for section in document.sections) <= 1500
    assert sum(len(section.figures) for section in document.sections) == 5
    assert {"Borromean rings", "Klein bottle", "Octahedron"} <= {section.title for section in document.sections}
    said = [word for section in document.sections for word in f"{section.title} {section.text}".split()]
    assert {word for lines in lines_of_pages().values() for line in lines for word in line.split()} <= set(said)


@pytest.mark.published
@pytest.mark.feature("pdf-partition")
def test_no_element_of_the_published_pdf_is_longer_than_1500() -> None:
    document = read_pdf(published("documents/en-imagenet-training.pdf"), layout="partition", figure_dpi=72).document
    assert max(len(section.text) for section in document.sections) <= 1500
    assert sum(len(section.figures) for section in document.sections) == 5
    titles = {section.title for section in document.sections}
    assert {"Downloading ImageNet", "Step 2. Training ResNet-50 Model with Horovod"} <= titles
    assert not any("notion.site/Hands-on" in section.text for section in document.sections)


@pytest.mark.feature("pdf-partition")
def test_a_section_begins_at_a_title_after_1200_and_before_1500() -> None:
    assert sizes(by_title([element(1100), element(50, title=True), element(900)])) == [[1100], [50, 900]]
    assert sizes(by_title([element(1250), element(100)])) == [[1250], [100]]
    assert sizes(by_title([element(1190), element(100), element(100)])) == [[1190, 100], [100]]
    assert sizes(by_title([element(1000), element(700)])) == [[1000], [700]]


@pytest.mark.feature("pdf-partition")
def test_short_sections_are_put_together_below_1000() -> None:
    short = [element(20, title=True), element(400), element(20, title=True), element(400)]
    assert sizes(by_title(short)) == [[20, 400, 20, 400]]
    assert len(by_title([element(1100), element(30, title=True), element(100)])) == 2


@given(st.lists(st.tuples(st.booleans(), st.integers(1, MAX_CHARS)), max_size=30))
def test_sections_keep_every_element_in_order_and_the_limit(parts: list[tuple[bool, int]]) -> None:
    elements = [element(chars, title=title) for title, chars in parts]
    groups = by_title(elements)
    assert [part for group in groups for part in group] == elements
    for group in groups:
        assert len("\n".join(line.text for line in lines_of(group))) <= MAX_CHARS


def test_a_block_that_is_too_long_is_cut_and_a_table_between_its_rows() -> None:
    text = Block("text", [Line(" ".join(["brass"] * 700), 3, 40)])
    head = [Line("| a | b |", 1, 1), Line("| --- | --- |", 1, 1)]
    table = Block("table", [*head, *(Line(f"| row {n} | {'x' * 60} |", n, n) for n in range(2, 60))])
    parts = elements_of([text, table])
    assert all(part.chars <= MAX_CHARS for part in parts)
    tables = [part for part in parts if part.lines[0].text == "| a | b |"]
    assert len(tables) > 1
    assert sum(len(part.lines) - 2 for part in tables) == 58


def test_bullets_blanks_and_hyphens_at_line_ends_are_cleaned() -> None:
    assert joined(["•  The  conserva-", "tion of   brass"]) == "The conservation of brass"
    assert joined(["Halvorsen-", "Orrery"]) == "Halvorsen-Orrery"
    assert joined(["see https://a.example/on-an-", "adventure"]) == "see https://a.example/on-an-adventure"


def test_headers_and_footers_of_three_pages_are_left_out(tmp_path: Path) -> None:
    pages = [
        PdfPage([*text_lines(paragraph(60, "abcd"[n])), (60, 40, 8, f"Annual report 2023, page {n}")]) for n in range(4)
    ]
    document = read_pdf(write_pdf(tmp_path / "a.pdf", pages), layout="partition").document
    assert len(document.sections) == 4
    assert not any("Annual report" in section.text for section in document.sections)
