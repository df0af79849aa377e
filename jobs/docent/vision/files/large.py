"""Keep large pictures within memory: reject them by their header, reduce them in the decoder, convert them in stripes.

Works on open Pillow pictures; reads and writes no files.
"""

import math

from PIL import Image

from docent.vision.files.color import ToRgb

STRIPE_PIXELS = 4_000_000
"""Larger pictures are converted in stripes of about this many pixels."""
# Bytes per pixel that decoding needs at its peak, measured at 25 megapixels. The limit on pixels assumes PLAIN_BYTES,
# as needed by JPEG, PNG, TIFF and BMP; for formats that need more, the limit is proportionally lower.
PLAIN_BYTES = 7
_DECODER_BYTES = {"WEBP": 17, "AVIF": 10, "HEIF": 8}
_ANIMATED_BYTES = 18
MAX_WEBP_SIDE_PX = 16_383


REDUCED_IN_DECODER = ("JPEG", "MPO", "JPEG2000")


def why_too_large(picture: Image.Image, max_pixels: float) -> str:
    """Return why a picture needs more memory to decode than a plain one of `max_pixels`, or "" if it does not."""
    kind, needed = str(picture.format), _DECODER_BYTES.get(str(picture.format), PLAIN_BYTES)
    if getattr(picture, "is_animated", False) and kind in ("GIF", "PNG", "WEBP", "AVIF"):
        kind, needed = f"animated {kind}", _ANIMATED_BYTES
    elif picture.info.get("progressive"):
        kind, needed = f"progressive {kind}", max(PLAIN_BYTES, 2 + _coefficient_bytes(picture))
    allowed = int(max_pixels * PLAIN_BYTES / needed)
    width_px, height_px = picture.size
    if picture.format == "WEBP" and max(picture.size) > MAX_WEBP_SIDE_PX:
        return f"{width_px} x {height_px} px: a WebP picture has at most {MAX_WEBP_SIDE_PX} px a side"
    if width_px * height_px <= allowed:
        return ""
    size = f"{width_px} x {height_px} px"
    return f"{size}: {kind} files may have {allowed} pixels, for the memory they need; save it as JPEG (baseline)"


def _coefficient_bytes(picture: Image.Image) -> int:
    """Return the bytes per pixel of a progressive JPEG's coefficients, all in memory while decoding: 3 for 4:2:0."""
    sampling: list[tuple[int, int]] = [(layer[1], layer[2]) for layer in getattr(picture, "layer", [])]
    whole: int = max((h for h, _ in sampling), default=1) * max((v for _, v in sampling), default=1)
    return math.ceil(2 * sum(h * v for h, v in sampling) / whole)


def reduction(picture: Image.Image, max_pixels: int) -> int:
    """Return the divisor of width and height that leaves at most about `max_pixels`, or 1 for a smaller picture."""
    return max(1, math.ceil(math.sqrt(picture.width * picture.height / max_pixels)))


def reduce_in_decoder(picture: Image.Image, factor: int) -> None:
    """Set the decoder to return a smaller picture, if the format supports it."""
    if factor > 1 and picture.format in ("JPEG", "MPO"):
        scale = next((scale for scale in (2, 4) if scale >= factor), 8)
        picture.draft(picture.mode, (picture.width // scale, picture.height // scale))
    elif factor > 1 and picture.format == "JPEG2000":
        picture.reduce = math.floor(math.log2(factor))  # type: ignore[method-assign, assignment]


def convert_in_stripes(picture: Image.Image, factor: int, convert: ToRgb) -> Image.Image:
    """Return the picture at 1 / factor of its size, converted in stripes to limit memory.

    Args:
        convert: function that converts a part to 8-bit RGB.
    """
    if factor == 1 and picture.width * picture.height <= STRIPE_PIXELS:
        return convert(picture)
    size = (math.ceil(picture.width / factor), math.ceil(picture.height / factor))
    small = Image.new("RGB", size)
    stripe_px = factor * max(1, STRIPE_PIXELS // (factor * max(1, picture.width)))
    for top in range(0, picture.height, stripe_px):
        part = convert(picture.crop((0, top, picture.width, min(top + stripe_px, picture.height))))
        small.paste(part.reduce(factor) if factor > 1 else part, (0, top // factor))
    return small
