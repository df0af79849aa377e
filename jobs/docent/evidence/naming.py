"""Find the exhibits that a text names, with an index of names and of parts of names that only one exhibit has.

The time per text grows with its length, not with the number of exhibits. The longest name at a position counts:
`truncated icosahedron` does not name the icosahedron. A part of a name (`Klein`, `stellated dodecahedron`) counts if it
is in no other exhibit's name and in no text about another exhibit, and if it is more than a color, a size, a number or
a word such as `exhibit`. A name that consists only of such words (`IMG 1`, `exhibit 3`, `2024`) is ignored.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from docent.evidence.name_words import (
    ARTICLES,
    MIN_TYPO_LETTERS,
    NEGATIONS,
    beginnings,
    canonical,
    deletions,
    is_dense,
    is_name,
    is_weak,
    latin_singulars,
    one_typo_apart,
    words_in,
)

MAX_PART_WORDS = 6
MAX_WORDS_FOR_PARTS = 24
"""Parts of longer names are not indexed, only the complete name."""
MAX_NAME_WORDS = 40
"""Longer names are cut to this many words, so that the time per text does not grow with the longest name."""
MIN_PART_LETTERS = 3
"""Minimum length of a part of a name; two characters are enough in Chinese, Japanese, Korean and Thai."""
BEGINNING = 2
"""Number of first letters by which words are preselected before two of them are joined (`tea pot` for `teapot`)."""
NEGATION_WORDS = 2
"""A name does not count if a negation is among this many words before it: `not a cube`, `unlike the cube`."""
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_QUALIFIER = re.compile(r"\([^()]*\)$")

Words = tuple[str, ...]


@dataclass(frozen=True)
class Exhibit:
    """An exhibit with the names and texts by which it is recognised in an answer.

    Attributes:
        id: the item's id.
        names: all of its names; empty if it has no name, such as a section of a document.
        text: the text about it; None if there is none.
        answers: training answers about it.
        capitalised_nouns: whether its texts are in a language that capitalises all nouns, such as German.
        compounds: whether its texts are in a language that writes compounds as one word.
    """

    id: str
    names: tuple[str, ...]
    text: str | None = None
    answers: tuple[str, ...] = ()
    capitalised_nouns: bool = False
    compounds: bool = False

    @property
    def texts(self) -> Iterator[str]:
        """All texts about the exhibit: its source text and its training answers."""
        yield from (text for text in (self.text, *self.answers) if text)


@dataclass(frozen=True)
class Mention:
    """A span of words in a text that names an exhibit.

    Attributes:
        start: index of the first word.
        end: index after the last word.
        items: ids of the exhibits that have this name or part of a name.
        full: whether the span is a complete name, not a part of one.
        words: the words of the name in canonical form.
    """

    start: int
    end: int
    items: frozenset[str]
    full: bool
    words: Words


class Names:
    """An index from the words of names to the exhibits that have these names.

    Attributes:
        also_named: exhibit id -> ids of the exhibits whose names occur in texts about it.
    """

    def __init__(self, exhibits: Sequence[Exhibit]) -> None:
        full: dict[Words, set[str]] = defaultdict(set)
        parts: dict[Words, set[str]] = defaultdict(set)
        for exhibit in exhibits:
            for words in _forms(exhibit.names):
                full[words].add(exhibit.id)
                for part in _parts(words):
                    parts[part].add(exhibit.id)
        self._full = {words: frozenset(items) for words, items in full.items()}
        compounding = frozenset(exhibit.id for exhibit in exhibits if exhibit.compounds)
        self._begins_compounds = {words[0] for words, items in full.items() if len(words) == 1 and items & compounding}
        self._parts = {words: frozenset(items) for words, items in parts.items() if words not in full}
        self._words = {word for words in (*self._full, *self._parts) for word in words}
        self._beginnings = {words[0][:BEGINNING] for words in self._full if len(words) == 1 and not is_dense(words[0])}
        self._stands_for: dict[tuple[str, bool], str | None] = {}
        self._longest = max(map(len, (*self._full, *self._parts)), default=0)
        self._one_letter_less: dict[str, list[str]] = defaultdict(list)
        self._written: set[str] = set()
        self.also_named = {exhibit.id: self._read(exhibit) for exhibit in exhibits}
        self._parts = {words: items for words, items in self._parts.items() if len(items) == 1}
        for word in self._words:
            if len(word) >= MIN_TYPO_LETTERS - 1:
                for shorter in deletions(word):
                    self._one_letter_less[shorter].append(word)

    def mentions(self, text: str) -> list[Mention]:
        """Return the names in a text, in order, without negated ones (`not a cube`) and names within longer names."""
        words = words_in(text)
        mentions = [
            Mention(start, end, self._full.get(key) or self._parts[key], key in self._full, key)
            for start, end, key in self._places(words, typos=True)
            if NEGATIONS.isdisjoint(words[max(0, start - NEGATION_WORDS) : start])
        ]
        return _without_parts_next_to_names(mentions)

    def _read(self, exhibit: Exhibit) -> frozenset[str]:
        """Return the exhibits that the texts about an exhibit name, and record its words in the index.

        A part of another exhibit's name in these texts is marked as shared, so that it no longer identifies that
        exhibit.
        """
        named: set[str] = set()
        for text in exhibit.texts:
            words = words_in(text)
            self._written.update(map(canonical, words))
            for _, _, key in self._places(words, typos=False):
                if key in self._full:
                    named |= self._full[key]
                elif exhibit.id not in self._parts[key]:
                    self._parts[key] |= {exhibit.id}
        return frozenset(named)

    def _places(self, words: Sequence[str], typos: bool) -> Iterator[tuple[int, int, Words]]:
        """Yield (start, end, key) of every name or part of a name, the longest at each position, without overlaps."""
        for word in words:
            if (word, typos) not in self._stands_for:
                self._stands_for[word, typos] = self._known(word, typos)
        known = [self._stands_for[word, typos] for word in words]
        start = 0
        while start < len(words):
            end, key = self._longest_at(words, known, start)
            if key:
                yield start, end, key
            start = end

    def _longest_at(self, words: Sequence[str], known: Sequence[str | None], start: int) -> tuple[int, Words]:
        """Return the end and key of the longest name at `start`, or the next word's index and () if there is none."""
        run: list[str] = []
        for word in known[start : start + self._longest]:
            if word is None:
                break
            run.append(word)
        for length in range(len(run), 0, -1):
            key = tuple(run[:length])
            if key in self._full or key in self._parts:
                return start + length, key
        if words[start][:BEGINNING] in self._beginnings:
            joined = (canonical("".join(words[start : start + 2])),)  # `tea pot` for `teapot`
            if joined in self._full:
                return start + 2, joined
        return start + 1, ()

    def _known(self, word: str, typos: bool) -> str | None:
        """Return the indexed word of a name that a word of a text matches, or None."""
        plain = canonical(word)
        if plain in self._words:
            return plain
        for singular in map(canonical, latin_singulars(word)):
            if singular in self._words:
                return singular
        for beginning in beginnings(word):
            plain_beginning = canonical(beginning)
            if plain_beginning in (self._words if is_dense(word) else self._begins_compounds):
                return plain_beginning
        if typos and len(word) >= MIN_TYPO_LETTERS and plain not in self._written:
            return self._mistyped(plain)
        return None

    def _mistyped(self, word: str) -> str | None:
        """Return the indexed word with the same first letter that is one typo away, or None if not exactly one is."""
        near = {other for shorter in deletions(word) for other in self._one_letter_less.get(shorter, ())}
        candidates = [other for other in near if other[0] == word[0] and one_typo_apart(word, other)]
        return candidates[0] if len(candidates) == 1 else None


def _forms(names: Iterable[str]) -> set[Words]:
    """Return all written forms of names: with and without article and qualifier, as several words and as one."""
    forms: set[Words] = set()
    for name in names:
        spaced = name if " " in name.strip() else _CAMEL.sub(" ", name)
        for written in (spaced, _QUALIFIER.sub("", spaced.rstrip())):
            words = words_in(written)[:MAX_NAME_WORDS]
            forms.add(tuple(map(canonical, words)))
            if len(words) > 1 and words[0] in ARTICLES:
                forms.add(tuple(map(canonical, words[1:])))
            if len(words) > 1 and not any(map(is_dense, words)) and is_name(tuple(map(canonical, words))):
                forms.add((canonical("".join(words)),))
    return {words for words in forms if is_name(words)}


def _parts(words: Words) -> Iterator[Words]:
    """Yield the parts of a name (runs of its words) that could identify the exhibit."""
    if len(words) > MAX_WORDS_FOR_PARTS:
        return
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + MAX_PART_WORDS) + 1):
            part = words[start:end]
            letters = sum(map(len, part)) + any(map(is_dense, part))
            if end - start < len(words) and letters >= MIN_PART_LETTERS and not all(map(is_weak, part)):
                yield part


def _without_parts_next_to_names(mentions: Sequence[Mention]) -> list[Mention]:
    """Remove partial names next to a complete name: `truncated octahedron` does not name a truncated icosahedron."""
    starts, ends = ({getattr(one, edge) for one in mentions if one.full} for edge in ("start", "end"))
    return [one for one in mentions if one.full or (one.start not in ends and one.end not in starts)]
