"""Prepare photos for publication in a data set: upright, 8-bit RGB, JPEG or PNG, with credit and no other metadata.

Reads picture files; writes none. A JPEG or PNG that is already upright sRGB keeps its compressed pixels, without its
metadata (place, camera, serial numbers, previews, profiles, trailing data); a file without metadata stays identical
byte for byte. All others are decoded as in every stage and re-encoded: JPEG, WebP, AVIF and HEIC as JPEG, the rest as
PNG.
"""

import io
import struct
import zlib
from pathlib import Path, PurePosixPath

from docent.records import ImageFile
from docent.vision.files.credit import Credit, exif_of, xmp_of
from docent.vision.files.formats import published_suffix
from docent.vision.files.jpeg import StructureError, segments
from docent.vision.photos import decode, is_upright_rgb

MAX_PIXELS = 1e9
"""Limit on decoding, above any picture that `ingest` accepts."""
JPEG_QUALITY = 95
_JFIF_BYTES = 18
"""Length of a JFIF segment without a thumbnail, including marker and length."""
_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF_HEADER = b"Exif\0\0"
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Chunks that affect how pixels look; text, time, EXIF, private chunks and profiles (may name a device) are left out.
_PNG_KEPT = frozenset(b"IHDR IDAT IEND gAMA cHRM sRGB sBIT pHYs cICP mDCV cLLI mDCv cLLi".split(b" "))


def published(path: Path, image: ImageFile) -> bytes:
    """Return the bytes of a picture in the form published in a data set.

    Raises:
        PhotoError: the picture must be converted but does not decode.
    """
    exif, xmp = (write(Credit(image.creator, image.copyright, image.license)) for write in (exif_of, xmp_of))
    rewrite = {".jpg": _jpeg, ".png": _png}.get(PurePosixPath(image.file).suffix)
    if rewrite is not None:
        data = path.read_bytes()
        try:
            if is_upright_rgb(data):
                return rewrite(data, exif, xmp)
        except (StructureError, struct.error, IndexError):
            pass  # it decodes, so it can be re-encoded below
    return _converted(path, exif, xmp, published_suffix(image.file))


def _converted(path: Path, exif: bytes, xmp: bytes, suffix: str) -> bytes:
    """Return the upright picture re-encoded, without loss except as JPEG."""
    picture = decode(path, MAX_PIXELS)
    stored = io.BytesIO()
    if suffix == ".jpg":
        picture.save(stored, "JPEG", quality=JPEG_QUALITY, subsampling=0, exif=exif, xmp=xmp)
        return stored.getvalue()
    picture.save(stored, "PNG")
    return _png(stored.getvalue(), exif, xmp)


def _jpeg(data: bytes, exif: bytes, xmp: bytes) -> bytes:
    """Return the first picture of a JPEG file, up to its end marker, with only the credit as metadata."""
    blocks = (block for block in (exif, _XMP_HEADER + xmp if xmp else b"") if block)
    credit = b"".join(b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block for block in blocks)
    kept, placed = [data[:2]], False
    for marker, segment in segments(data):
        if marker != 0xE0 and not placed:  # a JFIF segment must stay first
            kept.append(credit)
            placed = True
        if marker == 0xE0 and len(segment) > _JFIF_BYTES:
            segment = segment[:2] + struct.pack(">H", _JFIF_BYTES - 2) + segment[4 : _JFIF_BYTES - 2] + b"\0\0"
        if _is_kept(marker, segment):
            kept.append(segment)
    return b"".join(kept)


def _is_kept(marker: int, segment: bytes) -> bool:
    """Return whether a JPEG segment affects the pixels; comments and most application data do not."""
    if marker == 0xE0:
        return segment[4:9] == b"JFIF\0"
    if marker == 0xEE:
        return segment[4:9] == b"Adobe"
    return not 0xE0 <= marker <= 0xEF and marker != 0xFE


def _png(data: bytes, exif: bytes, xmp: bytes) -> bytes:
    if not data.startswith(_PNG_SIGNATURE) or data[24] > 8:
        raise StructureError
    text = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp
    credit = b"".join(
        struct.pack(">I", len(block)) + kind + block + struct.pack(">I", zlib.crc32(kind + block))
        for kind, block in ((b"eXIf", exif.removeprefix(_EXIF_HEADER)), (b"iTXt", text if xmp else b""))
        if block
    )
    kept: list[bytes] = [_PNG_SIGNATURE]
    at, kind = 8, b""
    while kind != b"IEND" and at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind in (b"acTL", b"fcTL"):
            raise StructureError  # an animation
        if kind in _PNG_KEPT:
            kept.append(data[at : at + 12 + length])
        if kind == b"IHDR":
            kept.append(credit)
        at += 12 + length
    return b"".join(kept)
