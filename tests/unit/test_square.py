"""Photos made square."""

from __future__ import annotations

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


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_other_colour_modes_become_rgb(mode: str) -> None:
    assert square(Image.new("RGB", (8, 4), "red").convert(mode)).mode == "RGB"
