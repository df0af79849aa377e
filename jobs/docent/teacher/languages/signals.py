"""Tables of what lamps show: `표시등 | 빨간색`, `Farbe | rot` below the heading `Bedeutung der LED`.

A colour is asked about together with its lamp, as people see it: `wenn die LED rot leuchtet`. A table of colours or
states that does not say of what is not asked about. For the offline teacher, outside of English. Reads and writes
nothing.
"""

from __future__ import annotations

import re

_LAMPS = {
    "de": re.compile(r"\b(?:LED|Lampe|Leuchte|Anzeige|\w{2,20}(?:leuchte|lampe|anzeige|LED))n?\b"),
    "fr": re.compile(r"\b(?:[Vv]oyant|[Tt]émoin|LED|[Ll]ampe|[Dd]iode)\b"),
    "es": re.compile(r"\b(?:[Pp]iloto|[Ii]ndicador|[Tt]estigo|LED|[Ll]ámpara)\b"),
    "ko": re.compile("표시등|상태등|경고등|램프|LED"),
    "ja": re.compile("(?:表示|運転|状態|警告)?(?:ランプ|灯)|LED"),
    "zh": re.compile("(?:状态|工作|报警)?指示灯|信号灯|LED"),
}
_FEMININE = ("lampe", "diode", "lámpara")
_STATE_HEADS = re.compile(
    r"farbe|leuchtfarbe|zustand|couleur|état|color|estado|색|색상|색깔|상태|색상과 상태|色|状態|表示色|颜色|状态|灯色",
    re.IGNORECASE,
)
_STATE_PARTS = re.compile("farbe|zustand|couleur|état|color|estado|색|상태|색깔|色|状態|颜色|状态", re.IGNORECASE)
_SHOWN = re.compile(r"zustand|status|betriebszustand|état|statut|estado|상태|상황|状態|状态|状况", re.IGNORECASE)
_DONE = re.compile(r"was tun|que faire|qué hacer|할 일|해야 할 일|조치|すること|対応|应对|操作", re.IGNORECASE)
_NOTHING = re.compile(
    r"keine?|nichts|aucune?|rien|ninguna?|nada|없음|해당 없음|なし|特になし|无|無|不需要", re.IGNORECASE
)
_COLOURS = {
    "de": "rot grün gelb blau weiß orange violett",
    "fr": "rouge vert jaune bleu blanc orange violet",
    "es": "rojo verde amarillo azul blanco naranja violeta",
    "ko": "빨간 초록 녹 노란 파란 흰 주황 보라 청 적 황 백",
    "ja": "赤 緑 黄 青 白 橙 紫",
    "zh": "红 绿 黄 蓝 白 橙 紫",
}
_FR_MASCULINE = {"verte": "vert", "bleue": "bleu", "blanche": "blanc", "violette": "violet"}
_ES_MASCULINE = {"roja": "rojo", "amarilla": "amarillo", "blanca": "blanco"}
_WORDS = {
    "de": ("", "leuchtend|leuchtet|dauerhaft", "blinkend|blinkt", "aus"),
    "fr": ("", "allumée?|fixe", "clignotante?|clignote", "éteinte?"),
    "es": ("", "encendid[oa]|fij[oa]", "parpadeante|intermitente|parpadea", "apagad[oa]"),
    "ko": ("색|불|색 불", "점등|켜짐|켜져 있음", "깜박임|깜빡임|점멸", "꺼짐|소등"),
    "ja": ("色|色の", "点灯|が点灯|に点灯", "点滅|が点滅|に点滅", "消灯"),
    "zh": ("色|灯", "常亮|亮|亮起", "闪烁|闪|闪亮", "熄灭|不亮|灭"),
}
"""What stands behind a colour, and words for a steady light, a blinking one and none."""
_GLOWS = {
    "de": ("{colour} leuchtet", "{colour} leuchtet", "{colour} blinkt", "aus ist"),
    "fr": ("s'allume en {colour}", "s'allume en {colour}", "clignote en {colour}", "est éteint{e}"),
    "es": ("está en {colour}", "está en {colour}", "parpadea en {colour}", "está apagad{o}"),
    "ko": ("{colour}이면", "{colour}으로 켜져 있으면", "{colour}으로 깜박이면", "꺼져 있으면"),
    "ja": ("{colour}の場合は", "{colour}に点灯している場合は", "{colour}に点滅している場合は", "消灯している場合は"),
    "zh": ("为{colour}时", "{colour}常亮时", "{colour}闪烁时", "熄灭时"),
}
_FINAL_N, _FINAL_B = 4, 17
"""Places of the final consonants `ㄴ` and `ㅂ` in a block of Korean syllables."""
_ENDS = {"ko": "색", "ja": "色", "zh": "色"}


def is_of_states(head: str, code: str) -> bool:
    """Whether a column lists colours or states of something, such as a lamp."""
    bare = head.strip()
    if _STATE_HEADS.fullmatch(bare) or _LAMPS[code].fullmatch(bare):
        return True
    return _LAMPS[code].search(bare) is not None and _STATE_PARTS.search(bare) is not None


def lamp_of(head: str, title: str, code: str) -> str:
    """The lamp that a column, else the heading above, names, with its article; "" where neither does."""
    found = _LAMPS[code].search(head) or _LAMPS[code].search(title)
    if not found:
        return ""
    lamp = found[0]
    if code == "de":
        return f"die {lamp.removesuffix('n')[:1].upper()}{lamp.removesuffix('n')[1:]}"
    if code in ("fr", "es"):
        lamp = lamp if lamp.isupper() else lamp.lower()
        articles = ("la", "le") if code == "fr" else ("la", "el")
        is_feminine = lamp in _FEMININE or (lamp == "LED" and code == "fr")
        return f"{articles[0] if is_feminine else articles[1]} {lamp}".replace("el LED", "el led")
    return lamp


def glow_of(cell: str, lamp: str, code: str) -> str:
    """What the lamp does, as a clause has it: `rot blinkt`; "" where a cell names no colour.

    Args:
        lamp: with its article, as `lamp_of` gives it.
    """
    ending, steady, blinking, off = _WORDS[code]
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
        lit = _FR_MASCULINE.get(lit, lit) if code == "fr" else _ES_MASCULINE.get(lit, lit) if code == "es" else lit
        stem = re.sub(rf"(?:{ending})$", "", lit) if ending else lit
        if stem in _COLOURS[code].split():
            return _GLOWS[code][place].format(colour=f"{stem}{_ENDS.get(code, '')}")
    return ""


def signal_sort(head: str, sort: str) -> str:
    """`signal_state` or `signal_do` for a column of a table of lamps; "" for any other.

    Args:
        sort: what the head means in any table, as offline_cells.py tells it.
    """
    bare = head.strip()
    if sort == "remedy" or _DONE.fullmatch(bare):
        return "signal_do"
    return "signal_state" if sort in ("meaning", "value") or _SHOWN.fullmatch(bare) else ""


def is_nothing(cell: str) -> bool:
    """Whether a cell says that there is nothing to tell."""
    return _NOTHING.fullmatch(cell.strip(" .。")) is not None


def polite_ko(text: str) -> str:
    """A Korean sentence in the plain form in the polite one, `연락한다` as `연락합니다`; "" for anything else."""
    bare = text.rstrip(" .")
    if re.search("습니다$|니다$", bare):
        return bare
    if re.search("[가-힣]는다$", bare) and _has_final(bare[-3]):
        return f"{bare[:-2]}습니다"
    if len(bare) > 1 and bare.endswith("다") and "가" <= bare[-2] <= "힣":
        final = (ord(bare[-2]) - ord("가")) % 28
        if final == _FINAL_N:
            return f"{bare[:-2]}{chr(ord(bare[-2]) - _FINAL_N + _FINAL_B)}니다"
    return ""


def _has_final(syllable: str) -> bool:
    return "가" <= syllable <= "힣" and (ord(syllable) - ord("가")) % 28 != 0
