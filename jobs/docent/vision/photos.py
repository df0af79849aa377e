"""Open untrusted pictures within limits, and return them upright in 8-bit sRGB.

Reads picture files. Every problem with a file is raised as a PhotoError whose reason is a short constant phrase;
warnings and exceptions of Pillow do not leave this module. All stages decode with `decode`, so that they agree on which
files are damaged, which frame is used and what the colours are.
"""

import io
import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from PIL import Image, PngImagePlugin

from docent.vision.files import formats, tiff
from docent.vision.files.color import is_other_than_srgb, rgb_converter
from docent.vision.files.credit import Credit, read_credit
from docent.vision.files.formats import HEAD_BYTES, HEIC, HEIC_ADVICE, READABLE, SAVE_AS, SUFFIX_OF_FORMAT, format_name
from docent.vision.files.frames import seek_frame
from docent.vision.files.jpeg import lacks_end
from docent.vision.files.large import (
    REDUCED_IN_DECODER,
    convert_in_stripes,
    reduce_in_decoder,
    reduction,
    why_too_large,
)
from docent.vision.files.orientation import SIDES_SWAP, UPRIGHT, read_orientation

NOT_AN_IMAGE = "not an image"
UNSUPPORTED = "unsupported picture format"
TOO_MANY_PIXELS = "too many pixels"
DOES_NOT_DECODE = "does not decode"

MAX_DECODED_PIXELS = 25_000_000
"""A picture with more is reduced by a whole factor while it is decoded, so that stages stay within their memory."""
MOST_PIXELS = 1e12
"""Value that means no limit."""
MAX_PNG_CHUNK_BYTES = 16 << 20
"""Largest text or profile in a PNG: editors that store their history exceed Pillow's limit of a megabyte."""
# Broad on purpose: on damaged files, Pillow's format readers raise more than the documented OSError.
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
    RuntimeError,  # raised by libavif; includes NotImplementedError
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


class PhotoError(Exception):
    """A picture is not usable.

    Attributes:
        reason: a short constant phrase, defined where the error is raised.
        detail: the measured value, the message of the decoder, or the format to save the file in.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class Examined:
    """Properties of a complete picture file.

    Attributes:
        width_px: width of the upright picture at its full size; `height_px` is its height.
        suffix: suffix of its format, without a dot.
        notes: which parts of the file are unused or were ignored, for the log.
    """

    width_px: int
    height_px: int
    suffix: str
    notes: tuple[str, ...]
    credit: Credit


def picture_suffix(data: bytes, max_pixels: float) -> str:
    """Return the suffix of a picture's format, from its header alone.

    Raises:
        PhotoError: the data is not an image, is not supported, or has more than `max_pixels`.
    """
    with opened(io.BytesIO(data), max_pixels) as picture:
        return SUFFIX_OF_FORMAT[str(picture.format)]


def examine(data: bytes, max_pixels: float) -> Examined:
    """Return size, format, notes and credit of a picture, after decoding it completely to find damage.

    Raises:
        PhotoError: the data is not an image, is not supported, has more than `max_pixels`, or is damaged.
    """
    with opened(io.BytesIO(data), max_pixels) as picture:
        if picture.format in ("JPEG", "MPO") and lacks_end(data):
            raise PhotoError(DOES_NOT_DECODE, "JPEG: its end is missing")
        with _damage_named():
            too_large = why_too_large(picture, max_pixels)
        if too_large:
            raise PhotoError(TOO_MANY_PIXELS, too_large)
        full = picture.size
        whole = _decoded(picture, MAX_DECODED_PIXELS // 64)
        if picture.format not in REDUCED_IN_DECODER:
            full = picture.size  # a frame of a GIF may be larger than its header says
        width_px, height_px = full[::-1] if whole.turned else full
        with _damage_named():
            credit = read_credit(picture)
        return Examined(width_px, height_px, SUFFIX_OF_FORMAT[str(picture.format)], whole.notes, credit)


def decode(path: Path, max_pixels: float, max_decoded_pixels: int = MAX_DECODED_PIXELS) -> Image.Image:
    """Return the complete picture: upright by its EXIF orientation, in 8-bit sRGB, with transparent parts on white.

    Args:
        path: the file.
        max_pixels: reject a larger picture before decoding; width x height as recorded by `ingest` is the right limit.
        max_decoded_pixels: reduce a larger picture to at most this many pixels.

    Raises:
        PhotoError: the file is not an image, is not supported, has too many pixels, or is damaged.
    """
    with path.open("rb") as file, opened(file, max_pixels) as picture:
        return _decoded(picture, max_decoded_pixels).picture


def is_upright_rgb(data: bytes) -> bool:
    """Return whether a decodable JPEG or PNG needs no change to its pixels: it is upright, 8-bit sRGB and opaque."""
    with opened(io.BytesIO(data), math.inf) as picture, _damage_named():
        if picture.mode != "RGB" or "transparency" in picture.info or is_other_than_srgb(picture):
            return False
        return read_orientation(picture) not in UPRIGHT


@dataclass(frozen=True)
class _Decoded:
    """A decoded picture; `turned` is whether width and height are swapped relative to the header."""

    picture: Image.Image
    turned: bool
    notes: tuple[str, ...]


def _decoded(picture: Image.Image, max_decoded_pixels: int) -> _Decoded:
    with _damage_named():
        note_of_frames = seek_frame(picture)
        factor = reduction(picture, max_decoded_pixels)
        reduce_in_decoder(picture, factor)
        promised = picture.size
        picture.load()
        if picture.format == "HEIF" and picture.size != promised:
            raise OSError("its pixels have another size than its header says")
        orientation = read_orientation(picture)
        convert, note_of_profile = rgb_converter(picture)
        rgb = convert_in_stripes(picture, reduction(picture, max_decoded_pixels), convert)
    upright = rgb.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else rgb
    notes = tuple(note for note in (note_of_frames, note_of_profile) if note)
    return _Decoded(upright, orientation in SIDES_SWAP, notes)


@contextmanager
def _damage_named() -> Iterator[None]:
    """Convert any exception that Pillow raises on a damaged file to a PhotoError."""
    try:
        yield
    except _DAMAGE as error:
        raise PhotoError(DOES_NOT_DECODE, _words_of(error)) from None


@contextmanager
def opened(file: IO[bytes], max_pixels: float) -> Iterator[Image.Image]:
    """Open a picture under docent's own limits, which may be above or below Pillow's."""
    limits_of_pillow = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK
    Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = None, MAX_PNG_CHUNK_BYTES
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with _open(file) as picture:
                width_px, height_px = picture.size
                if width_px * height_px > max_pixels:
                    size = f"{width_px} x {height_px} px"
                    raise PhotoError(TOO_MANY_PIXELS, f"{size}, more than {max_pixels:.0f} pixels")
                # Applies to data after the header: a frame of a GIF may be larger. Pillow's limit is twice this number.
                Image.MAX_IMAGE_PIXELS = (int(min(max_pixels, MOST_PIXELS)) + 1) // 2
                yield picture
    finally:
        Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = limits_of_pillow


def _open(file: IO[bytes]) -> Image.Image:
    name = format_name(file.read(HEAD_BYTES))
    file.seek(0)
    if name == HEIC and not _reads_heic():
        raise PhotoError(UNSUPPORTED, f"{HEIC}: {HEIC_ADVICE}")
    if name and name not in READABLE and name != HEIC:
        raise PhotoError(UNSUPPORTED, f"{name}: {SAVE_AS}")
    readable = [name for name in SUFFIX_OF_FORMAT if name != "MPO" and (name != "HEIF" or _reads_heic())]
    try:
        picture = Image.open(file, formats=readable)
    except _DAMAGE:
        if cause := tiff.why_unreadable(file) if name == "TIFF" else "":
            raise PhotoError(UNSUPPORTED, cause) from None
        if name:
            raise PhotoError(DOES_NOT_DECODE, f"{name}: damaged, or of an unsupported kind") from None
        file.seek(0)
        raise PhotoError(NOT_AN_IMAGE, formats.what_it_is(file.read(HEAD_BYTES))) from None
    if cause := tiff.why_refused(picture.tag_v2) if picture.format == "TIFF" else "":  # type: ignore[attr-defined]
        picture.close()
        raise PhotoError(UNSUPPORTED, cause)
    return picture


@cache
def _reads_heic() -> bool:
    """Return whether the extra `heic` is installed; if so, register its reader with Pillow."""
    try:
        import pi_heif
    except ImportError:
        return False
    pi_heif.register_heif_opener()
    return True


def _words_of(error: BaseException) -> str:
    """Return the decoder's message, without memory addresses, which differ between runs."""
    text = str(error)
    return "damaged" if not text or " at 0x" in text else text[:200]
