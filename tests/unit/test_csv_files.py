"""CSVs as spreadsheets and databases write them: hints, open quotes, values that only look like numbers."""

from pathlib import Path
from typing import Any

import pytest
from tests.loading import Loaded, loaded

from docent.config.sources import Source
from docent.records import Reject
from docent.stages.ingest.exhibits.csv_loader import list_exhibits
from docent.stages.ingest.sources import Exhibit


def load(folder: Path, text: str | bytes, **rows: Any) -> Loaded:
    path = folder / "t.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return loaded("csv", path, rows=rows)


def exhibits(folder: Path, text: str | bytes) -> list[Exhibit | Reject]:
    (folder / "images").mkdir(exist_ok=True)
    path = folder / "list.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list_exhibits(Source(kind="exhibits-csv", path=path))


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(
    ("hint", "between"),
    [("sep=;", ";"), ("SEP=;", ";"), ('"sep=;"', ";"), ("sep=\t", "\t"), ("sep=\\t", "\t"), ("sep=|", "|"),
     ("sep=;;;", ";"), ("sep=^", "^"), ("sep=,", ",")],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_hint_of_excel_is_no_row_and_says_what_separates_the_cells(
    tmp_path: Path, hint: str, between: str, mark: bytes, end: str
) -> None:
    rows = [["jug", "1,5 l; old"], ["bowl", "2,5 l"]] if between not in ",;" else [["jug", "old"], ["bowl", "new"]]
    text = end.join([hint, *(between.join(cells) for cells in (["thing", "note"], *rows))]) + end
    found = load(tmp_path, mark + text.encode())
    assert found.rejects == []
    assert [section.text for section in found.sections] == [f"thing: {a}\nnote: {b}" for a, b in rows]
    assert [section.source.first_line for section in found.sections] == [3, 4]


def test_a_column_that_only_begins_like_a_hint_is_one(tmp_path: Path) -> None:
    assert load(tmp_path, "sep=x,note\n1,old\n").sections[0].text == "sep=x: 1\nnote: old"


def test_exhibits_of_a_german_spreadsheet_are_read_with_their_lines(tmp_path: Path) -> None:
    text = "sep=;\r\nitem_name;description;train_images\r\nTöpferscheibe;Für die Küche, aus Ton.;a.jpg\r\n"
    for data in (text.encode("cp1252"), text.encode("utf-8-sig"), text.encode("utf-16")):
        (one,) = exhibits(tmp_path, data)
        assert isinstance(one, Exhibit)
        assert (one.name, one.text, one.span.first_line) == ("Töpferscheibe", "Für die Küche, aus Ton.", 3)
        assert one.photos[0].where == "list.csv line 3"


def test_a_quote_that_is_closed_in_another_row_does_not_join_the_rows(tmp_path: Path) -> None:
    text = 'name,size\njug,"5 in\nbowl,3 in\ncup,"small"\n"plate, flat",2 in\n"two\nlines",4 in\n'
    found = load(tmp_path, text)
    assert [section.text for section in found.sections] == [
        "name: bowl\nsize: 3 in", "name: cup\nsize: small", "name: plate, flat\nsize: 2 in",
        "name: two\nlines\nsize: 4 in",
    ]  # fmt: skip
    assert found.reasons == ["quote is never closed"]
    assert found.rejects[0].detail.startswith("t.csv line 2:")
    assert [section.source.first_line for section in found.sections] == [3, 4, 5, 6]


def test_quotes_inside_cells_and_blanks_behind_them_are_no_open_quotes(tmp_path: Path) -> None:
    found = load(tmp_path, 'name,size\njug,5" wide\n"cup" ,"two\nlines" \n')
    assert [section.text for section in found.sections] == ['name: jug\nsize: 5" wide', "name: cup\nsize: two\nlines"]
    assert found.rejects == []


def test_many_open_quotes_take_time_by_their_number_alone(tmp_path: Path) -> None:
    found = load(tmp_path, "name,size\n" + 'jug,"5\n' * 2001)
    assert set(found.reasons) == {"quote is never closed"}
    assert [section.text for section in found.sections] == []


def test_a_row_with_nul_bytes_is_a_reject_and_the_others_stay(tmp_path: Path) -> None:
    padding = "".join(f"jug {n},1\n" for n in range(300))
    found = load(tmp_path, f"name,size\n{padding}bo\x00wl,3\ncup,4\n")
    assert (len(found.documents), found.reasons) == (301, ["row has NUL bytes"])
    assert "line 302" in found.rejects[0].detail


@pytest.mark.parametrize("text", ["name,size\n", "name,size\n\n,\n"])
def test_a_table_of_only_a_header_says_so(tmp_path: Path, text: str) -> None:
    found = load(tmp_path, text)
    assert (found.documents, found.reasons) == ([], ["table has no rows"])
    assert found.rejects[0].detail.endswith("name, size")
    (reject,) = exhibits(tmp_path, "item_name,description,test_images\n")
    assert isinstance(reject, Reject) and reject.reason == "table has no rows"


@pytest.mark.parametrize("value", ["007", "NA", "null", "NaN", "1e5", "TRUE", "0x1F", "1.0", "2024-03-01", "-", "None"])
def test_what_looks_like_a_number_or_nothing_stays_text(tmp_path: Path, value: str) -> None:
    assert load(tmp_path, f"name,note\njug,{value}\n").sections[0].text == f"name: jug\nnote: {value}"
    (one,) = exhibits(tmp_path, f"item_id,item_name,description,test_images\n{value},{value},{value},a.jpg\n")
    assert isinstance(one, Exhibit) and (one.name, one.text, one.item_id) == (value, value, value)


def test_cells_without_text_behind_the_last_column_of_exhibits_are_no_cells(tmp_path: Path) -> None:
    found = exhibits(tmp_path, "item_name,description,test_images,,\njug,A jug.,a.jpg,,\nbowl,A bowl.,b.jpg,,x\n")
    assert [one.reason if isinstance(one, Reject) else one.name for one in found] == [
        "jug",
        "row has another number of cells",
    ]


def test_names_of_files_are_printed_without_what_moves_the_cursor(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2Jb\nc.csv"
    path.write_text("name,size\n1\n")
    for source in (path, tmp_path):
        (reject,) = loaded("csv", source).rejects
        assert "\x1b" not in reject.detail and "\n" not in reject.detail
        assert "\\x1b[2Jb\\nc.csv line 2" in reject.detail
