"""Dialogues of a visitor with a guide, made of an exhibit's own sentences.

offline_answers.py says what is answered with which sentences, this module what is asked. Temperature means
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
from typing import TypeVar

from docent.llm.chat import Material
from docent.llm.offline_answers import Chosen, ExhibitText, answers_of, introduced, read_text
from docent.llm.offline_guide import joined, questions_of
from docent.records import canonical_json
from docent.text.sentences import contains_name
from docent.text.terms import length_in_words

T = TypeVar("T")
TOPIC_ORDER = ("what", "numbers", "history", "use", "more")
BRIEF_WORDS = 3
"""A text with fewer words, such as `Vase.`, has one answer: it is asked for once at each temperature."""
SECOND_CHOICE = {"use": ("found",)}


@dataclass
class _Plan:
    """What was said so far about one exhibit, over all temperatures.

    Attributes:
        said: pairs of question and answer.
        answers: answers alone.
        anchors: positions of the sentences said at the lowest temperature; the others retell them with more.
        used: positions of the sentences said at the present temperature.
    """

    text: ExhibitText
    said: set[tuple[str, str]] = field(default_factory=set)
    answers: set[str] = field(default_factory=set)
    anchors: set[int] = field(default_factory=set)
    used: set[int] = field(default_factory=set)

    @cached_property
    def choices(self) -> dict[str, list[Chosen]]:
        """The answers that the text has, by topic."""
        return answers_of(self.text)

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
        `material.pairs` questions with answers, one of a text of hardly any words; none where the text has no usable
        sentence.
    """
    text = read_text(material)
    if not text.sentences:
        return []
    plan = _Plan(text)
    pairs = 1 if sum(map(length_in_words, text.sentences)) < BRIEF_WORDS else material.pairs
    made: list[tuple[str, str]] = []
    for temperature in (t for t in material.temperatures if t <= material.temperature):
        lowest = temperature == material.temperatures[0]
        seed = canonical_json([material.seed, material.name, material.text, temperature])
        rng = None if lowest else random.Random(seed)
        made, plan.used = [], set()
        for slot in range(pairs):
            found = _pair(plan, TOPIC_ORDER[slot % len(TOPIC_ORDER)], rng, made)
            if found is not None:
                made.append(found[0])
                plan.note(*found, lowest)
    return made


def _pair(
    plan: _Plan, topic: str, rng: random.Random | None, made: Sequence[tuple[str, str]]
) -> tuple[tuple[str, str], Chosen] | None:
    """One pair on a topic; on anything else where the text has nothing (new) about it."""
    wanted = [one for one in (topic, *SECOND_CHOICE.get(topic, ()), "more", "about", "what") if one in plan.choices]
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


def _worded(plan: _Plan, chosen: Sequence[int]) -> str:
    """Sentences as one answer, after the name of the exhibit."""
    text = plan.text
    return joined([introduced(text.material), *(text.sentences[position] for position in chosen)], text.code)


def _questions(topic: str, plan: _Plan) -> list[str]:
    """The questions of a topic, without those that say an exhibit's name by chance."""
    questions = list(questions_of(plan.text.code)[topic])
    return [question for question in questions if not contains_name(question, plan.text.material.name)] or questions


def _shuffled(values: Sequence[T], rng: random.Random | None) -> list[T]:
    """A new list, in another order when there is a generator."""
    return rng.sample(values, len(values)) if rng else list(values)
