"""Prepare the source of pairs: the texts of the items that they were written from.

Reads `Item` rows; writes nothing. The source of a pair consists of its own item and of every other item that covers one
of its `sources` (a pair about two sections has two). Of each item it contains the name, the title, the document's name
and description, and the text, with figures replaced by their descriptions.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from docent.records import Item, QAPair, Span
from docent.stages.curate.gates.language import code_of_text
from docent.text.markdown.figures import with_descriptions
from docent.text.names import SourceWords, source_words
from docent.text.numbers.marks import readings
from docent.text.numbers.numbers import supported_by
from docent.text.numbers.quantities import Counts, numbers_by_word, units_by_number, written_out
from docent.text.prompt_safety import visible
from docent.text.sentences import plain
from docent.text.terms import stems_of

KEPT_SOURCES = 256
"""Number of prepared sources held in memory; the pairs of one item arrive together."""
OTHER_MARKS = "de"
"""A language whose number marks are those of most languages other than English."""
MAX_COVERING = 4
"""Number of items that are checked per span; overlapping chunks share lines."""


@dataclass(frozen=True, slots=True)
class ItemText:
    """The text of an item, kept while pairs are judged."""

    id: str
    kind: str
    name: str
    text: str
    """Names and description of item and document, title, and the text with descriptions of figures."""
    span: Span
    document_id: str


def item_text(item: Item) -> ItemText:
    """Return the text of an item."""
    body = visible(with_descriptions(item.text, item.figures))
    text = "\n".join([item.called, item.document, *item.meta.values(), item.title, body])
    return ItemText(item.id, item.kind, item.name, text, item.source, item.document_id)


@dataclass(frozen=True)
class Stated:
    """The numbers that a text states.

    Attributes:
        numbers: all numbers that the text supports.
        units: the units of every number.
        counts: the numbers before every counted word, by the stem of the word.
    """

    numbers: frozenset[str]
    units: dict[str, set[str]]
    counts: dict[str, Counts]


def stated_by(text: str, code: str) -> Stated:
    """Return the numbers of a text, in every reading that is possible in its language."""
    numbers, units, counts = supported_by(text), dict[str, set[str]](), dict[str, Counts]()
    for reading in readings(written_out(text), code):
        numbers |= supported_by(reading)
        for number, number_units in units_by_number(reading).items():
            units.setdefault(number, set()).update(number_units)
        for word, counted in numbers_by_word(reading).items():
            known = counts.setdefault(word, Counts())
            known.numbers |= counted.numbers
            known.directly |= counted.directly
    return Stated(frozenset(numbers), units, counts)


@dataclass(frozen=True)
class Source:
    """The source of a pair; everything derived from the text is computed on first use."""

    items: tuple[ItemText, ...]

    @property
    def own(self) -> ItemText:
        """Return the item that the pair is about."""
        return self.items[0]

    @cached_property
    def text(self) -> str:
        """Return the texts of all items."""
        return "\n\n".join(item.text for item in self.items)

    @cached_property
    def plain(self) -> str:
        """Return the text for searches: lower case, no accents, single spaces."""
        return plain(self.text)

    @cached_property
    def stated(self) -> Stated:
        """Return the source's numbers, with number marks read as in English."""
        return stated_by(self.text, "en")

    @cached_property
    def stated_in_all_marks(self) -> Stated:
        """Return the source's numbers in all readings that their marks may have in other languages."""
        return stated_by(self.text, self.language if self.language not in ("", "en") else OTHER_MARKS)

    @cached_property
    def names(self) -> SourceWords:
        """Return the source's words, in the form for looking up names."""
        return source_words(self.text)

    @cached_property
    def stems(self) -> frozenset[str]:
        """Return the stems of the source's words."""
        return stems_of(self.text)

    @cached_property
    def in_latin_letters(self) -> bool:
        """Return whether at least half of the source's letters are Latin, so that names can be compared."""
        letters = [c for c in self.text[:2000] if c.isalpha()]
        return 2 * sum(c < "\u0250" for c in letters) >= len(letters)

    @cached_property
    def language(self) -> str:
        """Return the code of the source's language, or "" if it is unclear."""
        return code_of_text(self.text)


class Sources:
    """Finds the source of a pair."""

    def __init__(self, items: Iterable[Item]) -> None:
        """Index the text of every item by document, file and page."""
        self.items = [item_text(item) for item in items]
        self._by_id = {item.id: item for item in self.items}
        self._by_file: dict[tuple[str, str, int | None], list[tuple[int, int]]] = {}
        for number, item in enumerate(self.items):
            place = (item.document_id, item.span.file, item.span.page)
            self._by_file.setdefault(place, []).append((item.span.first_line, number))
        for lines in self._by_file.values():
            lines.sort()
        self._prepared = lru_cache(KEPT_SOURCES)(lambda ids: Source(tuple(map(self._by_id.__getitem__, ids))))

    def of(self, pair: QAPair) -> Source | None:
        """Return the source of a pair, or None if its item is unknown."""
        own = self._by_id.get(pair.item_id)
        if own is None:
            return None
        others = [item for span in pair.sources if not covers(own.span, span) for item in self._covering(own, span)]
        return self._prepared(tuple(dict.fromkeys(item.id for item in (own, *others))))

    def _covering(self, own: ItemText, span: Span) -> Sequence[ItemText]:
        """Return items of the same document that contain all lines of a span, the nearest first."""
        lines = self._by_file.get((own.document_id, span.file, span.page), [])
        end = bisect_right(lines, (span.first_line, len(self.items)))
        near = (self.items[number] for _, number in reversed(lines[max(0, end - MAX_COVERING) : end]))
        return [item for item in near if covers(item.span, span)]


def covers(outer: Span, inner: Span) -> bool:
    """Return whether the span `outer` contains `inner`."""
    same = outer.file == inner.file and outer.page == inner.page
    return same and outer.first_line <= inner.first_line and inner.last_line <= outer.last_line
