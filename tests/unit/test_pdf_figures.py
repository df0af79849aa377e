"""Figures and tables of PDF pages: found, filtered with their numbers, cropped, at their places."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.pdf_files import PdfImage, PdfPage, Read, noise, paragraph, read_pdf, text_lines, write_pdf
from tests.pdf_report import FIGURE_PAGES, TERMINAL_POINTS, lines_of_pages
from tests.published import published

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "samples" / "documents" / "orrery-conservation.pdf"
ABOVE, BELOW = paragraph(64, "above"), paragraph(64, "below")


def mixed(*images: PdfImage, caption: str = "") -> PdfPage:
    """Text, room for pictures between 250 and 600 points, text."""
    said = [(60.0, 238.0, 10.0, caption)] if caption else []
    return PdfPage([*text_lines(ABOVE), *said, *text_lines(BELOW, top=200)], images=list(images))


@pytest.fixture(scope="module")
def report(report_pdf: Path) -> Read:
    return read_pdf(report_pdf, figure_dpi=300)


@pytest.mark.feature("pdf-pages-as-markdown")
def test_the_figures_of_a_report_stand_between_the_lines_around_them(report: Read) -> None:
    found = [(section, figure) for section in report.document.sections for figure in section.figures]
    assert [section.source.page for section, _ in found] == list(FIGURE_PAGES)
    assert report.rejects == []
    lines = lines_of_pages()
    for number, (section, figure) in enumerate(found):
        page = FIGURE_PAGES[number]
        place = FIGURE_PAGES[:number].count(page) + 1
        assert figure.token == f"{{{{FIGURE_p{page}_{place}}}}}" and section.text.count(figure.token) == 1
        before, after = (text.strip().split("\n") for text in section.text.split(figure.token))
        half = len(lines[page]) // 2
        assert before[-1] == (lines[page][half - 1] if place == 1 else found[number - 1][1].token)
        last = FIGURE_PAGES.count(page) == place
        assert after[0] == (lines[page][half] if last else found[number + 1][1].token)


@pytest.mark.published
@pytest.mark.feature("pdf-pages-as-markdown")
def test_five_figures_of_the_published_pdf_stand_where_they_are_shown() -> None:
    read = read_pdf(published("documents/en-imagenet-training.pdf"), figure_dpi=72)
    around = {
        "{{FIGURE_p3_1}}": ("use symbolic link such that:", "[Important Step]"),
        "{{FIGURE_p5_1}}": (None, None),
        "{{FIGURE_p7_1}}": (None, None),
        "{{FIGURE_p8_1}}": ("imagenet_resnet folder:", "vd_train_log (32 GPUS"),
        "{{FIGURE_p8_2}}": ("eval_hvd_train.log (32 GPUS", None),
    }
    found = [(section, figure) for section in read.document.sections for figure in section.figures]
    assert [figure.token for _, figure in found] == list(around)
    for section, figure in found:
        assert section.text.count(figure.token) == 1
        assert figure.token.startswith(f"{{{{FIGURE_p{section.source.page}_")
        before, after = section.text.split(figure.token)
        last, first = before.strip().split("\n")[-1], after.strip().split("\n")[0]
        wanted = around[figure.token]
        assert (wanted[0] or "") in last and (wanted[1] or "") in first
    assert read.rejects == []


@pytest.mark.feature("pdf-pages-as-markdown")
def test_a_figure_is_cropped_at_the_dpi_that_is_asked_for(report: Read, report_pdf: Path) -> None:
    [section] = [s for s in report.document.sections if s.source.page == 3]
    image = section.figures[0].image
    assert image is not None
    assert (image.width_px, image.height_px) == pytest.approx([side / 72 * 300 for side in TERMINAL_POINTS], abs=2)
    picture = Image.open(io.BytesIO(report.files[image.file])).convert("L")
    assert picture.size == (image.width_px, image.height_px)
    assert np.asarray(picture).mean() < 60  # the black terminal, and nothing of the white page around it
    [coarse] = [s for s in read_pdf(report_pdf, figure_dpi=72).document.sections if s.source.page == 3]
    assert coarse.figures[0].image is not None and coarse.figures[0].image.width_px == pytest.approx(404, abs=2)


@pytest.mark.feature("pdf-pages-as-markdown")
def test_each_crop_is_its_own_picture_also_on_a_turned_page_and_inside_a_form(tmp_path: Path) -> None:
    red, green = noise(400, 420), noise(400, 420, seed=1)
    red[..., 1:], green[..., (0, 2)] = 0, 0
    pages = []
    for rotate in (0, 90, 180, 270):
        images = [
            PdfImage(red, (60, 430, 300, 160)),
            PdfImage(green, (60, 50, 300, 160), in_form=(0, 210)),
        ]
        page = mixed(*images)
        page.rotate = rotate
        pages.append(page)
    read = read_pdf(write_pdf(tmp_path / "a.pdf", pages), figure_dpi=72)
    assert read.rejects == []
    assert len(read.document.sections) >= 4
    for number in range(1, 5):
        colours = []
        figures = {f.token: f for s in read.document.sections if s.source.page == number for f in s.figures}
        for _, figure in sorted(figures.items()):
            assert figure.image is not None
            mean = np.asarray(Image.open(io.BytesIO(read.files[figure.image.file]))).reshape(-1, 3).mean(axis=0)
            colours.append("red" if mean[0] > 60 else "green" if mean[1] > 60 else "other")
            assert min(mean) < 5
            sides = {figure.image.width_px, figure.image.height_px}
            assert all(any(abs(side - wanted) <= 1 for wanted in (300, 160)) for side in sides)
        assert sorted(colours) == ["green", "red"]


def test_a_caption_is_the_line_that_says_so(tmp_path: Path) -> None:
    image = PdfImage(noise(), (60, 255, 300, 200))
    read = read_pdf(write_pdf(tmp_path / "a.pdf", [mixed(image, caption="Fig. 3: The wheel of Mars.")]), figure_dpi=72)
    assert [f.caption for s in read.document.sections for f in s.figures][:1] == ["Fig. 3: The wheel of Mars."]
    read = read_pdf(write_pdf(tmp_path / "b.pdf", [mixed(image, caption="Figures are few.")]), figure_dpi=72)
    assert {f.caption for s in read.document.sections for f in s.figures} == {""}


@pytest.mark.feature("figure-thresholds")
def test_small_and_plain_figures_are_rejected_with_their_numbers(tmp_path: Path, report_pdf: Path) -> None:
    plain = np.full((400, 600, 3), 200, dtype=np.uint8)
    images = [
        PdfImage(noise(), (60, 540, 300, 60)),
        PdfImage(noise(300, 200), (60, 430, 300, 80)),
        PdfImage(plain, (60, 260, 300, 100)),
    ]
    path = write_pdf(tmp_path / "a.pdf", [mixed(*images)])
    read = read_pdf(path, figure_dpi=72)
    assert [reject.reason for reject in read.rejects] == ["figure too small", "figure too small", "figure too plain"]
    inches, pixels, complexity = (reject.detail for reject in read.rejects)
    assert inches == "a.pdf page 1: 4.17 x 0.83 inches, 600 x 400 px: less than 1 inches"
    assert pixels == "a.pdf page 1: 4.17 x 1.11 inches, 300 x 200 px: fewer than 160000 px"
    assert complexity == "a.pdf page 1: Laplacian 0, edges 0 px, entropy 0.00 bits"
    assert not any(section.figures for section in read.document.sections)
    # Every threshold is honoured.
    kept = read_pdf(path, figure_dpi=72, min_figure_inches=0.5, min_figure_px=1000)
    assert [reject.reason for reject in kept.rejects] == ["figure too plain"]
    strict = {"min_laplacian": 1e9, "min_edge_px": 10**9, "min_entropy_bits": 25}
    assert {r.reason for r in read_pdf(report_pdf, figure_dpi=72, **strict).rejects} == {"figure too plain"}


def test_an_image_that_claims_a_huge_size_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    bomb = PdfImage(noise(), (60, 300, 300, 200), claimed=(60_000, 60_000))
    pages = [mixed(bomb), PdfPage(text_lines(["short"]), images=[bomb]), PdfPage(text_lines(paragraph(100)))]
    read = read_pdf(write_pdf(tmp_path / "a.pdf", pages))
    assert [reject.reason for reject in read.rejects] == ["figure too large", "figure too large"]
    assert "more than 100000000 px" in read.rejects[0].detail
    assert {section.source.page for section in read.document.sections} == {1, 3}


def test_text_that_looks_like_a_token_is_no_figure(tmp_path: Path) -> None:
    image = PdfImage(noise(), (60, 300, 300, 200))
    page = mixed(image, caption="{{FIGURE_p1_1}} is not here")
    read = read_pdf(write_pdf(tmp_path / "a.pdf", [page]), figure_dpi=72)
    text = "\n".join(section.text for section in read.document.sections)
    assert text.count("{{FIGURE_p1_1}}") == 1
    assert "is not here" in text


def test_a_ruled_table_becomes_markdown() -> None:
    [section] = [s for s in read_pdf(SAMPLE, figure_dpi=36).document.sections if s.source.page == 5]
    table = "\n".join(line for line in section.text.split("\n") if line.startswith("|"))
    assert table == (
        "| Planet | Teeth | Arm (mm) | Ball (mm) |\n| --- | --- | --- | --- |\n| Mercury | 20 | 62 | 6 |\n"
        "| Venus | 51 | 96 | 11 |\n| Earth | 83 | 138 | 12 |\n| Mars | 156 | 187 | 8 |"
    )
    [fact] = [fact for fact in section.facts if "Venus" in fact.text and "51" in fact.text]
    assert fact.source.page == 5
    assert section.text.index("Figure 1:") < section.text.index("| Planet")


def test_texts_aligned_in_columns_become_a_table_and_prose_in_columns_does_not(tmp_path: Path) -> None:
    rows = [
        ("Object", "Room", "Since"),
        ("Sextant", "4", "1911"),
        ("Globe | blue", "7", "1920"),
        ("Loupe", "2", "1933"),
    ]
    cells = [(60.0 + 150 * c, 700.0 - 14 * r, 10.0, text) for r, row in enumerate(rows) for c, text in enumerate(row)]
    read = read_pdf(write_pdf(tmp_path / "a.pdf", [PdfPage(cells)]))
    assert "| Globe \\| blue | 7 | 1920 |" in read.document.sections[0].text
    left, right = paragraph(40, "left"), paragraph(40, "right")
    prose = [
        (x, 700.0 - 14 * number, 10.0, " ".join(line.split()[:4]) + " and so on it goes")
        for x, lines in ((60.0, left), (330.0, right))
        for number, line in enumerate(lines)
    ]
    text = read_pdf(write_pdf(tmp_path / "b.pdf", [PdfPage(prose)])).document.sections[0].text
    assert "|" not in text
    assert text.index("left32") < text.index("right0")
