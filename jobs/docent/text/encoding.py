"""Bytes of a text file become text, whichever editor wrote them. Reads and writes nothing.

A mark at the beginning decides, then UTF-16 by its zeros, then UTF-8. Older encodings give no sign of themselves, so
each has to be likely: Korean in common syllables, Japanese with kana, Western with more plain letters than others.
What fits none is refused rather than guessed; `encoding` of the section that reads the file names it.
"""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Callable

log = logging.getLogger("docent.text")

# How much of a file is looked at to tell UTF-16 without a mark from rubbish, and one old encoding from another.
_PROBE_BYTES = 4096
_PROBE_CHARS = 200_000
# Text has tabs, line breaks, page breaks and colour codes; more of the others than this share is no text.
_ALLOWED_CONTROLS = frozenset("\t\n\r\f\v\x1b")
_MAX_CONTROL_SHARE = 0.01
# UTF-32 before UTF-16: its little-endian mark begins with the other's.
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_HANGUL, _KANA = re.compile("[\uac00-\ud7a3]"), re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_FOREIGN = re.compile("[^\x00-\x7f]")
_FOREIGN_LETTER, _LETTER = re.compile(r"[^\W\d_\x00-\x7f]"), re.compile(r"[^\W\d_]")
_MIN_HANGUL_SHARE, _MIN_KANA_SHARE, _MAX_WESTERN_SHARE = 0.8, 0.2, 0.35


def read_text(data: bytes, where: str, encoding: str = "") -> str | None:
    """Text of a file; None where no encoding fits. Says so in the log where the encoding was only likely.

    Args:
        data: the whole file.
        where: the file, for people.
        encoding: its name, where it is known.
    """
    found = detect(data, encoding)
    if found is None:
        return None
    if not encoding and found not in ("utf-8", *_MARKS.values()):
        log.warning("%s is not UTF-8: read as %s", where, KNOWN_AS.get(found, found))
    return data.decode(found, errors="replace")


def detect(data: bytes, encoding: str = "") -> str | None:
    """Name of the codec that reads these bytes, the same on every machine; None where none fits.

    Args:
        data: the whole file: a cut character at its end would count against an encoding.
        encoding: the only one to try, where it is known.
    """
    if encoding:
        return encoding if _decodes(data, encoding) is not None else None
    marked = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    if marked or (marked := _utf16_without_mark(data)):
        return marked
    if _decodes(data, "utf-8") is not None:
        return "utf-8"
    for name, likely in LIKELY.items():
        text = _decodes(data, name)
        if text is not None and likely(text[:_PROBE_CHARS]):
            return name
    return None


def is_text(text: str) -> bool:
    """Whether decoded bytes were meant to be read: no NUL, and hardly any other control character."""
    if "\x00" in text:
        return False
    probe = text[:_PROBE_BYTES]
    controls = sum(character < " " and character not in _ALLOWED_CONTROLS for character in probe)
    return controls <= len(probe) * _MAX_CONTROL_SHARE


def _decodes(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except (UnicodeError, LookupError):
        return None


def _utf16_without_mark(data: bytes) -> str | None:
    """`utf-16-le` or `utf-16-be` where there are zeros and one of them gives more spaces and line breaks; else None.

    Spaces and line breaks stand in text of every language; read the wrong way round they become U+2000 and U+0A00.
    """
    probe = data[:_PROBE_BYTES]
    if b"\x00" not in probe or len(data) % 2:
        return None
    gaps = {name: _gaps(probe, name) for name in ("utf-16-le", "utf-16-be")}
    best = max(gaps, key=lambda name: gaps[name])
    return best if gaps[best] else None


def _gaps(probe: bytes, name: str) -> int:
    """Spaces, line breaks and commas; 0 where it is no text."""
    try:
        text = codecs.getincrementaldecoder(name)().decode(probe)  # the probe may end inside a character
    except UnicodeDecodeError:
        return 0
    return sum(map(text.count, " \n\r,.")) if is_text(text) else 0


def _is_korean(text: str) -> bool:
    """Syllables of the older standard: the many that only CP949 has are rare in text, common in other text misread."""
    found = _HANGUL.findall(text)
    common = sum(_is_common(syllable) for syllable in found)
    return common >= _MIN_HANGUL_SHARE * len(_FOREIGN.findall(text))


def _is_common(syllable: str) -> bool:
    # Python's codec spells the others as a sequence of letters, eight bytes long.
    return len(syllable.encode("euc_kr", "ignore")) == 2


def _is_japanese(text: str) -> bool:
    return len(_KANA.findall(text)) >= _MIN_KANA_SHARE * len(_FOREIGN.findall(text))


def _is_western(text: str) -> bool:
    """Most letters plain: Russian or Greek read as Western would have nearly none."""
    foreign = len(_FOREIGN_LETTER.findall(text))
    return is_text(text) and foreign <= _MAX_WESTERN_SHARE * len(_LETTER.findall(text))


# In this order: what is strict before what reads nearly everything.
LIKELY: dict[str, Callable[[str], bool]] = {"cp949": _is_korean, "cp932": _is_japanese, "cp1252": _is_western}
KNOWN_AS = {"cp949": "CP949 (Korean)", "cp932": "Shift-JIS (Japanese)", "cp1252": "Windows-1252"}
