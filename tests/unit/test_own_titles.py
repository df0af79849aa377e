"""The heading on the first line of a document that has no title but its file's name."""

from __future__ import annotations

import pytest

from docent.records import Document, Section, Span
from docent.stages.report.inputs.samples import spread
from docent.stages.report.inputs.titles import named_after_file, own_title
from docent.stages.report.sentences.amounts import counted
from docent.stages.report.sentences.wording import interval, metric_of


def document(heading: str, name: str = "user guide", line: int = 1, page: int | None = 1) -> Document:
    span = Span(file="docs/user-guide.pdf", first_line=line, last_line=9, page=page)
    section = Section(index=1, title=heading, text="Hold the kite by its keel.", source=span)
    return Document(id="d", kind="pdf", name=name, sections=(section,))


def test_a_heading_on_the_first_line_is_the_title_of_a_document_called_after_its_file() -> None:
    found = document("Box kite BK 3: building and flying")
    assert named_after_file(found) and own_title(found) == "Box kite BK 3: building and flying"
    assert own_title(document("Box kite BK 3", page=None)) == "Box kite BK 3"


@pytest.mark.parametrize(
    "found",
    [
        document("Box kite", name="Kites for beginners"),
        document("Box kite", line=7),
        document("Box kite", page=2),
        document("1.1 Purpose of this text"),
        document("Introduction"),
        document("Table of contents"),
        document("user guide"),
        document("Box kite " * 40),
    ],
)
def test_any_other_heading_belongs_to_a_part_of_the_document(found: Document) -> None:
    assert own_title(found) == ""


def test_places_are_spread_over_a_round_that_does_not_fit() -> None:
    assert spread(list("abcdefghij"), 4) == [0, 3, 6, 9]
    assert spread(list("aabbcc"), 4) == [0, 1, 2, 4]
    assert spread(list("abc"), 9) == [0, 1, 2] and spread([], 3) == [] and spread(list("abc"), 1) == [0]


def test_counts_are_written_alike_and_no_interval_says_nothing() -> None:
    assert counted(2404, "row") == "2\u202f404 rows" and counted(1, "row") == "1 row"
    assert interval(float("-inf"), float("inf"), metric_of("length_ratio")) == ""
