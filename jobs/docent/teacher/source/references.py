"""Find the earlier sentences that a sentence depends on: those that explain its pronouns and its `the ...`.

Sentences are quoted out of order, but `Cut it to length.` cannot be understood without the sentence before it, nor
`The wick is flat.` without the sentence that introduces the lamp's wick. The decision is made by words, not by grammar;
in doubt, a sentence is assumed to need another. Reads and writes nothing.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from docent.teacher.english.grammar.clauses import PREPOSITIONS, is_plural
from docent.teacher.english.grammar.verbs import BASES, PAST, THIRD
from docent.teacher.source.words import ENGLISH, regexes, table, words_of_language
from docent.text.sentences import contains_name, plain, readable_name, words_of

LEANS = {
    "en": re.compile(rf"\b(?:{ENGLISH['leans']}|{ENGLISH['leans_in_text']})\b"),
    **regexes("leans"),
}
_PRONOUN = re.compile(r"\b(?:it|its|they|them|their|he|him|she|his|her|one|ones|then)\b", re.IGNORECASE)
_VERBS = frozenset("is are was were be has have had does do did can could must should will would may might".split())
# Subjects at the beginning of a sentence that can stand for the exhibit, by the article of its name in the text.
_SUBJECTS: dict[str, dict[str, list[str]]] = table("pronouns")
_ALIKE: dict[str, str] = {"ein": "der", "eine": "die", "un": "le", "une": "la", "des": "les"}
_ANY_ARTICLE: dict[str, tuple[str, ...]] = {"es": ("Su", "Sus"), "zh": ("它", "其")}
_DEMONSTRATIVES = regexes("demonstratives")
_THIS_ONE = regexes("this_one")
_PREPOSITIONS: dict[str, frozenset[str]] = {
    code: frozenset(words.split()) for code, words in table("prepositions").items()
}
_ARTICLES = regexes("definite")
_FIRST_NOUN = regexes("first_noun")
_SAID_BY_ITSELF = frozenset("of in on at from that which who whose".split())
# A term after the words that explain it: `..., called the foil`.
_NAMED = regexes("named")
# Shorter words share their beginning with too many others.
MIN_NOUN_CHARS, MIN_STEM_CHARS = 4, 4


@dataclass(frozen=True)
class References:
    """The dependencies between the sentences of a text, and how they refer to the exhibit.

    Attributes:
        needs: for every sentence, the positions of the earlier ones that it needs, directly or indirectly.
        of_exhibit: sentences whose subject is a pronoun for the exhibit, and so must follow its name.
        naming: sentences that contain the exhibit's name, and so can be quoted anywhere.
        about: sentences whose subject is the exhibit.
        shown: sentences about the object on display: with its name as their subject, or `this jug`, `ours`.
    """

    needs: tuple[frozenset[int], ...]
    of_exhibit: frozenset[int] = frozenset()
    naming: frozenset[int] = frozenset()
    about: frozenset[int] = frozenset()
    shown: frozenset[int] = frozenset()

    def closed(self, chosen: Collection[int]) -> tuple[int, ...]:
        """Return the positions and those that they depend on, in reading order."""
        return tuple(sorted(set(chosen).union(*(self.needs[place] for place in chosen))))


def references_of(sentences: Sequence[str], code: str, name: str = "") -> References:
    """Find the references between the sentences of one text, which are given in order.

    Args:
        code: the language code.
        name: the exhibit's name, or "" for a section of a document.
    """
    own = {_stem(word) for word in words_of(readable_name(name)) if word not in words_of_language(code).stop}
    subjects = _subjects(name, " ".join(sentences), code) if name else ()
    needs: list[frozenset[int]] = []
    about, of_exhibit, naming, shown, first = list[bool](), set[int](), set[int](), set[int](), dict[str, int]()
    terms: dict[str, int] = {}
    for place, sentence in enumerate(sentences):
        space = "" if code == "zh" else " "
        subject = next((word for word in subjects if place and sentence.startswith(f"{word}{space}")), "")
        is_this = place == 0 and code in _DEMONSTRATIVES and _DEMONSTRATIVES[code].match(sentence) is not None
        is_about = is_this or _names_exhibit(sentence, own, code)
        if name and contains_name(sentence, name):
            naming.add(place)
        is_defined = is_about and (place in naming or place == 0 and code in ("ja", "ko", "zh"))
        if is_defined or _THIS_ONE[code].search(sentence):
            shown.add(place)
        about.append(is_about or (bool(subject) and about[place - 1]))
        direct = set(_introduced(sentence, place, own, code, first)) | {
            at for term, at in terms.items() if term in sentence
        }
        if name and place and _begins_with_unknown(sentence, direct, own, code):
            direct.add(place - 1)
        if subject and about[place - 1]:
            of_exhibit.add(place)
            direct |= {place - 1} if leans(f"X{sentence[len(subject) :]}", code) else set()
        elif place and leans(sentence, code):
            direct.add(place - 1)
        for word in words_of(sentence):
            first.setdefault(_stem(word), place)
        for term in _NAMED[code].findall(sentence) if code in _NAMED else ():
            terms.setdefault(term, place)
        needs.append(frozenset(direct.union(*(needs[earlier] for earlier in direct))))
    about_exhibit = frozenset(place for place, is_exhibit in enumerate(about) if is_exhibit)
    return References(tuple(needs), frozenset(of_exhibit), frozenset(naming), about_exhibit, frozenset(shown))


def leans(sentence: str, code: str) -> bool:
    """Check whether a sentence cannot be understood without the one before it."""
    if words_of_language(code).leans(sentence) or LEANS[code].search(sentence):
        return True
    return code == "en" and _has_loose_pronoun(sentence)


def _has_loose_pronoun(sentence: str) -> bool:
    """Check whether a pronoun precedes any verb, so that it must refer to an earlier sentence."""
    pronoun = _PRONOUN.search(sentence)
    if pronoun is None:
        return False
    words = words_of(sentence[: pronoun.start()])
    return not any(
        word in _VERBS or word in THIRD or word in PAST or (word in BASES and before.endswith("s"))
        for before, word in zip(["", *words], words, strict=False)
    )


def _subjects(name: str, text: str, code: str) -> Sequence[str]:
    """Return the pronouns for the exhibit: by number in English, otherwise by the article of its name."""
    if code == "en":
        head = re.split(r" (?:of|with|from|for|in|on|by) ", readable_name(name))[0].split()[-1:]
        return ("They", "Their") if head and is_plural(head[0]) else ("It", "Its")
    if code not in _SUBJECTS:
        return _ANY_ARTICLE.get(code, ())
    articles = "|".join([*_SUBJECTS[code], *_ALIKE])
    named = re.search(rf"\b({articles}) {re.escape(readable_name(name))}\b", text, re.IGNORECASE)
    article = named[1].lower() if named else ""
    return _SUBJECTS[code].get(_ALIKE.get(article, article), ())


def _names_exhibit(sentence: str, own: set[str], code: str) -> bool:
    """Check whether the subject of a sentence is the exhibit, as far as its first words show."""
    if code in ("ja", "zh", "ko"):
        return any(word and word in plain(sentence)[:12] for word in own)
    first = words_of(sentence)[:4]
    is_placed = first[:1] != [] and first[0] in _PREPOSITIONS.get(code, PREPOSITIONS)
    return not is_placed and any(_stem(word) in own for word in first)


def _introduced(sentence: str, place: int, own: set[str], code: str, first: dict[str, int]) -> list[int]:
    """Return the positions of the first mention of things that a sentence calls `the ...`.

    Args:
        first: position of each word's first occurrence, by its stem.
    """
    if code not in _ARTICLES or not place:
        return []
    stop = words_of_language(code).stop
    words = [word for match in _ARTICLES[code].finditer(sentence) for word in words_of(match[1])]
    stems = [_stem(word) for word in words if len(word) >= MIN_NOUN_CHARS and word not in stop]
    return [first[stem] for stem in stems if stem in first and stem not in own]


def _begins_with_unknown(sentence: str, direct: Collection[int], own: set[str], code: str) -> bool:
    """Check whether a sentence begins with `The ...` for a thing that was not named before, for example a part."""
    subject = _FIRST_NOUN[code].match(sentence) if code in _FIRST_NOUN else None
    if code == "en" and subject is not None and not _SAID_BY_ITSELF.isdisjoint(subject[1].split()):
        return False
    return subject is not None and not direct and not any(_stem(word) in own for word in words_of(subject[1]))


def _stem(word: str) -> str:
    """Return a word without its ending, so that `wires` equals `wire`."""
    bare = plain(word)
    return bare[: max(MIN_STEM_CHARS, len(bare) - 2)] if bare.isascii() else bare
