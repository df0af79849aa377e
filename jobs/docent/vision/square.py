"""Pad photos to squares before a model processes them: nothing is cut off, and the border colour fills the rest.

A processor with one fixed side would stretch a photo that is not square, and distort the shape of every object.
"""

import numpy as np
from PIL import Image


def square(image: Image.Image) -> Image.Image:
    """Pad the photo, in RGB, to a square with the mean colour of its border; return a square one unchanged."""
    rgb = image if image.mode == "RGB" else image.convert("RGB")  # avoid a copy, which convert always makes
    width, height = rgb.size
    if width == height:
        return rgb
    side = max(width, height)
    padded = Image.new("RGB", (side, side), _border_color(rgb))
    padded.paste(rgb, ((side - width) // 2, (side - height) // 2))
    return padded


def _border_color(image: Image.Image) -> tuple[int, int, int]:
    width, height = image.size
    sides = ((0, 0, width, 1), (0, height - 1, width, height), (0, 0, 1, height), (width - 1, 0, width, height))
    border = np.concatenate([np.asarray(image.crop(side), dtype=np.float64).reshape(-1, 3) for side in sides])
    red, green, blue = (round(float(value)) for value in border.mean(axis=0))
    return red, green, blue
