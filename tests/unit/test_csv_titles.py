"""CSVs that spreadsheets saved with a title above the names of the columns."""

import logging
import unicodedata
from pathlib import Path

import pytest

from docent.config.sources import Source
from docent.config.stages import Ingest
from docent.records import Document, Reject
from docent.stages.ingest.exhibits.csv_loader import list_exhibits
from docent.stages.ingest.images import Intake, Limits
from docent.stages.ingest.sources import ListedFile, list_files
from docent.stages.ingest.tables.csv_loader import SUFFIXES, load


def read(path: Path, text: str) -> list[Document | Reject]:
    path.write_text(text, encoding="utf-8")
    source = Source(kind="csv", path=path)
    intake = Intake(Ingest(sources=(source,)), Limits(1, 1), lambda *_: "")
    return [
        row for listed in list_files(source, SUFFIXES) if isinstance(listed, ListedFile) for row in load(listed, intake)
    ]


def texts(rows: list[Document | Reject]) -> list[str]:
    return [row.sections[0].text if isinstance(row, Document) else row.reason for row in rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_titles_above_the_column_names_are_left_out_and_named(
    tmp_path: Path, delimiter: str, caplog: pytest.LogCaptureFixture
) -> None:
    lines = ["Loans 2024||", "as of May||", "||", "no|name|year", "1|Jug|1890", "2|Bowl|1900"]
    with caplog.at_level(logging.WARNING):
        found = read(tmp_path / "a.csv", "\n".join(lines).replace("|", delimiter))
    assert texts(found) == ["no: 1\nname: Jug\nyear: 1890", "no: 2\nname: Bowl\nyear: 1900"]
    assert isinstance(found[0], Document) and found[0].sections[0].source.first_line == 5
    assert "a.csv line 1: skipped text above the column names" in caplog.text and "Loans 2024" in caplog.text


def test_a_table_of_one_column_has_no_title(tmp_path: Path) -> None:
    assert texts(read(tmp_path / "a.csv", "name\nJug\nBowl, large\n")) == [
        "name: Jug",
        "row has another number of cells",
    ]
    assert texts(read(tmp_path / "b.csv", "name,\nJug,\nBowl,\n")) == ["name: Jug", "name: Bowl"]


def test_an_exhibits_table_is_found_below_its_title(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    path = tmp_path / "a.csv"
    path.write_text("Catalogue,,\nMuseum,2024,\nitem_name,train_images,description\nJug,a.jpg,A jug.\n")
    (one,) = list_exhibits(Source(kind="exhibits-csv", path=path))
    assert not isinstance(one, Reject) and (one.name, one.text, one.span.first_line) == ("Jug", "A jug.", 4)


def test_columns_are_found_in_either_form_of_unicode(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(unicodedata.normalize("NFD", "no,Größe,Töne\n1,Jug,http://a.example/b.jpg\n"), encoding="utf-8")
    source = Source(kind="csv", path=path)
    section = Ingest(sources=(source,), rows={"title_column": "Größe", "image_columns": ["Töne"]})  # type: ignore[arg-type]
    (listed,) = list_files(source, SUFFIXES)
    assert isinstance(listed, ListedFile)
    reject, document = load(listed, Intake(section, Limits(1, 1), lambda *_: ""))
    assert isinstance(reject, Reject) and reject.reason.startswith("host is not")
    assert isinstance(document, Document) and document.name == "Jug"


def test_an_image_column_that_is_not_there_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,photo\nJug,http://a.example/b.jpg\n")
    source = Source(kind="csv", path=path)
    section = Ingest(sources=(source,), rows={"image_columns": ["photos"]})  # type: ignore[arg-type]
    (listed,) = list_files(source, SUFFIXES)
    assert isinstance(listed, ListedFile)
    assert len(list(load(listed, Intake(section, Limits(1, 1), lambda *_: "")))) == 1
    assert "a.csv has no column 'photos' (ingest.rows.image_columns)" in caplog.text
