"""Plan the calls, in the order of the rows they produce: one call per item, question type, temperature and fact.

Reads and writes nothing. Calls come in three parts: visitors' questions, questions about sections, conversations. The
client requires separate batches for free text and JSON, and a conversation has two steps. The order covers the complete
run, so every shard is a contiguous block of it.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from docent.config.questions import QuestionType
from docent.config.stages import GenerateQA
from docent.records import Fact, Item, Reject, canonical_json
from docent.stages.generate_qa.question_types import VISITOR, chosen_types
from docent.text.markdown.figures import without_figures
from docent.text.sentences import split_sentences

Part = Literal["visitor", "typed", "conversation"]
PARTS: tuple[Part, ...] = ("visitor", "typed", "conversation")
NO_TEXT, NO_PARTNER, NO_FACTS = "no text to ask about", "needs two sections", "no facts to ask about"
NO_TURNS = "conversations are about sections"
"""Exhibits get no conversations, because their turns belong together but each photo of an exhibit gets one pair."""
IN_PARTS = "section in several parts"
WHOLE_SECTION = frozenset({"summarization", "summary", "section_summary", "process_workflow"})
"""Types that ask about a section by its title alone, so that only the complete section can answer them."""
MIN_FACT_CHARS = 11


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the teacher.

    Attributes:
        unit: index of the fact that is asked about; 0 if the type does not ask about a fact.
        number: position among all calls of its type, so that alternation continues over the complete run.
    """

    item: Item
    kind: QuestionType
    temperature: float
    unit: int = 0
    number: int = 0

    @property
    def about(self) -> str:
        """Return item, temperature and fact, for rejects and log lines."""
        fact = f", fact {self.unit + 1}" if self.kind.context == "fact" else ""
        return f"{self.item.name} at temperature {self.temperature:g}{fact}"


@dataclass(frozen=True)
class ItemIndex:
    """All items of the run, to find those that belong together.

    Attributes:
        by_id: every item, by its id.
        by_document: items with text, by the id of their document.
        places: index of each item with text within its document, by the id of the item.
    """

    by_id: dict[str, Item] = field(default_factory=dict)
    by_document: dict[str, list[Item]] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    in_parts: set[str] = field(default_factory=set)
    """Ids of items that are parts of one section, which was split at the end of a page or because of its length."""

    @classmethod
    def of(cls, items: Iterable[Item]) -> "ItemIndex":
        """Build the index of some items."""
        index = cls()
        for item in items:
            index.by_id[item.id] = item
            if item.text.strip():
                with_text = index.by_document.setdefault(item.document_id, [])
                index.places[item.id] = len(with_text)
                if with_text and item.kind == "section" and with_text[-1].title == item.title:
                    index.in_parts.update((with_text[-1].id, item.id))
                with_text.append(item)
        return index

    def related(self, item: Item) -> list[Item]:
        """Return the related sections that have text, the nearest first."""
        found = (self.by_id.get(other) for other in item.related)
        return [other for other in found if other is not None and other.text.strip()]

    def partner(self, call: Call, seed: int) -> Item | None:
        """Return the second section for a two-section question: a related one, or else any other of the document."""
        rng = seeded(seed, "partner", call.item.text, call.kind.name, call.temperature)
        if related := self.related(call.item):
            return rng.choice(related)
        with_text = self.by_document.get(call.item.document_id, [])
        own = self.places.get(call.item.id, len(with_text))
        others = len(with_text) - (own < len(with_text))
        if not others:
            return None
        drawn = rng.randrange(others)  # by index: a list of all others per section would be slow for long documents
        return with_text[drawn + (drawn >= own)]

    def why_not(self, call: Call, by_title: bool = False) -> str:
        """Return why a call is impossible, or "" if it is possible.

        Args:
            by_title: whether the teacher refers to sections by their titles, as the offline teacher does.
        """
        if not call.item.text.strip():
            return NO_TEXT
        if by_title and call.kind.name in WHOLE_SECTION and call.item.id in self.in_parts:
            return IN_PARTS
        if call.kind.context == "two-sections" and self.partner(call, 0) is None:
            return NO_PARTNER
        if call.kind.form == "conversation" and call.item.kind == "exhibit":
            return NO_TURNS
        return NO_FACTS if call.kind.context == "fact" and not facts_of_item(call.item) else ""


def unwritten(call: Call, reason: str, raw: str, why: str | None = None, missing: int = 0) -> Reject:
    """Return the reject for pairs that a call did not yield.

    Args:
        raw: the reply, or the item's name if nothing was sent.
        why: details of the reason.
        missing: number of missing pairs; 0 stands for the complete quota.
    """
    kind, missing = call.kind, missing or call.kind.quota
    detail = f"{kind.name} x{missing}: {call.about}" + ("" if why is None else f": {why}")
    parents = (call.item.id,)
    return Reject(reason=reason, raw=raw, parents=parents, detail=detail, question_type=kind.name, missing=missing)


def plan_calls(items: Sequence[Item], section: GenerateQA) -> list[Call]:
    """Return all calls of the run, part by part; within a part by item, type, temperature and fact.

    Raises:
        ConfigError: a question type is unknown.
    """
    types = chosen_types(section)
    numbers: Counter[str] = Counter()
    temperatures = sorted(set(section.temperatures))
    calls: list[Call] = []
    for part in PARTS:
        kinds = [kind for kind in types if part_of(kind) == part]
        for item in items if kinds else ():
            for kind in kinds:
                for temperature in temperatures:
                    # A call that is impossible because there are no facts is also added, so that it is reported.
                    units = max(1, len(facts_of_item(item))) if kind.context == "fact" else 1
                    for unit in range(units):
                        calls.append(Call(item, kind, temperature, unit, numbers[kind.name]))
                        numbers[kind.name] += 1
    return calls


def planned(items: Sequence[Item], section: GenerateQA) -> dict[str, int]:
    """Return how many pairs a run would produce, by question type, if every call returned its quota."""
    quotas: Counter[str] = Counter()
    for call in plan_calls(items, section):
        quotas[call.kind.name] += call.kind.quota
    return dict(quotas)


def part_of(kind: QuestionType) -> Part:
    """Return the part of the run to which calls of a type belong."""
    if kind.name == VISITOR:
        return "visitor"
    return "conversation" if kind.form == "conversation" else "typed"


def facts_of_item(item: Item) -> tuple[Fact, ...]:
    """Return the item's facts; if its source has none, as for exhibits, return its sentences or its complete text."""
    if item.facts or not item.text.strip():
        return item.facts
    text = without_figures(item.text, item.figures)
    sentences = [sentence for sentence in split_sentences(text) if len(sentence) >= MIN_FACT_CHARS]
    return tuple(Fact(text=text, source=item.source) for text in sentences or [text] if text)


def seeded(seed: int, *what: object) -> random.Random:
    """Return a random generator that depends only on the given values."""
    return random.Random(hashlib.sha256(canonical_json([seed, *what]).encode()).digest())
