"""Small pictures as data URIs, so that a page needs no file beside it. Reads image files, writes nothing."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image, ImageOps

MAX_SIDE_PX = 192
WEBP_QUALITY = 78


def thumbnail(path: Path, max_side_px: int = MAX_SIDE_PX) -> str | None:
    """`data:image/webp;base64,…` of a photo at most `max_side_px` wide and high; None where it cannot be decoded.

    The photo is turned upright and transparent parts become white; its metadata (place, camera) is left behind.
    """
    try:
        with Image.open(path) as photo:
            photo.draft("RGB", (2 * max_side_px, 2 * max_side_px))
            small = ImageOps.exif_transpose(photo)
            small.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS)
            return _webp_uri(_opaque(small))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _opaque(picture: Image.Image) -> Image.Image:
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    layered = picture.convert("RGBA")
    white = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(white, layered).convert("RGB")


def _webp_uri(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=WEBP_QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
