"""`docent convert merge`: several chat JSONL files as one, repeats left out, bad lines counted.

A pair is a repeat when question and answer were there before, case and white space aside, or when their words are
nearly the same (token-set ratio of rapidfuzz) and their numbers and names are the same: two pumps that differ in their
pressure are two facts, and so are the telephones of two people. Every conversation that stays says where it came from.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docent.errors import InputError
from docent.stages.build_dataset.convert_files import json_line, read_lines, replacing, text_of
from docent.text.names import names_of
from docent.text.terms import folded

NEAR = 85.0
ALL_COMPARED = 2000
MAX_POSTINGS = 200
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LETTER = re.compile(r"(?<=[\w,:] )[A-Z](?!\w)")
Message = dict[str, Any]
Facts = tuple[frozenset[str], frozenset[str]]


@dataclass
class Merged:
    """What was read and what stayed.

    Attributes:
        bad: file and line of every line that is no conversation, with its problem.
    """

    conversations: int = 0
    kept: int = 0
    exact: int = 0
    near: int = 0
    bad: list[str] = field(default_factory=list)


def merge(sources: Sequence[Path], out: Path, near: float = NEAR) -> Merged:
    """Write all conversations in the order of the files, without the pairs that repeat earlier ones.

    Args:
        near: token-set ratio, 0 to 100, from which on two pairs are one; above 100 only exact repeats are.

    Raises:
        InputError: a file is not there, or no line of any is a conversation.
    """
    merged, names = Merged(), _names(sources)
    exact: set[str] = set()
    seen = _Seen(near)
    with replacing(out) as file:
        for source, name in zip(sources, names, strict=True):
            for line in read_lines(source):
                if line.problem:
                    merged.bad.append(f"{name}:{line.number}: {line.problem}")
                    continue
                messages = list(_fresh(_messages(line.value), exact, seen, merged))
                if any(message["role"] != "system" for message in messages):
                    merged.conversations += 1
                    file.write(json_line({"messages": messages, "source": f"{name}:{line.number}"}))
        if merged.bad and not merged.conversations:
            what = f"no line is a conversation: {len(merged.bad)} bad lines, the first is {merged.bad[0]}"
            raise InputError(what, ", ".join(map(str, sources)), "name chat JSONL, rows (part-*.jsonl) or a JSON list")
    return merged


def _names(sources: Sequence[Path]) -> list[str]:
    """What the files are called in the output: without folders, or with one where names would be the same."""
    paths = {path.resolve() for path in sources}
    names = [path.name for path in paths]
    return [
        path.name if names.count(path.name) == 1 else f"{path.resolve().parent.name}/{path.name}" for path in sources
    ]


def _messages(row: dict[str, Any]) -> list[Message]:
    if "messages" in row:
        found: list[Message] = row["messages"]
        return found
    return [{"role": "user", "content": row["question"]}, {"role": "assistant", "content": row["answer"]}]


def _fresh(messages: list[Message], exact: set[str], seen: _Seen, merged: Merged) -> Iterator[Message]:
    """The messages without pairs that were there before; what belongs to no pair stays."""
    turn: list[Message] = []
    for message in messages:
        if message["role"] == "system":
            yield message
            continue
        turn.append(message)
        if message["role"] != "assistant":
            continue
        text = " ".join(" ".join(text_of(m["content"]) for m in turn).casefold().split())
        if text in exact:
            merged.exact += 1
        elif seen.has(text, facts := _facts(turn)):
            merged.near += 1
            exact.add(text)
        else:
            exact.add(text)
            seen.add(text, facts)
            merged.kept += 1
            yield from turn
        turn = []


class _Seen:
    """Texts that stayed, found again by their words.

    Up to ALL_COMPARED texts a new one is compared with every one of them, later with those that share a word which no
    more than MAX_POSTINGS of them have.
    """

    def __init__(self, near: float) -> None:
        self._near = near
        self._texts: list[str] = []
        self._facts: list[Facts] = []
        self._with: dict[str, list[int]] = defaultdict(list)

    def has(self, text: str, facts: Facts) -> bool:
        """Whether a text with nearly the same words and the same facts is there."""
        if self._near > 100:
            return False
        from rapidfuzz import fuzz, process

        found = process.extractOne(
            text, self._candidates(text, facts), scorer=fuzz.token_set_ratio, processor=None, score_cutoff=self._near
        )
        return found is not None

    def add(self, text: str, facts: Facts) -> None:
        """A text that stays."""
        for word in set(_WORD.findall(text)):
            self._with[word].append(len(self._texts))
        self._texts.append(text)
        self._facts.append(facts)

    def _candidates(self, text: str, facts: Facts) -> list[str]:
        """The texts to compare with: of the same numbers and names, and where there are many, with a rare word."""
        places: Iterable[int] = range(len(self._texts))
        if len(self._texts) > ALL_COMPARED:
            lists = sorted((self._with[word] for word in set(_WORD.findall(text)) if word in self._with), key=len)
            rare = [found for found in lists if len(found) <= MAX_POSTINGS] or lists[:1]
            places = sorted({place for found in rare for place in found})
        return [self._texts[place] for place in places if self._facts[place] == facts]


def _facts(turn: Sequence[Message]) -> Facts:
    """The numbers of a pair, and the names in it, a single capital such as the B of `pump B` included."""
    said = [text_of(message["content"]) for message in turn]
    names = {folded(name) for text in said for name in names_of(text)}
    letters = {letter for text in said for letter in _LETTER.findall(text)}
    return frozenset(number for text in said for number in _NUMBER.findall(text)), frozenset(names | letters)
