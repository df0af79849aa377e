"""Photos of an exhibit as tables list them, and files whose names are written in another way than on disk."""

import logging
import unicodedata
from pathlib import Path

import pytest
from tests.loading import loaded

from docent.config.sources import Source
from docent.stages.ingest.exhibits.csv_loader import list_exhibits
from docent.stages.ingest.exhibits.photo_lists import photo_names
from docent.stages.ingest.sources import Exhibit, OutsideError, confined


def names(folder: Path, cell: str, *files: str) -> list[str]:
    for file in files:
        (folder / file).write_bytes(b"")
    return [name for name, _ in photo_names(cell, folder)]


@pytest.mark.parametrize(
    "cell", ["a.jpg|b.png|c.jpg", "a.jpg; b.png;c.jpg;", "a.jpg, b.png ,c.jpg", "a.jpg\nb.png|c.jpg"]
)
def test_names_in_one_line_are_taken_apart(tmp_path: Path, cell: str) -> None:
    assert names(tmp_path, cell, "a.jpg", "b.png", "c.jpg") == ["a.jpg", "b.png", "c.jpg"]


def test_a_file_whose_name_has_the_separator_is_one_photo(tmp_path: Path) -> None:
    files = ("jug, front.jpg", "b.jpg", "x;y|z.jpg")
    assert names(tmp_path, "jug, front.jpg", *files) == ["jug, front.jpg"]
    assert names(tmp_path, "b.jpg, jug, front.jpg; x;y|z.jpg") == ["b.jpg", "jug, front.jpg", "x;y|z.jpg"]


def test_names_that_are_not_there_are_told_one_by_one(tmp_path: Path) -> None:
    assert names(tmp_path, "a.jpg; jug, side.jpg; c.jpg", "a.jpg") == ["a.jpg", "jug, side.jpg", "c.jpg"]
    assert names(tmp_path, "../a.jpg, b.jpg") == ["../a.jpg", "b.jpg"]


def test_a_cell_that_is_no_list_of_photos_is_one_name(tmp_path: Path) -> None:
    assert names(tmp_path, "a.jpg," * 5000, "a.jpg") == ["a.jpg," * 5000]


def test_a_list_that_cannot_be_taken_apart_says_how_photos_are_listed(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    path = tmp_path / "list.csv"
    for cell in ("a.jpg / b.jpg", "a.jpg|b.jpg", "a.jpg b.jpg"):
        path.write_text(f"item_name,description,train_images\njug,A jug.,{cell}\n")
        rejects = loaded("exhibits-csv", path).rejects
        assert {one.reason for one in rejects} == {"photo not found"}
        assert all("list.csv line 2; list photos one per line, or separated by" in one.detail for one in rejects)


def test_every_photo_of_a_line_has_its_line_and_counts_as_a_slot(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "b.jpg").write_bytes(b"")
    path = tmp_path / "list.csv"
    path.write_text('item_name,description,train_images\njug,A jug.,"a.jpg|b.jpg\nc.jpg"\n')
    (one,) = list_exhibits(Source(kind="exhibits-csv", path=path))
    assert isinstance(one, Exhibit) and one.slots is not None
    assert [(photo.name, photo.where) for photo in one.photos] == [
        ("a.jpg", "list.csv line 2"),
        ("b.jpg", "list.csv line 2"),
        ("c.jpg", "list.csv line 3"),
    ]
    assert one.slots.train == 3


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("written", ["NFC", "NFD"])
def test_both_forms_of_a_name_mean_the_same_file_also_in_folders(tmp_path: Path, on_disk: str, written: str) -> None:
    name = "Übersicht/Krüge & Töpfe é.jpg"
    file = tmp_path / unicodedata.normalize(on_disk, name)
    file.parent.mkdir()
    file.write_bytes(b"x")
    assert confined(tmp_path, tmp_path, unicodedata.normalize(written, name)) == file.resolve()


def test_another_case_is_taken_with_a_note_and_only_where_one_file_fits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "Front.JPG").write_bytes(b"x")
    with caplog.at_level(logging.WARNING, logger="docent.ingest"):
        assert confined(tmp_path, tmp_path, "front.jpg") == (tmp_path / "Front.JPG").resolve()
    assert "front.jpg does not exist; reading Front.JPG" in caplog.text
    (tmp_path / "FRONT.jpg").write_bytes(b"y")
    assert confined(tmp_path, tmp_path, "front.jpg") is None
    assert confined(tmp_path, tmp_path, "FRONT.jpg") == (tmp_path / "FRONT.jpg").resolve()


def test_a_name_in_another_form_cannot_leave_the_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (outside / "x.jpg").write_bytes(b"x")
    (inside / "Link").symlink_to(outside)
    with pytest.raises(OutsideError):
        confined(inside, inside, "link/X.jpg")


def test_figures_of_markdown_are_found_in_the_other_form(tmp_path: Path) -> None:
    import io

    from PIL import Image

    picture = io.BytesIO()
    Image.new("RGB", (40, 40), "teal").save(picture, "PNG")
    (tmp_path / unicodedata.normalize("NFD", "Töpfe.png")).write_bytes(picture.getvalue())
    (tmp_path / "a.md").write_text("# Jugs\n\nSee the jugs.\n\n![jugs](Töpfe.png)\n", encoding="utf-8")
    found = loaded("markdown", tmp_path)
    assert found.rejects == [] and found.sections[0].figures[0].image is not None
