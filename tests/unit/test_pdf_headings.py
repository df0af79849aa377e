"""Headings of PDFs: sections by size and by section number, what is no heading, and the title of the document."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.pdf_files import PdfPage, paragraph, read_pdf, write_pdf

from docent.records import Document

Text = list[tuple[float, float, float, str]]
BODY_PT = 11.0


def page(*parts: str | tuple[float, str], top: float = 790, gap: float = 22) -> PdfPage:
    """Paragraphs (texts, a name for their words) and headings (size and text), with a gap around each.

    Args:
        gap: points between the lines of two parts, beside those within a part.
    """
    placed: Text = []
    at = top
    for part in parts:
        if isinstance(part, tuple):
            size, lines = part[0], part[1].split("\n")
        else:
            size, lines = BODY_PT, paragraph(40, part)
        for line in lines:
            placed.append((60, at, size, line))
            at -= 1.3 * size
        at -= gap - 1.3 * BODY_PT
    return PdfPage(placed)


def document(tmp_path: Path, *pages: PdfPage, **settings: object) -> Document:
    return read_pdf(write_pdf(tmp_path / "file_name.pdf", list(pages)), **settings).document


def titles(read: Document) -> list[str]:
    return [section.title for section in read.sections]


def words_of(read: Document) -> dict[str, str]:
    """Names of the paragraphs in every section, by title."""
    return {
        section.title: " ".join(word[:-1] for word in section.text.split() if word.endswith("0") and word[-2].isalpha())
        for section in read.sections
    }


# A ruled or crowded page is read as pieces with places, any other as lines.
RULES = "".join(f"{40 + 6 * n} 20 m {40 + 6 * n} 40 l S\n40 {20 + 5 * n} m 60 {20 + 5 * n} l S\n" for n in range(4))


@pytest.fixture(params=["lines", "pieces"])
def ruled(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "pieces")


def drawn(made: PdfPage, ruled: bool) -> PdfPage:
    return PdfPage(made.text, RULES if ruled else "")


def test_every_heading_begins_a_section_and_none_holds_the_text_of_the_next(tmp_path: Path, ruled: bool) -> None:
    made = page((15, "Dial"), "dial", (15, "Case"), "case", (15, "Hands"), "hands")
    read = document(tmp_path, drawn(made, ruled))
    assert words_of(read) == {"Dial": "dial", "Case": "case", "Hands": "hands"}
    assert not any("Case" in section.text for section in read.sections if section.title != "Case")


def test_consecutive_lines_of_one_size_are_one_heading_and_of_two_sizes_are_two(tmp_path: Path, ruled: bool) -> None:
    made = page((20, "Report on the clock\nof the harbour"), (15, "What was asked"), "asked", gap=15)
    read = document(tmp_path, drawn(made, ruled))
    assert titles(read) == ["What was asked"]
    assert read.name == "Report on the clock of the harbour"
    assert "of the harbour" in read.sections[0].text


def test_consecutive_numbered_headings_of_one_size_are_two(tmp_path: Path, ruled: bool) -> None:
    read = document(tmp_path, drawn(page((15, "2 Works"), (15, "2.1 Escapement"), "works", gap=15), ruled))
    assert titles(read) == ["2.1 Escapement"]


def test_a_section_number_in_slightly_larger_type_is_a_heading_of_its_depth(tmp_path: Path) -> None:
    made = page((14, "3 Works"), "one", (12, "3.1 Weights and\npulleys"), "two", (12, "3.2 Chimes"), "three")
    read = document(tmp_path, drawn(made, ruled=True))
    assert words_of(read) == {"3 Works": "one", "3.1 Weights and pulleys": "two", "3.2 Chimes": "three"}
    marks = [section.text.split(" ")[0] for section in read.sections]
    assert marks == ["##", "###", "###"]


def test_a_section_number_that_stands_alone_in_the_type_of_the_text_is_a_heading(tmp_path: Path, ruled: bool) -> None:
    body = [(BODY_PT, text) for text in ("1 Dial", "1.1 Figures", "2 Case")]
    made = page(body[0], "dial", body[1], "figures", body[2], "case")
    assert words_of(document(tmp_path, drawn(made, ruled))) == {
        "1 Dial": "dial",
        "1.1 Figures": "figures",
        "2 Case": "case",
    }


@pytest.mark.parametrize(
    "lines",
    [
        ["1. Wind the clock", "2. Set the hands", "3. Close the door"],
        ["1 Wind the clock", "2 Set the hands", "3 Close the door"],
        ["7 Bells ring at noon"],
        ["1 Dial 4", "2 Case 9"],
        ["1 The dial was cleaned, and its figures were painted again."],
        ["12 kg of lead hang on the chain"],
    ],
)
def test_items_rows_and_sentences_that_begin_with_a_number_are_no_headings(
    tmp_path: Path, ruled: bool, lines: list[str]
) -> None:
    made = page((15, "Works"), "before", *((BODY_PT, line) for line in lines), "after")
    read = document(tmp_path, drawn(made, ruled))
    assert titles(read) == ["Works"]
    assert words_of(read)["Works"] == "before after"


def test_entries_of_a_table_of_contents_in_larger_type_are_no_headings(tmp_path: Path) -> None:
    entries = [(12.0, f"{n} {word} . . . . . {n + 2}") for n, word in enumerate(("Dial", "Case", "Works"), 1)]
    entries += [(12.0, "4 Chimes"), (12.0, "5 Bells")]
    read = document(tmp_path, page(*entries, "text"))
    assert titles(read) == ["page 1"]


def test_entries_of_several_depths_with_page_numbers_and_no_leaders_are_no_headings(tmp_path: Path) -> None:
    entries = [(12.0, text) for text in ("1 Dial 4", "1.1 Figures 5", "1.1.1 Paint 6", "2 Case 9")]
    assert titles(document(tmp_path, page(*entries, "text"))) == ["page 1"]


def test_a_number_at_the_end_of_a_heading_in_larger_type_is_part_of_it(tmp_path: Path, ruled: bool) -> None:
    first, second, third = "2 Pump P 100", "2.1 Alarm 12", "3 Repairs of 2023"
    read = document(tmp_path, drawn(page((12, first), "pump", (12, second), "alarm", (12, third), "repairs"), ruled))
    assert words_of(read) == {first: "pump", second: "alarm", third: "repairs"}


def test_rows_of_two_columns_are_no_headings(tmp_path: Path) -> None:
    made = page((15, "Works"), "before")
    made.text += [
        (x, 600 - 30 * n, BODY_PT, text) for n in range(3) for x, text in ((60, f"{n + 1} Wheel"), (300, "brass"))
    ]
    assert titles(document(tmp_path, made)) == ["Works"]


def test_a_footer_in_the_type_of_the_text_is_no_heading(tmp_path: Path) -> None:
    made = page((15, "Works"), "before")
    made.text.append((60, 40, BODY_PT, "1 Annual report"))
    assert titles(document(tmp_path, made)) == ["Works"]


def test_a_numbered_running_header_is_no_heading(tmp_path: Path) -> None:
    pages = [page("abcd"[n]) for n in range(4)]
    for number, made in enumerate(pages, 1):
        made.text.insert(0, (60, 815, 12, f"{number} Annual report"))
    assert titles(document(tmp_path, *pages)) == ["page 1", "page 2", "page 3", "page 4"]


def test_a_heading_at_the_foot_of_a_page_is_the_title_of_the_next(tmp_path: Path, ruled: bool) -> None:
    first = drawn(page((15, "Dial"), "dial", (15, "Case")), ruled)
    read = document(tmp_path, first, drawn(page("case"), ruled))
    assert words_of(read) == {"Dial": "dial", "Case": "case"}
    assert [section.index for section in read.sections] == [1, 2]
    assert "Case" not in read.sections[0].text


def test_a_heading_without_text_below_it_is_a_section_of_its_own(tmp_path: Path) -> None:
    """Nothing is lost: before another heading on the next page, and at the end of the document."""
    first = page((15, "Dial"), "dial", (15, "Part two"))
    read = document(tmp_path, first, page((15, "Case"), "case", (15, "End of the report")))
    assert titles(read) == ["Dial", "Part two", "Case", "End of the report"]
    assert [section.source.page for section in read.sections] == [1, 1, 2, 2]


def test_a_page_of_signs_between_a_heading_and_its_text_is_no_section(tmp_path: Path, ruled: bool) -> None:
    first = drawn(page((15, "Dial"), "dial", (15, "Case")), ruled)
    read = document(tmp_path, first, page((BODY_PT, "---")), drawn(page("case"), ruled))
    assert words_of(read) == {"Dial": "dial", "Case": "case"}
    assert [section.source.page for section in read.sections] == [1, 3]


def test_a_page_that_is_one_heading_is_the_title_of_the_next_page_alone(tmp_path: Path, ruled: bool) -> None:
    divider = drawn(page((15, "Part two")), ruled)
    read = document(tmp_path, page((15, "Dial"), "dial"), divider, drawn(page("case"), ruled))
    assert [(section.title, section.source.page) for section in read.sections] == [("Dial", 1), ("Part two", 3)]
    last = document(tmp_path, page((15, "Dial"), "dial"), divider, divider)
    assert [(section.title, section.source.page) for section in last.sections] == [
        ("Dial", 1),
        ("Part two", 2),
        ("Part two", 3),
    ]


def test_a_heading_is_no_fact_of_its_section(tmp_path: Path, ruled: bool) -> None:
    made = page((12, "1 Condition of the clock before treatment"), "dial", (15, "Care from now on"), "case")
    read = document(tmp_path, drawn(made, ruled))
    assert titles(read) == ["1 Condition of the clock before treatment", "Care from now on"]
    facts = [fact for section in read.sections for fact in section.facts]
    assert facts and not any("Condition" in fact.text or "Care" in fact.text for fact in facts)
    assert all(
        section.source.first_line < fact.source.first_line for section in read.sections for fact in section.facts
    )


def test_without_cleaning_text_pages_are_cut_by_length_only(tmp_path: Path) -> None:
    made = page((15, "Dial"), "dial", (15, "Case"), "case", (15, "Hands"), "hands")
    assert len(document(tmp_path, made, clean=False).sections) == 1


def test_a_document_is_called_after_the_largest_line_at_the_top_of_its_first_page(tmp_path: Path) -> None:
    titled = page((9, "Harbour office"), (22, "Winding the tide clock"), (15, "Dial"), "dial")
    assert document(tmp_path, titled, page((15, "Case"), "case")).name == "Winding the tide clock"
    assert document(tmp_path, titled, page((22, "Case"), "case")).name == "file name"
    assert document(tmp_path, titled, page((22, "1 Case"), "case")).name == "Winding the tide clock"
    below = page("dial", (22, "Winding the tide clock"), "case")
    assert document(tmp_path, below).name == "file name"
    assert document(tmp_path, page("dial")).name == "file name"


@pytest.mark.parametrize("part", ["1 Introduction", "2.1 Case", "Contents", "CONTENTS:", "Inhaltsverzeichnis"])
def test_the_title_of_a_part_does_not_name_the_document(tmp_path: Path, part: str) -> None:
    assert document(tmp_path, page((22, part), "dial"), page("case")).name == "file name"


def test_a_title_that_begins_with_a_quantity_names_the_document(tmp_path: Path) -> None:
    made = page((22, "100 Years of the harbour clock"), "dial")
    assert document(tmp_path, made).name == "100 Years of the harbour clock"


def test_the_title_that_a_file_states_counts_before_the_one_on_its_page(tmp_path: Path) -> None:
    made = page((22, "Winding the tide clock"), "dial")
    path = write_pdf(tmp_path / "a.pdf", [made], {"Title": "Rules for the tide clock"})
    assert read_pdf(path).document.name == "Rules for the tide clock"
