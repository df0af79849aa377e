"""What a card says of loading: versions, and a training split that shows no picture where others do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from docent.records import Example, Item, Span, Split
from docent.stages.build_dataset.exports.versions import OLDEST_DATASETS, loading
from docent.stages.build_dataset.splits.subjects import read_subjects
from docent.stages.build_dataset.tally import Tally

PLACE = Span(file="a.md", first_line=1, last_line=1)
ITEM = Item(id="i", kind="section", name="Part", text="", source=PLACE, document_id="d", document="Manual")


def told(*pictured: tuple[Split, bool], page_of: Mapping[str, int] = MappingProxyType({})) -> str:
    """The lines about rows of these splits, with or without a picture, from a page of a PDF or not."""
    tally = Tally(read_subjects(iter([ITEM])))
    for number, (split, shown) in enumerate(pictured):
        tally.row(
            Example(
                id=str(number),
                split=split,
                data_id=number,
                item_id="i",
                item_name="Part",
                files=(f"images/{split}/a.jpg",) if shown else (),
                question="What?",
                answer="It.",
                temperature=0.0,
                teacher="t",
                question_type="figure",
                language="English",
                sources=(PLACE.model_copy(update={"page": page_of.get(split)}),),
            )
        )
    return "\n".join(loading(tally))


@pytest.mark.parametrize(
    ("rows", "differ"),
    [
        ((("train", False), ("test", True)), True),
        ((("train", True), ("test", True)), False),
        ((("train", True), ("test", False)), True),
        ((("train", False), ("test", False)), False),
        ((("validation", False), ("test", True)), True),
    ],
)
def test_types_are_given_where_some_splits_show_pictures_and_others_do_not(
    rows: tuple[tuple[Split, bool], ...], differ: bool
) -> None:
    lines = told(*rows)
    assert ("Not every split has pictures, and" in lines) == differ
    assert ("chat = load_dataset(" in lines) == ("conversations = load_dataset(" in lines) == differ


def test_types_are_given_where_some_splits_have_pages_and_others_do_not() -> None:
    lines = told(("train", False), ("test", False), page_of={"test": 3})
    assert "Not every split has pages or sheets, and" in lines
    assert "conversations = load_dataset(" in lines
    assert "chat = load_dataset(" not in lines  # these files name no source


def test_versions_are_told_and_what_older_ones_do_to_pictures_only_where_there_are_some() -> None:
    assert told(("train", False)).startswith(f"Loads with `datasets` {OLDEST_DATASETS} or later; tried with")
    assert "Older ones" not in told(("train", False))
    assert "2.21 gives one row a picture" in told(("train", True))
    assert "Without rows, and so without files: validation, test." in told(("train", True))
