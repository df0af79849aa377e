"""Colours as a viewer shows them: profiles, CMYK, Lab, grey, and what is said of profiles that cannot be used."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageCms
from tests.photo_files import LIMIT, encoded, four_corners, shows_four_corners, swapped_profile, write

from docent.vision.photos import decode, examine

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def seen(folder: Path, data: bytes) -> Image.Image:
    return decode(write(folder, "photo", data), LIMIT)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_a_profile_decides_what_the_stored_values_look_like(tmp_path: Path, kind: str) -> None:
    red, green, blue = four_corners().split()
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}}.get(kind, {})
    data = encoded(Image.merge("RGB", (green, red, blue)), kind, icc_profile=swapped_profile(), **options)
    assert shows_four_corners(seen(tmp_path, data))
    assert examine(data, LIMIT).notes == ()


def test_a_profile_counts_for_palettes_and_under_transparent_parts(tmp_path: Path) -> None:
    red, green, blue = four_corners().split()
    swapped = Image.merge("RGB", (green, red, blue))
    with_alpha = swapped.copy()
    with_alpha.putalpha(Image.new("L", swapped.size, 255))
    for picture in (swapped.quantize(8), with_alpha):
        assert shows_four_corners(seen(tmp_path, encoded(picture, "PNG", icc_profile=swapped_profile())))
    clear = Image.new("RGBA", (20, 20), (200, 0, 0, 0))
    assert seen(tmp_path, encoded(clear, "PNG", icc_profile=swapped_profile())).getpixel((3, 3)) == (255, 255, 255)


def test_a_profile_for_srgb_changes_not_one_value(tmp_path: Path) -> None:
    plain = Image.frombytes("RGB", (64, 64), bytes(range(256)) * 48)
    assert seen(tmp_path, encoded(plain, "PNG", icc_profile=SRGB)).tobytes() == plain.tobytes()


@pytest.mark.parametrize(
    ("profile", "word"),
    [
        (b"not a profile at all", "damaged"),
        (SRGB[:200], "damaged"),
        (SRGB[:16] + b"CMYK" + SRGB[20:], "ignored"),
        (SRGB + bytes(5 << 20), "more than"),
    ],
)
def test_a_profile_that_cannot_be_used_is_ignored_and_said(tmp_path: Path, profile: bytes, word: str) -> None:
    data = encoded(four_corners(), "PNG", icc_profile=profile)
    (note,) = examine(data, LIMIT).notes
    assert "colour profile ignored" in note and word in note
    assert shows_four_corners(seen(tmp_path, data))


def test_a_profile_for_another_kind_of_picture_is_ignored_and_said() -> None:
    (note,) = examine(encoded(Image.new("L", (30, 30), 90), "PNG", icc_profile=SRGB), LIMIT).notes
    assert "it is for RGB" in note


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_without_a_profile_is_read(tmp_path: Path, kind: str) -> None:
    assert shows_four_corners(seen(tmp_path, encoded(four_corners().convert("CMYK"), kind)))


def test_lab_is_read_as_the_colors_it_stands_for(tmp_path: Path) -> None:
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(four_corners(), to_lab)
    assert lab is not None
    file = io.BytesIO()
    lab.save(file, "TIFF")
    assert shows_four_corners(seen(tmp_path, file.getvalue()))


def test_a_picture_converted_in_stripes_equals_one_converted_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = Image.radial_gradient("L").resize((331, 257)).convert("RGB")
    picture.putalpha(Image.linear_gradient("L").resize((331, 257)))
    data = encoded(picture, "PNG", icc_profile=swapped_profile())
    once = seen(tmp_path, data).tobytes()
    monkeypatch.setattr("docent.vision.files.large.STRIPE_PIXELS", 5_000)
    assert seen(tmp_path, data).tobytes() == once
