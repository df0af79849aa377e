"""Read the labels of English tables: the name of a column or a row, its unit, and its form in a question.

Also determines the unit of a price in a row: a metre, a kilogram, a piece. Reads and writes nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from docent.teacher.english.grammar.clauses import is_plural
from docent.teacher.english.grammar.question import who_or_what
from docent.teacher.english.grammar.verbs import is_measure
from docent.teacher.source.words import ENGLISH

_UNITS = ENGLISH["unit_signs"]
_IN_BRACKETS = re.compile(
    rf"(?<!\s)\s*+[(\[]\s*+(?:in )?({_UNITS}|[^\s()/]{{1,4}}/[^\s()/]{{1,4}}|(?:{_UNITS}) per [a-z]{{1,9}})\s*[)\]]\s*$"
)
_BEHIND = re.compile(rf"(?:,\s*+|(?<!\s)\s++in\s++|_)({_UNITS})$")
# What one-letter units measure; with any other heading the letter is a symbol of its own.
_LETTERS = {unit: re.compile(pattern) for unit, pattern in ENGLISH["letter_units"].items()}
_SMALL: dict[str, str] = ENGLISH["short_headings"]
_ALONE = frozenset(("tel", "phone", "telephone", "email", "e-mail", "zip"))
_UNCLEAR = frozenset(("no", "min."))
_MONEY: dict[str, str] = ENGLISH["currencies"]
_NOTHING = re.compile(ENGLISH["nothing"])


_NUMBERS = re.compile(r"[^\W\d_]{0,3}\d[\d.]*+(?: ?[^\s\d,;]{1,4})?(?:[,;/] \d[\d.]*+(?: ?[^\s\d,;]{1,12})?)+")
_THINGS = re.compile(ENGLISH["things"])
PRICE = re.compile(r"(?:unit )?(?:price|cost|costs|fee|admission)(?: per .+)?")
_UNIT_HEADING = re.compile(ENGLISH["price_units"])
_PER = re.compile(ENGLISH["price_per"])
_SEVERAL = re.compile(ENGLISH["price_of_several"])
_EACH = frozenset("each piece pieces pcs pc item items unit units".split())
MAX_UNIT_WORDS = 2


@dataclass(frozen=True)
class Label:
    """The label of a column or a row.

    Attributes:
        words: the label as used inside a sentence, without its unit.
        unit: the unit that it specifies for its values, or "" for none.
    """

    words: str
    unit: str = ""

    @property
    def is_measure(self) -> bool:
        """Return whether `What is the ...?` is a natural question for it."""
        is_marked = re.match(r"ambient\b|.*,|.*\([A-Z]\)", self.words) is not None
        return not is_marked and is_measure(self.words)

    @property
    def be(self) -> str:
        """Return the verb that agrees with it."""
        head = re.split(r" (?:of|in|at|for|per|from|with|to|on) | \(", self.words)[0]
        return "are" if is_plural(head.split()[-1]) and head.split()[-1] not in ("class", "axis") else "is"


def label_of(raw: str) -> Label:
    """Split a heading of a table into words and unit: `weight_kg`, `Power (kW)`, `Length, in mm`."""
    words_only = raw.strip().strip("*:").strip()
    unit = ""
    if unit_at := _IN_BRACKETS.search(words_only) or _BEHIND.search(words_only):
        words_only, unit = words_only[: unit_at.start()], unit_at[1].strip()
        if unit in _LETTERS and not _LETTERS[unit].search(words_only):
            words_only, unit = raw.strip().strip("*:").strip(), ""  # `Vocal scores (V)`
    words = " ".join(words_only.replace("_", " ").split()).strip(" .,:")
    parts = words.split(", ")
    if len(parts) == 2 and " " not in parts[1] and is_measure(parts[1].lower()):
        words = f"{parts[1]} of {'' if is_plural(parts[0].split()[-1]) else 'the '}{parts[0]}"
    tokens = [_lowered(token) for token in words.split()]
    # `zip` alone is a zip code, in `Zip Code` it is a part of the name.
    last = len(tokens) - 1
    tokens = [
        _SMALL.get(token, token)
        if (place == last or token not in _ALONE) and (last or token not in _UNCLEAR)
        else token
        for place, token in enumerate(tokens)
    ]
    return Label(" ".join(tokens), _MONEY.get(unit.lower(), unit))


def _lowered(token: str) -> str:
    is_plain = token[1:] == token[1:].lower() and not any(c.isdigit() for c in token)
    return token.lower() if is_plain and len(token.strip("()[],.;:")) > 1 else token


def is_empty(cell: str) -> bool:
    """Check whether a cell has no content: a dash, `n/a`, `TBD`, a reference to another place."""
    return _NOTHING.fullmatch(cell.strip()) is not None


def is_list_of_numbers(value: str) -> bool:
    """Check whether a value is a list of numbers, for example `80, 100`, which cannot follow `is`."""
    return _NUMBERS.fullmatch(value.strip()) is not None


def value_of(cell: str, unit: str) -> str:
    """Return a cell with the unit of its column, unless the cell contains a unit."""
    value = cell.strip().rstrip(".")
    own = re.sub(r"\b(?:to|and|or|at|up|least|most|about|max|min)\b", "", value)
    if not unit or not re.search(r"\d", value) or re.search(r"[A-Za-z%€$£°µΩ]", own):
        return value
    if unit[0] in "€$£":
        return re.sub(r"\d[\d.,]*", lambda number: f"{unit[0]}{number[0]}", value) + unit[1:]
    return f"{value} {unit}"


def named(cell: str, text: str) -> str:
    """Return the name of a row or a column with the article that it needs inside a sentence."""
    name = " ".join(cell.strip().strip("*").rstrip(".").split())
    prose = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("|"))
    if written := re.search(rf"\b(?:the|an?) ({re.escape(name)})\b", prose, re.IGNORECASE):
        return f"the {written[1]}"
    if written := re.search(rf"(?<=[a-z,] ){re.escape(name)}\b", prose, re.IGNORECASE):
        return written[0]
    if re.search(r"[“”\"]", name) or name[:1].isdigit():
        return name
    first, *rest = name.split()
    if name.count(",") > 1:
        name = " and ".join(name.rsplit(", ", 1))
    elif "," in name:
        return f"“{name}”"
    if rest and name.endswith("ing") and not _THINGS.search(name):
        return f"“{name}”"  # `Hand filling` is an activity, not a thing with an article
    is_plain = first[:1].isupper() and first[1:] == first[1:].lower()
    if rest and is_plain and not re.search(r"[A-Z0-9]", " ".join(rest)):
        small = f"{first[0].lower()}{name[1:]}"
        return small if "," in name or is_plural(first) or is_plural(rest[-1]) else f"the {small}"
    if not rest and is_plain and is_common(first):
        return first.lower()
    if re.match(r"[A-Z]\w+ of (?:the )?[A-Z]", name):
        return f"the {name}"
    return name


def as_written(name: str) -> str:
    """Return the name of a thing that is a separate document, in quotation marks if it would need an article.

    Goods are often named with the noun first: `Hook brass` must not become `the hook brass`.
    """
    inside = named(name, "")
    is_lowered = inside.startswith("the ") and inside[4:] != name and who_or_what(inside) != "Who"
    return f"“{name.strip()}”" if is_lowered else inside


def is_common(word: str) -> bool:
    """Check whether a word that is alone in a cell is a plural or a substance rather than a name."""
    return is_plural(word) or is_measure(word.lower())


def of(name: str) -> str:
    """Return the preposition that links a property to a thing: `of the Rondo 40`, `for oil paintings`."""
    is_one = re.match(r"the |an? |model |“|[a-z]+(?: [a-z]+)? [A-Za-z]{0,2}-?\d", name) or (
        re.match(r"[A-Z]", name) and re.search(r"\d| ", name)
    )
    return f"of {name}" if is_one else f"for {name}"


def basis_of(cells: Iterable[tuple[str, str]]) -> str | None:
    """Return the unit of a row's price: "" if the row does not state it, None if it has more than two words.

    Args:
        cells: headings and values of the row.
    """
    basis: str | None = ""
    for heading, value in cells:
        spoken = value.strip().rstrip(".").lower()
        if _SEVERAL.search(spoken) or _SEVERAL.search(heading):
            return None
        if _UNIT_HEADING.fullmatch(heading.strip()) and spoken and spoken[0].isalpha():
            if len(spoken.split()) > MAX_UNIT_WORDS:
                return None
            basis = "" if spoken in _EACH else spoken
        elif per := _PER.search(spoken):
            basis = per[1]
    return basis


def is_basis(value: str) -> bool:
    """Check whether a remark only states the unit of the price."""
    return _PER.match(value) is not None and len(value.split()) <= MAX_UNIT_WORDS + 2
