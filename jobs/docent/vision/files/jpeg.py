"""Iterate over the segments of a JPEG file, without decoding it.

Reads only the bytes it is given. The format is defined in ITU-T T.81, annex B.
"""

import re
import struct
from collections.abc import Iterator

START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
_ALONE = frozenset((0x01, *range(0xD0, 0xD8)))
"""Markers without a length: TEM and restart markers."""
# The marker after a scan: not a restart, a stuffed byte or a fill byte.
_FOLLOWING = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


class StructureError(Exception):
    """A file does not follow the format; it may still decode."""


def segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield marker and bytes of every segment after the start marker; a scan, with its pixels, is one segment.

    Raises:
        StructureError: there are other bytes between segments, or the file ends before the end marker.
    """
    if data[:2] != b"\xff\xd8":
        raise StructureError
    at = 2
    try:
        while True:
            if data[at] != 0xFF:
                raise StructureError
            marker = data[at + 1]
            if marker == 0xFF:  # fill byte
                at += 1
                continue
            if marker == END_OF_IMAGE:
                yield marker, data[at : at + 2]
                return
            end = at + 2 if marker in _ALONE else at + 2 + struct.unpack_from(">H", data, at + 2)[0]
            if marker == START_OF_SCAN:
                if (following := _FOLLOWING.search(data, end)) is None:
                    raise StructureError
                end = following.start()
            yield marker, data[at:end]
            at = end
    except (IndexError, struct.error):
        raise StructureError from None


def lacks_end(data: bytes) -> bool:
    """Return whether no end marker follows the first scan: the rest is missing, or is zeros, which decode as grey."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == START_OF_SCAN:
            return data.find(bytes((0xFF, END_OF_IMAGE)), at) < 0
        at += 1 if marker == 0xFF else 2 if marker in _ALONE else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False
