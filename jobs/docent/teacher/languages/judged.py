"""Write blanks and false statements in languages other than English: a number is left out, or replaced.

A negation would need the grammar of each language; a number does not. Reads and writes nothing.
"""

import re
from collections.abc import Iterator, Sequence

from docent.teacher.english.writers.numbers import BLANK, MAX_FACTOR, YEAR, ratio
from docent.teacher.languages.heads import UNIT
from docent.teacher.languages.section import NonEnglishSection
from docent.teacher.source.words import regexes, table

_NUMBER = re.compile(table("measured_number"))
MIN_DOUBLED = 2
_IN_NAMES = re.compile(table("after_number_in_name"))
_CJK = re.compile("[가-힣぀-ヿ㐀-鿿]")
_NEVER_DOUBLED = re.compile(r"(?:dB|V|Hz|Volt|Hertz|볼트|헤르츠|ボルト|ヘルツ|伏|赫)(?![A-Za-z])")
_UP_TO_100 = re.compile(r"%|℃|°|Grad\b|degrés?\b|grados?\b|Prozent|퍼센트|도|度|パーセント")
MAX_PERCENT = 100
_TELLS_TO = regexes("instruction")
"""Matches instructions, which are neither true nor false."""

_TELLS_BEHIND = re.compile("[:：]|다음과 같|次のとおり|次のように")
"""`given is: ...` is not a statement."""


def with_blank(section: NonEnglishSection) -> Iterator[tuple[str, str]]:
    """Yield sentences and rows with a number, each with a blank in place of the number."""
    for original in section.shuffled(_stated(section)):
        numbers = [m for m in _NUMBER.finditer(original) if _measures(m, original) and not YEAR.fullmatch(m["digits"])]
        if len(numbers) == 1 and _is_not_given_away(numbers[0], section) and original.count(numbers[0]["digits"]) == 1:
            yield original, original[: numbers[0].start()] + BLANK + original[numbers[0].end("digits") :]


def judged(section: NonEnglishSection, truths: Sequence[bool]) -> Iterator[tuple[str, str, bool]]:
    """Yield true and false statements in the order of `truths`; end when one cannot be written.

    Yields:
        The statement to judge, its wording in the section, and whether it is true.
    """
    stated = section.shuffled(_stated(section))
    names = [row.name for row in section.rows if row.is_code]
    false = {
        original: untrue for original in stated if (untrue := _with_other_number(section, original, stated, names))
    }
    left = list(stated)
    for place, truth in enumerate(truths):
        wanted = sum(not other for other in truths[place + 1 :])
        # A true statement must not use up what later false ones need.
        fixed = [original for original in left if original not in false]
        changeable = [original for original in left if original in false]
        candidates = (fixed or changeable[wanted:]) if truth else changeable
        if not candidates:
            return
        left.remove(candidates[0])
        yield candidates[0] if truth else false[candidates[0]], candidates[0], truth


def _stated(section: NonEnglishSection) -> list[str]:
    """Return sentences and rows that can be judged without context."""
    short = [s.text for s in section.alone if not _TELLS_TO[section.code].search(s.text) and section.questions_of(s)]
    cells = (section.row_answer(row) for row in section.rows if row.sort in ("value", "signal_state"))
    return [*short, *(cell for cell in cells if not _TELLS_BEHIND.search(cell))]


def _with_other_number(section: NonEnglishSection, original: str, others: Sequence[str], names: Sequence[str]) -> str:
    """Replace the number of a statement by one with the same unit, or double it; return "" if neither is possible.

    Args:
        names: names with numbers that are not measurements: `programme 4`.
    """
    measured = original
    for name in names:  # the same length, so that positions stay valid
        measured = re.sub(re.escape(name), "x" * len(name), measured, flags=re.IGNORECASE)
    numbers = [m for m in _NUMBER.finditer(measured) if _measures(m, measured) or YEAR.fullmatch(m["digits"])]
    if len(numbers) != 1 or re.search(r"\d", measured[: numbers[0].start()] + measured[numbers[0].end("digits") :]):
        return ""
    number = numbers[0]
    if not _is_not_given_away(number, section):
        return ""
    numbers_elsewhere = [m for other in others if other != original for m in _NUMBER.finditer(other)]
    fitting = [m["digits"] for m in numbers_elsewhere if m["digits"] != number["digits"] and _fits(m, number)]
    digits_shown = min(fitting, key=lambda digits: ratio(digits, number["digits"]), default=_doubled(number))
    return original[: number.start("digits")] + digits_shown + original[number.end("digits") :] if digits_shown else ""


def _is_not_given_away(number: re.Match[str], section: NonEnglishSection) -> bool:
    """Check that nothing reveals a number: neither the document's name, nor that it is the `1` of `1日`."""
    if re.search(rf"(?<![\d.,]){re.escape(number['digits'])}(?![.,]?\d)", section.name):
        return False
    unit = (number["unit"] or "").strip()
    return not (number["digits"] == "1" and _CJK.match(unit))


def _measures(number: re.Match[str], text: str) -> bool:
    """Check whether a number has a unit and is not part of a name such as `Nebra 20`."""
    if number["unit"] and re.fullmatch(UNIT, number["unit"].strip()):
        return True
    if number["unit"] and _IN_NAMES.match(number["unit"].strip()):
        return False
    before = re.search(r"(?<![^\W\d_])([^\W\d_]++)\s$", text[: number.start()])
    return number["unit"] is not None and not (before is not None and before[1][0].isupper())


def _fits(one: re.Match[str], other: re.Match[str]) -> bool:
    years = [YEAR.fullmatch(m["digits"]) is not None for m in (one, other)]
    if any(years):
        return all(years)
    units = [(m["unit"] or "").strip() for m in (one, other)]
    return units[0] == units[1] and ratio(one["digits"], other["digits"]) <= MAX_FACTOR


def _doubled(number: re.Match[str]) -> str:
    """Double a whole number with a unit; return "" for a year, or if the double would be implausible."""
    digits, unit = number["digits"], (number["unit"] or "").strip()
    if _NEVER_DOUBLED.match(unit):
        return ""
    is_whole = digits.isdecimal() and not digits.startswith("0") and int(digits) >= MIN_DOUBLED
    if is_whole and int(digits) * 2 > MAX_PERCENT and _UP_TO_100.match(unit):
        return ""
    return str(int(digits) * 2) if is_whole and number["unit"] and not YEAR.fullmatch(digits) else ""
