"""Distinguish encodings from before Unicode by how the bytes would read in each. Reads and writes no files.

charset-normalizer rules out the encodings in which the bytes are noise. In each of the others, the bytes must look like
text in a language that was written in that encoding: with its letters, with capitals only at the beginning of words,
and with symbols in usual places. If several different interpretations remain, the frequent words of a language decide;
if they do not, no encoding is chosen. charset-normalizer is imported only when needed.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from docent.resources import read_yaml
from docent.text.encodings.orthography import FOREIGN, LAST_LATIN, WORD, is_strange, strange_symbols

# Limits on the lines with bytes beyond ASCII that are examined; other lines read the same in all encodings.
_SAMPLE_BYTES, _SAMPLE_LINES, _CONTEXT_BYTES = 65_536, 2_000, 2_000
_HIGH_BYTE, _LINE_BREAK = re.compile(rb"[\x80-\xff]"), re.compile(rb"[\r\n]")
_WORDS_CHARS = 200_000
# Share of words and symbols beyond ASCII that may look wrong, as foreign names do.
_MAX_STRANGE_SHARE = 0.02
# The weight of an interpretation whose letters belong to no single language, compared with one whose letters do.
_MIXED_WEIGHT = 1 / 3
_MIN_EVIDENCE, _MIN_RATIO = 3, 2.0
# DOS, foreign Mac and Thai encodings, considered only if nothing else reads as text.
_RARE = frozenset("cp850 cp852 cp866 cp874 iso8859_13 mac_cyrillic mac_greek mac_latin2 mac_turkish".split())
_JAPANESE = ("cp932", "euc_jp")
_CJK = ("cp949", *_JAPANESE, "gb18030", "big5hkscs")
# In these, nearly all bytes are letters, so that almost any data would fit.
_NEEDS_EVIDENCE = frozenset((*_CJK, "cp874"))
_HANGUL, _KANA = re.compile("[\uac00-\ud7a3]"), re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_HAN = re.compile("[\u3400-\u9fff]")
_MIN_HANGUL_SHARE, _MIN_KANA_SHARE, _MIN_COMMON_HAN_SHARE = 0.8, 0.2, 0.1
# The most frequent characters of Chinese prose, simplified and traditional.
_COMMON_HAN = frozenset(read_yaml("docent.text", "word_lists.yaml")["common_han"])
_ANY_WORD = re.compile(r"[^\W\d_]+")
KNOWN_AS = {
    "cp949": "CP949 (Korean)", "cp932": "Shift-JIS (Japanese)", "euc_jp": "EUC-JP (Japanese)",
    "gb18030": "GB18030 (Chinese)", "big5hkscs": "Big5 (Chinese)", "cp1252": "Windows-1252", "cp1250": "Windows-1250",
    "cp1251": "Windows-1251", "cp1253": "Windows-1253", "cp1254": "Windows-1254", "cp1255": "Windows-1255",
    "cp1256": "Windows-1256", "cp1257": "Windows-1257", "mac_roman": "Mac Roman", "koi8_r": "KOI8-R",
    "koi8_u": "KOI8-U", "iso8859_2": "ISO-8859-2", "iso8859_9": "ISO-8859-9", "iso8859_15": "ISO-8859-15",
}  # fmt: skip


class Alphabet(NamedTuple):
    """Letters beyond ASCII, frequent words and codecs of a language, read from alphabets.yaml."""

    letters: frozenset[str]
    words: frozenset[str]
    encodings: tuple[str, ...]


@dataclass(frozen=True)
class Interpretation:
    """The bytes as text in one encoding.

    Attributes:
        sample: the lines that have bytes beyond ASCII.
        evidence: number of frequent words of its language, plus the number of different letters beyond ASCII if all
            belong to one language in Latin script; or the number of characters frequent in Chinese, Japanese or Korean.
        is_one_language: whether all its letters belong to one language.
    """

    encoding: str
    sample: str
    evidence: float
    is_one_language: bool


def likely_encoding(data: bytes) -> str | None:
    """Return the codec that reads the bytes as text of a language, or None if that would be a guess."""
    candidates = interpretations_of(data)
    usual = [one for one in candidates if one.encoding not in _RARE]
    if any(one.is_one_language for one in usual):
        candidates = usual
    groups: dict[str, list[Interpretation]] = {}
    for one in candidates:
        groups.setdefault(one.sample, []).append(one)
    ranked = sorted(groups.values(), key=lambda group: -_evidence(group))
    if not ranked:
        return None
    if len(ranked) > 1:
        first, second = (_evidence(group) for group in ranked[:2])
        if first < _MIN_EVIDENCE or first < _MIN_RATIO * second:
            return None
    chosen = ranked[0][0]
    if chosen.encoding in _NEEDS_EVIDENCE and chosen.evidence < _MIN_EVIDENCE:
        return None
    return chosen.encoding


def _evidence(group: Sequence[Interpretation]) -> float:
    return max(one.evidence for one in group)


def fitting_encodings(data: bytes) -> list[str]:
    """Return the codecs that decode the bytes without an error, the likeliest first, so that a user can choose."""
    likely = sorted(interpretations_of(data), key=lambda one: -one.evidence)
    return [one.encoding for one in likely] or [
        name for name in _without_noise(_sample(data)) if decoded(data, name) is not None
    ]


def interpretations_of(data: bytes) -> list[Interpretation]:
    """Return the interpretations that look like text of a language, in the order of `_candidates`."""
    sample = _sample(data)
    interpreted = (_interpretation(name, sample.decode(name, "replace"), data) for name in _without_noise(sample))
    return [one for one in interpreted if one is not None]


def decoded(data: bytes, name: str) -> str | None:
    """Return the bytes decoded as text, or None if they cannot be decoded or the codec is not a text encoding."""
    try:
        return data.decode(name)
    except (UnicodeError, LookupError):
        return None


def _sample(data: bytes) -> bytes:
    """Return the first lines with a byte beyond ASCII, without repeats, with long lines cut."""
    lines: dict[bytes, None] = {}
    size = position = 0
    while size < _SAMPLE_BYTES and len(lines) < _SAMPLE_LINES and (high := _HIGH_BYTE.search(data, position)):
        start = max(data.rfind(b"\n", position, high.start()), data.rfind(b"\r", position, high.start())) + 1
        start = max(start, position, high.start() - _CONTEXT_BYTES)
        line_break = _LINE_BREAK.search(data, high.start())
        position = line_break.start() if line_break else len(data)
        line = data[start:position]
        if len(line) > _SAMPLE_BYTES:  # cut between words: inside a character it would rule out its encoding
            cut = max(line.rfind(b" ", 0, _SAMPLE_BYTES), line.rfind(b",", 0, _SAMPLE_BYTES))
            line = line[: cut if cut > 0 else _SAMPLE_BYTES]
        lines.setdefault(line)
        size += len(line)
    return b"\n".join(lines)


@cache
def _alphabets() -> tuple[Alphabet, ...]:
    return tuple(
        Alphabet(frozenset(row["letters"] + "µ"), frozenset(row["words"].split()), tuple(row["encodings"]))
        for row in read_yaml(__package__, "alphabets.yaml").values()
    )


@cache
def _candidates() -> tuple[str, ...]:
    return (*dict.fromkeys(name for alphabet in _alphabets() for name in alphabet.encodings), *_CJK)


def _without_noise(sample: bytes) -> list[str]:
    """Return the candidates that charset-normalizer does not rule out as noise, in the order of the table."""
    from charset_normalizer import from_bytes

    matches = from_bytes(
        sample,
        steps=1,
        chunk_size=max(512, len(sample)),
        cp_isolation=list(_candidates()),
        preemptive_behaviour=False,
        enable_fallback=False,
    )
    alive = {name for match in matches for name in match.could_be_from_charset}
    return [name for name in _candidates() if name in alive]


def _interpretation(name: str, sample: str, data: bytes) -> Interpretation | None:
    """Return the bytes read in one encoding, or None if they do not look like text or cannot all be decoded."""
    if name in _CJK:
        count = _cjk_count(name, sample)
        return Interpretation(name, sample, count, True) if count and decoded(data, name) is not None else None
    foreign = [word for word in WORD.findall(sample) if not word.isascii()]
    allowed = _MAX_STRANGE_SHARE * max(1, len(foreign))
    strange = strange_symbols(sample) + sum(map(is_strange, foreign))
    if strange > allowed:
        return None
    alphabets = [alphabet for alphabet in _alphabets() if name in alphabet.encodings]
    own = [one for one in alphabets if _outside(foreign, one.letters) + strange <= allowed]
    union = frozenset[str]().union(*(one.letters for one in alphabets))
    if not own and _outside(foreign, union) + strange > allowed:
        return None
    text = decoded(data, name)
    if text is None:
        return None
    words = [word for word in _ANY_WORD.findall(text[:_WORDS_CHARS].lower()) if len(word) > 1 or word > "\x7f"]
    # Single ASCII letters do not indicate a language, as they are also column names.
    hits = max(sum(word in one.words for word in words) for one in own or alphabets)
    letters = {letter for word in foreign for letter in word.lower() if "\x7f" < letter <= LAST_LATIN}
    return Interpretation(name, sample, hits + len(letters) if own else _MIXED_WEIGHT * hits, bool(own))


def _outside(words: Sequence[str], letters: frozenset[str]) -> int:
    """Return the number of words with a letter outside these; combining marks count as part of their letters."""
    beyond = ({letter for letter in word.lower() if letter > "\x7f"} - letters for word in words)
    return sum(any(unicodedata.category(letter) != "Mn" for letter in odd) for odd in beyond)


def _cjk_count(name: str, text: str) -> int:
    """Return the number of characters typical of Korean, Japanese or Chinese, or 0 if their share is too small."""
    if any(unicodedata.category(character) in ("Co", "Cn") for character in set(text)):
        return 0
    foreign = len(FOREIGN.findall(text))
    if name == "cp949":
        # Syllables of the older standard: those that only CP949 has are rare in text, but common in misread text.
        # Python's codec encodes the others as a sequence of letters, eight bytes long.
        count, share = sum(len(one.encode("euc_kr", "ignore")) == 2 for one in _HANGUL.findall(text)), _MIN_HANGUL_SHARE
    elif name in _JAPANESE:
        count, share = len(_KANA.findall(text)), _MIN_KANA_SHARE
    else:
        count, share = sum(character in _COMMON_HAN for character in _HAN.findall(text)), _MIN_COMMON_HAN_SHARE
    return count if count >= share * foreign else 0
