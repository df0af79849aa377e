"""Rows of real workbooks: values as a person sees them, hostile files refused before they take memory."""

import datetime
import io
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook
from tests.loading import loaded
from tests.workbooks import book_of, load


def altered(book: Workbook, **parts: bytes) -> bytes:
    """The file of a workbook with some of its parts replaced."""
    first, second = io.BytesIO(), io.BytesIO()
    book.save(first)
    with zipfile.ZipFile(first) as old, zipfile.ZipFile(second, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(
                name, next((data for part, data in parts.items() if name.endswith(f"{part}.xml")), old.read(name))
            )
    return second.getvalue()


@pytest.mark.feature("table-rows")
def test_values_are_text_as_a_person_sees_them(tmp_path: Path) -> None:
    book = book_of(
        ["이름", "zip", "size", "price", "opened", "seen", "time", "open", "share", "empty", "sum"],
        [
            "중앙점", "04567", 3, 1.5, datetime.date(2024, 3, 1), datetime.datetime.fromisoformat("2024-03-01T09:30"),
            datetime.time(9, 5), True, 0.25, None, "=A1+B1",
        ],
        ["x", 4567, 3.0, 0.1 + 0.2, None, None, None, False, None, None, None],
    )  # fmt: skip
    book.active["I2"].number_format = "0%"
    book.active["B3"].number_format = "00000"
    found = load(tmp_path, book)
    assert found.sections[0].text.split("\n") == [
        "이름: 중앙점", "zip: 04567", "size: 3", "price: 1.5", "opened: 2024-03-01", "seen: 2024-03-01 09:30:00",
        "time: 09:05:00", "open: TRUE", "share: 25%",
    ]  # fmt: skip
    assert found.sections[1].text == "이름: x\nzip: 04567\nsize: 3\nprice: 0.3\nopen: FALSE"
    assert found.documents[0].name == "중앙점"


def test_rows_of_every_visible_sheet_have_their_row_and_sheet(tmp_path: Path) -> None:
    book = book_of(["a", "b"], [1, "x"], [], [2, "y"])
    second = book.create_sheet("second")
    second.append(["c"])
    second.append(["z"])
    book.create_sheet("empty")
    hidden = book.create_sheet("hidden")
    hidden.append(["d"])
    hidden.append(["not shown"])
    hidden.sheet_state = "hidden"
    found = load(tmp_path, book)
    assert found.rejects == []
    spans = [(s.text, s.source.page, s.source.first_line) for s in found.sections]
    assert spans == [("a: 1\nb: x", 1, 2), ("a: 2\nb: y", 1, 4), ("c: z", 2, 2)]
    assert len({document.id for document in found.documents}) == 3
    assert {f.source for f in found.sections[1].facts} == {found.sections[1].source}


def test_text_beyond_the_named_columns_is_rejected_and_the_limit_of_rows_holds(tmp_path: Path) -> None:
    found = load(tmp_path, book_of(["a"], [1, "lost"], [2], [3], [4]), max_rows=2)
    assert [s.text for s in found.sections] == ["a: 2", "a: 3"]
    assert found.reasons == ["row has another number of cells", "rows beyond ingest.rows.max_rows"]
    assert "line 2" in found.rejects[0].detail


def test_an_archive_that_unpacks_to_too_much_is_refused_unopened(tmp_path: Path) -> None:
    bomb = altered(book_of(["a"], [1]), sheet1=b" " * 30_000_000)
    assert len(bomb) < 100_000
    found = load(tmp_path, bomb, max_mb=10)
    assert (found.documents, found.reasons) == ([], ["file too large"])
    assert "unpacked" in found.rejects[0].detail


def test_an_archive_that_lies_about_its_sizes_is_refused(tmp_path: Path) -> None:
    honest = altered(book_of(["a"], ["x" * 50_000]))
    with zipfile.ZipFile(io.BytesIO(honest)) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    assert honest.count(size.to_bytes(4, "little")) == 2
    assert load(tmp_path, honest.replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little"))).documents == []


ENTITIES = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 10))
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "lol">' + ENTITIES + b"]><worksheet>&e9;</worksheet>"
WIDE = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>'
    b'<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'
    b'<row r="2"><c r="A2"><v>7</v></c></row></sheetData></worksheet>'
)


def test_a_sheet_that_claims_a_million_columns_is_read_as_it_is(tmp_path: Path) -> None:
    assert load(tmp_path, altered(book_of(["x"]), sheet1=WIDE)).sections[0].text == "a: 7"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600,
        altered(book_of(["a"], [1]))[:-200],
        altered(book_of(["a"], [1]), workbook=b"<broken"),
        altered(book_of(["a"], [1]), sheet1=b"<broken"),
        altered(book_of(["a"], [1]), sheet1=LAUGHS),
    ],
    ids=["empty", "text", "protected", "cut off", "broken book", "broken sheet", "entities"],
)
def test_a_file_that_cannot_be_read_is_one_reject_and_the_others_of_its_folder_are_read(
    tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "a.xlsx").write_bytes(data)
    book_of(["name"], ["cup"]).save(tmp_path / "b.xlsx")
    found = loaded("xlsx", tmp_path)
    assert (found.reasons, [s.text for s in found.sections]) == (["workbook cannot be read"], ["name: cup"])
    assert found.rejects[0].raw == "a.xlsx"


def test_a_number_beyond_all_bounds_is_text_like_any_other(tmp_path: Path) -> None:
    book = book_of(["name", "weight"], ["a", 7], ["b", 4567])
    book.active["B2"].number_format = "000"
    found = load(tmp_path, altered(book, sheet1=sheet_of(book).replace(b"<v>7</v>", b"<v>1e999</v>")))
    assert [section.text for section in found.sections] == ["name: a\nweight: inf", "name: b\nweight: 4567"]


def sheet_of(book: Workbook) -> bytes:
    written = io.BytesIO()
    book.save(written)
    return zipfile.ZipFile(written).read("xl/worksheets/sheet1.xml")
