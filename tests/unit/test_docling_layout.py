"""The layout `docling`: what its items become; the items are stand-ins with the fields of docling-core 2.104."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PIL import Image

from docent.config.sources import Source
from docent.config.stages import Ingest
from docent.records import Section
from docent.stages.ingest.images import Intake, Limits
from docent.stages.ingest.pdf.docling_layout import sections_of
from docent.stages.ingest.pdf.page.figures import Cropper
from docent.stages.ingest.sources import ListedFile


def item(label: str, text: str, page: int, **more: Any) -> tuple[Any, int]:
    return SimpleNamespace(label=label, text=text, prov=[SimpleNamespace(page_no=page)], **more), 1


def test_items_become_sections_of_their_pages(tmp_path: Path) -> None:
    source = Source(kind="pdf", path=tmp_path / "a.pdf")
    intake = Intake(
        Ingest(sources=(source,), pdf={"skip_first_pages": 1}),
        Limits(10**7, 1e8),
        lambda data, suffix: f"files/x.{suffix}",
    )
    cropper = Cropper(ListedFile(source, tmp_path, tmp_path / "a.pdf", "a.pdf"), intake)
    picture = {
        "get_image": lambda document: Image.new("RGB", (30, 20)),
        "caption_text": lambda document: "Figure 1: arms",
    }
    items = [
        item("title", "Cover", 1),
        item("section_header", "Gears", 2),
        item("text", "The crank drives 48 teeth.", 2),
        item("picture", "", 2, **picture),
        item("list_item", "Venus has 51 teeth.", 3),
        item("table", "", 3, export_to_markdown=lambda document: "| a | b |\n| --- | --- |\n| 1 | 2 |\n"),
    ]
    rows = list(sections_of(SimpleNamespace(), items, cropper))
    assert all(isinstance(row, Section) for row in rows)
    second, third = rows
    assert second.text == "## Gears\n\nThe crank drives 48 teeth.\n\n{{FIGURE_p2_1}}"
    assert (second.title, second.source.page, second.source.first_line, second.source.last_line) == ("Gears", 2, 1, 5)
    [figure] = second.figures
    assert (figure.caption, figure.image.name) == ("Figure 1: arms", "a-p2-1.png")
    assert third.text == "- Venus has 51 teeth.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert third.source.page == 3


def test_running_lines_are_left_out_and_divided_words_whole(tmp_path: Path) -> None:
    source = Source(kind="pdf", path=tmp_path / "a.pdf")
    intake = Intake(Ingest(sources=(source,)), Limits(10**7, 1e8), lambda data, suffix: f"files/x.{suffix}")
    cropper = Cropper(ListedFile(source, tmp_path, tmp_path / "a.pdf", "a.pdf"), intake)
    items = [item("page_header", "Vault of instruments", 1), item("text", "for conser-\nvation of the dial", 1)]
    items += [item("code", "step -\nstop-\nnow", 1), item("page_footer", "Page 1", 1)]
    [section] = [row for row in sections_of(SimpleNamespace(), items, cropper) if isinstance(row, Section)]
    assert section.text == "for conservation of the dial\n\nstep -\nstop-\nnow"
