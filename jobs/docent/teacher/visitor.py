"""Write dialogues between a visitor and a guide from the sentences of an exhibit's text.

answers.py chooses the sentences of answers, this module the questions. A question has one answer per exhibit at all
temperatures: the first question of a topic gets its first answer, the second its second. The temperature determines the
variety: the lowest one uses the plainest questions, higher ones a seeded random choice of the others. Every answer
first names the exhibit it is about, as a guide does and so that it can be checked against the photo; every word after
`This is ...` is in the source. Nothing is translated: question and answer are in the language of the text. Reads and
writes nothing.
"""

import itertools
import random

from docent.llm.chat import Material
from docent.records import canonical_json
from docent.teacher.answers import ExhibitText, answers_of, introduced, read_text
from docent.teacher.guide import questions_of
from docent.teacher.source.words import words_of_language
from docent.text.sentences import contains_name
from docent.text.terms import length_in_words

Pair = tuple[str, str]
"""A question and its answer."""
TOPIC_ORDER = ("what", "numbers", "history", "use", "more")
BRIEF_WORDS = 3
"""A text with fewer words, for example `Vase.`, has one answer and one question at each temperature."""
SECOND_CHOICE = {"use": "found", "more": "about"}


def write_pairs(material: Material) -> list[Pair]:
    """Return the pairs for one temperature: different from each other, and from those of lower temperatures.

    Returns:
        At most `material.pairs`; fewer if the text has no more answers, one for a text of hardly any words.
    """
    text = read_text(material)
    left = _pairs_of(text) if text.sentences else {}
    most = 1 if sum(map(length_in_words, text.sentences)) < BRIEF_WORDS else material.pairs
    made: list[Pair] = []
    for temperature in (t for t in material.temperatures if t <= material.temperature):
        if temperature != material.temperatures[0]:
            rng = random.Random(canonical_json([material.seed, material.name, material.text, temperature]))
            left = {topic: rng.sample(pairs, len(pairs)) for topic, pairs in left.items()}
        made = []
        for slot in range(most):
            if pair := _next_pair(left, TOPIC_ORDER[slot % len(TOPIC_ORDER)], {answer for _, answer in made}):
                made.append(pair)
    return made


def _pairs_of(text: ExhibitText) -> dict[str, list[Pair]]:
    """Return every question that the text answers, by topic, the plainest first."""
    words = words_of_language(text.code)
    pairs_by_topic: dict[str, list[Pair]] = {}
    for topic, chosen in answers_of(text).items():
        answers = [words.joined([introduced(text.material), *(text.sentences[at] for at in one)]) for one in chosen]
        questions = [q for q in questions_of(text.code)[topic] if not contains_name(q, text.material.name)]
        pairs_by_topic[topic] = [
            (question, answers[at % len(answers)]) for at, question in enumerate(questions) if answers
        ]
    return pairs_by_topic


def _next_pair(left: dict[str, list[Pair]], topic: str, answered: set[str]) -> Pair | None:
    """Take a pair on a topic or, if none is left, on another one; pairs with new answers are taken first."""
    wanted = [topic, SECOND_CHOICE.get(topic, topic)]
    others = sorted(left, key=lambda other: -len(left[other]))
    for fresh, name in itertools.product((True, False), (*wanted, *others)):
        pair = next((pair for pair in left.get(name, ()) if not (fresh and pair[1] in answered)), None)
        if pair is not None:
            left[name].remove(pair)
            return pair
    return None
