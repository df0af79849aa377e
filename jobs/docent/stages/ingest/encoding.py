"""Bytes of a text file become text, whichever editor wrote them. Reads and writes nothing."""

from __future__ import annotations

import codecs
import logging

log = logging.getLogger("docent.ingest")

# How much of a file is looked at to tell UTF-16 without a mark from rubbish.
_PROBE_BYTES = 4096
# Text has tabs, line breaks, page breaks and colour codes; more of the others than this share is no text.
_ALLOWED_CONTROLS = frozenset("\t\n\r\f\v\x1b")
_MAX_CONTROL_SHARE = 0.01


def read_text(data: bytes, where: str) -> str | None:
    """Text of a file: by its byte order mark, else UTF-8, else Windows-1252 with a warning; None when none fits."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    if unmarked := _utf16_without_mark(data):
        log.warning("%s has no byte order mark: read as %s", where, unmarked)
        return data.decode(unmarked, errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return None
    log.warning("%s is not UTF-8: read as Windows-1252", where)
    return text


def is_text(text: str) -> bool:
    """Whether decoded bytes were meant to be read: no NUL, and hardly any other control character."""
    if "\x00" in text:
        return False
    probe = text[:_PROBE_BYTES]
    controls = sum(character < " " and character not in _ALLOWED_CONTROLS for character in probe)
    return controls <= len(probe) * _MAX_CONTROL_SHARE


def _utf16_without_mark(data: bytes) -> str | None:
    """`utf-16-le` or `utf-16-be` where nearly every second byte is zero, as in Western text; else None."""
    probe = data[:_PROBE_BYTES]
    if b"\x00" not in probe or len(data) % 2:
        return None
    pairs = len(probe) // 2
    high, low = probe[1::2].count(0), probe[0::2].count(0)
    if high >= 0.7 * pairs and low == 0:
        return "utf-16-le"
    return "utf-16-be" if low >= 0.7 * pairs and high == 0 else None
