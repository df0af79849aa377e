from pathlib import Path

import pytest

from docent.config.sources import Source
from docent.errors import InputError
from docent.records import Reject
from docent.stages.ingest.exhibits.folder_files import natural_order
from docent.stages.ingest.exhibits.folder_loader import list_exhibits
from docent.stages.ingest.sources import Exhibit


def museum(folder: Path, **exhibits: dict[str, bytes]) -> Source:
    for name, files in exhibits.items():
        (folder / name).mkdir(parents=True)
        for file, data in files.items():
            (folder / name / file).write_bytes(data)
    return Source(kind="exhibits-folder", path=folder)


def test_each_subfolder_is_an_exhibit_with_its_photos_in_natural_order(tmp_path: Path) -> None:
    files = {
        "description.txt": b"A cube.",
        "v10.JPG": b"",
        "v2.jpeg": b"",
        ".v1.jpg": b"",
        "notes.docx": b"",
        "v3.HEIC": b"",
    }
    found = list_exhibits(
        museum(tmp_path, cube_of_glass=files, **{".git": {}, "a-torus": {"description.txt": b"A torus."}})
    )
    torus, cube = (one for one in found if isinstance(one, Exhibit))
    assert (torus.name, cube.name) == ("a-torus", "cube_of_glass")
    assert [photo.name for photo in cube.photos] == ["v2.jpeg", "v3.HEIC", "v10.JPG"]
    assert all(photo.split is None for photo in cube.photos)
    assert cube.slots is None and torus.photos == ()


@pytest.mark.parametrize(
    "data",
    [
        "Größe, café".encode(),
        b"\xef\xbb\xbf" + "Größe, café".encode(),
        "Größe, café".encode("cp1252"),
        "Größe, café".encode("utf-16"),
    ],
)
def test_descriptions_of_every_windows_editor_are_read(
    tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (found,) = list_exhibits(museum(tmp_path, cube={"Description.TXT": data}))
    assert isinstance(found, Exhibit) and found.text == "Größe, café"
    assert ("decoded as Windows-1252" in caplog.text) == (data == "Größe, café".encode("cp1252"))


def test_the_span_covers_the_text_without_blank_lines_around_it(tmp_path: Path) -> None:
    (found,) = list_exhibits(museum(tmp_path, cube={"description.txt": b"\r\n\r\nOne.\r\nTwo.\r\n\r\n"}))
    assert isinstance(found, Exhibit)
    assert found.span.model_dump(exclude_none=True) == {"file": "cube/description.txt", "first_line": 3, "last_line": 4}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"a.jpg": b""}, "no description.txt"),
        ({"description.txt": b" \n"}, "exhibit without a description"),
        ({"description.txt": b"\x81\x8d\xff"}, "description in an unknown encoding"),
        ({"description.txt": b"x" * 1_100_000}, "description too long"),
    ],
)
def test_a_folder_that_cannot_be_an_exhibit_is_rejected(tmp_path: Path, files: dict[str, bytes], reason: str) -> None:
    (found,) = list_exhibits(museum(tmp_path, cube=files))
    assert isinstance(found, Reject)
    assert (found.reason, found.raw) == (reason, "cube")


def test_a_description_outside_the_source_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    made = museum(tmp_path / "museum", cube={})
    (tmp_path / "museum" / "cube" / "description.txt").symlink_to(tmp_path / "secret.txt")
    (found,) = list_exhibits(made)
    assert isinstance(found, Reject) and "leaves" in found.reason


def test_a_folder_without_subfolders_and_a_file_show_the_layout_that_is_expected(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    for path in (tmp_path, tmp_path / "a.jpg"):
        with pytest.raises(InputError) as caught:
            list_exhibits(Source(kind="exhibits-folder", path=path))
        assert "<exhibit name>/description.txt" in caught.value.next_step


def test_numbers_in_names_count_as_numbers() -> None:
    names = ["b.jpg", "v10.jpg", "V2.jpg", "10.jpg", "9.jpg", "v2.jpg", "²1.jpg", "v2-1.jpg"]
    found = sorted(names, key=natural_order)
    assert found.index("9.jpg") < found.index("10.jpg") < found.index("b.jpg")
    assert found.index("V2.jpg") < found.index("v2.jpg") < found.index("v10.jpg")
    assert sorted(names[::-1], key=natural_order) == found
