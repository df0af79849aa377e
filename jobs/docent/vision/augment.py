"""Alter copies of a photo: the five transforms of the published experiment, seeded, and which of them were applied.

HorizontalFlip, RandomBrightnessContrast (defaults of the library), Rotate up to 30 degrees, ShiftScaleRotate (shift
0.1, scale 0.1, rotate 20 degrees; the library's Affine, of which the old name is an alias), Blur of 3 px. They differ
from the original in two ways: what turning uncovers is filled by reflection, not black, and a copy to which no
transform fell is thrown again, because it would be the photo itself.
"""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable
from typing import Any

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # read at import: it would ask the network for a newer version

import albumentations as A  # noqa: E402, N812
import cv2  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from docent.vision.files.credit import NO_CREDIT, Credit, exif_of, xmp_of  # noqa: E402
from docent.vision.files.photos import PhotoError  # noqa: E402

# Shards are the parallelism; threads of OpenCV would come on top.
cv2.setNumThreads(1)

JPEG_QUALITY = 92
# OpenCV's warps count pixels in 16 bits.
MAX_SIDE_PX = 32_766
_THROWS = 100

# In the order in which they are applied; each is certain (p=1) once chosen, so the coins are ours and can be recorded.
TRANSFORMS: dict[str, Callable[[], Any]] = {
    "HorizontalFlip": lambda: A.HorizontalFlip(p=1),
    "RandomBrightnessContrast": lambda: A.RandomBrightnessContrast(p=1),
    "Rotate": lambda: A.Rotate(limit=30, border_mode=cv2.BORDER_REFLECT_101, p=1),
    "ShiftScaleRotate": lambda: A.Affine(
        translate_percent=(-0.1, 0.1),
        scale=(0.9, 1.1),
        rotate=(-20, 20),
        keep_ratio=True,
        border_mode=cv2.BORDER_REFLECT_101,
        p=1,
    ),
    "Blur": lambda: A.Blur(blur_limit=3, p=1),
}


def check_sides(picture: Image.Image) -> None:
    """Refuse a picture that cannot be turned.

    Raises:
        PhotoError: a side is longer than MAX_SIDE_PX.
    """
    if max(picture.size) > MAX_SIDE_PX:
        detail = f"{picture.width} x {picture.height} px: at most {MAX_SIDE_PX} px a side can be turned"
        raise PhotoError("too long to alter", detail)


def choose(probability: float, rng: random.Random) -> tuple[str, ...]:
    """Choose the transforms of a copy: each by chance, again while none was chosen; at last one at random."""
    for _ in range(_THROWS):
        if chosen := tuple(name for name in TRANSFORMS if rng.random() < probability):
            return chosen
    return (rng.choice(tuple(TRANSFORMS)),)


def alter(picture: Image.Image, chosen: tuple[str, ...], rng: random.Random) -> Image.Image:
    """Apply the chosen transforms to a copy of an RGB picture; same size, same pixels for the same `rng` state."""
    values = np.asarray(picture)
    for name in chosen:
        transform = TRANSFORMS[name]()
        # One seed for each: a Compose hands the same to all, and angle, zoom and brightness would rise together.
        transform.set_random_seed(rng.getrandbits(32))
        values = transform(image=values)["image"]
    return Image.fromarray(np.ascontiguousarray(values))


def to_jpeg(picture: Image.Image, credit: Credit = NO_CREDIT) -> bytes:
    """Encode the picture as a JPEG file whose only metadata are its credit."""
    file = io.BytesIO()
    blocks = {"exif": exif_of(credit), "xmp": xmp_of(credit)}
    picture.save(file, "JPEG", quality=JPEG_QUALITY, **{name: block for name, block in blocks.items() if block})
    return file.getvalue()
