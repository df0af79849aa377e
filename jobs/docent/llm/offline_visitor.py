"""Dialogues of a visitor with a guide, made of an exhibit's own sentences.

A general question is answered with the beginning of the text, as far as it comes to the very thing on display. In
English visitors also ask what else there is, which is answered with a passage further on, and about single topics
(numbers, history, use), which is answered with sentences that name the exhibit: out of their order, others are half a
thought. So a text that rarely names its exhibit gives general questions, and a short one fewer pairs. Temperature means
variety: at the lowest one it takes the plainest question and the sentences in reading order, above that seeded shuffles
of both. Every answer says first which exhibit it is about, as a guide does and so that it can be checked against the
photo; every word after `This is ...` stands in the source. It does not translate: question and answer are in the
language of the text (offline_guide.py). Reads and writes nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import NamedTuple, TypeVar

from docent.llm.chat import Material
from docent.llm.offline_guide import (
    ENGLISH,
    as_sentence,
    code_of,
    cut,
    introduction,
    joined,
    questions_of,
    topics_of,
    words_in,
)
from docent.llm.offline_references import References, references_of
from docent.llm.replies import without_labels
from docent.records import canonical_json
from docent.text.sentences import contains_name, is_heading, split_sentences

Chosen = tuple[int, ...]
"""Positions of the sentences of an answer, in reading order."""
T = TypeVar("T")
TOPIC_ORDER = ("what", "numbers", "history", "use", "more")
SECOND_CHOICE = {"use": ("found",)}
MIN_TOPIC, MIN_PASSAGE = 12, 15
"""Least words of an answer on one topic, and of one that tells more, where the text allows it."""
USUAL_WORDS, MAX_WORDS = 45, 120
"""Most words of an answer, and of one to a general question where it says what is on display no sooner."""


class _General(NamedTuple):
    """How general questions are answered.

    Attributes:
        min_words: least words of an answer, where the text has them.
        different: so many different answers are kept where the text has them, longer ones if need be.
    """

    min_words: int
    different: int


ENGLISH_ANSWERS, OTHER_ANSWERS = _General(30, 2), _General(60, 3)
"""In the languages in which nothing more is asked, a general answer tells more."""
MIN_LAST = 10
"""A shorter sentence mostly announces what the next one says: no answer ends there."""
MAX_COMBINED = 12
"""Sentences of a topic that are combined with each other."""
FEW_SENTENCES = 2
"""With less prose than this, headings and catalogue lines count as sentences."""
MAX_SENTENCES = 200
"""Sentences of a text that are looked at."""


@dataclass
class _Plan:
    """What was said so far about one exhibit, over all temperatures.

    Attributes:
        said: pairs of question and answer.
        answers: answers alone.
        anchors: positions of the sentences said at the lowest temperature; the others retell them with more.
        used: positions of the sentences said at the present temperature.
    """

    material: Material
    sentences: list[str]
    said: set[tuple[str, str]] = field(default_factory=set)
    answers: set[str] = field(default_factory=set)
    anchors: set[int] = field(default_factory=set)
    used: set[int] = field(default_factory=set)

    @cached_property
    def references(self) -> References:
        """Which sentences need which."""
        return references_of(self.sentences, self.code, self.material.name)

    @cached_property
    def code(self) -> str:
        """Of the language."""
        return code_of(self.material.language)

    @cached_property
    def longest(self) -> int:
        """Words that the sentences of one answer may have together, an introduction left room for."""
        return min(USUAL_WORDS, self.room)

    @cached_property
    def room(self) -> int:
        """Words that the limit of the settings leaves behind an introduction."""
        return self.material.max_answer_words - words_in(_introduction(self.material), self.code)

    @cached_property
    def choices(self) -> dict[str, list[Chosen]]:
        """The answers that the text has, by topic."""
        topics = topics_of(self.sentences, self.material.name, self.code)
        told = {topic: _on_topic(self, own) for topic, own in topics.items()}
        found = {"what": _beginnings(self), **told, "more": _passages(self)}
        return {topic: chosen for topic, chosen in found.items() if topic in questions_of(self.code)}

    def words(self, chosen: Sequence[int]) -> int:
        """Words of so many sentences."""
        return sum(words_in(self.sentences[position], self.code) for position in chosen)

    def note(self, pair: tuple[str, str], chosen: Chosen, lowest: bool) -> None:
        """Remember a pair."""
        self.said.add(pair)
        self.answers.add(pair[1])
        self.used.update(chosen)
        if lowest:
            self.anchors.update(chosen)


def write_pairs(material: Material) -> list[tuple[str, str]]:
    """Pairs for one temperature: different from each other, and from those of lower temperatures where possible.

    Returns:
        `material.pairs` questions with answers; none where the text has no usable sentence.
    """
    sentences = _sentences(material)
    if not sentences:
        return []
    plan = _Plan(material, sentences)
    made: list[tuple[str, str]] = []
    for temperature in (t for t in material.temperatures if t <= material.temperature):
        lowest = temperature == material.temperatures[0]
        seed = canonical_json([material.seed, material.name, material.text, temperature])
        rng = None if lowest else random.Random(seed)
        made, plan.used = [], set()
        for slot in range(material.pairs):
            found = _pair(plan, TOPIC_ORDER[slot % len(TOPIC_ORDER)], rng, made)
            if found is not None:
                made.append(found[0])
                plan.note(*found, lowest)
    return made


def _pair(
    plan: _Plan, topic: str, rng: random.Random | None, made: Sequence[tuple[str, str]]
) -> tuple[tuple[str, str], Chosen] | None:
    """One pair on a topic; on anything else where the text has nothing (new) about it."""
    wanted = [one for one in (topic, *SECOND_CHOICE.get(topic, ()), "more", "what") if one in plan.choices]
    every = [*wanted, *(other for other in plan.choices if other not in wanted)]
    asked = {question for question, _ in made}
    # First what was never said, then a new question to a known answer, then whatever this call did not say yet.
    for tried, fresh, avoid in ((wanted, True, plan.said), (every, False, plan.said), (every, False, set(made))):
        for name in tried:
            questions = sorted(_shuffled(_questions(name, plan), rng), key=asked.__contains__)
            for chosen, answer in _answers(plan, name, rng):
                if fresh and answer in plan.answers:
                    continue
                if question := next((q for q in questions if (q, answer) not in avoid), None):
                    return (question, answer), chosen
    return None


def _answers(plan: _Plan, topic: str, rng: random.Random | None) -> Iterator[tuple[Chosen, str]]:
    """Answers on a topic, the best first.

    At the lowest temperature these are the first sentences not said yet. Above it they hold a sentence of the lowest
    one, so that what is learned from the one can be tested by the other, and another sentence.
    """

    def rank(chosen: Chosen) -> tuple[bool, int, int]:
        retold = rng is None or not plan.anchors.isdisjoint(chosen)
        return not retold, len(plan.used & set(chosen)), 0 if rng else chosen[0]

    for chosen in sorted(_shuffled(plan.choices[topic], rng), key=rank):
        yield chosen, _worded(plan, chosen)


def _beginnings(plan: _Plan) -> list[Chosen]:
    """The text from its first sentence on, as far as one on the very thing on display; whole where it is short."""
    every = [tuple(range(size + 1)) for size in range(len(plan.sentences))]
    every = [one for one in every if plan.words(one) <= min(MAX_WORDS, plan.room)] or every[:1]
    wanted = (plan.references.shown, plan.references.naming, plan.references.about)
    first = next((min(places) for places in wanted if not places.isdisjoint(every[-1])), 0)
    good = [one for one in every if first in one and _ends_well(plan, one)] or every[-1:]
    wished = ENGLISH_ANSWERS if plan.code == ENGLISH else OTHER_ANSWERS
    enough = [one for one in good if plan.words(one) >= wished.min_words] or good[-1:]
    usual = [one for one in enough if plan.words(one) <= USUAL_WORDS]
    return usual if len(usual) >= wished.different else enough[: wished.different]


def _passages(plan: _Plan) -> list[Chosen]:
    """Sentences on end behind the first, from one that names the exhibit and needs nothing said before."""
    needs, count = plan.references.needs, len(plan.sentences)
    starts = [at for at in sorted(plan.references.naming) if at and not needs[at]]
    found = [tuple(range(start, end)) for start in starts for end in range(start + 1, min(start + 5, count) + 1)]
    return [
        one
        for one in found
        if MIN_PASSAGE <= plan.words(one) <= plan.longest
        and _ends_well(plan, one)
        and all(needs[at].issubset({0, *one}) for at in one)
    ]


def _on_topic(plan: _Plan, own: Sequence[int]) -> list[Chosen]:
    """One to three sentences of a topic that name the exhibit and need no others, the first of the text before them."""
    clear = [at for at in own if at in plan.references.naming and not plan.references.needs[at]][:MAX_COMBINED]
    found = [one for size in (1, 2, 3) for one in combinations(clear, size)]
    if 0 in plan.references.about and 0 not in clear:
        found += [(0, *one) for one in found]
    fitting = [one for one in found if MIN_TOPIC <= plan.words(one) <= plan.longest]
    return fitting or [one for one in found if len(one) == 1 and plan.words(one) <= plan.room]


def _ends_well(plan: _Plan, chosen: Chosen) -> bool:
    """Whether an answer may end with its last sentence: the text does, or it is long enough to say something itself."""
    last = chosen[-1]
    return last + 1 == len(plan.sentences) or words_in(plan.sentences[last], plan.code) >= MIN_LAST


def _worded(plan: _Plan, chosen: Sequence[int]) -> str:
    """Sentences as one answer, after the name of the exhibit."""
    return joined([_introduction(plan.material), *(plan.sentences[position] for position in chosen)], plan.code)


def _introduction(material: Material) -> str:
    """`This is the Klein bottle.`: spelled, and with an article, as in the text where the name stands there."""
    return introduction(material.spoken_name or material.name, material.text, code_of(material.language))


def _sentences(material: Material) -> list[str]:
    """The usable sentences of a text, each once: catalogue lines only where there is little prose, long ones cut."""
    code = code_of(material.language)
    found = list(dict.fromkeys(split_sentences(without_labels(material.text))))[:MAX_SENTENCES]
    found = [sentence for sentence in found if "://" not in sentence and any(c.isalnum() for c in sentence)]
    prose = [sentence for sentence in found if not is_heading(sentence)]
    if len(prose) < FEW_SENTENCES:
        prose = [as_sentence(sentence, code) if is_heading(sentence) else sentence for sentence in found]
    room = material.max_answer_words - words_in(_introduction(material), code)
    return [s for s in prose if words_in(s, code) <= room] or [cut(s, room, code) for s in prose]


def _questions(topic: str, plan: _Plan) -> list[str]:
    """The questions of a topic, without those that say an exhibit's name by chance."""
    questions = list(questions_of(plan.code)[topic])
    return [question for question in questions if not contains_name(question, plan.material.name)] or questions


def _shuffled(values: Sequence[T], rng: random.Random | None) -> list[T]:
    """A new list, in another order when there is a generator."""
    return rng.sample(values, len(values)) if rng else list(values)
