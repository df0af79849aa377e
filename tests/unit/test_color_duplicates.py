"""Repeats need the same colours too, and finding them takes no comparison of all with all."""

import io
import random
import time
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from tests.pairwise_hashes import color_distance, near_identical
from tests.photo_files import encoded, mosaic

from docent.records import Document, ImageFile, ImageQuality, Section, Span
from docent.vision.hashes import MAX_COLOR_DISTANCE, HashIndex
from docent.vision.quality import measure
from docent.vision.usable import find_usable

LEAST = 0.93
SAMPLES = sorted((Path(__file__).parents[2] / "samples/museum/images").glob("*"))[::25]


def row(name: str, ahash: int, phash: int, colors: str) -> ImageQuality:
    return ImageQuality(
        id=name, image_id=name, keep=True, width_px=9, height_px=9, resolution_score=0, color_std=0, brightness=0,
        sharpness=0, ahash=f"{ahash:016x}", phash=f"{phash:016x}", colors=colors,
    )  # fmt: skip


def measured(picture: Image.Image) -> ImageQuality:
    found = measure(picture)
    return row("a", int(found.ahash, 16), int(found.phash, 16), found.colors)


def panel(color: tuple[int, int, int]) -> Image.Image:
    """A coloured panel on a textured wall; the luma of the colours below is nearly equal."""
    wall = mosaic(5, (160, 120)).convert("L").convert("RGB")
    wall.paste(color, (50, 35, 110, 85))
    return wall


def test_pictures_that_differ_only_in_the_color_of_a_panel_are_not_the_same() -> None:
    red, green, blue = (measured(panel(color)) for color in ((200, 60, 60), (20, 136, 40), (70, 100, 220)))
    for a, b in ((red, green), (red, blue), (green, blue)):
        assert not near_identical(a, b, LEAST)
    assert near_identical(red, row("b", int(green.ahash, 16), int(green.phash, 16), ""), LEAST), "the hashes agree"


def saved(picture: Image.Image, kind: str, **options: object) -> Image.Image:
    return Image.open(io.BytesIO(encoded(picture, kind, **options))).convert("RGB")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_photo_saved_scaled_or_brightened_keeps_its_colors(path: Path) -> None:
    with Image.open(path) as opened:
        photo = opened.convert("RGB")
    own = measure(photo).colors
    same = [
        saved(photo, "JPEG", quality=10),
        saved(photo, "WEBP", quality=20),
        saved(photo.quantize(256), "GIF"),
        photo.resize((photo.width // 2, photo.height // 2)),
        ImageEnhance.Brightness(photo).enhance(1.2),
    ]
    assert max(color_distance(own, measure(one).colors) for one in same) <= MAX_COLOR_DISTANCE
    red, green, blue = photo.split()
    assert color_distance(own, measure(Image.merge("RGB", (blue, green, red))).colors) > MAX_COLOR_DISTANCE


def flipped(bits: int, positions: list[int]) -> int:
    for position in positions:
        bits ^= 1 << position
    return bits


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(0, 63), max_size=6), st.lists(st.integers(0, 63), max_size=6), st.integers(0, 24)
        ),
        min_size=2,
        max_size=14,
    ),
    st.sampled_from([1.0, 0.97, 0.93, 0.9, 0.75, 0.51]),
)
def test_the_index_finds_what_comparing_all_pairs_finds(
    made: list[tuple[list[int], list[int], int]], least: float
) -> None:
    rows = [
        row(
            str(number),
            flipped(0x0F0F33335555AAAA, of_ahash),
            flipped(0x1234567890ABCDEF, of_phash),
            bytes([100 + color, 120] * 16).hex() if color else "",
        )
        for number, (of_ahash, of_phash, color) in enumerate(made)
    ]
    index = HashIndex(least)
    found = set()
    for position, one in enumerate(rows):
        before = index.matches(one).tolist()
        assert before == sorted(before)
        assert index.first_match(one) == (before[0] if before else None)
        found |= {(other, position) for other in before}
        index.add(one)
    every = {(i, k) for i, k in combinations(range(len(rows)), 2) if near_identical(rows[i], rows[k], least)}
    assert found == every


def seconds(count: int) -> float:
    """CPU time of searching for and adding so many different pictures; the best of two, for the machine is shared."""
    rng = random.Random(count)
    drawn = [
        (f"{rng.getrandbits(64):016x}", f"{rng.getrandbits(64):016x}", rng.randbytes(32).hex()) for _ in range(count)
    ]
    rows = [ImageQuality.model_construct(ahash=ahash, phash=phash, colors=colors) for ahash, phash, colors in drawn]
    took = []
    for _ in range(2):
        started = time.process_time()
        index = HashIndex(LEAST)
        for one in rows:
            assert index.first_match(one) is None
            index.add(one)
        took.append(time.process_time() - started)
    return min(took)


def test_five_times_as_many_pictures_take_far_less_than_twenty_five_times_as_long() -> None:
    assert seconds(10_000) < 15 * seconds(2_000)


def seconds_for_one_picture_in_many_exhibits(count: int) -> float:
    documents, rows = [], []
    for number in range(count):
        image = ImageFile(
            id=f"i{number}", name="logo.png", unit="ingest", file="files/logo.png", sha256="", width_px=9, height_px=9,
            group=f"g{number}",
        )  # fmt: skip
        section = Section(index=0, title="", text="A thing.", source=Span(file="a.csv", first_line=2, last_line=2))
        documents.append(Document(id=f"d{number}", kind="exhibit", name="x", sections=(section,), images=(image,)))
        rows.append(row("logo", 5, 7, "80" * 32).model_copy(update={"image_id": image.id}))
    assert not find_usable(documents[:1], rows[:1], LEAST).shared
    started = time.process_time()
    assert len(find_usable(documents, rows, LEAST).shared) == count
    return time.process_time() - started


def test_a_picture_that_stands_in_every_exhibit_costs_no_comparison_of_all_with_all() -> None:
    few = max(0.01, min(seconds_for_one_picture_in_many_exhibits(1_000) for _ in range(2)))
    # The least of three: a garbage collection within one of them takes longer than the work.
    assert min(seconds_for_one_picture_in_many_exhibits(6_000) for _ in range(3)) < 18 * few
