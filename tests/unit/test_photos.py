import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from docent.vision.photos import (
    DOES_NOT_DECODE,
    NOT_AN_IMAGE,
    TOO_MANY_PIXELS,
    PhotoError,
    decode,
    examine,
    picture_suffix,
)

LIMIT = 1_000_000


def picture(size: tuple[int, int] = (60, 40)) -> Image.Image:
    """Left half red, right half blue: tells turned from upright."""
    made = Image.new("RGB", size, (255, 0, 0))
    made.paste((0, 0, 255), (size[0] // 2, 0, *size))
    return made


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png_bomb(width_px: int, height_px: int) -> bytes:
    """A small PNG whose header promises many pixels."""
    parts = [
        b"IHDR" + struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0),
        b"IDAT" + zlib.compress(b""),
        b"IEND",
    ]
    chunks = [struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("GIF", "gif"), ("BMP", "bmp"), ("TIFF", "tif")],
)
def test_every_format_is_read_whatever_its_file_is_called(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / "photo.anything"
    path.write_bytes(encoded(picture(), kind))
    header = examine(path.read_bytes(), LIMIT)
    assert (header.width_px, header.height_px, header.suffix) == (60, 40, suffix)
    decoded = decode(path, LIMIT)
    assert (decoded.mode, decoded.size) == ("RGB", (60, 40))
    red, _, blue = decoded.getpixel((5, 5))  # type: ignore[misc]
    assert red > 200 and blue < 60


def test_a_jpeg_with_more_pictures_behind_the_first_is_a_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "phone.jpg"
    picture().save(path, "MPO", save_all=True, append_images=[picture()])
    assert picture_suffix(path.read_bytes(), LIMIT) == "jpg"
    assert decode(path, LIMIT).size == (60, 40)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(tmp_path: Path, orientation: int) -> None:
    turns_back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = picture()
    upright.paste((0, 255, 0), (0, 0, 20, 10))
    stored = upright.transpose(turns_back[orientation]) if orientation in turns_back else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    stored.save(path, exif=exif)
    header = examine(path.read_bytes(), LIMIT)
    assert (header.width_px, header.height_px) == (60, 40)
    assert decode(path, LIMIT).tobytes() == upright.tobytes()


def test_an_orientation_stored_behind_the_pixels_changes_neither_header_nor_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(picture(), "PNG", exif=exif)
    at = data.index(b"eXIf") - 4
    chunk = data[at : at + 12 + struct.unpack(">I", data[at : at + 4])[0]]
    end = data.index(b"IEND") - 4
    moved = data[:at] + data[at + len(chunk) : end] + chunk + data[end:]
    path = tmp_path / "late.png"
    path.write_bytes(moved)
    header = examine(moved, LIMIT)
    assert decode(path, LIMIT).size == (header.width_px, header.height_px)


def test_a_picture_of_too_many_pixels_is_refused_by_its_header_alone() -> None:
    with pytest.raises(PhotoError) as caught:
        picture_suffix(png_bomb(50_000, 50_000), 100_000_000)
    assert caught.value.reason == TOO_MANY_PIXELS
    assert "50000 x 50000" in caught.value.detail


def test_our_limit_may_lie_above_the_one_of_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert examine(encoded(picture(), "PNG"), LIMIT).width_px == 60
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize("data", [b"", b"hello", b"<html>404</html>", b"BM as text", b"PK\x03\x04"])
def test_what_is_no_image_says_so_without_an_address_in_memory(data: bytes) -> None:
    with pytest.raises(PhotoError) as caught:
        examine(data, LIMIT)
    assert caught.value.reason == NOT_AN_IMAGE
    assert "0x" not in caught.value.detail


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "GIF"])
def test_a_file_cut_short_has_a_header_but_does_not_decode(tmp_path: Path, kind: str) -> None:
    noise = Image.effect_noise((200, 150), 80).convert("RGB")
    data = encoded(noise, kind)
    path = tmp_path / "cut"
    # A TIFF of Pillow has its directory first or last; both must not leave the module as another exception.
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(PhotoError) as caught:
        decode(path, LIMIT)
    assert caught.value.reason in (DOES_NOT_DECODE, NOT_AN_IMAGE)
    if kind == "JPEG":
        assert picture_suffix(path.read_bytes(), LIMIT) == "jpg"
        assert caught.value.reason == DOES_NOT_DECODE


def test_transparent_parts_are_white_and_not_what_lies_hidden_under_them(tmp_path: Path) -> None:
    path = tmp_path / "cut-out.png"
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(path)
    assert decode(path, LIMIT).getpixel((3, 3)) == (255, 255, 255)


def test_sixteen_bit_grey_keeps_its_tones(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    Image.new("I;16", (20, 20), 0x8000).save(path)
    assert decode(path, LIMIT).getpixel((3, 3)) == (128, 128, 128)
