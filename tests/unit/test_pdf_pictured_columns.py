"""The text below the picture of a page, in the layout `pictures`: in the order of reading, as in other layouts."""

from pathlib import Path

from tests.pdf_files import PdfPage, read_pdf, write_pdf


def interleaved(left: list[str], right: list[str]) -> PdfPage:
    """Two columns that a program wrote line by line across both."""
    lines = []
    for number, (one, other) in enumerate(zip(left, right, strict=True)):
        y = 740 - 14 * number
        lines += [(60.0, y, 10.0, one), (320.0, y, 10.0, other)]
    return PdfPage(lines)


def test_columns_stand_one_below_the_other_and_their_divided_words_are_whole(tmp_path: Path) -> None:
    left = [f"left line number {n} of the page" for n in range(12)] + ["the left column ends with a divi-"]
    right = ["ded word, and goes on here"] + [f"right line number {n} of the page" for n in range(12)]
    path = write_pdf(tmp_path / "a.pdf", [interleaved(left, right)])
    texts = {
        layout: "\n".join(section.text for section in read_pdf(path, layout=layout).document.sections)
        for layout in ("classes", "pictures")
    }
    for text in texts.values():
        assert text.index("left line number 11") < text.index("divided") < text.index("right line number 0")
        assert "page right line" not in text
    assert texts["pictures"].startswith("{{FIGURE_p1_1}}")
    as_written = read_pdf(path, layout="pictures", clean=False).document.sections[0].text
    assert "divi-" in as_written


def test_columns_of_a_table_below_a_picture_are_not_merged(tmp_path: Path) -> None:
    rules = " ".join(f"60 {700 - 20 * n} m 460 {700 - 20 * n} l S" for n in range(4))
    rules += " " + " ".join(f"{60 + 200 * n} 700 m {60 + 200 * n} 640 l S" for n in range(3))
    cells = [["Name", "Height"], ["Blue jug", "30 cm"], ["Red bowl", "12 cm"]]
    text = [(66.0 + 200 * c, 686.0 - 20 * r, 10.0, cell) for r, row in enumerate(cells) for c, cell in enumerate(row)]
    read = read_pdf(write_pdf(tmp_path / "a.pdf", [PdfPage(text, drawing=rules)]), layout="pictures")
    assert "| Blue jug | 30 cm |" in read.document.sections[0].text
