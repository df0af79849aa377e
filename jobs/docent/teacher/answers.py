"""Choose the sentences that answer a visitor, by the topic of the question.

What the exhibit is, is answered with the beginning of the text up to a sentence about the very thing on display; all
about it with the whole text, where that is not too long. A sentence out of its order is mostly half a thought. So only
of an English text of which every other sentence names the exhibit visitors also ask what else there is, answered with a
passage further on, and about single topics (numbers, history, use), answered with sentences that name the exhibit.
Reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from docent.llm.chat import Material
from docent.llm.structure.dialogue import without_labels
from docent.teacher.guide import ENGLISH, as_sentence, code_of, cut, introduction, words_in
from docent.teacher.source.references import References, references_of
from docent.text.sentences import is_heading, split_sentences
from docent.text.topics import by_topic

Chosen = tuple[int, ...]
"""Positions of the sentences of an answer, in reading order."""
MIN_TOPIC, MIN_PASSAGE = 12, 20
"""Least words of an answer on one topic, and of one that tells more, where the text allows it."""
USUAL_WORDS, MAX_WORDS, MAX_WHOLE = 45, 120, 140
"""Most words of an answer, of one that says what is on display no sooner, and of a text that is told whole."""


class _Beginnings(NamedTuple):
    """How it is told what a visitor sees.

    Attributes:
        min_words: least words of an answer, where the text has them.
        min_share: least share of the text's words.
        different: so many different answers are kept where the text has them, longer ones if need be.
    """

    min_words: int
    min_share: float
    different: int


APART, ON_END = _Beginnings(30, 0.0, 1), _Beginnings(60, 0.75, 3)
"""Of texts whose sentences can be told apart, and of others: where nothing more is asked, these tell more."""
MIN_LAST = 10
"""A shorter sentence mostly announces what the next one says: no answer ends there."""
_QUOTATIONS = (("«", "»"), ("「", "」"), ("『", "』"), ("（", "）"), ("(", ")"))
FEW_SENTENCES = 2
"""With less prose than this, headings and catalogue lines count as sentences."""
MAX_SENTENCES = 200
"""Sentences of a text that are looked at."""


@dataclass(frozen=True)
class ExhibitText:
    """The sentences of one exhibit's text, and what is known of them."""

    material: Material
    sentences: list[str]

    @cached_property
    def code(self) -> str:
        """Of the language."""
        return code_of(self.material.language)

    @cached_property
    def references(self) -> References:
        """Which sentences need which."""
        return references_of(self.sentences, self.code, self.material.spoken_name or self.material.name)

    @cached_property
    def room(self) -> int:
        """Words that the limit of the settings leaves behind an introduction."""
        return self.material.max_answer_words - words_in(introduced(self.material), self.code)

    @cached_property
    def longest(self) -> int:
        """Words that the sentences of one answer may usually have together."""
        return min(USUAL_WORDS, self.room)

    @cached_property
    def is_apart(self) -> bool:
        """Whether single sentences can be told, since every other one names the exhibit."""
        return self.code == ENGLISH and 2 * len(self.references.naming) >= len(self.sentences)

    def words(self, chosen: Sequence[int]) -> int:
        """Return words of so many sentences."""
        return sum(words_in(self.sentences[position], self.code) for position in chosen)


def read_text(material: Material) -> ExhibitText:
    """Read the usable sentences of a text, each once; long ones are cut, catalogue lines only count without prose."""
    code = code_of(material.language)
    sentences = list(dict.fromkeys(split_sentences(without_labels(material.text))))[:MAX_SENTENCES]
    sentences = [sentence for sentence in sentences if "://" not in sentence and any(c.isalnum() for c in sentence)]
    prose = [sentence for sentence in sentences if not is_heading(sentence)]
    if len(prose) < FEW_SENTENCES:
        prose = [as_sentence(sentence, code) if is_heading(sentence) else sentence for sentence in sentences]
    room = material.max_answer_words - words_in(introduced(material), code)
    fitting = [s for s in prose if words_in(s, code) <= room] or [cut(s, room, code) for s in prose]
    return ExhibitText(material, fitting)


def answers_of(text: ExhibitText) -> dict[str, list[Chosen]]:
    """Return the answers that the text has, by topic."""
    answers = {"what": _beginnings(text), "about": _whole(text)}
    if text.is_apart:
        topics = by_topic(text.sentences, text.material.name)
        answers |= {topic: _on_topic(text, own) for topic, own in topics.items()} | {"more": _passages(text)}
    return answers


def introduced(material: Material) -> str:
    """Introduce the exhibit, `This is the Klein bottle.`, with the article and spelling that its text has."""
    return introduction(material.spoken_name or material.name, material.text, code_of(material.language))


def _beginnings(text: ExhibitText) -> list[Chosen]:
    """Return the text from its first sentence to one about the very thing on display; whole where it is short."""
    every = [tuple(range(size + 1)) for size in range(len(text.sentences))]
    every = [one for one in every if text.words(one) <= min(MAX_WORDS, text.room)] or every[:1]
    wanted = (text.references.shown, text.references.naming, text.references.about)
    first = next((min(places) for places in wanted if not places.isdisjoint(every[-1])), 0)
    good = [one for one in every if first in one and _ends_well(text, one)] or every[-1:]
    wished = APART if text.is_apart else ON_END
    least = max(wished.min_words, wished.min_share * text.words(range(len(text.sentences))))
    enough = [one for one in good if text.words(one) >= least] or good[-1:]
    usual = [one for one in enough if text.words(one) <= USUAL_WORDS]
    return usual if len(usual) >= wished.different else enough[: wished.different]


def _whole(text: ExhibitText) -> list[Chosen]:
    """Return the text with all its sentences, where they fit into one answer."""
    every = tuple(range(len(text.sentences)))
    return [every] if text.words(every) <= min(MAX_WHOLE, text.room) else []


def _passages(text: ExhibitText) -> list[Chosen]:
    """Return passages behind the first sentence that share no sentence, so that few answers tell what else there is.

    Each begins with a sentence that names the exhibit and needs nothing said before.
    """
    needs, count = text.references.needs, len(text.sentences)
    passages: list[Chosen] = []
    for start in sorted(text.references.naming - {0}):
        if needs[start] or passages and start <= passages[-1][-1]:
            continue
        longer = (tuple(range(start, end)) for end in range(start + 1, count + 1))
        fitting = (one for one in longer if MIN_PASSAGE <= text.words(one) <= text.longest and _ends_well(text, one))
        whole = next((one for one in fitting if all(needs[at].issubset({0, *one}) for at in one)), None)
        passages += [whole] if whole else []
    return passages


def _on_topic(text: ExhibitText, own: Sequence[int]) -> list[Chosen]:
    """Return the sentences of a topic that name the exhibit and need no others, from the first one on.

    A shorter answer is always the beginning of a longer one, so that one question has one thing to learn.
    """
    clear = [at for at in own if at in text.references.naming and not text.references.needs[at]]
    answers = [tuple(clear[: size + 1]) for size in range(len(clear))]
    fitting = [one for one in answers if MIN_TOPIC <= text.words(one) <= text.longest]
    return fitting or [one for one in answers[:1] if text.words(one) <= text.room]


def _ends_well(text: ExhibitText, chosen: Chosen) -> bool:
    """Check whether an answer may end with its last sentence: it says something, and no quotation is left open."""
    last = text.sentences[chosen[-1]]
    answer = "".join(text.sentences[position] for position in chosen)
    is_open = any(answer.count(mark) > answer.count(end) for mark, end in _QUOTATIONS)
    is_last = chosen[-1] + 1 == len(text.sentences)
    return is_last or not is_open and words_in(last, text.code) >= MIN_LAST
