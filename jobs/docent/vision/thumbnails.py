"""Embed small pictures as data URIs, so that a page needs no other files. Reads image files; writes none."""

import base64
import io
from pathlib import Path

from PIL import Image

from docent.vision.photos import PhotoError, decode

MAX_SIDE_PX = 192
WEBP_QUALITY = 78
# Above any picture that `ingest` accepts; a page needs only a reduced picture.
MAX_PIXELS, MAX_DECODED_PIXELS = 1e9, 1_000_000


def thumbnail(path: Path, max_side_px: int = MAX_SIDE_PX) -> str | None:
    """Return a photo reduced to `max_side_px` a side, as `data:image/webp;base64,…`, or None if it does not decode.

    It is decoded as in every stage (photos.py); its metadata (place, camera) is left out.
    """
    try:
        small = decode(path, MAX_PIXELS, MAX_DECODED_PIXELS)
    except (OSError, PhotoError):
        return None
    small.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=WEBP_QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
