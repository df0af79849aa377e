"""Exhibit folders as people have them: sub-folders, what systems leave behind, descriptions of other names."""

from pathlib import Path

import pytest
from tests.photo_files import encoded, four_corners, mosaic, write

from docent.config.sources import Source
from docent.config.stages import Ingest
from docent.records import ImageFile, Reject
from docent.stages.ingest.exhibits.folder_loader import list_exhibits
from docent.stages.ingest.images import Intake, Limits, load_photos
from docent.stages.ingest.sources import Exhibit

PHOTO = encoded(four_corners(), "JPEG")


def museum(folder: Path, files: dict[str, bytes]) -> tuple[list[Exhibit], list[Reject]]:
    for name, data in files.items():
        write(folder, name, data)
    found = list_exhibits(Source(kind="exhibits-folder", path=folder))
    return [e for e in found if isinstance(e, Exhibit)], [r for r in found if isinstance(r, Reject)]


def loaded(exhibit: Exhibit) -> tuple[tuple[ImageFile, ...], list[Reject]]:
    return load_photos(
        exhibit, Intake(Ingest(sources=(exhibit.source,)), Limits(1_000_000, 1e8), lambda *_: "files/x.jpg")
    )


def test_photos_in_sub_folders_are_read_under_names_that_keep_the_folder(tmp_path: Path) -> None:
    photos = {
        f"vase/{name}": encoded(mosaic(i), "JPEG") for i, name in enumerate(("b.jpg", "side/a.jpg", "side/far/a.jpg"))
    }
    (exhibit,), rejects = museum(tmp_path, {"vase/description.txt": b"A vase.", **photos})
    images, refused = loaded(exhibit)
    assert [image.name for image in images] == ["b.jpg", "side_a.jpg", "side_far_a.jpg"]
    assert len({image.group for image in images}) == 3
    assert not rejects and not refused


def test_two_photos_whose_plain_names_would_be_the_same_are_both_kept(tmp_path: Path) -> None:
    files = {"vase/side_a.jpg": encoded(mosaic(1), "JPEG"), "vase/side/a.jpg": encoded(mosaic(2), "JPEG")}
    (exhibit,), _ = museum(tmp_path, {"vase/description.txt": b"A vase.", **files})
    images, refused = loaded(exhibit)
    assert [image.name for image in images] == ["side_a.jpg", "side_a-2.jpg"] and not refused
    assert len({image.sha256 for image in images}) == 2


def test_what_systems_leave_behind_is_neither_read_nor_reported(tmp_path: Path) -> None:
    junk = {
        name: b"\0\5\x16\7 no picture"
        for name in (
            "__MACOSX/vase/._a.jpg", "__MACOSX/._vase", "vase/__MACOSX/._a.jpg", "vase/._a.jpg", "vase/Thumbs.db",
            "vase/desktop.ini", "vase/.DS_Store", "vase/side/._b.jpg", "vase/@eaDir/a.jpg", ".DS_Store", "Thumbs.db",
            "._stray.jpg",
        )
    }  # fmt: skip
    (exhibit,), rejects = museum(tmp_path, {"vase/description.txt": b"A vase.", "vase/a.jpg": PHOTO, **junk})
    assert [photo.name for photo in exhibit.photos] == ["a.jpg"]
    assert not rejects


@pytest.mark.parametrize("name", ["DESCRIPTION.TXT", "Description.txt", "description.TXT"])
def test_upper_and_lower_case_of_the_description_do_not_matter(tmp_path: Path, name: str) -> None:
    (exhibit,), rejects = museum(tmp_path, {f"vase/{name}": b"A vase.", "vase/a.jpg": PHOTO})
    assert exhibit.text == "A vase." and not rejects


@pytest.mark.parametrize(
    "name",
    ["description.txt.txt", "Description.docx", "description.md", "description", "description (1).txt", "text.txt"],
)
def test_a_description_that_is_called_otherwise_is_named_with_what_is_expected(tmp_path: Path, name: str) -> None:
    exhibits, (reject,) = museum(tmp_path, {f"vase/{name}": b"A vase.", "vase/a.jpg": PHOTO})
    assert not exhibits and (reject.reason, reject.raw) == ("no description.txt", "vase")
    assert name in reject.detail and "plain text file named description.txt" in reject.detail


def test_a_file_name_in_a_message_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    _, (reject,) = museum(tmp_path, {"vase/description\x1b[2J.docx": b"A vase."})
    assert "\x1b" not in reject.detail and "\\x1b[2J" in reject.detail


def test_a_picture_whose_name_has_no_suffix_is_a_photo_and_other_files_without_one_are_not(tmp_path: Path) -> None:
    files = {"vase/IMG_0001": PHOTO, "vase/notes": b"Bought in 1920.", "vase/description.txt": b"A vase."}
    (exhibit,), _ = museum(tmp_path, files)
    assert [photo.name for photo in exhibit.photos] == ["IMG_0001"]


def test_two_descriptions_are_not_chosen_between_silently(tmp_path: Path) -> None:
    _, (reject,) = museum(tmp_path, {"vase/description.txt": b"A vase.", "vase/Description.TXT": b"Another."})
    assert reject.reason == "more than one description.txt" and "Description.TXT" in reject.detail


def test_a_description_below_an_exhibit_and_a_photo_beside_exhibits_are_reported(tmp_path: Path) -> None:
    files = {"vase/description.txt": b"A vase.", "vase/lid/description.txt": b"Its lid.", "vase/lid/a.jpg": PHOTO}
    (exhibit,), rejects = museum(tmp_path, {**files, "stray.jpg": PHOTO})
    assert [photo.name for photo in exhibit.photos] == ["lid/a.jpg"]
    assert [(r.reason, r.raw) for r in rejects] == [
        ("photo outside of an exhibit's folder", "stray.jpg"),
        ("description.txt in a sub-folder of an exhibit", "vase/lid/description.txt"),
    ]


def test_exhibits_one_folder_too_deep_are_named_in_the_reject(tmp_path: Path) -> None:
    _, (reject,) = museum(tmp_path, {"hall/vase/description.txt": b"A vase.", "hall/vase/a.jpg": PHOTO})
    assert (reject.raw, reject.reason) == ("hall", "no description.txt")
    assert "vase/description.txt" in reject.detail


def test_links_that_leave_the_source_are_reported_and_loops_end(tmp_path: Path) -> None:
    write(tmp_path, "secret/private.jpg", PHOTO)
    source = tmp_path / "museum"
    write(source, "vase/description.txt", b"A vase.")
    write(source, "vase/side/a.jpg", PHOTO)
    (source / "vase/side/up").symlink_to("..")
    (source / "vase/self").symlink_to(".")
    (source / "vase/away").symlink_to(tmp_path / "secret")
    (exhibit,), _ = museum(source, {})
    images, (reject,) = loaded(exhibit)
    assert [image.name for image in images] == ["side_a.jpg"]
    assert (reject.reason, reject.raw) == ("path leaves the images folder", "away")


@pytest.mark.parametrize(
    ("data", "said"),
    [(rb"{\rtf1\ansi A vase.}", "RTF"), (b"PK\x03\x04\x14\x00\x06\x00 word/document.xml", "control characters")],
)
def test_a_word_processor_file_that_is_called_description_txt_is_rejected(
    tmp_path: Path, data: bytes, said: str
) -> None:
    exhibits, (reject,) = museum(tmp_path, {"vase/description.txt": data, "vase/a.jpg": PHOTO})
    assert not exhibits and (reject.reason, reject.raw) == ("description is not a text file", "vase")
    assert said in reject.detail
