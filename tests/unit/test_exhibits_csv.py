import csv
import io
from collections import Counter
from pathlib import Path

import pytest
from tests.published import published

from docent.config.sources import Source
from docent.errors import InputError
from docent.records import Reject
from docent.stages.ingest.exhibits.csv_loader import list_exhibits
from docent.stages.ingest.exhibits.names import reject_named_twice
from docent.stages.ingest.sources import Exhibit

MUSEUM = Path(__file__).parents[2] / "samples" / "museum" / "raw_data.csv"
COLUMNS = ["item_id", "item_name", "link", "train_images", "validation_images", "test_images", "description"]


def source(folder: Path, text: str | bytes, images: bool = True) -> Source:
    path = folder / "raw.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    if images:
        (folder / "images").mkdir(exist_ok=True)
    return Source(kind="exhibits-csv", path=path)


def table(rows: list[list[str]], header: list[str] | None = None, end: str = "\r\n") -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator=end).writerows([header or COLUMNS, *rows])
    return file.getvalue()


def row(name: str = "cube", train: str = "a.jpg", description: str = "A cube.", test: str = "") -> list[str]:
    return ["0", name, "https://example.org", train, "", test, description]


def only_exhibit(made: Source) -> Exhibit:
    (found,) = list_exhibits(made)
    assert isinstance(found, Exhibit)
    return found


@pytest.mark.feature("exhibits-csv")
def test_the_sample_museum_has_20_exhibits_280_photos_and_one_split_pattern() -> None:
    assert all_patterns(MUSEUM, 14) == {(10, 1, 3): 20}


@pytest.mark.published
@pytest.mark.feature("exhibits-csv")
def test_the_published_table_has_65_exhibits_975_photos_and_its_split_patterns() -> None:
    assert all_patterns(published("museum/smithsonian_raw_data.csv"), 15) == {
        (13, 1, 1): 54, (12, 2, 1): 2, (11, 2, 2): 4, (11, 3, 1): 1, (10, 4, 1): 1, (10, 3, 2): 1, (9, 3, 3): 2,
    }  # fmt: skip


def all_patterns(table: Path, photos: int) -> Counter[tuple[int, int, int]]:
    """Split patterns of a table; all its rows are exhibits with so many photos, and its lines hold their texts."""
    found = list_exhibits(Source(kind="exhibits-csv", path=table, images=table.parent))
    exhibits = [one for one in found if isinstance(one, Exhibit)]
    assert len(found) == len(exhibits)
    assert {len({photo.name for photo in one.photos}) for one in exhibits} == {photos}
    lines = table.read_text(encoding="utf-8-sig").split("\n")
    for one in exhibits:
        span = "\n".join(lines[one.span.first_line - 1 : one.span.last_line])
        assert one.text.replace('"', '""') in span
        assert len(span) < len(one.text.replace('"', '""')) + 2000
        assert one.text.split("\n")[-1].replace('"', '""') in lines[one.span.last_line - 1]
        assert one.text.split("\n")[0].replace('"', '""') in lines[one.span.first_line - 1]
    return Counter((s.train, s.validation, s.test) for one in exhibits if (s := one.slots))


@pytest.mark.feature("exhibits-csv")
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_numbers_are_those_an_editor_shows(tmp_path: Path, end: str, mark: bytes) -> None:
    rows = [
        row("cube", f"a.jpg{end}b.jpg", "One line."),
        row("torus", f"c.jpg{end}{end}d.jpg", f"{end}First.{end}Last.{end}"),
    ]
    found = list_exhibits(source(tmp_path, mark + table(rows, end=end).encode()))
    cube, torus = (one for one in found if isinstance(one, Exhibit))
    assert (cube.span.first_line, cube.span.last_line) == (3, 3)
    assert [photo.where for photo in torus.photos] == ["raw.csv line 4", "raw.csv line 6"]
    assert (torus.span.first_line, torus.span.last_line) == (7, 8)
    assert torus.text == f"First.{end}Last."
    assert torus.span.file == "raw.csv"


def test_columns_are_found_by_name_in_any_order_and_others_ignored(tmp_path: Path) -> None:
    header = ["description", "colour", " Item_Name ", "test_images"]
    one = only_exhibit(source(tmp_path, table([["A cube.", "red", "cube", "b.jpg"]], header)))
    assert (one.name, one.text, one.photos[0].split) == ("cube", "A cube.", "test")
    assert one.slots is not None and (one.slots.train, one.slots.validation, one.slots.test) == (0, 0, 1)


@pytest.mark.parametrize(
    ("header", "what", "next_step"),
    [
        (["name", "descripton", "train_images"], ["item_name, description", "found: name, descripton"], "rename"),
        (["item_name", "description", "images"], ["train_images or validation_images or test_images"], "images to"),
        (["item_name:description:train_images"], ["missing columns"], "separate the columns with commas"),
        (["x", "y", "z"], ["item_name, description"], "the first line must name"),
        (["item_name", "description", "description", "test_images"], ["2 times"], "keep only one"),
    ],
)
def test_missing_columns_are_named_with_those_found_and_a_way_out(
    tmp_path: Path, header: list[str], what: list[str], next_step: str
) -> None:
    with pytest.raises(InputError) as caught:
        list_exhibits(source(tmp_path, table([], header)))
    assert all(words in caught.value.what for words in what)
    assert next_step in caught.value.next_step
    assert caught.value.where.endswith("raw.csv")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (
            "item_name,description,test_images\nvaso,España,a.jpg\n".encode("latin-1"),
            "not UTF-8, see byte 0xf1 in line 2",
        ),
    ],
)
def test_a_file_that_is_no_csv_in_a_known_encoding_is_one_clear_error(
    tmp_path: Path, content: bytes, what: str
) -> None:
    with pytest.raises(InputError, match=what):
        list_exhibits(source(tmp_path, content))


def test_a_folder_in_place_of_the_csv_and_a_missing_images_folder_are_clear_errors(tmp_path: Path) -> None:
    made = source(tmp_path, table([row()]), images=False)
    with pytest.raises(InputError, match="images folder"):
        list_exhibits(made)
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match="not a file"):
        list_exhibits(Source(kind="exhibits-csv", path=tmp_path, images=tmp_path / "images"))


@pytest.mark.feature("exhibits-csv")
def test_rows_that_cannot_be_an_exhibit_are_rejected_where_they_stand(tmp_path: Path) -> None:
    rows = [
        row(""),
        row("cube", description=" "),
        ["0", "torus"],
        row("a\x07b"),
        row("x" * 201),
        row("ok"),
        [""] * 7,
        [],
    ]
    found = list_exhibits(source(tmp_path, table(rows)))
    assert [one.reason if isinstance(one, Reject) else one.name for one in found] == [
        "exhibit without a name",
        "exhibit without a description",
        "row has another number of cells",
        "exhibit name cannot be used",
        "exhibit name cannot be used",
        "ok",
    ]
    assert isinstance(found[2], Reject) and found[2].detail.startswith("raw.csv line 4: 2 cells under 7 columns")


def test_the_later_exhibit_of_a_name_is_rejected_and_says_where_the_first_is(tmp_path: Path) -> None:
    rows = [row("cube"), row("torus"), row(" cube ", description="Another.")]
    kept, _, twice = reject_named_twice(list_exhibits(source(tmp_path, table(rows))))
    assert isinstance(kept, Exhibit) and isinstance(twice, Reject)
    assert twice.reason == "exhibit named twice"
    assert "line 4; first in raw.csv line 2" in twice.detail


def test_ids_do_not_depend_on_where_the_source_lies(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    here, there = (only_exhibit(source(tmp_path / place, table([row()]))) for place in ("here", "there"))
    assert here.document() == there.document()


def test_a_photo_named_twice_takes_one_slot(tmp_path: Path) -> None:
    one = only_exhibit(source(tmp_path, table([row(train="a.jpg\nb.jpg\na.jpg\n\n", test="c.jpg")])))
    assert one.slots is not None and (one.slots.train, one.slots.test) == (2, 1)
    assert len(one.photos) == 4
