"""Which picture files are read, and that a real picture that is not read is named."""

import struct
import sys
from pathlib import Path

import pytest
from PIL import Image
from tests.photo_files import LIMIT, encoded, four_corners, shows_four_corners, tiff, write

from docent.vision import photos
from docent.vision.files.formats import format_name
from docent.vision.photos import DOES_NOT_DECODE, NOT_AN_IMAGE, UNSUPPORTED, PhotoError, decode, examine

HEIC_PHOTO = Path(__file__).parents[1] / "fixtures/two-halves.heic"
TURNS_BACK = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


def reason_of(data: bytes) -> tuple[str, str]:
    with pytest.raises(PhotoError) as caught:
        examine(data, LIMIT)
    return caught.value.reason, caught.value.detail


@pytest.mark.parametrize("orientation", TURNS_BACK)
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("JPEG", {"quality": 95}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("AVIF", {"quality": 95}),
    ],
)
def test_every_format_is_turned_upright_exactly_once(
    tmp_path: Path, kind: str, options: dict[str, object], orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(four_corners().transpose(TURNS_BACK[orientation]), kind, exif=exif, **options)
    found = examine(data, LIMIT)
    assert (found.width_px, found.height_px) == (60, 90)
    assert shows_four_corners(decode(write(tmp_path, "a", data), LIMIT))


@pytest.mark.parametrize("mode", ["L", "I;16", "P", "1"])
def test_turned_tiff_scans_in_grey_and_palette_are_upright(tmp_path: Path, mode: str) -> None:
    stored = Image.new("L", (40, 20), 0)
    stored.paste(255, (0, 0, 10, 20))
    wide = (
        stored.convert("I").point(lambda value: value * 257).convert("I;16") if mode == "I;16" else stored.convert(mode)
    )
    path = write(tmp_path, "scan.tif", encoded(wide, "TIFF", tiffinfo={274: 6}))
    found = decode(path, LIMIT)
    assert found.size == (20, 40)
    assert found.getpixel((10, 3)) == (255, 255, 255) and found.getpixel((10, 30)) == (0, 0, 0)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("deflate", [False, True])
def test_sixteen_bits_per_channel_keep_their_colors(tmp_path: Path, order: str, deflate: bool) -> None:
    values = four_corners().tobytes()
    wide = b"".join(struct.pack(f"{order}H", value * 257) for value in values)
    path = write(tmp_path, "master.tif", tiff(wide, (60, 90), 16, order, deflate=deflate))
    assert shows_four_corners(decode(path, LIMIT), tolerance=1)


def test_what_pillow_would_read_wrongly_or_not_at_all_is_named_with_its_bits() -> None:
    wide = struct.pack(">H", 0x8000) * (8 * 6 * 3)
    reason, detail = reason_of(tiff(wide, (8, 6), 16, ">", planes=3))
    assert reason == UNSUPPORTED and "16 bits per channel" in detail and "PNG" in detail
    reason, detail = reason_of(tiff(bytes(8 * 6 * 3 * 4), (8, 6), 32))
    assert reason == UNSUPPORTED and "32 bits per channel" in detail


def test_raw_camera_files_are_not_taken_for_their_small_preview() -> None:
    preview = bytes(8 * 6 * 3)
    with_sub_directories = tiff(preview, (8, 6), more=[(254, 4, [1]), (330, 4, [8])])
    dng = tiff(preview, (8, 6), more=[(50706, 1, [1, 4, 0, 0])])
    for data in (with_sub_directories, dng):
        reason, detail = reason_of(data)
        assert reason == UNSUPPORTED and "raw camera file" in detail
    assert examine(tiff(preview, (8, 6)), LIMIT).suffix == "tif"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", "AVIF"),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "raw camera file (Canon CR3)"),
        (b"FUJIFILMCCD-RAW 0201", "raw camera file (Fujifilm RAF)"),
        (b"8BPS\0\x01" + bytes(20), "Photoshop (PSD)"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- drawn -->\n<svg xmlns='x'/>", "SVG"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"P6\n2 2\n255\n", "Netpbm"),
        (b"v/1\x01\x02\0\0\0", "OpenEXR"),
        (b"<html><body>404</body></html>", ""),
        (b"BM is not always a bitmap", ""),
        (b"", ""),
    ],
)
def test_formats_are_named_by_their_first_bytes(head: bytes, name: str) -> None:
    assert format_name(head) == name


@pytest.mark.parametrize("head", [b"8BPS\0\x01", b"%PDF-1.7", b"<svg width='1'/>", b"IIRO\x08\0", b"\xff\x0a\xfa"])
def test_a_real_picture_that_is_not_read_is_named_with_the_way_out(head: bytes) -> None:
    reason, detail = reason_of(head + bytes(100))
    assert reason == UNSUPPORTED
    assert detail.startswith(format_name(head + bytes(100))) and "save it as JPEG" in detail


@pytest.mark.parametrize(("kind", "suffix"), [("JPEG2000", "jp2"), ("AVIF", "avif")])
def test_jpeg_2000_and_avif_are_read(tmp_path: Path, kind: str, suffix: str) -> None:
    data = encoded(four_corners(), kind)
    assert examine(data, LIMIT).suffix == suffix
    assert shows_four_corners(decode(write(tmp_path, "a", data), LIMIT))


def test_heic_is_read_with_its_extra(tmp_path: Path) -> None:
    pytest.importorskip("pi_heif")
    found = examine(HEIC_PHOTO.read_bytes(), LIMIT)
    assert (found.width_px, found.height_px, found.suffix) == (48, 32, "heic")
    red, blue = (decode(HEIC_PHOTO, LIMIT).getpixel((x, 16)) for x in (8, 40))
    assert red[0] > 150 > red[2] and blue[2] > 150 > blue[0]  # type: ignore[index]


def test_heic_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    monkeypatch.setattr(photos, "_reads_heic", photos._reads_heic.__wrapped__)
    reason, detail = reason_of(HEIC_PHOTO.read_bytes())
    assert reason == UNSUPPORTED
    assert "HEIC" in detail and "docent[heic]" in detail and "JPEG" in detail


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "JPEG2000", "GIF"])
def test_a_truncated_picture_of_a_known_format_is_damaged_and_no_unknown_file(kind: str) -> None:
    noise = Image.effect_noise((200, 150), 80).convert("RGB")
    data = encoded(noise, kind, **({"compression": "tiff_lzw"} if kind == "TIFF" else {}))
    assert reason_of(data[: len(data) // 2])[0] == DOES_NOT_DECODE


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_png_whose_pixels_are_damaged_never_comes_back_half(tmp_path: Path, share: float) -> None:
    data = bytearray(encoded(Image.effect_noise((120, 90), 80).convert("RGB"), "PNG"))
    at = int(len(data) * share)
    data[at : at + 4] = bytes(value ^ 0xFF for value in data[at : at + 4])
    assert reason_of(bytes(data))[0] == DOES_NOT_DECODE
    with pytest.raises(PhotoError):
        decode(write(tmp_path, "a.png", bytes(data)), LIMIT)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_whose_end_was_never_written_is_damaged_although_zeros_decode(progressive: bool) -> None:
    exif = Image.Exif()
    exif[0x010E] = b"a preview in the metadata has an end of its own: \xff\xd9"
    data = encoded(Image.effect_noise((200, 150), 80).convert("RGB"), "JPEG", progressive=progressive, exif=exif)
    examine(data, LIMIT)
    reason, detail = reason_of(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    assert reason == DOES_NOT_DECODE and "end is missing" in detail


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_what_stands_behind_the_end_does_no_harm(tmp_path: Path, kind: str) -> None:
    data = encoded(four_corners(), kind) + b"trailer of a phone" * 20
    examine(data, LIMIT)
    assert shows_four_corners(decode(write(tmp_path, "a", data), LIMIT))


def test_text_is_not_an_image() -> None:
    assert reason_of(b"a letter")[0] == NOT_AN_IMAGE
