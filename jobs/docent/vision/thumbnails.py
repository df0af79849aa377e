"""Embed small pictures as data URIs, so that a page needs no file beside it. Reads image files, writes nothing."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from docent.vision.files.photos import PhotoError, decode

MAX_SIDE_PX = 192
WEBP_QUALITY = 78
# What `ingest` let in is smaller; a page needs no more than a reduced picture.
MAX_PIXELS, MAX_DECODED_PIXELS = 1e9, 1_000_000


def thumbnail(path: Path, max_side_px: int = MAX_SIDE_PX) -> str | None:
    """Reduce a photo to `max_side_px` a side, as `data:image/webp;base64,…`; None where it cannot be decoded.

    It is the picture that every stage sees (photos.py); its metadata (place, camera) is left behind.
    """
    try:
        small = decode(path, MAX_PIXELS, MAX_DECODED_PIXELS)
    except (OSError, PhotoError):
        return None
    small.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=WEBP_QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
