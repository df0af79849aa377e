"""Exported photos are upright 8-bit RGB in JPEG or PNG, look as docent sees them, and tell nothing but their credit."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms
from tests.photo_files import LIMIT, encoded, four_corners, shows_four_corners, write

from docent.records import ImageFile
from docent.vision.files.formats import published_suffix
from docent.vision.files.publish import published
from docent.vision.photos import decode, examine

SERIAL = b"LENS-0815-33"
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera that is held otherwise stores an upright scene, by the orientation that it notes."""


def camera_exif(orientation: int = 1, artist: str = "") -> bytes:
    made = Image.Exif()
    if orientation != 1:
        made[0x0112] = orientation
    if artist:
        made[0x013B] = artist
    made.get_ifd(0x8769)[0xA435] = SERIAL.decode()
    made.get_ifd(0x8825).update({1: "S", 2: (33.0, 51.0, 7.0)})
    return made.tobytes()


def export(tmp_path: Path, data: bytes) -> tuple[bytes, Image.Image, Path]:
    """The exported bytes, what a reader that knows no EXIF sees, and the source."""
    path = write(tmp_path, "source", data)
    found = examine(data, LIMIT)
    row = ImageFile(
        id="a", name="a", unit="ingest", file=f"files/a.{found.suffix}", sha256="", width_px=found.width_px,
        height_px=found.height_px, group="a", creator=found.credit.creator,
    )  # fmt: skip
    made = published(path, row)
    seen = Image.open(io.BytesIO(made))
    seen.load()
    assert f".{examine(made, LIMIT).suffix}" == published_suffix(row.file)
    return made, seen, path


def tells_nothing(data: bytes, seen: Image.Image) -> bool:
    return SERIAL not in data and not set(seen.getexif()) - {0x013B, 0x8298} and not seen.info.get("icc_profile")


def other_profile() -> bytes:
    """A profile whose colours are not those of sRGB, with a name that may tell a device."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", made, 128)[0]
    tags = {made[132 + 12 * n : 136 + 12 * n].decode(): 132 + 12 * n for n in range(count)}
    for name in ("rXYZ", "bXYZ"):  # red and blue primaries change places
        made[tags[name] : tags[name] + 4] = {"rXYZ": b"bXYZ", "bXYZ": b"rXYZ"}[name]
    return bytes(made)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", TURNS)
def test_a_photo_that_lies_on_its_side_is_exported_upright_without_the_flag(
    tmp_path: Path, kind: str, orientation: int
) -> None:
    stored = four_corners().transpose(TURNS[orientation])
    made, seen, _ = export(tmp_path, encoded(stored, kind, exif=camera_exif(orientation)))
    assert shows_four_corners(seen)
    assert (seen.format, seen.mode) == (kind, "RGB")
    assert tells_nothing(made, seen) and not seen.getexif()


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [
        ("L", "JPEG", {}),
        ("CMYK", "JPEG", {}),
        ("P", "PNG", {}),
        ("L", "PNG", {}),
        ("RGBA", "PNG", {}),
        ("I;16", "PNG", {}),
        ("P", "GIF", {}),
        ("RGB", "BMP", {}),
        ("CMYK", "TIFF", {}),
        ("RGB", "WEBP", {"quality": 90}),
        ("RGBA", "WEBP", {"lossless": True}),
        ("RGB", "AVIF", {}),
    ],
)
def test_any_kind_of_picture_is_exported_as_rgb_that_looks_as_docent_sees_it(
    tmp_path: Path, mode: str, kind: str, options: dict[str, Any]
) -> None:
    picture = four_corners()
    if mode == "I;16":
        picture = Image.frombytes("I;16", picture.size, b"\x00\x80" * (picture.width * picture.height))
    elif mode == "RGBA":
        picture.putalpha(128)
    else:
        picture = picture.convert(mode)
    made, seen, path = export(tmp_path, encoded(picture, kind, **options))
    assert seen.format in ("JPEG", "PNG") and seen.mode == "RGB" and "transparency" not in seen.info
    assert tells_nothing(made, seen)
    docent_sees = decode(path, LIMIT)
    if seen.format == "PNG":
        assert seen.tobytes() == docent_sees.tobytes()
    else:
        assert max(abs(a - b) for a, b in zip(seen.tobytes(), docent_sees.tobytes(), strict=True)) < 60
        assert sum(abs(a - b) for a, b in zip(seen.tobytes(), docent_sees.tobytes(), strict=True)) < 3 * len(
            seen.tobytes()
        )


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_colours_of_a_profile_are_in_the_pixels_and_the_profile_is_gone(tmp_path: Path, kind: str) -> None:
    made, seen, path = export(tmp_path, encoded(four_corners(), kind, icc_profile=other_profile()))
    assert tells_nothing(made, seen)
    red, want = seen.getpixel((10, 10)), decode(path, LIMIT).getpixel((10, 10))
    assert isinstance(red, tuple) and isinstance(want, tuple)
    assert max(abs(a - b) for a, b in zip(red, want, strict=True)) <= 6
    assert red[2] > red[0], "the profile exchanges red and blue"


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_an_upright_rgb_photo_loses_metadata_and_profile_but_no_pixel(tmp_path: Path, kind: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = encoded(four_corners(), kind)
    data = encoded(four_corners(), kind, exif=camera_exif(), icc_profile=profile, dpi=(72, 72))
    made, seen, _ = export(tmp_path, data)
    assert tells_nothing(made, seen)
    with Image.open(io.BytesIO(plain)) as same:
        assert seen.tobytes() == same.tobytes(), "the compressed pixels are those of the source"
    assert export(tmp_path, plain)[0] == plain, "bytes that tell nothing stay as they are"


def test_credit_stays_where_the_source_has_one_and_a_preview_in_the_header_does_not(tmp_path: Path) -> None:
    made, seen, _ = export(tmp_path, encoded(four_corners(), "JPEG", exif=camera_exif(6, "Ada Lind")))
    assert seen.getexif() == {0x013B: "Ada Lind"}
    jfif = b"\xff\xe0" + struct.pack(">H", 16 + 3 * 4) + b"JFIF\0\1\2\0\0\1\0\1\2\2" + b"THUMBNAIL..."[:12]
    data = encoded(four_corners(), "JPEG")
    assert data[2:4] == b"\xff\xe0"
    made, seen, _ = export(tmp_path, data[:2] + jfif + data[20:])
    assert b"THUMB" not in made and shows_four_corners(seen)
