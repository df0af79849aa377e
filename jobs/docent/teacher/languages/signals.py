"""Read tables of the signals of lamps: `표시등 | 빨간색`, `Farbe | rot` below the heading `Bedeutung der LED`.

A question contains the colour together with its lamp: `wenn die LED rot leuchtet`. There are no questions about tables
of colours or states that do not name the lamp. For languages other than English. Reads and writes nothing.
"""

import re

from docent.teacher.source.words import COLUMNS, regexes, table

_LAMPS = regexes("lamp")
_FEMININE = ("lampe", "diode", "lámpara")
_STATE_HEADS = re.compile(COLUMNS["state"])
_STATE_PARTS = re.compile("farbe|zustand|couleur|état|color|estado|색|상태|색깔|色|状態|颜色|状态", re.IGNORECASE)
_SHOWN = re.compile(r"zustand|status|betriebszustand|état|statut|estado|상태|상황|状態|状态|状况", re.IGNORECASE)
_DONE = re.compile(r"was tun|que faire|qué hacer|할 일|해야 할 일|조치|すること|対応|应对|操作", re.IGNORECASE)
_NOTHING = re.compile(COLUMNS["nothing"])
_COLOURS: dict[str, str] = table("colours")
_MASCULINE: dict[str, dict[str, str]] = table("masculine")
_LIGHT: dict[str, list[str]] = table("light")
"""What follows a colour, and words for a steady light, a blinking one and none."""
_GLOWS: dict[str, list[str]] = table("glows")
_FINAL_N, _FINAL_B = 4, 17
"""Indexes of the final consonants `ㄴ` and `ㅂ` in a block of Korean syllables."""
_ENDS = {"ko": "색", "ja": "色", "zh": "色"}


def is_of_states(head: str, code: str) -> bool:
    """Check whether a column lists colours or states, for example of a lamp."""
    bare = head.strip()
    if _STATE_HEADS.fullmatch(bare) or _LAMPS[code].fullmatch(bare):
        return True
    return _LAMPS[code].search(bare) is not None and _STATE_PARTS.search(bare) is not None


def lamp_of(head: str, title: str, code: str) -> str:
    """Return the lamp named in a column head or in the section's title, with its article, or "" if there is none."""
    lamp_at = _LAMPS[code].search(head) or _LAMPS[code].search(title)
    if not lamp_at:
        return ""
    lamp = lamp_at[0]
    if code == "de":
        return f"die {lamp.removesuffix('n')[:1].upper()}{lamp.removesuffix('n')[1:]}"
    if code in ("fr", "es"):
        lamp = lamp if lamp.isupper() else lamp.lower()
        articles = ("la", "le") if code == "fr" else ("la", "el")
        is_feminine = lamp in _FEMININE or (lamp == "LED" and code == "fr")
        return f"{articles[0] if is_feminine else articles[1]} {lamp}".replace("el LED", "el led")
    return lamp


def glow_of(cell: str, lamp: str, code: str) -> str:
    """Return the state of the lamp as part of a clause, `rot blinkt`, or "" if the cell does not contain a colour.

    Args:
        lamp: the lamp with its article, as returned by `lamp_of`.
    """
    ending, steady, blinking, off = _LIGHT[code]
    bare = " ".join(re.split(r"[\s,()（）、，]+", cell.strip())).strip()
    folded = bare.casefold()
    is_feminine = lamp.startswith("la ")
    if re.fullmatch(off, folded):
        return _GLOWS[code][3].format(e="e" if is_feminine else "", o="a" if is_feminine else "o")
    for place, words in enumerate(("", steady, blinking)):
        lit = folded
        if words:
            lit, count = re.subn(rf" ?(?:{words})$|^(?:{words}) ", "", folded)
            if not count:
                continue
        lit = _MASCULINE.get(code, {}).get(lit, lit)
        stem = re.sub(rf"(?:{ending})$", "", lit) if ending else lit
        if stem in _COLOURS[code].split():
            return _GLOWS[code][place].format(colour=f"{stem}{_ENDS.get(code, '')}")
    return ""


def signal_sort(head: str, sort: str) -> str:
    """Return `signal_state` or `signal_do` for a column of a table of lamps, or "" for any other.

    Args:
        sort: the kind of the column, as returned by `sort_of`.
    """
    bare = head.strip()
    if sort == "remedy" or _DONE.fullmatch(bare):
        return "signal_do"
    return "signal_state" if sort in ("meaning", "value") or _SHOWN.fullmatch(bare) else ""


def is_nothing(cell: str) -> bool:
    """Check whether a cell states that there is no value, for example `keine`."""
    return _NOTHING.fullmatch(cell.strip(" .。")) is not None


def polite_ko(text: str) -> str:
    """Return a plain Korean sentence in the polite form, `연락한다` as `연락합니다`, or "" for anything else."""
    bare = text.rstrip(" .")
    if re.search("습니다$|니다$", bare):
        return bare
    if re.search("[가-힣]는다$", bare) and (ord(bare[-3]) - ord("가")) % 28:
        return f"{bare[:-2]}습니다"
    if len(bare) > 1 and bare.endswith("다") and "가" <= bare[-2] <= "힣":
        final = (ord(bare[-2]) - ord("가")) % 28
        if final == _FINAL_N:
            return f"{bare[:-2]}{chr(ord(bare[-2]) - _FINAL_N + _FINAL_B)}니다"
    return ""
