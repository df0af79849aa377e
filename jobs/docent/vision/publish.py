"""Photos as a data set hands them on: unchanged pixels, credit and orientation, and no other metadata.

Reads picture files, writes nothing. JPEG, PNG and WebP keep their compressed pixels; the metadata beside them (place,
camera, serial numbers, previews, what stands behind the end) is left out, and a file without any stays as it is byte
for byte. Everything else becomes PNG, which every reader opens: other formats, animations, 16 bits per channel.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path, PurePosixPath

from docent.records import ImageFile
from docent.vision.credit import Credit, exif_of, xmp_of
from docent.vision.formats import published_suffix
from docent.vision.jpeg import StructureError, segments
from docent.vision.photos import decode, orientation_of

MAX_PIXELS = 1e9
"""What `ingest` let in is smaller."""
_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF_HEADER = b"Exif\0\0"
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What decides how the pixels look; text, time, EXIF and private chunks are left out.
_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP sBIT pHYs bKGD cICP mDCV cLLI mDCv cLLi".split(b" ")
)
_WEBP_KEPT = (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ICCP")
_WEBP_EXIF, _WEBP_XMP = 0x08, 0x04


def published(path: Path, image: ImageFile) -> bytes:
    """The file of a picture as a data set hands it on.

    Raises:
        PhotoError: it has to be converted and does not decode.
    """
    credit = Credit(image.creator, image.copyright, image.license)
    rewrite = {".jpg": _jpeg, ".png": _png, ".webp": _webp}.get(PurePosixPath(image.file).suffix)
    if rewrite is not None:
        data = path.read_bytes()
        try:
            return rewrite(data, exif_of(credit, orientation_of(data)), xmp_of(credit))
        except (StructureError, struct.error, IndexError):
            pass  # it decodes, so that its pixels can be saved anew
    return _converted(path, credit, published_suffix(image.file))


def _converted(path: Path, credit: Credit, suffix: str) -> bytes:
    """The upright picture saved anew, without loss except in a JPEG."""
    exif, xmp = exif_of(credit), xmp_of(credit)
    picture = decode(path, MAX_PIXELS)
    stored = io.BytesIO()
    if suffix == ".jpg":
        picture.save(stored, "JPEG", quality=95, exif=exif, xmp=xmp)
    elif suffix == ".webp":
        picture.save(stored, "WEBP", lossless=True, exif=exif, xmp=xmp)
    else:
        picture.save(stored, "PNG")
    return _png(stored.getvalue(), exif, xmp) if suffix == ".png" else stored.getvalue()


def _jpeg(data: bytes, exif: bytes, xmp: bytes) -> bytes:
    """The first picture of a JPEG file, to its end marker."""
    blocks = (block for block in (exif, _XMP_HEADER + xmp if xmp else b"") if block)
    credit = b"".join(b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block for block in blocks)
    kept, placed = [data[:2]], False
    for marker, segment in segments(data):
        if marker != 0xE0 and not placed:  # JFIF comes first, where it is
            kept.append(credit)
            placed = True
        if _is_kept(marker, segment):
            kept.append(segment)
    return b"".join(kept)


def _is_kept(marker: int, segment: bytes) -> bool:
    """Whether a JPEG segment decides how the pixels look: no comment, and of application data only some."""
    if marker == 0xE0:
        return segment[4:9] == b"JFIF\0"
    if marker == 0xE2:
        return segment[4:16] == b"ICC_PROFILE\0"
    if marker == 0xEE:
        return segment[4:9] == b"Adobe"
    return not 0xE0 <= marker <= 0xEF and marker != 0xFE


def _png(data: bytes, exif: bytes, xmp: bytes) -> bytes:
    if not data.startswith(_PNG_SIGNATURE) or data[24] > 8:
        raise StructureError
    text = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp
    credit = b"".join(
        _png_chunk(kind, block)
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


def _png_chunk(kind: bytes, block: bytes) -> bytes:
    return struct.pack(">I", len(block)) + kind + block + struct.pack(">I", zlib.crc32(kind + block))


def _webp(data: bytes, exif: bytes, xmp: bytes) -> bytes:
    chunks: list[tuple[bytes, bytes]] = []
    end = min(len(data), 8 + struct.unpack_from("<I", data, 4)[0])
    at = 12
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind in (b"ANIM", b"ANMF"):
            raise StructureError
        if kind in _WEBP_KEPT:
            chunks.append((kind, data[at + 8 : at + 8 + length]))
        at += 8 + length + (length & 1)
    added = [(b"EXIF", exif.removeprefix(_EXIF_HEADER)), (b"XMP ", xmp)]
    added = [(kind, block) for kind, block in added if block]
    if chunks and chunks[0][0] == b"VP8X":
        header = bytearray(chunks[0][1])
        header[0] &= ~(_WEBP_EXIF | _WEBP_XMP)
        header[0] |= (_WEBP_EXIF if exif else 0) | (_WEBP_XMP if xmp else 0)
        chunks[0] = (b"VP8X", bytes(header))
    elif added:
        raise StructureError  # metadata need the extended header
    body = b"".join(k + struct.pack("<I", len(b)) + b + b"\0" * (len(b) & 1) for k, b in (*chunks, *added))
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
