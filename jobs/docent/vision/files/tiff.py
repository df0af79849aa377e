"""Distinguish raw camera files from plain TIFF files, and return why a TIFF is not supported.

Reads the first directory of a TIFF file. Pillow would open a raw file's small preview as if it were the photo.
"""

import struct
from collections.abc import Mapping
from typing import IO, Any

from PIL import TiffImagePlugin

from docent.vision.files.formats import SAVE_AS

_SUBFILE_TYPE, _BITS, _COMPRESSION, _PHOTOMETRIC, _SUB_DIRECTORIES, _PLANAR = 254, 258, 259, 262, 330, 284
_DNG_VERSION = 50706
_SENSOR_DATA = (32803, 34892)
"""Photometric interpretations of raw sensor data: colour filter array, linear raw (DNG 1.7)."""
_RAW_COMPRESSIONS = (32767, 34713, 34715, 34892, 65000, 65535)
"""Sony ARW, Nikon NEF, DNG lossy, Kodak, Pentax PEF."""


def why_unreadable(file: IO[bytes]) -> str:
    """Return why a TIFF file is unsupported and how to convert it, or "" if its directory shows no known cause.

    Args:
        file: the open file; its position is restored.
    """
    place = file.tell()
    try:
        tags = _first_directory(file)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, struct.error, EOFError):
        return ""
    finally:
        file.seek(place)
    bits = max(_numbers(tags.get(_BITS)), default=8)
    is_deep = bits > 16 and not _is_raw(tags)
    return f"TIFF with {bits} bits per channel: {SAVE_AS}" if is_deep else why_refused(tags)


def why_refused(tags: Mapping[int, Any]) -> str:
    """Return why a TIFF that Pillow opens is unsupported, from its first page's tags, or "" if it is supported."""
    if _is_raw(tags):
        return f"raw camera file: {SAVE_AS}"
    return f"TIFF with 16 bits per channel in separate planes: {SAVE_AS}" if _in_foreign_planes(tags) else ""


def _first_directory(file: IO[bytes]) -> Mapping[int, Any]:
    file.seek(0)
    head = file.read(16)
    is_big = head[2:4] in (b"+\0", b"\0+")  # BigTIFF: the offset has 8 bytes
    directory = TiffImagePlugin.ImageFileDirectory_v2(head if is_big else head[:8])
    file.seek(directory.next)
    directory.load(file)
    return directory


def _is_raw(tags: Mapping[int, Any]) -> bool:
    preview = _DNG_VERSION in tags or (_SUB_DIRECTORIES in tags and _first(tags.get(_SUBFILE_TYPE)) & 1)
    sensor = _first(tags.get(_PHOTOMETRIC)) in _SENSOR_DATA or _first(tags.get(_COMPRESSION)) in _RAW_COMPRESSIONS
    return bool(preview or sensor)


def _in_foreign_planes(tags: Mapping[int, Any]) -> bool:
    """Return whether Pillow would read the wrong byte of each value: uncompressed planes of 16 bits, big endian."""
    bits = _numbers(tags.get(_BITS))
    big_endian = getattr(tags, "prefix", b"II") == b"MM"
    planes = _first(tags.get(_PLANAR)) == 2 and len(bits) > 1
    return big_endian and planes and max(bits, default=8) > 8 and _first(tags.get(_COMPRESSION)) <= 1


def _numbers(value: Any) -> tuple[int, ...]:
    values = value if isinstance(value, tuple) else (value,)
    return tuple(one for one in values if isinstance(one, int))


def _first(value: Any) -> int:
    return next(iter(_numbers(value)), 0)
