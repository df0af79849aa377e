"""Photos made square."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from docent.vision.square import square


def test_a_square_photo_keeps_its_pixels() -> None:
    image = Image.effect_noise((20, 20), 40).convert("RGB")
    assert np.array_equal(np.asarray(square(image)), np.asarray(image))


@pytest.mark.parametrize("size", [(30, 20), (20, 31), (1, 5)])
def test_every_pixel_stays_and_the_border_colour_fills_the_rest(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, (10, 200, 30))
    made = square(image)
    assert made.size == (max(size), max(size))
    assert np.asarray(made).reshape(-1, 3).tolist() == [[10, 200, 30]] * max(size) ** 2


def test_the_photo_lies_in_the_middle_at_its_scale() -> None:
    image = Image.new("RGB", (40, 20), "white")
    image.putpixel((20, 10), (255, 0, 0))
    assert square(image).getpixel((20, 20)) == (255, 0, 0)


def test_the_border_colour_is_the_mean_of_the_four_sides_and_needs_no_second_picture() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (600, 900, 3), dtype=np.uint8)
    border = np.concatenate([noise[0], noise[-1], noise[:, 0], noise[:, -1]]).astype(np.float64)
    image = Image.fromarray(noise)
    tracemalloc.start()
    made = square(image)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert made.getpixel((0, 0)) == tuple(round(float(value)) for value in border.mean(axis=0))
    assert peak < 500_000, peak


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_other_colour_modes_become_rgb(mode: str) -> None:
    assert square(Image.new("RGB", (8, 4), "red").convert(mode)).mode == "RGB"
