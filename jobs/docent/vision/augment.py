"""Make altered copies of a photo with the five transforms of the MuseQuest experiment, seeded and recorded.

HorizontalFlip, RandomBrightnessContrast (with the library's defaults), Rotate up to 30 degrees, ShiftScaleRotate (shift
0.1, scale 0.1, rotate 20 degrees; now an alias of the library's Affine), Blur of 3 px. There are two differences from
the experiment: areas uncovered by a rotation are filled by reflection instead of black, and if no transform is chosen
for a copy, the choice is repeated, as the copy would equal the photo.
"""

import io
import os
import random
from collections.abc import Callable
from typing import Any

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # read at import, which would check online for a new version

import albumentations as A  # noqa: E402, N812
import cv2  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from docent.vision.files.credit import NO_CREDIT, Credit, exif_of, xmp_of  # noqa: E402
from docent.vision.photos import PhotoError  # noqa: E402

# Work is already parallel by shards; OpenCV's threads would oversubscribe the CPU.
cv2.setNumThreads(1)

JPEG_QUALITY = 92
# OpenCV's warps use 16-bit pixel coordinates.
MAX_SIDE_PX = 32_766
_THROWS = 100

# In the order of application. Each is certain (p=1) once chosen: docent makes the choice, so that it can record it.
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
    """Raise an error for a picture that is too long for the transforms.

    Raises:
        PhotoError: a side is longer than MAX_SIDE_PX.
    """
    if max(picture.size) > MAX_SIDE_PX:
        detail = f"{picture.width} x {picture.height} px: at most {MAX_SIDE_PX} px a side can be turned"
        raise PhotoError("too long to alter", detail)


def choose(probability: float, rng: random.Random) -> tuple[str, ...]:
    """Choose the transforms of a copy: each with a probability; retry while none is chosen, and finally take one."""
    for _ in range(_THROWS):
        if chosen := tuple(name for name in TRANSFORMS if rng.random() < probability):
            return chosen
    return (rng.choice(tuple(TRANSFORMS)),)


def alter(picture: Image.Image, chosen: tuple[str, ...], rng: random.Random) -> Image.Image:
    """Apply the chosen transforms to an RGB picture; the size stays, and equal `rng` states give equal pixels."""
    values = np.asarray(picture)
    for name in chosen:
        transform = TRANSFORMS[name]()
        # A separate seed for each: equal seeds, as in a Compose, would correlate angle, zoom and brightness.
        transform.set_random_seed(rng.getrandbits(32))
        values = transform(image=values)["image"]
    return Image.fromarray(np.ascontiguousarray(values))


def to_jpeg(picture: Image.Image, credit: Credit = NO_CREDIT) -> bytes:
    """Encode the picture as a JPEG file whose only metadata is its credit."""
    file = io.BytesIO()
    blocks = {"exif": exif_of(credit), "xmp": xmp_of(credit)}
    picture.save(file, "JPEG", quality=JPEG_QUALITY, **{name: block for name, block in blocks.items() if block})
    return file.getvalue()
