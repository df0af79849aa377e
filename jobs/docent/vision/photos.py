"""Open photographs that strangers made: bounded, upright, 8-bit RGB.

Reads picture files; writes nothing. Everything that can be wrong with a file comes out as a PhotoError whose reason is
a short constant phrase; no warning and no exception of Pillow leaves this module.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import Image

# What Pillow may try, and the suffix a file of that format gets; the suffix that came with the file is not believed.
# MPO is a JPEG with more pictures behind the first (many phones); of moving pictures the first frame counts.
SUFFIX_OF_FORMAT = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tif",
}

NOT_AN_IMAGE = "not an image"
TOO_MANY_PIXELS = "too many pixels"
DOES_NOT_DECODE = "does not decode"

ORIENTATION_TAG = 0x0112
# EXIF orientation to the turn that makes the picture upright (EXIF 2.3, tag 274).
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDES_SWAP = (5, 6, 7, 8)

# Broad on purpose: on damaged files Pillow's format readers raise more than the OSError that is documented.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    ZeroDivisionError,
    AttributeError,
    NotImplementedError,
    struct.error,
    zlib.error,
)


class PhotoError(Exception):
    """A picture that cannot be used.

    Attributes:
        reason: one of the constants of this module.
        detail: the measured value, or what the decoder said.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class Header:
    """What the first bytes of a picture say: upright size and the suffix of its format."""

    width_px: int
    height_px: int
    suffix: str


def read_header(data: bytes, max_pixels: float) -> Header:
    """Size and format of a picture, without decoding it.

    Raises:
        PhotoError: not an image, or more than `max_pixels`.
    """
    with _opened(io.BytesIO(data), max_pixels) as picture:
        width_px, height_px = picture.size
        if _orientation(picture) in SIDES_SWAP:
            width_px, height_px = height_px, width_px
        return Header(width_px, height_px, SUFFIX_OF_FORMAT[str(picture.format)])


def decode(path: Path, max_pixels: float) -> Image.Image:
    """The whole picture: upright as its EXIF data say, 8-bit RGB, transparent parts on white.

    Args:
        path: the file.
        max_pixels: refuse more before decoding; the width x height that `ingest` noted is the right limit.

    Raises:
        PhotoError: not an image, too many pixels, or damaged.
    """
    with path.open("rb") as file, _opened(file, max_pixels) as picture:
        orientation = _orientation(picture)
        try:
            picture.load()
            rgb = _to_rgb(picture)
        except _DAMAGE as error:
            raise PhotoError(DOES_NOT_DECODE, _words_of(error)) from None
        return rgb.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else rgb


@contextmanager
def _opened(file: IO[bytes], max_pixels: float) -> Iterator[Image.Image]:
    """Open a picture under our own pixel limit, which may lie above or below Pillow's."""
    limit_of_pillow = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                picture = Image.open(file, formats=[name for name in SUFFIX_OF_FORMAT if name != "MPO"])
            except _DAMAGE as error:
                raise PhotoError(NOT_AN_IMAGE, _words_of(error)) from None
            with picture:
                width_px, height_px = picture.size
                if width_px * height_px > max_pixels:
                    raise PhotoError(TOO_MANY_PIXELS, f"{width_px} x {height_px} px, more than {max_pixels:.0f} pixels")
                yield picture
    finally:
        Image.MAX_IMAGE_PIXELS = limit_of_pillow


def _orientation(picture: Image.Image) -> int:
    """EXIF orientation; 1 where there is none or it cannot be read. Asked before decoding, so both callers agree."""
    try:
        found = picture.getexif().get(ORIENTATION_TAG, 1)
    except _DAMAGE:
        return 1
    return found if isinstance(found, int) else 1


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16"):
        picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif picture.mode in ("I", "F"):
        picture = _stretched(picture)
    if "A" in picture.getbands() or "transparency" in picture.info:
        coloured = picture.convert("RGBA")
        white = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(white, coloured).convert("RGB")
    return picture.convert("RGB")


def _stretched(picture: Image.Image) -> Image.Image:
    """A grey picture of unknown range, darkest value to black and brightest to white."""
    low, high = (float(value) for value in picture.getextrema())  # type: ignore[arg-type]
    scale = 255 / (high - low) if high > low else 0.0
    return picture.convert("F").point(lambda value: value * scale + -low * scale).convert("L")


def _words_of(error: BaseException) -> str:
    """What the decoder said, without addresses of objects in memory, which differ at every run."""
    text = str(error)
    return type(error).__name__ if not text or " at 0x" in text else text[:200]
