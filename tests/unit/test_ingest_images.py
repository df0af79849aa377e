import io
import os
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from docent.config.sources import Source
from docent.config.stages import Ingest
from docent.records import Reject, Span, Split
from docent.stages.ingest.images import Intake, Limits, load_photos
from docent.stages.ingest.sources import Exhibit, ListedPhoto

LIMITS = Limits(file_bytes=100_000, pixels=100_000_000)


def jpeg(shade: int = 100) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (30, 20), (shade, 50, 90)).save(file, "JPEG")
    return file.getvalue()


def png_bomb() -> bytes:
    parts = [b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(b""), b"IEND"]
    chunks = [struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def exhibit(folder: Path, *names: str, split: Split | None = None) -> Exhibit:
    return Exhibit(
        source=Source(kind="exhibits-csv", path=folder / "raw.csv"),
        name="cube",
        text="A cube.",
        span=Span(file="raw.csv", first_line=2, last_line=2),
        root=folder,
        folder=folder,
        photos=tuple(ListedPhoto(name, "raw.csv line 2", split) for name in names),
    )


@pytest.fixture
def saved() -> dict[str, bytes]:
    return {}


def load(one: Exhibit, saved: dict[str, bytes]) -> tuple[list[str], list[Reject]]:
    def save(data: bytes, suffix: str) -> str:
        saved[f"files/{len(saved)}.{suffix}"] = data
        return f"files/{len(saved) - 1}.{suffix}"

    images, rejects = load_photos(one, Intake(Ingest(sources=(one.source,)), LIMITS, save))
    return [image.name for image in images], rejects


def test_a_photo_is_kept_byte_for_byte_under_the_suffix_of_its_format(tmp_path: Path, saved: dict[str, bytes]) -> None:
    (tmp_path / "photo.PNG").write_bytes(jpeg())
    names, rejects = load(exhibit(tmp_path, "photo.PNG"), saved)
    assert (names, rejects) == (["photo.PNG"], [])
    assert saved == {"files/0.jpg": jpeg()}


@pytest.mark.parametrize(
    "name", ["../secret.jpg", "/etc/passwd", "sub/../../secret.jpg", "out.jpg", "linked/secret.jpg", ".."]
)
def test_a_path_that_leaves_the_folder_is_rejected_even_where_a_photo_lies(
    tmp_path: Path, name: str, saved: dict[str, bytes]
) -> None:
    (tmp_path / "secret.jpg").write_bytes(jpeg())
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    (folder / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "linked").symlink_to(tmp_path)
    names, (reject,) = load(exhibit(folder, name), saved)
    assert (names, saved) == ([], {})
    assert (reject.reason, reject.raw) == ("path leaves the images folder", name)


def test_a_link_inside_the_folder_and_a_linked_images_folder_are_fine(tmp_path: Path, saved: dict[str, bytes]) -> None:
    (tmp_path / "real" / "sub").mkdir(parents=True)
    (tmp_path / "real" / "sub" / "a.jpg").write_bytes(jpeg())
    (tmp_path / "real" / "b.jpg").symlink_to("sub/a.jpg")
    (tmp_path / "images").symlink_to("real")
    names, rejects = load(exhibit(tmp_path / "images", "b.jpg", "sub/a.jpg"), saved)
    assert (names, rejects) == (["b.jpg", "sub_a.jpg"], [])


@pytest.mark.parametrize(
    "name", ["no.jpg", "x" * 300 + ".jpg", "nul\x00.jpg", "ring.jpg", "folder", "pipe.jpg", "a.jpg/b.jpg"]
)
def test_what_is_no_file_is_not_found_and_nobody_waits_for_it(
    tmp_path: Path, name: str, saved: dict[str, bytes]
) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    (tmp_path / "ring.jpg").symlink_to("ring.jpg")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    one = exhibit(tmp_path, name)
    names, (reject,) = load(one, saved)
    assert (names, reject.reason) == ([], "photo not found")
    assert (reject.parents, reject.detail) == ((one.document_id,), "raw.csv line 2")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not an image"),
        (b"GIF89a", "does not decode"),
        (b"<html>404</html>", "not an image"),
        (png_bomb(), "too many pixels"),
        (jpeg() + b"\x00" * 100_000, "file too large"),
    ],
)
def test_files_of_strangers_are_rejected_with_the_reason(
    tmp_path: Path, data: bytes, reason: str, saved: dict[str, bytes]
) -> None:
    (tmp_path / "a.jpg").write_bytes(data)
    names, (reject,) = load(exhibit(tmp_path, "a.jpg"), saved)
    assert (names, saved, reject.reason) == ([], {}, reason)
    assert "0x" not in reject.detail and str(tmp_path) not in reject.model_dump_json()


def test_a_photo_listed_twice_is_taken_once(tmp_path: Path, saved: dict[str, bytes]) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    names, (reject,) = load(exhibit(tmp_path, "a.jpg", "./a.jpg"), saved)
    assert (names, reject.reason, reject.raw) == (["a.jpg"], "photo listed twice", "./a.jpg")


def test_an_augmented_file_shares_the_lineage_of_its_original(tmp_path: Path) -> None:
    for number, name in enumerate(("a.jpg", "a-aug3.jpg", "b.jpg")):
        (tmp_path / name).write_bytes(jpeg(number))
    copied = exhibit(tmp_path, "a.jpg", "a-aug3.jpg", "b.jpg")
    images, _ = load_photos(copied, Intake(Ingest(sources=(copied.source,)), LIMITS, lambda *_: "files/x"))
    assert images[0].group == images[1].group != images[2].group
    assert len({image.id for image in images}) == 3
