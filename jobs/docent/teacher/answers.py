"""Choose the sentences that answer a visitor's question, by its topic.

`What is this?` is answered with the beginning of the text, up to a sentence about the object on display; `Tell me
everything` with the complete text, if that is not too long. Sentences out of order are often incomplete. So only if
every other sentence of an English text names the exhibit, visitors also ask for more, which is answered with a later
passage, and about single topics (numbers, history, use), which are answered with sentences that name the exhibit. Reads
and writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from docent.llm.chat import Material
from docent.llm.structure.dialogue import without_labels
from docent.teacher.guide import ENGLISH, as_sentence, code_of, cut, introduction, words_in
from docent.teacher.source.references import References, references_of
from docent.text.sentences import is_heading, split_sentences
from docent.text.topics import by_topic

Chosen = tuple[int, ...]
"""Positions of an answer's sentences, in reading order."""
MIN_TOPIC, MIN_PASSAGE = 12, 20
"""Fewest words of an answer on one topic, and of a later passage, if the text has that many."""
USUAL_WORDS, MAX_WORDS, MAX_WHOLE = 45, 120, 140
"""Most words of an answer, of one that names the object on display late, and of a text that is quoted in full."""


MIN_LAST = 10
"""Shorter sentences usually introduce the next one: no answer ends with one of them."""
_QUOTATIONS = (("«", "»"), ("「", "」"), ("『", "』"), ("（", "）"), ("(", ")"))
FEW_SENTENCES = 2
"""If there are fewer sentences of prose than this, headings and catalogue lines count as sentences."""
MAX_SENTENCES = 200
"""Most sentences of a text that are considered."""


@dataclass(frozen=True)
class ExhibitText:
    """The sentences of one exhibit's text, with their properties."""

    material: Material
    sentences: list[str]

    @cached_property
    def code(self) -> str:
        """Return the language code."""
        return code_of(self.material.language)

    @cached_property
    def references(self) -> References:
        """Return the dependencies between sentences."""
        return references_of(self.sentences, self.code, self.material.spoken_name or self.material.name)

    @cached_property
    def room(self) -> int:
        """Return the number of words that the configured limit leaves after an introduction."""
        return self.material.max_answer_words - words_in(introduced(self.material), self.code)

    @cached_property
    def longest(self) -> int:
        """Return the usual word limit of an answer."""
        return min(USUAL_WORDS, self.room)

    @cached_property
    def is_apart(self) -> bool:
        """Return whether sentences can be quoted one by one: at least every other one names the exhibit."""
        return self.code == ENGLISH and 2 * len(self.references.naming) >= len(self.sentences)

    def words(self, chosen: Sequence[int]) -> int:
        """Return the number of words of the chosen sentences."""
        return sum(words_in(self.sentences[position], self.code) for position in chosen)


def read_text(material: Material) -> ExhibitText:
    """Return the usable sentences of a text, each once; shorten long ones; catalogue lines count only without prose."""
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
    """Return the answers that the text provides, by topic."""
    answers = {"what": _beginnings(text), "about": _whole(text)}
    if text.is_apart:
        topics = by_topic(text.sentences, text.material.name)
        answers |= {topic: _on_topic(text, own) for topic, own in topics.items()} | {"more": _passages(text)}
    return answers


def introduced(material: Material) -> str:
    """Introduce the exhibit, `This is the Klein bottle.`, with the article and spelling used in its text."""
    return introduction(material.spoken_name or material.name, material.text, code_of(material.language))


def _beginnings(text: ExhibitText) -> list[Chosen]:
    """Return the text up to a sentence about the object on display, or all of it if it is short."""
    every = [tuple(range(size + 1)) for size in range(len(text.sentences))]
    every = [one for one in every if text.words(one) <= min(MAX_WORDS, text.room)] or every[:1]
    wanted = (text.references.shown, text.references.naming, text.references.about)
    first = next((min(places) for places in wanted if not places.isdisjoint(every[-1])), 0)
    good = [one for one in every if first in one and _ends_well(text, one)] or every[-1:]
    # If sentences cannot be quoted one by one, an answer has at least 75 % of the text; three different ones are kept.
    min_words, min_share, different = (30, 0.0, 1) if text.is_apart else (60, 0.75, 3)
    least = max(min_words, min_share * text.words(range(len(text.sentences))))
    enough = [one for one in good if text.words(one) >= least] or good[-1:]
    usual = [one for one in enough if text.words(one) <= USUAL_WORDS]
    return usual if len(usual) >= different else enough[:different]


def _whole(text: ExhibitText) -> list[Chosen]:
    """Return all sentences of the text if they fit into one answer."""
    every = tuple(range(len(text.sentences)))
    return [every] if text.words(every) <= min(MAX_WHOLE, text.room) else []


def _passages(text: ExhibitText) -> list[Chosen]:
    """Return later passages without common sentences, so that few answers cover the rest of the text.

    Each begins with a sentence that names the exhibit and needs no earlier sentence.
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
    """Return answers on a topic: its sentences that name the exhibit and do not depend on others, in order.

    A shorter answer is always the beginning of a longer one, so that each question has one answer to learn.
    """
    clear = [at for at in own if at in text.references.naming and not text.references.needs[at]]
    answers = [tuple(clear[: size + 1]) for size in range(len(clear))]
    fitting = [one for one in answers if MIN_TOPIC <= text.words(one) <= text.longest]
    return fitting or [one for one in answers[:1] if text.words(one) <= text.room]


def _ends_well(text: ExhibitText, chosen: Chosen) -> bool:
    """Check whether an answer may end with its last sentence: it has content, and no quotation is left open."""
    last = text.sentences[chosen[-1]]
    answer = "".join(text.sentences[position] for position in chosen)
    is_open = any(answer.count(mark) > answer.count(end) for mark, end in _QUOTATIONS)
    is_last = chosen[-1] + 1 == len(text.sentences)
    return is_last or not is_open and words_in(last, text.code) >= MIN_LAST
