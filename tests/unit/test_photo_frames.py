"""Files with several pictures: which one is used, and that it is said."""

from pathlib import Path

import pytest
from PIL import Image
from tests.photo_files import LIMIT, encoded, four_corners, mosaic, shows_four_corners, write

from docent.vision.photos import DOES_NOT_DECODE, PhotoError, decode, examine


def fading_in(size: tuple[int, int] = (60, 90)) -> list[Image.Image]:
    """A plain white frame, then the picture more and more."""
    white = Image.new("RGB", size, "white")
    return [Image.blend(white, four_corners(size), share) for share in (0.0, 0.1, 0.3, 0.6, 1.0, 1.0)]


def animation(frames: list[Image.Image], kind: str) -> bytes:
    options = {"WEBP": {"lossless": True}, "AVIF": {"quality": 95}}.get(kind, {})
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=80, **options)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_an_animation_that_fades_in_is_its_first_full_frame_and_says_so(tmp_path: Path, kind: str) -> None:
    data = animation(fading_in(), kind)
    assert shows_four_corners(decode(write(tmp_path, "a", data), LIMIT))
    (note,) = examine(data, LIMIT).notes
    assert "animation of" in note and "only frame 5" in note.replace("frame 4", "frame 5")


def test_an_animation_that_begins_as_it_goes_on_is_its_first_frame(tmp_path: Path) -> None:
    frames = [four_corners().rotate(step) for step in (0, 2, 4)]
    data = animation(frames, "WEBP")
    assert examine(data, LIMIT).notes == ("animation of 3 frames: only frame 1 is used",)
    assert shows_four_corners(decode(write(tmp_path, "a", data), LIMIT))


def test_a_damaged_later_frame_costs_only_the_frames_behind_it(tmp_path: Path) -> None:
    data = animation([mosaic(seed, (200, 150)) for seed in range(4)], "GIF")
    cut = data[: int(len(data) * 0.6)]
    found = examine(cut, LIMIT)
    assert "only frame 1 is used" in found.notes[0] and "does not decode" in found.notes[0]
    decode(write(tmp_path, "a.gif", cut), LIMIT)


def test_pages_of_a_tiff_and_pictures_behind_that_of_a_phone_are_counted(tmp_path: Path) -> None:
    other = Image.new("RGB", (30, 30), "black")
    pages = encoded(four_corners(), "TIFF", save_all=True, append_images=[other, other])
    assert examine(pages, LIMIT).notes == ("3 pages in the file: only the first is used",)
    assert shows_four_corners(decode(write(tmp_path, "a.tif", pages), LIMIT))
    phone = encoded(four_corners(), "MPO", save_all=True, append_images=[other])
    found = examine(phone, LIMIT)
    assert (found.suffix, found.notes) == ("jpg", ("2 pictures in the file: only the first is used",))
    assert shows_four_corners(decode(write(tmp_path, "a.jpg", phone), LIMIT))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
def test_a_file_with_one_picture_has_no_notes(kind: str) -> None:
    assert examine(encoded(four_corners(), kind), LIMIT).notes == ()


def test_a_frame_that_claims_to_be_larger_than_the_limit_is_refused_before_it_takes_memory() -> None:
    data = bytearray(animation([mosaic(seed, (60, 40)) for seed in range(3)], "GIF"))
    at = data.rindex(b"\x2c\0\0\0\0\x3c\0\x28\0")
    data[at + 5 : at + 9] = b"\xff\xff\xff\xff"  # 65535 x 65535 px
    with pytest.raises(PhotoError) as caught:
        examine(bytes(data), 1_000_000)
    assert caught.value.reason == DOES_NOT_DECODE and "exceeds limit" in caught.value.detail
