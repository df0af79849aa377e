"""The offline teacher: questions from a list, answers made of the source's own sentences. No model, no network.

It takes the same requests as an endpoint and replies in the same form, but it reads the structured material of a
request instead of the prompt. Typed questions are written by offline_typed.py, visitors' dialogues here. There
temperature means variety: at the lowest one it takes the plainest question and the sentences in reading order (look,
numbers, history, use, look again), above that seeded shuffles of both. Every answer says first which exhibit it is
about, as a guide does and so that it can be checked against the photo; every word after `This is ...` stands in the
source. It does not translate: question and answer are in the language of the text (offline_guide.py).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any, TypeVar

from docent.errors import ConfigError
from docent.llm.chat import Answer, ChatRequest, Material, RequestRefusedError
from docent.llm.offline_elsewhere import TYPED_LANGUAGE_VERSION
from docent.llm.offline_guide import (
    ENGLISH,
    LANGUAGE_VERSIONS,
    as_sentence,
    code_of,
    cut,
    introduction,
    joined,
    questions_of,
    topics_of,
    words_in,
)
from docent.llm.offline_typed import TYPED_VERSION, write_typed
from docent.llm.replies import format_dialogue, without_labels
from docent.llm.typed import TypedMaterial
from docent.records import canonical_json
from docent.text.sentences import contains_name, is_heading, split_sentences

TEACHER = "offline-extractive"
VERSION = 2
"""Raised when the replies change: it is part of the request, so that the journal holds no outdated ones."""
Chosen = tuple[int, ...]
"""Positions of the sentences of an answer, in reading order."""
T = TypeVar("T")
TOPIC_ORDER = ("look", "numbers", "history", "use", "look")
SHORT_WORDS, LONG_WORDS = 12, 45
"""Answers are held between these where the text allows it."""
MAX_COMBINED = 12
"""Sentences of a topic that are combined with each other."""
FEW_SENTENCES = 2
"""With less prose than this, headings and catalogue lines count as sentences."""
MAX_SENTENCES = 200
"""Sentences of a text that are looked at."""


class OfflineTeacher:
    """The provider `offline`: asks in the languages of offline_guide.py (visitors) and offline_words.py (typed).

    Raises:
        RequestRefusedError: a question type or a language that it cannot write.
    """

    name = "offline"
    teacher = TEACHER
    base_url = ""
    has_answered = False

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """The material and the teacher's version; where JSON is asked for, a place for the words that ask for it."""
        if isinstance(request.material, TypedMaterial):
            told = {"typed": TYPED_VERSION, "temperature": request.temperature, "messages": []}
            if request.material.language != ENGLISH:
                told["typed_language"] = TYPED_LANGUAGE_VERSION
            return {**told, **asdict(request.material)}
        material = _material(request)
        code = code_of(material.language)
        told = {} if code in ("", ENGLISH) else {"language_version": LANGUAGE_VERSIONS[code]}
        return {"version": VERSION, **told, **asdict(material)}

    async def send(self, body: bytes, request: ChatRequest) -> tuple[Answer, Mapping[str, str]]:
        """The reply, at once."""
        if isinstance(request.material, TypedMaterial):
            return Answer(write_typed(request.material, request.temperature), "stop", 0, 0), {}
        material = _material(request)
        if not code_of(material.language):
            raise RequestRefusedError(
                f"the offline teacher does not write {material.language}: that needs a model (llm.provider: openai)"
            )
        return Answer(format_dialogue(write_pairs(material)), "stop", 0, 0), {}

    async def close(self) -> None:
        """Nothing is open."""


def _material(request: ChatRequest) -> Material:
    if not isinstance(request.material, Material):
        raise ConfigError(
            "the offline teacher writes visitor dialogues from a text, nothing else",
            "llm.provider",
            "set llm.provider: openai, llm.base_url and llm.model",
        )
    return request.material


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
    sources = [(topic, plan.topics[topic]), ("more", rest)]
    every = [*sources, *((other, rest) for other in questions_of(plan.code) if other not in (topic, "more"))]
    asked = {question for question, _ in made}
    # First what was never said, then a new question to a known answer, then whatever this call did not say yet.
    for tried, fresh, avoid in ((sources, True, plan.said), (every, False, plan.said), (every, False, set(made))):
        for name, positions in tried:
            questions = sorted(_shuffled(_questions(name, plan), rng), key=asked.__contains__)
            for chosen, answer in _answers(plan, positions, rng):
                if fresh and answer in plan.answers:
                    continue
                if question := next((q for q in questions if (q, answer) not in avoid), None):
                    return (question, answer), chosen
    return None


def _answers(plan: _Plan, own: Sequence[int], rng: random.Random | None) -> Iterator[tuple[Chosen, str]]:
    """Answers from a topic's sentences, the best first.

    At the lowest temperature these are the first sentences not said yet. Above it they hold a sentence of the lowest
    one, so that what is learned from the one can be tested by the other, and another sentence.
    """

    def rank(chosen: Chosen) -> tuple[bool, bool, int, int]:
        retold = rng is None or not plan.anchors.isdisjoint(set(chosen) & set(own))
        order = len(chosen) // 3 if rng else chosen[0]
        return not _good_length(plan, chosen), not retold, len(plan.used & set(chosen)), order

    for chosen in sorted(_shuffled(_combined(plan, own), rng), key=rank):
        yield chosen, _worded(plan, chosen)


def _combined(plan: _Plan, own: Sequence[int]) -> list[Chosen]:
    """One to three sentences in reading order, at least one of the topic, the first of all as the only foreign one."""
    usable = sorted({0, *own[:MAX_COMBINED]}) if own else []
    found = (chosen for size in (1, 2, 3) for chosen in combinations(usable, size) if not set(own).isdisjoint(chosen))
    return [chosen for chosen in found if len(chosen) == 1 or _words(plan, chosen) <= plan.longest_words]


def _words(plan: _Plan, chosen: Chosen) -> int:
    return sum(words_in(plan.sentences[position], plan.code) for position in chosen)


def _good_length(plan: _Plan, chosen: Chosen) -> bool:
    return SHORT_WORDS <= _words(plan, chosen) <= plan.longest_words


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
