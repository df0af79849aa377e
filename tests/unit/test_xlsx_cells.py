"""Cells, merged cells, titles and formulas of real workbooks, and workbooks that were made to do harm."""

import datetime
import io
import logging
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from tests.loading import Loaded
from tests.workbooks import book_of, load

from docent.stages.ingest.tables import xlsx_parts, xlsx_sheets

SHARED = (
    b'<Relationship Id="rId99" Target="sharedStrings.xml" '
    b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"/>'
)
MAIN = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def with_parts(book: Workbook, strings: bytes = b"", **parts: bytes) -> bytes:
    """The file of a workbook with some of its parts replaced, by the end of their names, and with shared strings."""
    first, second = io.BytesIO(), io.BytesIO()
    book.save(first)
    with zipfile.ZipFile(first) as old, zipfile.ZipFile(second, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name.endswith("sharedStrings.xml") and strings:
                continue
            data = next((data for part, data in parts.items() if name.endswith(f"{part}.xml")), old.read(name))
            if name.endswith("workbook.xml.rels") and strings and b"sharedStrings" not in data:
                data = data.replace(b"</Relationships>", SHARED + b"</Relationships>")
            new.writestr(name, data)
        if strings:
            new.writestr("xl/sharedStrings.xml", strings)
    return second.getvalue()


def sheet_of(rows: str, behind: str = "") -> bytes:
    return b"<worksheet %s><sheetData>%s</sheetData>%s</worksheet>" % (MAIN, rows.encode(), behind.encode())


def strings_of(*texts: str) -> bytes:
    return b"<sst %s>%s</sst>" % (MAIN, "".join(f"<si>{text}</si>" for text in texts).encode())


def cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


HEADER = f'<row r="1">{cell("A1", "name")}{cell("B1", "note")}</row>'


def texts_of(found: Loaded) -> list[str]:
    return [section.text for section in found.sections]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("Lid mended._x000D_\nHinges new.", "Lid mended.\nHinges new."),
        ("one_x000A_two", "one\ntwo"),
        ("tab_x0009_here", "tab\there"),
        ("_x005F_x000D_ stays", "_x000D_ stays"),
        ("_xD83C__xDFFA_ jug", "\U0001f3fa jug"),
        ("file_x1 and _x00_", "file_x1 and _x00_"),
    ],
)
def test_escapes_are_the_characters_they_stand_for(tmp_path: Path, written: str, text: str) -> None:
    inline = sheet_of(HEADER + f'<row r="2">{cell("A2", "jug")}{cell("B2", written)}</row>')
    assert texts_of(load(tmp_path, with_parts(book_of(["x"]), sheet1=inline))) == [f"name: jug\nnote: {text}"]
    shared = with_parts(
        book_of(["a"], ["b"]),
        strings=strings_of("<t>name</t>", f'<r><t xml:space="preserve">{written}</t></r><rPh><t>no</t></rPh>'),
        sheet1=sheet_of('<row><c t="s"><v>0</v></c></row><row><c t="s"><v>1</v></c></row>'),
    )
    assert texts_of(load(tmp_path, shared)) == [f"name: {text}"]


def test_merged_cells_say_their_text_in_every_row_and_column(tmp_path: Path) -> None:
    book = book_of(
        ["room", "object", "size", None, "lender"],
        ["North hall", "jug", 3, 4, "City archive"],
        [None, "bowl", 5, 6, None],
        [None, "cup", "unknown", None, None],
        ["South hall", "plate", 7, 8, None],
    )
    for area in ("A2:A4", "E2:E4", "C1:D1", "C4:D4"):
        book.active.merge_cells(area)
    found = load(tmp_path, book)
    assert texts_of(found) == [
        "room: North hall\nobject: jug\nsize: 3\nsize (2): 4\nlender: City archive",
        "room: North hall\nobject: bowl\nsize: 5\nsize (2): 6\nlender: City archive",
        "room: North hall\nobject: cup\nsize: unknown\nsize (2): unknown\nlender: City archive",
        "room: South hall\nobject: plate\nsize: 7\nsize (2): 8",
    ]
    assert [document.name for document in found.documents] == ["jug", "bowl", "cup", "plate"]


def test_a_merged_cell_makes_no_rows_of_its_own(tmp_path: Path) -> None:
    book = book_of(["room", "object"], ["North hall", "jug"])
    book.active.merge_cells("A2:A900")
    assert len(load(tmp_path, book).documents) == 1


def test_a_header_of_two_rows_gives_one_name_to_each_column(tmp_path: Path) -> None:
    book = book_of(["object", "size", None], [None, "height", "width"], ["jug", 3, 4])
    for area in ("A1:A2", "B1:C1"):
        book.active.merge_cells(area)
    assert texts_of(load(tmp_path, book)) == ["object: jug\nsize height: 3\nsize width: 4"]


def test_titles_above_the_column_names_are_left_out_with_a_note(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    book = book_of(
        ["Loans of the year"], [], ["as of May"], ["object", "lender", "value"], ["jug", "city", 7], ["cup", "", 8]
    )
    with caplog.at_level(logging.WARNING, logger="docent.ingest"):
        found = load(tmp_path, book)
    assert texts_of(found) == ["object: jug\nlender: city\nvalue: 7", "object: cup\nvalue: 8"]
    assert [section.source.first_line for section in found.sections] == [5, 6]
    assert "loans.xlsx row 1: skipped text above the column names: Loans of the year" in caplog.text
    assert "row 3: skipped text above the column names: as of May" in caplog.text


def test_column_names_may_be_years_below_a_title(tmp_path: Path) -> None:
    book = book_of(["Visitors"], ["hall", "site", 2023, 2024], ["north", "main", 7, 8], ["south", "main", 5, 6])
    assert texts_of(load(tmp_path, book))[0] == "hall: north\nsite: main\n2023: 7\n2024: 8"


@pytest.mark.parametrize("rows", [[["word"], ["alpha"], ["beta"]], [["a", "b"], ["1"], ["2"], ["3", "x"]]])
def test_a_first_row_that_names_the_columns_is_no_title(tmp_path: Path, rows: list[list[Any]]) -> None:
    assert len(load(tmp_path, book_of(*rows)).documents) == len(rows) - 1


def test_units_currencies_and_durations_are_in_the_text(tmp_path: Path) -> None:
    book = book_of(
        ["object", "value", "weight", "share", "length", "made"],
        ["jug", 1240, 12.5, 0.25, datetime.timedelta(hours=26, minutes=30), datetime.date(1925, 1, 1)],
    )
    formats = {"B2": '#,##0.00 "€"', "C2": '0.0" kg"', "D2": "0%", "E2": "[h]:mm", "F2": "yyyy"}
    for place, code in formats.items():
        book.active[place].number_format = code
    assert texts_of(load(tmp_path, book)) == [
        "object: jug\nvalue: 1,240.00 €\nweight: 12.5 kg\nshare: 25%\nlength: 26:30\nmade: 1925"
    ]


def test_cells_without_a_value_are_told_once_for_each_reason(tmp_path: Path) -> None:
    rows = (
        HEADER
        + f'<row r="2">{cell("A2", "jug")}<c r="B2"><f>LEN(A2)</f></c></row>'
        + f'<row r="3">{cell("A3", "cup")}<c r="B3"><f>LEN(A3)</f><v></v></c></row>'
        + f'<row r="4">{cell("A4", "pot")}<c r="B4" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
        + f'<row r="5">{cell("A5", "can")}<c r="B5" t="str"><f>A9</f><v></v></c></row>'
        + f'<row r="6">{cell("A6", "mug")}<c r="B6"><f>LEN(A6)</f><v>3</v></c></row>'
    )
    found = load(tmp_path, with_parts(book_of(["x"]), sheet1=sheet_of(rows)))
    assert texts_of(found) == ["name: jug", "name: cup", "name: pot", "name: can", "name: mug\nnote: 3"]
    assert found.reasons == ["formula without a stored value", "cell with an error"]
    assert "2 in all, the first in B2: =LEN(A2)" in found.rejects[0].detail
    assert "save it" in found.rejects[0].detail and "B4: #DIV/0!" in found.rejects[1].detail


@pytest.mark.parametrize("value", ["007", "NA", "null", "1e5", "TRUE", "2024-03-01", "=A1"])
def test_text_that_looks_like_a_number_or_nothing_stays_text(tmp_path: Path, value: str) -> None:
    book = book_of(["name", "note"], ["jug", "x"])
    book.active["B2"].value = value
    book.active["B2"].data_type = "s"
    assert texts_of(load(tmp_path, book)) == [f"name: jug\nnote: {value}"]


def test_a_hidden_sheet_is_left_out_with_a_note(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    book = book_of(["name"], ["jug"])
    book.create_sheet("draft").sheet_state = "hidden"
    with caplog.at_level(logging.WARNING, logger="docent.ingest"):
        assert len(load(tmp_path, book).documents) == 1
    assert "skipped the hidden sheet draft" in caplog.text


ENDLESS = [
    ('<row r="90000000000"><c><v>1</v></c></row>', "row 90000000000 is beyond"),
    (f'<row r="{"9" * 5000}"><c><v>1</v></c></row>', "is beyond row 1048576"),
    ('<row r="3"/><row r="2"/>', "out of order"),
    ('<row r="2"><c r="ZZZ2"><v>1</v></c></row>', "beyond row 1048576 or column 16384"),
    ('<row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>1</v></c></row>', "out of order"),
    ('<row r="2"><c r="A99999999999"><v>1</v></c></row>', "no reference to a cell"),
    ('<row r="2"><c t="s"><v>5</v></c></row>', "no text 5 among"),
    ('<row r="2"><c t="s"><v>-1</v></c></row>', "no text -1 among"),
]


@pytest.mark.parametrize(("rows", "told"), ENDLESS)
def test_rows_and_columns_that_no_sheet_has_are_refused_and_what_stands_before_is_kept(
    tmp_path: Path, rows: str, told: str
) -> None:
    before = HEADER + f'<row r="2">{cell("A2", "jug")}</row>'
    moved = rows.replace('r="2"', 'r="3"').replace('r="3"/><row r="3"', 'r="9"/><row r="8"')
    found = load(tmp_path, with_parts(book_of(["x"]), sheet1=sheet_of(before + moved)))
    assert found.reasons == ["workbook cannot be read"]
    assert told in found.rejects[0].detail and found.rejects[0].detail.startswith("loans.xlsx: ")


def test_a_workbook_without_text_says_so(tmp_path: Path) -> None:
    assert load(tmp_path, Workbook()).reasons == ["table is empty"]
    assert load(tmp_path, book_of(["name", "note"])).reasons == ["table has no rows"]


def test_a_row_far_down_is_read_without_those_above_it(tmp_path: Path) -> None:
    sheet = sheet_of(HEADER + f'<row r="1048576">{cell("A1048576", "jug")}</row>')
    (section,) = load(tmp_path, with_parts(book_of(["x"]), sheet1=sheet)).sections
    assert (section.text, section.source.first_line) == ("name: jug", 1_048_576)


def test_many_cells_that_share_one_long_text_are_refused(tmp_path: Path) -> None:
    rows = "".join(f'<row><c t="s"><v>{1 if number else 0}</v></c></row>' for number in range(300))
    shared = strings_of("<t>name</t>", f"<t>{'long ' * 20_000}</t>")
    found = load(tmp_path, with_parts(book_of(["x"], ["y"]), strings=shared, sheet1=sheet_of(rows)), max_mb=5)
    assert found.reasons == ["file too large"]
    assert "more characters than ingest.rows.max_mb" in found.rejects[0].detail
    assert 10 < len(found.documents) < 60


@pytest.mark.parametrize(("module", "limit"), [(xlsx_sheets, "MAX_CELLS"), (xlsx_parts, "MAX_STRINGS")])
def test_cells_and_texts_are_counted_while_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Any, limit: str
) -> None:
    monkeypatch.setattr(module, limit, 50)
    book = book_of(["name", "note"], *([f"jug {n}", f"note {n}"] for n in range(60)))
    found = load(tmp_path, with_parts(book, strings=strings_of(*(f"<t>{n}</t>" for n in range(60)))))
    assert found.reasons == ["file too large"]
    assert "more than 50" in found.rejects[0].detail


@pytest.mark.parametrize("area", ["A2:XFD1048576", "A2:ZZZZ9", "A0:B2"])
def test_merged_cells_of_any_size_are_bounded(tmp_path: Path, area: str) -> None:
    rows = HEADER + "".join(f'<row r="{n}">{cell(f"A{n}", "jug")}</row>' for n in range(2, 40))
    merges = f'<mergeCells><mergeCell ref="{area}"/></mergeCells>'
    found = load(tmp_path, with_parts(book_of(["x"]), sheet1=sheet_of(rows, merges)))
    assert found.documents or found.reasons == ["workbook cannot be read"]


def test_thousands_of_merged_cells_over_each_other_are_refused(tmp_path: Path) -> None:
    rows = HEADER + "".join(f'<row r="{n}">{cell(f"A{n}", "jug")}</row>' for n in range(2, 4000))
    merges = "".join(f'<mergeCell ref="A{n}:B4000"/>' for n in range(2, 3000))
    found = load(tmp_path, with_parts(book_of(["x"]), sheet1=sheet_of(rows, f"<mergeCells>{merges}</mergeCells>")))
    assert found.reasons == ["workbook cannot be read"]
    assert "merged cells cover row" in found.rejects[0].detail


@pytest.mark.parametrize("part", ["sheet1", "workbook", "styles"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_in_every_part(tmp_path: Path, part: str, encoding: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret words")
    declared = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
    text = declared + "<worksheet>&e;</worksheet>"
    found = load(tmp_path, with_parts(book_of(["name"], ["jug"]), **{part: text.encode(encoding)}))
    assert (found.documents, found.reasons) == ([], ["workbook cannot be read"])
    assert "DOCTYPE" in found.rejects[0].detail


def test_the_size_of_every_part_is_counted_and_not_believed(tmp_path: Path) -> None:
    honest = with_parts(book_of(["a"]), theme1=b"<t>" + b" " * 3_000_000 + b"</t>")
    found = load(tmp_path, honest, max_mb=2)
    assert found.reasons == ["file too large"] and "loans.xlsx" in found.rejects[0].detail
    with zipfile.ZipFile(io.BytesIO(honest)) as archive:
        size = archive.getinfo("xl/theme/theme1.xml").file_size
    lying = honest.replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert load(tmp_path, lying, max_mb=2).documents == []
