"""The report of a run over a PDF whose sections go on over the ends of pages: each counts once, with all its rows."""

from __future__ import annotations

import html
import json
import re
import shlex
from pathlib import Path

import pytest
from tests.integration.test_own_material import carried_out, page_of, text_of
from tests.integration.test_report_next_steps import commands_of
from tests.integration.test_report_small_museum import steps_of
from tests.pdf_files import PdfPage, text_lines, write_pdf

from docent.records import Item, Score, Span
from docent.stages.report.facts import _by_exhibit
from docent.stages.report.inputs.real_sections import count_sections, first_parts, whole_sections
from docent.stages.report.sentences.wording import ACCURACY

PARTS = ("Boiler", "Whistle", "Tender", "Injector", "Regulator", "Firebox")
HEADING_SIZE = 18.0


def lines_of(number: int, part: str) -> list[str]:
    """A section of eight lines, the last of which are to stand on the next page."""
    name = part.lower()
    return [
        f"2.{number} {part}",
        f"The {name} weighs {12 * number} kg and was fitted in {1880 + number} by the works in Darlington.",
        f"Check the {name} every {number + 2} weeks and write the result into the engine book.",
        f"If the {name} is older than {30 + number} years, an inspector must see it before steam is raised.",
        f"The {name} must be kept dry in winter, because ring {number} of it rusts within a month.",
        f"Grease the {name} with {number} grams of tallow on the first day of every season.",
        f"The spare {name} lies in box {number} of the store behind the shed.",
        f"Paint number {100 + number} is used for the {name} alone.",
    ]


def placed(lines: list[str]) -> list[tuple[float, float, float, str]]:
    found = text_lines(lines)
    return [(x, y, HEADING_SIZE if line.startswith("2.") else size, line) for x, y, size, line in found]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over six pages: every section but the last begins on one page and ends on the next. It lies elsewhere."""
    folder = tmp_path_factory.mktemp("shed")
    every = [lines_of(number, part) for number, part in enumerate(PARTS, 1)]
    ends = [[], *(lines[5:] for lines in every[:-1])]
    begins = [*(lines[:5] for lines in every[:-1]), every[-1]]
    pages = [PdfPage(placed([*end, *begin])) for end, begin in zip(ends, begins, strict=True)]
    write_pdf(folder / "engine.pdf", pages, {"Title": "Engine book"})
    run_dir = folder / "runs" / "engine"
    carried_out(run_dir, [{"kind": "pdf", "path": str(folder / "engine.pdf")}])
    return run_dir


def items_of(run_dir: Path) -> list[dict[str, str]]:
    (file,) = (run_dir / "assemble" / "latest").glob("part-*.jsonl")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_section_that_goes_on_over_the_end_of_a_page_counts_once(engine: Path) -> None:
    items = items_of(engine)
    titles = [item["title"] for item in items]
    assert len(titles) > len(set(titles)) == len(PARTS), "the PDF is read in parts"
    text = text_of(page_of(engine))
    parted = sum(titles.count(title) > 1 for title in set(titles))
    assert f"document with {len(PARTS)} sections" in text
    assert f"{parted} sections are read in several parts, cut at page ends or at the longest length" in text
    assert f"{len(items)} sections" not in text
    about = re.search(r"answers about (?:(\d+) of )?6 sections of 1 document", text)
    assert about


def test_a_section_without_a_row_is_named_once_and_has_no_row_in_any_part(engine: Path) -> None:
    page = page_of(engine)
    rows = (engine / "build-dataset" / "latest").glob("part-*.jsonl")
    used = {json.loads(line)["item_id"] for file in rows for line in file.read_text(encoding="utf-8").splitlines()}
    with_row = {item["title"] for item in items_of(engine) if item["id"] in used}
    listed = page.partition("Sections without a row")[2].partition("</ul>")[0]
    named = re.findall(r"<li>(.*?)</li>", listed)
    assert sorted(named) == sorted({item["title"] for item in items_of(engine)} - with_row)


def test_parts_are_told_from_sections_by_title_order_and_pages() -> None:
    parts = [("a", "1 Use", 1), ("a", "1 Use", 2), ("a", "2 Care", 2), ("a", "1 Use", 3), ("b", "1 Use", 1)]
    assert [len(section) for section in whole_sections(parts, lambda part: part)] == [2, 1, 1, 1]
    headings = [("c", "Notes", None)] * 2
    assert len(list(whole_sections(headings, lambda part: part))) == 2, "headings of a text file"


def part(title: str, page: int) -> Item:
    return Item(
        id=f"{title}-{page}", kind="section", name=f"Book: {title}", title=title, text="", document_id="d",
        document="Book", source=Span(file="b.pdf", first_line=1, last_line=2, page=page),
    )  # fmt: skip


def test_a_section_has_a_row_when_one_of_its_parts_has() -> None:
    parts = [part("1.1 Use", 1), part("1.1 Use", 2), part("2.1 Care", 2), part("2.1 Care", 3), part("2.1 Care", 4)]
    counts = count_sections([(one, one.id == "1.1 Use-2") for one in parts], documents=1)
    assert (counts.count, counts.parted, counts.asked) == (2, 2, 1)
    assert counts.unused == ["2.1 Care"] and counts.chapters == {"1": True, "2": False}


def test_right_answers_about_the_parts_of_a_section_stand_in_one_row() -> None:
    parts = [part("1.1 Use", 1), part("1.1 Use", 2), part("2.1 Care", 2)]
    scores = [
        Score(id=one.id, arm="lora", example_id=one.id, item_id=one.id, item_name=one.name, metrics={ACCURACY: 1.0})
        for one in parts
    ]
    rows = _by_exhibit(scores, ("lora",), {one.id: one.title for one in parts}, first_parts(parts))
    assert [(row.exhibit, row.cells) for row in rows] == [("1.1 Use", ((2, 2),)), ("2.1 Care", ((1, 1),))]


def test_where_sections_are_cut_answers_are_said_to_be_of_one_part(engine: Path) -> None:
    page = page_of(engine)
    step = next(step for step in steps_of(page) if "offline teacher" in step)
    assert "its answers are sentences of one part of a section" in text_of(page.split("<nav")[0])
    assert "its answers are sentences of one part of a section" in step


def test_where_the_folder_of_runs_is_cut_the_page_says_what_to_put_in_its_place(engine: Path) -> None:
    page = page_of(engine)
    assert str(engine.parent) not in page
    assert text_of(page.split('id="next"')[1]).count("In place of … put the path of the folder that holds runs.") == 1
    again = re.findall(r"<code>(docent run .*? --run again)</code>", page)
    assert len(again) == 1
    assert shlex.split(html.unescape(again[0])) == [
        "docent", "run", "…/runs/engine/pipeline.resolved.yaml", "--data", "…/runs", "--run", "again",
    ]  # fmt: skip
    assert all(words[words.index("--data") + 1] == "…/runs" for words in commands_of(page))
