"""A museum's folder that is not as it should be: what was expected, what is there, and the next command."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.photo_files import encoded, four_corners

from docent.config.sources import Source
from docent.errors import InputError
from docent.launcher.cli import docent
from docent.stages.ingest import list_sources
from docent.stages.ingest.sources import Exhibit
from docent.vision.photos import PhotoError, examine

PHOTO = encoded(four_corners(), "JPEG")
LAYOUT = {"vase/description.txt": b"A vase of clay, made in 1820.", "vase/a.jpg": PHOTO, "vase/b.jpg": PHOTO[:-2]}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def refusal(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        list_sources((Source(kind="exhibits-folder", path=path),))
    return caught.value


def ingest(*arguments: object) -> Result:
    return CliRunner().invoke(docent, ["ingest", *map(str, arguments)])


def test_the_folder_of_one_exhibit_is_told_from_that_of_a_museum(tmp_path: Path) -> None:
    write(tmp_path / "my museum", LAYOUT | {"vase/details/c.jpg": PHOTO})
    error = refusal(tmp_path / "my museum" / "vase")
    assert "single exhibit" in error.what and "use the folder above it" in error.next_step
    assert f"docent ingest '{tmp_path / 'my museum'}'" in error.next_step
    shown = ingest(tmp_path / "my museum" / "vase")
    assert isinstance(shown.exception, InputError) and "single exhibit" in shown.exception.what


def test_a_museum_with_a_description_of_its_own_is_read(tmp_path: Path) -> None:
    write(tmp_path, LAYOUT | {"description.txt": b"Our museum.", "entrance.jpg": PHOTO})
    listed = list_sources((Source(kind="exhibits-folder", path=tmp_path),))
    assert [one.name for one in listed if isinstance(one, Exhibit)] == ["vase"]


def test_a_folder_without_subfolders_says_what_was_found_in_it(tmp_path: Path) -> None:
    write(tmp_path, {"a.jpg": PHOTO, "b.jpg": PHOTO, "notes.docx": b"PK"})
    error = refusal(tmp_path)
    assert "found 2 photos and 1 other file" in error.what and "<exhibit name>/description.txt" in error.next_step
    assert f"docent ingest {tmp_path}" in error.next_step


def test_a_file_in_the_place_of_a_museum_says_what_is_expected(tmp_path: Path) -> None:
    write(tmp_path, {"a.jpg": PHOTO})
    error = refusal(tmp_path / "a.jpg")
    assert "is a file, not a folder" in error.what and f"docent ingest {tmp_path}" in error.next_step


def test_exhibits_without_any_description_are_named_with_the_file_to_write(tmp_path: Path) -> None:
    write(tmp_path, {"vase/a.jpg": PHOTO, "clock/a.jpg": PHOTO, "clock/text.txt": b"A clock."})
    error = refusal(tmp_path)
    assert "none of the 2 subfolders has a description.txt" in error.what and "clock/ has text.txt" in error.what
    assert f"{tmp_path}/clock/description.txt" in error.next_step
    shown = ingest(tmp_path / "nothing-yet")
    assert isinstance(shown.exception, InputError)


def test_one_description_is_enough_for_the_others_to_be_rejects(tmp_path: Path) -> None:
    write(tmp_path, LAYOUT | {"clock/a.jpg": PHOTO})
    assert len(list_sources((Source(kind="exhibits-folder", path=tmp_path),))) == 2


def test_docent_ingest_counts_the_photos_of_each_exhibit(tmp_path: Path) -> None:
    write(tmp_path, LAYOUT | {"clock/description.txt": b"A clock.", "clock/a.jpg": PHOTO, "clock/b.png": PHOTO})
    shown = ingest(tmp_path)
    assert shown.exit_code == 0
    assert "2 exhibits, 3 photos" in shown.output  # the end of one of four is missing
    assert [line.split()[-1] for line in shown.output.splitlines() if "description.txt" in line] == ["2", "1"]


def test_docent_ingest_ends_with_an_error_where_nothing_could_be_read(tmp_path: Path) -> None:
    write(tmp_path, {"broken.pdf": b"no PDF at all"})
    for form in ("table", "json"):
        shown = ingest(tmp_path, "-o", form)
        assert (
            isinstance(shown.exception, InputError) and "no document or exhibit could be read" in shown.exception.what
        )
        assert "broken.pdf" in shown.output


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"\0" * 500, "begins with zeros"),
        (b"My notes about the vase.", "it is a text"),
        ("Größe: ü".encode() * 200, "it is a text"),
        (b"<!DOCTYPE html><html><body>404", "a web page"),
        (b"PK\x03\x04" + bytes(range(256)), "a ZIP archive or an Office document"),
        (bytes(range(1, 256)) * 4, "of no known picture format"),
    ],
)
def test_a_file_that_is_no_photo_is_described_in_plain_words(data: bytes, said: str) -> None:
    with pytest.raises(PhotoError) as caught:
        examine(data, 1e8)
    assert said in caught.value.detail and "Error" not in caught.value.detail


def test_a_preview_of_a_museum_asks_what_visitors_ask(tmp_path: Path) -> None:
    write(tmp_path, LAYOUT)
    shown = CliRunner().invoke(docent, ["preview", str(tmp_path), "-o", "json"])
    assert shown.exit_code == 0, shown.output
    assert '"visitor": 1' in shown.output and "true_false" not in shown.output
