"""Decode the bytes of a text file in a known or detected encoding. Reads and writes no files.

Detection tries, in order: a byte order mark, zero bytes as in UTF-16, UTF-8, and the likeliest encoding from before
Unicode (legacy.py). A file that fits no encoding, or several with different results, is refused rather than guessed,
with a list of encodings that would fit; `encoding` of the source or of the section that reads it sets the right one.
"""

import codecs
import logging

from docent.messages.printing import printable
from docent.text.encodings.legacy import KNOWN_AS, decoded, fitting_encodings, likely_encoding

log = logging.getLogger("docent.text")

# Bytes at the start of a file that are examined to distinguish UTF-16 without a mark from binary data.
_PROBE_BYTES = 4096
# Text has tabs, line breaks, page breaks and colour codes; with a larger share of other control characters, it is not.
_ALLOWED_CONTROLS = frozenset("\t\n\r\f\v\x1b")
_MAX_CONTROL_SHARE = 0.01
# Maximum number of encodings in a message.
_MAX_LISTED = 6
# UTF-32 before UTF-16, whose little-endian mark is a prefix of the one of UTF-32.
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Seven-bit encodings, which would decode as UTF-8 with control codes among plain letters.
_ESCAPES = {b"\x1b$B": "iso2022_jp", b"\x1b$@": "iso2022_jp", b"\x1b$)C": "iso2022_kr"}


def read_text(data: bytes, where: str, encoding: str = "") -> str | None:
    """Return the text of a file, or None if no encoding fits or several do; warn about an encoding that is a guess.

    Args:
        data: the complete file.
        where: name of the file, for messages.
        encoding: the encoding, or "" to detect it.
    """
    codec = detect(data, encoding)
    if codec is None:
        return None
    if not encoding:
        warn_if_likely(codec, where)
    return data.decode(codec).removeprefix("\ufeff")


def warn_if_likely(codec: str, where: str) -> None:
    """Warn which encoding a file was decoded with, unless a mark or UTF-8 settles it."""
    if codec not in ("utf-8", *_MARKS.values()):
        log.warning("%s is not UTF-8, decoded as %s", printable(where), KNOWN_AS.get(codec, codec))


def detect(data: bytes, encoding: str = "") -> str | None:
    """Return the codec for these bytes, the same on every machine, or None if no codec fits or several differ.

    Args:
        data: the complete file; a character cut at its end would rule out the right encoding.
        encoding: the only encoding to try, or "" to detect it.
    """
    if codec := encoding or _marked(data) or _utf16_without_mark(data):
        return codec if decoded(data, codec) is not None else None
    escaped = (name for escape, name in _ESCAPES.items() if escape in data)
    if codec := next((name for name in (*escaped, "utf-8") if decoded(data, name) is not None), ""):
        return codec
    return None if b"\x00" in data else likely_encoding(data)


def _marked(data: bytes) -> str:
    """Return the codec that a byte order mark indicates, or "" without one."""
    return next((name for mark, name in _MARKS.items() if data.startswith(mark)), "")


def why_unknown(data: bytes, setting: str, encoding: str = "") -> str:
    """Return why `detect` found no encoding, and how to fix it.

    Args:
        data: the complete file.
        setting: the setting for the encoding, such as `ingest.rows.encoding`.
        encoding: the encoding that was configured, or "".
    """
    if encoding:
        return f"it is not {encoding}, {place_of(data, encoding)}; correct {setting}"
    marked = _marked(data)
    tried = f"its mark says {marked}, but it is not" if marked else "it is not UTF-8"
    problem = f"{tried}, {place_of(data, marked or 'utf-8')}"
    fitting = [] if marked or b"\x00" in data else fitting_encodings(data)[:_MAX_LISTED]
    listed = f"; these encodings would fit: {', '.join(fitting)}" if fitting else ""
    return f"{problem}{listed}; name its encoding ({setting}), or save it as UTF-8"


def place_of(data: bytes, encoding: str) -> str:
    """Return a phrase with the first byte that an encoding cannot decode, and its line, for messages."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = 1 + before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")
        return f"see byte 0x{data[error.start] if error.start < len(data) else 0:02x} in line {line}"
    except (LookupError, UnicodeError):
        return "which is no known encoding"
    return "as a whole"


def is_text(text: str) -> bool:
    """Return whether decoded bytes are text: without NUL, and with hardly any other control character."""
    if "\x00" in text:
        return False
    probe = text[:_PROBE_BYTES]
    controls = sum(character < " " and character not in _ALLOWED_CONTROLS for character in probe)
    return controls <= len(probe) * _MAX_CONTROL_SHARE


def why_no_text(text: str) -> str:
    """Return why decoded bytes are not plain text, for messages, or "" if they are."""
    if text.startswith("{\\rtf"):
        return "it is RTF: save it as plain text"
    return "" if is_text(text) else "it has control characters as no text has"


def _utf16_without_mark(data: bytes) -> str | None:
    """Return the UTF-16 variant that gives more spaces and line breaks, or None if the data has no zeros.

    Text in every language has spaces and line breaks; in the wrong byte order they become U+2000 and U+0A00.
    """
    probe = data[:_PROBE_BYTES]
    if b"\x00" not in probe or len(data) % 2:
        return None
    gaps = {name: _gaps(probe, name) for name in ("utf-16-le", "utf-16-be")}
    best = max(gaps, key=lambda name: gaps[name])
    return best if gaps[best] else None


def _gaps(probe: bytes, name: str) -> int:
    """Return the number of spaces, line breaks, full stops and commas, or 0 if it is not text."""
    try:
        text = codecs.getincrementaldecoder(name)().decode(probe)  # the probe may end inside a character
    except UnicodeDecodeError:
        return 0
    return sum(map(text.count, " \n\r,.")) if is_text(text) else 0
