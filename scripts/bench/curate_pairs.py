"""Write clean pairs for the curate benchmark: true paraphrases of sentences of the samples, made by simple rules.

Reads samples/museum and samples/manual; writes no files. Every rule preserves the meaning of the sentence: word order,
wording and number format change, facts do not.
"""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from docent.records import Item, QAPair, Span, make_id
from docent.text.numbers.numbers import CARDINALS
from docent.text.sentences import is_heading, split_sentences

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"
MIN_WORDS = 8
WORD_OF = {str(value): word for word, value in CARDINALS.items() if word != "dozen"}
_VERB = re.compile(
    r" (?:are|is|has|have|had|was|were|stands?|meets?|consists?|can|cannot|must|carries|makes?|shows?|proved|gives?|"
    r"fills|needs?|lies|turns?|controls?|counts?|mixes|keeps?|described|published|wrote|used|built|found|showed|"
    r"explained|named|begins?|runs?|holds?|covers?|takes?|saves|rests) "
)


@dataclass(frozen=True)
class Fact:
    """One sentence of one item."""

    item: Item
    sentence: str


def read_items() -> list[Item]:
    """Read the exhibits of the museum and the sections of the manual."""
    with (SAMPLES / "museum" / "raw_data.csv").open(encoding="utf-8-sig", newline="") as file:
        exhibits = [(row["item_name"], row["description"]) for row in csv.DictReader(file)]
    items = [_item("exhibit", "museum", name, text, line) for line, (name, text) in enumerate(exhibits, 2)]
    for path in sorted((SAMPLES / "manual").rglob("*.md")):
        parts = re.split(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for number, (title, text) in enumerate(zip(parts[1::2], parts[2::2], strict=True), 1):
            items.append(_item("section", path.stem, title, re.sub(r"\{\{.*?\}\}|!\[.*?\]\(.*?\)", "", text), number))
    return items


def _item(kind: str, document: str, name: str, text: str, line: int) -> Item:
    span = Span(file=f"{document}.md", first_line=line, last_line=line)
    values = {"kind": kind, "name": name, "title": name, "text": text.strip(), "source": span}
    return Item(id=make_id("assemble", (), document, line), document_id=document, document=document, **values)


def facts_of(items: list[Item]) -> list[Fact]:
    """Return the sentences that are meaningful on their own."""
    return [fact for item in items for fact in _facts(item)]


def _facts(item: Item) -> Iterator[Fact]:
    lines = [line for line in item.text.splitlines() if not re.match(r"\s*(?:\||```|[-*] |\d+\. |#|\w+ = )", line)]
    for sentence in split_sentences("\n".join(lines)):
        whole = not is_heading(sentence) and len(sentence.split()) >= MIN_WORDS and "`" not in sentence
        alone = not sentence.startswith(("It ", "They ", "Because ", "If ", "NO_CONTENT"))
        if whole and alone and _VERB.search(sentence):
            yield Fact(item, sentence)


def subject_of(sentence: str) -> str:
    """Return the subject of a sentence: the words before its first verb."""
    subject = sentence[: verb.start()] if (verb := _VERB.search(sentence)) else sentence
    first = subject.split(" ")[0]
    return lowered(subject) if first in ("The", "A", "An", "Each", "In", "This", "Some", "Since", "Two") else subject


def lowered(text: str) -> str:
    """Lowercase the first letter, for use in the middle of a sentence, unless the first word is a name."""
    return text[0].lower() + text[1:] if text.startswith(("The ", "A ", "An ", "Each ", "In ", "There ")) else text


def digits_for_words(text: str) -> str:
    """Write number words as digits, `twelve` as `12`, except for small function words such as one and two."""
    words = "|".join(word for word, value in CARDINALS.items() if value > 2 and word != "dozen")
    return re.sub(rf"(?<![\w-])(?:{words})(?![\w-])", lambda match: str(CARDINALS[match.group()]), text)


def words_for_digits(text: str) -> str:
    """Write numbers up to twenty as words, `12` as `twelve`, unless a unit follows."""
    return re.sub(r"(?<![\w.,-])([3-9]|1\d|20)(?=[ .](?![\dA-Zk-m]))", lambda match: WORD_OF[match.group()], text)


def thousands(text: str) -> str:
    """Remove thousands separators: `2,700` becomes `2700`."""
    return re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)


def year_first(text: str) -> str:
    """Move the year to the beginning: `Tait wrote it in 1876` becomes `In 1876, Tait wrote it`."""
    match = re.search(r" in (\d{4})(?=[ .])", text)
    if not match:
        return text
    rest = text[: match.start()] + text[match.end() :]
    return f"In {match[1]}, {lowered(rest)}"


def short_names(text: str) -> str:
    """Shorten two full names to surnames: `Michael Freedman and Richard Skora` becomes `Freedman and Skora`."""
    return re.sub(r"(?<=[a-z,] )[A-Z][a-z]+ ([A-Z][a-z]+) and [A-Z][a-z]+ ([A-Z][a-z]+)", r"\1 and \2", text)


def other_words(text: str) -> str:
    """Replace a few words with synonyms."""
    for old, new in (
        ("about", "approximately"), ("usual", "customary"), ("exactly", "precisely"), ("because", "since"),
        ("are named after", "take their name from"), ("is named after", "takes its name from"), ("degrees", "°"),
        ("consists of", "is made up of"), ("must be", "has to be"), ("so that", "and so"), ("showed", "demonstrated"),
    ):  # fmt: skip
        text = re.sub(rf"\b{old}\b", new, text)
    return text.replace(" °", "°")


def with_possessive(text: str) -> str:
    """Use the possessive form: `the faces of the cube` becomes `the cube's faces`."""
    return re.sub(r"\bthe (\w+) of the (\w+)(?=[ .,])", r"the \2's \1", text, count=1)


REWRITES: tuple[Callable[[str], str], ...] = (
    lambda text: other_words(digits_for_words(text)),
    lambda text: with_possessive(words_for_digits(text)),
    lambda text: year_first(short_names(text)),
    lambda text: year_first(other_words(thousands(text))),
    lambda text: with_possessive(other_words(text)),
    lambda text: text,
)


KINDS = ("boolean", "fact_based", "long_answer", "true_false_fill_blank")


def clean_pair(fact: Fact, kind: str, index: int, rng: random.Random) -> QAPair:
    """Return a true pair about a fact, of one of KINDS."""
    variant = rng.choice(REWRITES)(fact.sentence)
    half = len(variant.split()) // 2
    subject = subject_of(fact.sentence)
    forms = {
        "fact_based": rng.choice(
            [
                (f"What is known about {subject}?", variant),
                (f"What should one know about {subject}?", f"According to the description, {lowered(variant)}"),
            ]
        ),
        "boolean": (f"True or false: {variant}", f"True. {fact.sentence}"),
        "true_false_fill_blank": (f"Complete the sentence: {' '.join(variant.split()[:half])} ____", variant),
        "long_answer": (
            f"Can you tell me more about {subject} ({fact.item.title.replace('-', ' ')})?",
            f"There are two things to say. First, it belongs to {fact.item.title.replace('-', ' ')}. Second: {variant}",
        ),
    }
    return pair_of(fact.item, *forms[kind], kind, index)


def pair_of(item: Item, question: str, answer: str, kind: str, index: int) -> QAPair:
    """Return a row as generate-qa writes it."""
    return QAPair(
        id=make_id("generate-qa", (item.id,), index, question, answer),
        parents=(item.id,),
        item_id=item.id,
        item_name=item.name,
        question=question,
        answer=answer,
        question_type=kind,
        difficulty="easy",
        language="English",
        temperature=0.7,
        index=index,
        teacher="rules",
        sources=(item.source,),
    )
