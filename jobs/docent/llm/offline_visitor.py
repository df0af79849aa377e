"""Dialogues of a visitor with a guide, made of an exhibit's own sentences.

Temperature means variety: at the lowest one it takes the plainest question and the sentences in reading order (what
it is, numbers, history, use, how it looks), above that seeded shuffles of both. Every answer says first which exhibit
it is about, as a guide does and so that it can be checked against the photo; every word after `This is ...` stands in
the source. A sentence brings along those that it cannot do without (offline_references.py), and a question is only
asked where the answer has a sentence on its topic, so that a short text gives fewer pairs. It does not translate:
question and answer are in the language of the text (offline_guide.py). Reads and writes nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import TypeVar

from docent.llm.chat import Material
from docent.llm.offline_guide import as_sentence, code_of, cut, introduction, joined, questions_of, topics_of, words_in
from docent.llm.offline_references import References, references_of
from docent.llm.replies import without_labels
from docent.records import canonical_json
from docent.text.sentences import contains_name, is_heading, split_sentences

Chosen = tuple[int, ...]
"""Positions of the sentences of an answer, in reading order."""
T = TypeVar("T")
TOPIC_ORDER = ("what", "numbers", "history", "use", "look")
SECOND_CHOICE = {"use": ("found",), "look": ("what",)}
SHORT_WORDS, LONG_WORDS = 12, 45
"""Answers are held between these where the text allows it."""
ENOUGH_WORDS = 18
"""An answer to a general question has so many where the text allows it."""
MIN_WORDS = 10
"""Fewer words tell nothing without the first sentence."""
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
    topics: dict[str, list[int]]
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
    def longest_words(self) -> int:
        """Words that the sentences of one answer may have together, an introduction left room for."""
        return min(LONG_WORDS, self.material.max_answer_words - words_in(_introduction(self.material), self.code))

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
    plan = _Plan(material, sentences, topics_of(sentences, material.name, code_of(material.language)))
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
    rest = list(range(len(plan.sentences)))
    wanted = (topic, *SECOND_CHOICE.get(topic, ()))
    sources = [*((one, plan.topics[one]) for one in wanted if one in plan.topics), ("more", rest)]
    every = [*sources, *((other, own) for other, own in plan.topics.items() if other != topic)]
    asked = {question for question, _ in made}
    # First what was never said, then a new question to a known answer, then whatever this call did not say yet.
    for tried, fresh, avoid in ((sources, True, plan.said), (every, False, plan.said), (every, False, set(made))):
        for name, positions in tried:
            questions = sorted(_shuffled(_questions(name, plan), rng), key=asked.__contains__)
            for chosen, answer in _answers(plan, name, positions, rng):
                if fresh and answer in plan.answers:
                    continue
                if question := next((q for q in questions if (q, answer) not in avoid), None):
                    return (question, answer), chosen
    return None


def _answers(plan: _Plan, topic: str, own: Sequence[int], rng: random.Random | None) -> Iterator[tuple[Chosen, str]]:
    """Answers from a topic's sentences, the best first.

    At the lowest temperature these are the first sentences not said yet. Above it they hold a sentence of the lowest
    one, so that what is learned from the one can be tested by the other, and another sentence.
    """

    def rank(chosen: Chosen) -> tuple[bool, bool, int, int]:
        retold = rng is None or not plan.anchors.isdisjoint(set(chosen) & set(own))
        order = len(chosen) // 3 if rng else chosen[0]
        return not _good_length(plan, chosen), not retold, len(plan.used & set(chosen)), order

    for chosen in sorted(_shuffled(_combined(plan, topic, own), rng), key=rank):
        yield chosen, _worded(plan, chosen)


def _combined(plan: _Plan, topic: str, own: Sequence[int]) -> list[Chosen]:
    """One to three sentences in reading order with those that they need; at least one is of the topic.

    What an exhibit is and looks like is always told from the first sentence on. Elsewhere that one may lead the answer.
    """
    usable = sorted({0, *own[:MAX_COMBINED]}) if own else []
    found: dict[Chosen, None] = {}
    for size in (1, 2, 3):
        for wanted in combinations(usable, size):
            if set(own).isdisjoint(wanted) or (topic in ("what", "look") and 0 not in wanted):
                continue
            chosen = plan.references.closed(wanted)
            if topic not in ("what", "look") and chosen[0] not in (*own, *(() if topic == "more" else (0,))):
                continue
            if topic == "more" and chosen[0] == 0 and len(plan.sentences) > FEW_SENTENCES:
                continue
            says_enough = 0 in chosen or _words(plan, chosen) >= min(MIN_WORDS, plan.longest_words // 2)
            fits = len(chosen) == 1 or _words(plan, chosen) <= plan.longest_words
            # The first sentence says what the exhibit is; on a topic the text may go on anywhere behind it, with the
            # history where it begins.
            leads = chosen[0] == 0 and len(chosen) > 1 and topic not in ("what", "look", "more")
            leads = leads and (topic != "history" or chosen[1] == min(place for place in own if place))
            if says_enough and fits and plan.references.is_clear(chosen[1:] if leads else chosen, leads):
                found.setdefault(chosen)
    enough = [chosen for chosen in found if _tells_enough(plan, topic, chosen)]
    return enough or list(found)


def _tells_enough(plan: _Plan, topic: str, chosen: Chosen) -> bool:
    """Whether an answer that need not be short says something: on the exhibit itself where it is asked what that is."""
    if topic not in ("what", "look", "more"):
        return True
    is_about = topic == "more" or not plan.references.about or not plan.references.about.isdisjoint(chosen)
    return is_about and _words(plan, chosen) >= ENOUGH_WORDS


def _words(plan: _Plan, chosen: Chosen) -> int:
    return sum(words_in(plan.sentences[position], plan.code) for position in chosen)


def _good_length(plan: _Plan, chosen: Chosen) -> bool:
    says_whole = len(chosen) > 1 or chosen[0] in plan.references.naming
    return says_whole and SHORT_WORDS <= _words(plan, chosen) <= plan.longest_words


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
