"""Running headers, divided words, columns and tables of PDFs, in every layout."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.pdf_files import PdfPage, paragraph, read_pdf, text_lines, write_pdf

from docent.records import Document
from docent.stages.ingest.pdf.document import document_in

LAYOUTS = ("classes", "partition", "pictures")
Text = list[tuple[float, float, float, str]]
BODY = [
    "The brass quadrant was lent to the harbour office in the spring of 1911 and came back",
    "in the autumn. Its case is of pear wood, lined with green cloth, and has two locks. The",
    "scale is divided by hand. A maker's mark stands below the pivot, and was found when the",
    "plate was taken off for conser-",
    "vation. The second hand is miss-",
    "ing. A well-",
    "known workshop made a new one.",
]


def written(document: Document) -> str:
    return "\n".join(section.text for section in document.sections)


def stated(document: Document) -> list[str]:
    return [fact.text for section in document.sections for fact in section.facts]


def sheets(count: int, header: str, footer: str, *, right: str = "", footer_first: bool = False) -> list[PdfPage]:
    """Pages with a header, a footer and a text of their own; `{n}` is the page."""
    pages = []
    for number in range(1, count + 1):
        top: Text = [(60, 810, 9, header.format(n=number))]
        top += [(420, 810, 9, right.format(n=number))] if right else []
        bottom: Text = [(60, 30, 9, footer.format(n=number))]
        body = [*text_lines(BODY, 760), *text_lines(paragraph(60, "abcdefghij"[number]), 600)]
        pages.append(PdfPage([*bottom, *top, *body] if footer_first else [*top, *body, *bottom]))
    return pages


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("footer_first", [False, True])
def test_running_headers_footers_and_page_numbers_are_no_text(tmp_path: Path, layout: str, footer_first: bool) -> None:
    pages = sheets(4, "Vault of instruments, 2023", "- {n} -", right="Sheet {n} of 4", footer_first=footer_first)
    document = read_pdf(write_pdf(tmp_path / "a.pdf", pages), layout=layout, page_dpi=36).document
    assert len({section.source.page for section in document.sections}) == 4
    for said in (written(document), *stated(document)):
        assert not any(words in said for words in ("Vault", "Sheet", "- 1 -", "- 3 -"))
    assert written(document).count("brass quadrant") == 4
    assert all(
        section.source.first_line <= fact.source.first_line for section in document.sections for fact in section.facts
    )


def test_roman_page_numbers_and_those_of_two_pages_are_no_text(tmp_path: Path) -> None:
    pages = [PdfPage([*text_lines(paragraph(90, "abc"[n])), (290, 30, 9, ("i", "ii", "iii")[n])]) for n in range(3)]
    document = read_pdf(write_pdf(tmp_path / "a.pdf", pages)).document
    assert not any(line in ("i", "ii", "iii") for line in written(document).split("\n"))
    pages = sheets(2, "", "Page {n} of 2")
    assert "Page" not in written(read_pdf(write_pdf(tmp_path / "b.pdf", pages)).document)


def test_what_begins_every_sheet_of_a_catalogue_and_numbers_of_chapters_stay(tmp_path: Path) -> None:
    material = [
        ["Material: brass and pear wood", f"Inventory number 1961-{n}", *paragraph(70, "abcd"[n])] for n in range(4)
    ]
    read = read_pdf(write_pdf(tmp_path / "a.pdf", [PdfPage(text_lines(lines)) for lines in material]))
    assert written(read.document).count("Material: brass") == 4
    assert "Inventory number 1961-2" in written(read.document)
    chapters = [
        PdfPage([(60, 800, 9, f"Chapter {n * n + 7}"), *text_lines(paragraph(70, "abcd"[n]), 740)]) for n in range(4)
    ]
    read = read_pdf(write_pdf(tmp_path / "b.pdf", chapters))
    assert [n for n in (7, 8, 11, 16) if f"Chapter {n}" in written(read.document)] == [7, 8, 11, 16]


def test_a_title_that_every_page_repeats_is_kept_once(tmp_path: Path) -> None:
    pages = [PdfPage([(60, 800, 18, "The Vault"), *text_lines(paragraph(70, "abc"[n]), 740)]) for n in range(3)]
    assert written(read_pdf(write_pdf(tmp_path / "a.pdf", pages)).document).count("The Vault") == 1


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("words", [0, 80])
def test_divided_words_are_whole_with_the_lines_of_both_parts(tmp_path: Path, layout: str, words: int) -> None:
    page = PdfPage([*text_lines(BODY), *text_lines(paragraph(words), 600)])
    document = read_pdf(write_pdf(tmp_path / "a.pdf", [page]), layout=layout, page_dpi=36).document
    facts = " ".join(stated(document))
    assert "for conservation. The second hand is missing. A well-known workshop made a new one." in facts
    (fact,) = [f for s in document.sections for f in s.facts if "missing" in f.text]
    if layout == "classes":
        assert (fact.source.first_line, fact.source.last_line) == (5, 6)


def column(lines: list[str], left: float) -> Text:
    return [(left, 780 - 13 * number, 10, line) for number, line in enumerate(lines)]


LEFT = [f"left{n} stands on the left side here" for n in range(24)]
RIGHT = [f"right{n} stands on the other side" for n in range(24)]


@pytest.mark.parametrize("layout", ["classes", "partition"])
@pytest.mark.parametrize("order", ["columns", "rows", "right first"])
@pytest.mark.parametrize("gutter", [14.0, 60.0])
def test_columns_are_read_one_after_another(tmp_path: Path, layout: str, order: str, gutter: float) -> None:
    one, two = column(LEFT, 50), column(RIGHT, 210 + gutter)
    text = {
        "columns": one + two,
        "right first": two + one,
        "rows": [x for pair in zip(one, two, strict=True) for x in pair],
    }
    document = read_pdf(
        write_pdf(tmp_path / "a.pdf", [PdfPage(text[order])]), layout=layout, chunk_overlap_chars=0
    ).document
    words = [word for word in written(document).split() if word.startswith(("left", "right")) and word[-1].isdigit()]
    assert words == [line.split()[0] for line in [*LEFT, *RIGHT]]


def rows(places: list[float], cells: list[list[str]], top: float = 700) -> Text:
    return [(x, top - 16 * n, 10, text) for n, row in enumerate(cells) for x, text in zip(places, row, strict=True)]


CELLS = [
    ["Object", "Weight", "Case"],
    ["Quadrant", "12 kg", "4 kg"],
    ["Astrolabe", "7 kg", "2 kg"],
    ["Octant", "3 kg", "1 kg"],
]


@pytest.mark.parametrize("layout", ["classes", "partition"])
@pytest.mark.parametrize("words", [0, 90])
@pytest.mark.parametrize("places", [[60, 113, 155], [60, 200, 300]])
def test_columns_of_a_table_are_not_merged(tmp_path: Path, layout: str, words: int, places: list[float]) -> None:
    """Also where they stand near, and on a page of text."""
    page = PdfPage([*rows(places, CELLS), *text_lines(paragraph(words), 600)])
    document = read_pdf(write_pdf(tmp_path / "a.pdf", [page]), layout=layout).document
    assert "| Quadrant | 12 kg | 4 kg |" in written(document)
    assert "Object: Octant; Weight: 3 kg; Case: 1 kg" in stated(document)


def test_rules_part_cells_that_touch_and_a_divided_word_in_a_cell_is_whole(tmp_path: Path) -> None:
    cells = [["Object", "State"], ["Quadrant", "corro-"], ["", "ded"], ["Octant", "good"]]
    text = [(60, 700, 10, "Object"), (93, 700, 10, "State"), (60, 680, 10, "Quadrant")]
    text += [(104.5, 680, 10, "corro-"), (104.5, 669, 10, "ded"), (60, 650, 10, "OctantX"), (104.5, 650, 10, "good")]
    assert len(cells) == 4
    drawing = "".join(f"{x} 640 m {x} 715 l S\n" for x in (55, 102.5, 160))
    drawing += "".join(f"55 {y} m 160 {y} l S\n" for y in (640, 664, 694, 715))
    text[1] = (104.5, 700, 10, "State")
    read = read_pdf(write_pdf(tmp_path / "a.pdf", [PdfPage(text, drawing)]))
    assert "| Quadrant | corroded |" in written(read.document)
    assert "| OctantX | good |" in written(read.document)


def test_without_cleaning_the_lines_of_a_text_page_are_those_of_the_file(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", sheets(3, "Vault of instruments", "Page {n}"))
    kept = written(read_pdf(path, clean=False).document)
    assert kept.count("Vault of instruments") == 3 and "Page 2" in kept and "conser-\nvation" in kept


def test_a_word_that_is_divided_between_two_columns_is_whole(tmp_path: Path) -> None:
    left = [*LEFT[:-1], "left23 tells of the conser-"]
    right = ["vation of the quadrant of brass", *RIGHT[1:]]
    page = PdfPage([x for pair in zip(column(left, 50), column(right, 250), strict=True) for x in pair])
    said = written(read_pdf(write_pdf(tmp_path / "a.pdf", [page]), chunk_chars=5000).document)
    assert "tells of the conservation" in said and "of the quadrant of brass" in said


def test_a_page_of_many_pieces_and_tables_takes_time_in_proportion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docent.stages.ingest.pdf.process.read", document_in)  # here, for the time of this process

    def seconds(count: int) -> float:
        ruled = "".join(
            f"{x} {y} 30 4 re S {x + 15} {y} m {x + 15} {y + 4} l S {x} {y + 2} m {x + 30} {y + 2} l S\n"
            for x in range(10, 10 + 40 * (count // 400), 40)
            for y in range(10, 90, 8)
        )
        pieces = [(10.0 + 20 * (n % 40), 8000 - 2.0 * (n // 40), 1.0, "ab") for n in range(count)]
        path = write_pdf(tmp_path / f"{count}.pdf", [PdfPage(pieces, ruled)])
        start = time.process_time()
        read_pdf(path, layout="partition")
        return time.process_time() - start

    assert seconds(8_000) < 12 * max(seconds(2_000), 0.05)


def test_items_of_a_list_and_lines_of_a_typewriter_are_no_tables(tmp_path: Path) -> None:
    items = ["Quadrant of brass", "Octant of ebony", "Astrolabe of brass", "Sextant, signed"]
    text = [(x, 700 - 16.0 * n, 10.0, t) for n, item in enumerate(items) for x, t in ((60.0, "*"), (82.0, item))]
    text += [(x, 600 - 16.0 * n, 10.0, t) for n, item in enumerate(items) for x, t in ((60.0, f"{n}."), (90.0, item))]
    document = read_pdf(write_pdf(tmp_path / "a.pdf", [PdfPage(text)])).document
    assert "|" not in written(document)
    assert "- Octant of ebony" in written(document) and "1. Octant of ebony" in written(document)
    code = "".join(f"BT /F2 10 Tf 60 {500 - 12 * n} Td (call step{n} value{n} result{n}) Tj ET\n" for n in range(6))
    path = write_pdf(tmp_path / "b.pdf", [PdfPage([(60, 700, 10, "Octant")], code)])
    courier = b"/Font << /F1 3 0 R /F2 << /Type /Font /Subtype /Type1 /BaseFont /Courier >> >>"
    # PDFium finds the objects again by itself.
    path.write_bytes(path.read_bytes().replace(b"/Font << /F1 3 0 R >>", courier))
    assert "call step3 value3 result3" in written(read_pdf(path).document)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_page_whose_letters_are_drawn_as_shapes_is_a_picture_and_not_empty(tmp_path: Path, layout: str) -> None:
    shapes = "".join(f"{50 + 7 * n} 100 m {80 + 5 * n} {300 + 3 * n} l S\n" for n in range(40))
    path = write_pdf(tmp_path / "a.pdf", [PdfPage(drawing=shapes), PdfPage()])
    (section,) = read_pdf(path, layout=layout, page_dpi=36).document.sections
    assert section.source.page == 1 and section.figures[0].image is not None
