"""CSV rows as documents: every value as it was written, every line where an editor shows it."""

import csv
import io
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.loading import Loaded, loaded
from tests.published import published

from docent.config.sources import Source
from docent.config.stages import Ingest
from docent.stages.ingest import list_sources
from docent.stages.ingest.sources import ListedFile
from docent.stages.ingest.tables.cell_html import is_html, to_markdown
from docent.stages.ingest.tables.csv_files import find_delimiter

TABLES = Path(__file__).parents[1] / "fixtures" / "tables"


def load(folder: Path, text: str | bytes, name: str = "t.csv", **rows: Any) -> Loaded:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return loaded("csv", path, rows=rows)


@pytest.mark.feature("table-rows")
@pytest.mark.parametrize(
    ("file", "title", "zip_code", "told"),
    [
        ("workshops-en.csv", "Workshop Name", "Zip Code: 04127", "Workshop Name: Spoke and Chain Harbour"),
        ("workshops-ko.csv", "매장명", "우편번호: 04127", "매장명: 바큇살공방 항구점"),
    ],
)
def test_tables_are_one_document_per_row_with_every_value_as_written(
    file: str, title: str, zip_code: str, told: str
) -> None:
    found = five_rows(TABLES / file, title)
    assert {zip_code, told} <= set(found.sections[0].text.split("\n"))


@pytest.mark.published
@pytest.mark.parametrize(
    ("file", "title", "zip_code"),
    [
        ("en-store-information.csv", "Store Name", "Zip Code: 04567"),
        ("ko-store-information.csv", "매장명", "우편번호: 04567"),
    ],
)
def test_the_published_tables_are_five_documents(file: str, title: str, zip_code: str) -> None:
    assert zip_code in five_rows(published("documents") / file, title).sections[0].text.split("\n")


def five_rows(path: Path, title: str) -> Loaded:
    """Load a table of five rows, each on a line of its own, and hold its documents against the cells."""
    found = loaded("csv", path, rows={"title_column": title})
    assert (len(found.documents), found.rejects) == (5, [])
    with path.open(encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines)
    for number, (document, row) in enumerate(zip(found.documents, rows, strict=True), 2):
        (section,) = document.sections
        assert document.kind == "row"
        assert document.name == row[1]
        assert section.text == "\n".join(f"{column}: {cell}" for column, cell in zip(header, row, strict=True))
        assert [fact.text for fact in section.facts] == section.text.split("\n")
        assert (section.source.file, section.source.first_line, section.source.last_line) == (path.name, number, number)
    assert len({document.id for document in found.documents}) == 5
    return found


def test_without_a_title_column_a_row_is_named_by_the_first_column_that_is_more_than_a_number() -> None:
    found = loaded("csv", TABLES / "workshops-ko.csv", rows={"title_column": "Workshop Name"})
    assert found.documents[0].name == "바큇살공방 항구점"


@pytest.mark.feature("table-rows")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949"])
def test_a_korean_table_is_the_same_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    text = (TABLES / "workshops-ko.csv").read_text(encoding="utf-8")
    assert load(tmp_path, text.encode(encoding)).sections == load(tmp_path, text).sections


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_a_western_table_of_an_old_spreadsheet_is_read(tmp_path: Path, encoding: str) -> None:
    text = "Objekt;Größe\nMöbiusband;3 m² für Gäste\n"
    assert load(tmp_path, text.encode(encoding)).sections[0].text == "Objekt: Möbiusband\nGröße: 3 m² für Gäste"


def test_an_encoding_that_gives_no_sign_of_itself_is_refused_unless_it_is_named(tmp_path: Path) -> None:
    data = "ПРЕДМЕТ,ГОД\nСАМОВАР,1889\nПРЯЛКА,1901\n".encode("cp1251")
    refused = load(tmp_path, data)
    assert (refused.documents, refused.reasons) == ([], ["text in an unknown encoding"])
    assert load(tmp_path, data, encoding="cp1251").documents[0].name == "САМОВАР"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_those_of_each_cell_even_inside_quotes(tmp_path: Path, end: str) -> None:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator=end)
    writer.writerows([["name", "note", "size"], ["cup", f"one{end}two", "3"], ["jug", f"{end}four{end}", "05"]])
    cup, jug = load(tmp_path, file.getvalue()).sections
    assert cup.text == "name: cup\nnote: one\ntwo\nsize: 3"
    assert [(f.source.first_line, f.source.last_line) for f in cup.facts] == [(2, 2), (2, 3), (3, 3)]
    assert (cup.source.first_line, cup.source.last_line) == (2, 3)
    assert [(f.text, f.source.first_line) for f in jug.facts] == [("name: jug", 4), ("note: four", 5), ("size: 05", 6)]
    assert (jug.source.first_line, jug.source.last_line) == (4, 6)


def test_ragged_rows_are_rejected_with_their_line_and_the_others_stay(tmp_path: Path) -> None:
    found = load(tmp_path, "a,b\n1,x\n2\n3,y,z\n\n4,w,,\n5,v\n")
    assert [section.text for section in found.sections] == ["a: 1\nb: x", "a: 4\nb: w", "a: 5\nb: v"]
    assert found.reasons == ["row has another number of cells"] * 2
    assert ["line 3" in found.rejects[0].detail, "line 4" in found.rejects[1].detail] == [True, True]
    assert [section.source.first_line for section in found.sections] == [2, 6, 7]


def test_a_quote_that_is_never_closed_costs_its_row_alone(tmp_path: Path) -> None:
    kept = ["a: 1\nb: x", "a: 3\nb: y"]
    found = load(tmp_path, 'a,b\n1,x\n2,"open\n3,y\n')
    assert ([section.text for section in found.sections], found.reasons) == (kept, ["quote is never closed"])
    found = load(tmp_path, 'a,b\n1,x\n"2,open\n3,y\n')
    assert ([section.text for section in found.sections], found.reasons) == (kept, ["quote is never closed"])
    assert "line 3" in found.rejects[0].detail


def test_columns_without_a_name_or_with_a_second_one_are_told_apart(tmp_path: Path) -> None:
    (section,) = load(tmp_path, "name,,size,size\ncup,old,3,4\n").sections
    assert section.text == "name: cup\ncolumn 2: old\nsize: 3\nsize (2): 4"


def test_empty_cells_are_left_out_and_formulas_and_places_of_pictures_are_plain_text(tmp_path: Path) -> None:
    (section,) = load(tmp_path, "name,note,run,x\ncup,,\"=cmd|' /C calc'!A1\",{{IMAGE_1}} \x07here\n").sections
    assert section.text == "name: cup\nrun: =cmd|' /C calc'!A1\nx: { {IMAGE_1}} here"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_although_the_others_stand_in_the_text(tmp_path: Path, delimiter: str) -> None:
    text = "".join(f"{delimiter.join(cells)}\n" for cells in [["name", "said", "price"], ["cup", '"a, b; c|d"', "1.5"]])
    assert find_delimiter(text) == delimiter
    assert load(tmp_path, text).sections[0].text == "name: cup\nsaid: a, b; c|d\nprice: 1.5"


def test_one_column_is_a_table_too_and_a_given_delimiter_holds(tmp_path: Path) -> None:
    assert load(tmp_path, "word\nalpha; beta\n").sections[0].text == "word: alpha; beta"
    assert load(tmp_path, "a;b,c\n1;2,3\n", delimiter=";").sections[0].text == "a: 1\nb,c: 2,3"


def test_rows_beyond_the_limit_are_counted_and_long_ones_rejected(tmp_path: Path) -> None:
    found = load(tmp_path, "a\n" + "x\n" * 7, max_rows=3)
    assert (len(found.documents), found.reasons) == (3, ["rows beyond ingest.rows.max_rows"])
    assert "4 of 7 rows" in found.rejects[0].detail
    found = load(tmp_path, f"a,b\n1,{'x' * 1_100_000}\n2,y\n")
    assert (found.sections[0].text, found.reasons) == ("a: 2\nb: y", ["row too long"])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "table is empty"),
        (b"\n \n", "table is empty"),
        (b"\x7fELF\x00\x00\x01", "text in an unknown encoding"),
        (b"a," * 1001 + b"z\n1\n", "table has too many columns"),
    ],
)
def test_a_file_that_is_no_table_is_one_reject_and_the_others_of_its_folder_are_read(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    (tmp_path / "b.tsv").write_text("name\tsize\ncup\t3\n")
    found = loaded("csv", tmp_path)
    assert (found.reasons, found.sections[0].text) == ([reason], "name: cup\nsize: 3")
    assert found.rejects[0].raw == "a.csv"


def test_a_file_over_the_size_limit_is_not_read(tmp_path: Path) -> None:
    assert load(tmp_path, "a\n" + "x\n" * 2000, max_mb=0.001).reasons == ["file too large"]


@pytest.mark.feature("table-rows")
def test_html_of_a_cell_becomes_markdown(tmp_path: Path) -> None:
    html = (
        '<p>The <b>brass</b> <em>astrolabe</em>,<br>see <a href="https://example.org/a">here</a>'
        '<a href="javascript:alert(1)"> and there</a></p><ul><li>one</li><li>two &amp; three</li></ul>'
        "<script>alert('x')</script><style>p {}</style><!-- no -->"
    )
    quoted = html.replace('"', '""')
    (section,) = load(tmp_path, f'name,note\ncup,"{quoted}"\n').sections
    assert section.text == (
        "name: cup\nnote: The **brass** *astrolabe*,\nsee [here](https://example.org/a) and there\n\n"
        "- one\n- two & three"
    )


def test_what_only_looks_like_a_tag_stays_and_broken_html_ends(tmp_path: Path) -> None:
    assert not is_html("5 < 6 and x > 3; <unknown> & <name@example.org>")
    assert to_markdown("<ol><li>a<li>b</ol><h2>T</h2><table><tr><td>1</td><td>2</td></tr></table>").startswith("1. a")
    assert to_markdown("<p>a</script></p><script>if (x<b) { } // never closed <p>b") == (
        "a\n\nif (x<b) { } // never closed\nb"
    )
    for hostile in (
        "<a " * 30_000,
        "<p>" * 30_000,
        "<!--" * 20_000,
        "<ul><li>" * 10_000,
        "</p <" * 15_000,
        "&#" * 40_000,
    ):
        started = time.process_time()
        to_markdown(f"<p>{hostile * 3}")
        assert time.process_time() - started < 2, hostile[:10]


def test_hosts_are_names_without_scheme_or_wildcard() -> None:
    for host in ("https://example.org", "*.example.org", "example.org/x", "", "example.org:99999"):
        with pytest.raises(ValueError, match="is not a host name"):
            Ingest.model_validate({"sources": [{"kind": "csv", "path": "x"}], "rows": {"image_hosts": [host]}})


@pytest.mark.feature("table-rows")
def test_the_sample_tables_hold_what_their_readme_says() -> None:
    found = loaded("csv", Path(__file__).parents[2] / "samples" / "documents")
    assert (len(found.documents), found.rejects) == (13, [])
    loans = {document.name: document.sections[0] for document in found.documents}
    assert "inventory_no: 00418" in loans["Brass pantograph"].text
    assert "**five pivots** turn freely.\n\n- arm length 62 cm" in loans["Brass pantograph"].text
    span = loans["Plaster model of a cubic surface"].facts[-1].source
    assert (span.file, span.first_line, span.last_line) == ("loans.csv", 4, 5)
    assert "maker: unknown\nlender:" in loans["String model of a hyperboloid"].text


CELL = st.text(st.sampled_from('ab"\n,; 가'), max_size=8)


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_cells_their_lines_hold_their_text(
    tmp_path: Path, rows: list[tuple[str, str, str]], end: str
) -> None:
    file = io.StringIO()
    csv.writer(file, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([("x", "y", "z"), *rows])
    found = load(tmp_path, file.getvalue(), delimiter=",")
    assert len(found.documents) == sum(any(cell.strip() for cell in row) for row in rows)
    lines = file.getvalue().replace("\r\n", "\n").split("\n")
    for section in found.sections:
        for fact in section.facts:
            value = fact.text.partition(": ")[2].replace('"', '""')
            assert value in "\n".join(lines[fact.source.first_line - 1 : fact.source.last_line])
            assert value.count("\n") == fact.source.last_line - fact.source.first_line
            assert section.source.first_line <= fact.source.first_line <= section.source.last_line


def test_files_of_the_same_names_in_two_sources_are_two_documents(tmp_path: Path) -> None:
    sources = []
    for year in ("2024", "2025"):
        (tmp_path / year).mkdir()
        (tmp_path / year / "list.csv").write_text(f"name,year\nA,{year}\nB,{year}\n")
        sources.append(Source(kind="csv", path=tmp_path / year / "list.csv"))
    listed = [one for one in list_sources(tuple(sources)) if isinstance(one, ListedFile)]
    ids = {one.id_of(None, line) for one in listed for line in (2, 3)} | {one.document_id for one in listed}
    assert len(ids) == 6


def test_files_of_the_same_bytes_are_two_documents_and_another_name_is_none(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("name,year\nA,1900\n")
    (tmp_path / "c.csv").write_text("name,year\nA,1901\n")
    listed = [one for one in list_sources((Source(kind="csv", path=tmp_path),)) if isinstance(one, ListedFile)]
    assert len({one.document_id for one in listed}) == 3
    (tmp_path / "c.csv").rename(tmp_path / "renamed.csv")
    again = [one for one in list_sources((Source(kind="csv", path=tmp_path),)) if isinstance(one, ListedFile)]
    assert [one.document_id for one in again] == [one.document_id for one in listed]
