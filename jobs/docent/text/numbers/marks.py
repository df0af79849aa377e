"""Convert numbers to English notation: `1’240`, `3.500,50`, `12 000`, `1,23,456`.

Unambiguous numbers are converted. `1.500` and `1,500` are ambiguous outside English: `readings` returns a text in all
its possible readings, and comparisons use the one that fits. Groups and marks follow the Unicode Common Locale Data
Repository. Reads and writes no files.
"""

import re
import unicodedata

DECIMAL_COMMA = frozenset(
    "af bg bs ca cs da de el es et eu fi fr gl hr hu id is it lt lv nb nl nn no pl pt ro ru sk sl sq sr sv tr uk "
    "vi".split()
)
"""Languages that write `1,5` for one and a half, most of them in all countries."""
_SPACES = "\u00a0\u2007\u2008\u2009\u200a\u202f"
_APOSTROPHES = "'\u2019\u02bc\u2018\u00b4\u066c"
_BEFORE, _AFTER = r"(?<![\d.,])", r"(?!\d)"
_GROUPED = re.compile(rf"{_BEFORE}\d{{1,3}}(?:(?:[{_SPACES}]\d{{3}}(?!\d))+|(?:[{_APOSTROPHES}]\d{{3}}(?!\d))+)")
_GROUP_MARKS = re.compile(rf"[{_SPACES}{_APOSTROPHES}]")
_DOTS_AND_COMMA = re.compile(rf"{_BEFORE}(\d{{1,3}}(?:\.\d{{3}})+),(\d+){_AFTER}")
_DOTS = re.compile(rf"{_BEFORE}\d{{1,3}}(?:\.\d{{3}}){{2,}}(?![\d.,]\d|\d)")
_LAKHS = re.compile(rf"{_BEFORE}\d{{1,2}}(?:,\d\d)+,\d{{3}}(?![\d,]\d|\d)")
_SPACED = re.compile(r"(?<![\d.,] )(?<![\d.,])\d{1,3}(?: \d{3})+(?![\d ]\d|\d)")
_COMMA = re.compile(rf"{_BEFORE}(\d+),(\d{{1,2}}|\d{{4,}})(?![\d,]\d|\d)")
_COMMA_OF_THREE = re.compile(rf"{_BEFORE}(\d{{1,3}}),(\d{{3}})(?![\d,.]\d|\d)")
_DOT_OF_THREE = re.compile(rf"{_BEFORE}([1-9]\d{{0,2}})\.(\d{{3}})(?![\d.]\d|\d)")


def plain_marks(text: str) -> str:
    """Return a text with unambiguous numbers in English notation, and with digits as 0 to 9."""
    if not text.isascii():
        digits = (str(unicodedata.decimal(c)) if c.isdecimal() and not c.isascii() else c for c in text)
        text = "".join(digits).replace("\u066b", ".")
    text = _GROUPED.sub(lambda match: _GROUP_MARKS.sub("", match.group()), text)
    if "," in text or "." in text:
        text = _DOTS_AND_COMMA.sub(lambda match: f"{match[1].replace('.', '')}.{match[2]}", text)
        text = _DOTS.sub(lambda match: match.group().replace(".", ""), text)
        text = _LAKHS.sub(lambda match: match.group().replace(",", ""), text)
    return text


def readings(text: str, code: str) -> tuple[str, ...]:
    """Return a text in English notation, once for every possible reading of its numbers, the usual one first.

    Args:
        code: code of its language, or "" if it is unknown, which is read as English.
    """
    plain = plain_marks(text)
    variants = [plain, _SPACED.sub(lambda number: number.group().replace(" ", ""), plain)]
    if code not in ("", "en"):
        if code in DECIMAL_COMMA:
            variants = [_COMMA.sub(r"\1.\2", one) for one in variants]
        variants = [other for one in variants for other in (_with_commas(one), one)]
    return tuple(dict.fromkeys(variants))


def _with_commas(text: str) -> str:
    """Return the text with decimal commas as points, and without the full stops that separate thousands."""
    text = _DOT_OF_THREE.sub(lambda match: f"{match[1]}{match[2]}", text)
    return _COMMA_OF_THREE.sub(r"\1.\2", _COMMA.sub(r"\1.\2", text))
