"""Find the exhibits that a text names: an index of names, and of parts of names that belong to one exhibit alone.

Reads exhibits in memory, writes nothing. Time grows with the length of the texts, not with the number of exhibits.
The longest name at a place counts: `truncated icosahedron` does not name the icosahedron. A part of a name counts
where no other exhibit's name and no text about another exhibit has it (`Klein`, `stellated dodecahedron`), and where it
is more than a color, a size, a number or a word such as `exhibit`. A name that consists only of such words (`IMG 1`,
`exhibit 3`, `2024`) names nothing.
"""

from __future__ import annotations

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
"""Of a longer name only the whole counts."""
MAX_NAME_WORDS = 40
"""Of a longer name its beginning counts as the whole: the time for a text must not grow with the longest name."""
MIN_PART_LETTERS = 3
"""Of a part; two characters are enough in Chinese, Japanese, Korean and Thai."""
BEGINNING = 2
"""Letters that the first of two words begins with where they may be one word of a name."""
NEGATION_WORDS = 2
"""A negation this near before a name takes it back: `not a cube`, `unlike the cube`."""
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_QUALIFIER = re.compile(r"\([^()]*\)$")

Words = tuple[str, ...]


@dataclass(frozen=True)
class Exhibit:
    """An exhibit as it can be recognised in an answer.

    Attributes:
        id: the item's id.
        names: all it is called; none for what has no name of its own, such as a section of a document.
        text: the text about it; None where it is not at hand.
        answers: training answers about it.
        capitalised_nouns: its texts are in a language in which every noun has a capital, such as German.
        compounds: its texts are in a language that writes compounds as one word.
    """

    id: str
    names: tuple[str, ...]
    text: str | None = None
    answers: tuple[str, ...] = ()
    capitalised_nouns: bool = False
    compounds: bool = False

    @property
    def texts(self) -> Iterator[str]:
        """All that is known to be about it."""
        yield from (text for text in (self.text, *self.answers) if text)


@dataclass(frozen=True)
class Mention:
    """A place in a text, from word `start` to before word `end`, that names one of `items`, in full or in part.

    Attributes:
        words: those of the name, in canonical form.
    """

    start: int
    end: int
    items: frozenset[str]
    full: bool
    words: Words


class Names:
    """The index: words of names to the exhibits that have them.

    Attributes:
        beside: for each exhibit the exhibits that the texts about it name.
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
        self.beside = {exhibit.id: self._read(exhibit) for exhibit in exhibits}
        self._parts = {words: items for words, items in self._parts.items() if len(items) == 1}
        for word in self._words:
            if len(word) >= MIN_TYPO_LETTERS - 1:
                for shorter in deletions(word):
                    self._one_letter_less[shorter].append(word)

    def mentions(self, text: str) -> list[Mention]:
        """Return what a text names, in order; not what it denies (`not a cube`), nor a name within a longer one."""
        words = words_in(text)
        mentions = [
            Mention(start, end, self._full.get(key) or self._parts[key], key in self._full, key)
            for start, end, key in self._places(words, typos=True)
            if NEGATIONS.isdisjoint(words[max(0, start - NEGATION_WORDS) : start])
        ]
        return _without_parts_beside_names(mentions)

    def _read(self, exhibit: Exhibit) -> frozenset[str]:
        """Return the exhibits that texts about one name; a part of another's name that they have is none of its own."""
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
        """Yield (start, end, key) of every name and part, the longest at each place, none inside of another."""
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
        """Return where the longest name from `start` on ends, and its key; the next word and () where there is none."""
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
        """Return the word of a name that a written word stands for; None for any other word."""
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
        """Return the only word of a name that begins with the same letter and is one typo away."""
        near = {other for shorter in deletions(word) for other in self._one_letter_less.get(shorter, ())}
        candidates = [other for other in near if other[0] == word[0] and one_typo_apart(word, other)]
        return candidates[0] if len(candidates) == 1 else None


def _forms(names: Iterable[str]) -> set[Words]:
    """Return every way to write names in full: with and without article and qualifier, in one word and in several."""
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
    """Yield runs of a name's words that could stand for all of it."""
    if len(words) > MAX_WORDS_FOR_PARTS:
        return
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + MAX_PART_WORDS) + 1):
            part = words[start:end]
            letters = sum(map(len, part)) + any(map(is_dense, part))
            if end - start < len(words) and letters >= MIN_PART_LETTERS and not all(map(is_weak, part)):
                yield part


def _without_parts_beside_names(mentions: Sequence[Mention]) -> list[Mention]:
    """Leave out parts next to another exhibit's whole name: a `truncated octahedron` is no truncated icosahedron."""
    starts, ends = ({getattr(one, edge) for one in mentions if one.full} for edge in ("start", "end"))
    return [one for one in mentions if one.full or (one.start not in ends and one.end not in starts)]
