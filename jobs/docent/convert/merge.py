"""`docent convert merge`: several chat JSONL files as one, repeats left out, bad lines counted.

A pair is a repeat when question, answer and pictures were there before, case and white space aside, or when its words
are nearly the same (token-set ratio of rapidfuzz) and its numbers, names, negations, opposites and pictures are the
same: two pumps that differ in their pressure are two facts, and so are an open valve and a closed one. A conversation
is left out when every pair of it is a repeat; otherwise it stays whole, since later questions lean on earlier answers.
Every conversation that stays keeps its other keys and says where it came from, and its pictures are named from where
the output lies.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from docent.convert.conversations import (
    Message,
    Row,
    pictures_by_message,
    text_of,
    turns_of,
)
from docent.convert.files import json_line, read_lines, refuse_in_place, replacing
from docent.convert.paths import SCHEME, row_from
from docent.errors import InputError
from docent.text.names import names_of
from docent.text.numbers.decisive import decisive_of
from docent.text.repeats import hash_of
from docent.text.terms import folded

NEAR = 85.0
ALL_COMPARED = 2000
MAX_POSTINGS = 200
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LETTER = re.compile(r"(?<=[\w,:] )[A-Z](?!\w)")
Facts = tuple[object, ...]


@dataclass
class Merged:
    """What was read and what stayed.

    Attributes:
        kept: pairs that were written, repeats in a conversation that stays included.
        exact: pairs that were left out as exact repeats.
        near: pairs that were left out as near repeats.
        bad: file and line of every line that is no conversation, with its problem.
    """

    conversations: int = 0
    kept: int = 0
    exact: int = 0
    near: int = 0
    bad: list[str] = field(default_factory=list)


def merge(sources: Sequence[Path], out: Path, near: float = NEAR) -> Merged:
    """Write all conversations in the order of the files, without those that only repeat earlier ones.

    Args:
        near: token-set ratio, 0 to 100, from which on two pairs are one; above 100 only exact repeats are.

    Raises:
        InputError: a file is not there, or no line of any is a conversation.
    """
    refuse_in_place(sources, out)
    merged, names = Merged(), _names(sources)
    seen = _Seen(near)
    with replacing(out) as file:
        for source, name in zip(sources, names, strict=True):
            for line in read_lines(source):
                row = {"messages": []} if line.problem else row_from(line.value, source.parent, out.parent)
                where = f"{name}:{line.number}"
                if problem := line.problem or _without_answer(row["messages"]):
                    merged.bad.append(f"{where}: {problem}")
                elif _stays(row, out.parent, seen, merged):
                    merged.conversations += 1
                    file.write(json_line(_with_source(row, where)))
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


def _with_source(row: Row, where: str) -> Row:
    """The row with where it came from; a `source` that it had stands in the list `original_source`."""
    if "source" not in row:
        return {**row, "source": where}
    earlier = row.get("original_source", [])
    earlier = earlier if isinstance(earlier, list) else [earlier]
    return {**row, "source": where, "original_source": [*earlier, row["source"]]}


def _without_answer(messages: Sequence[Message]) -> str:
    """Why there is no pair in a conversation; "" when there is one."""
    roles = {message["role"] for message in messages}
    if "assistant" in roles:
        return ""
    return "a question without an answer" if "user" in roles else "neither a question nor an answer"


def _stays(row: Row, folder: Path, seen: _Seen, merged: Merged) -> bool:
    """Whether a pair of the conversation is new; counts its pairs."""
    messages, pictures = row["messages"], pictures_by_message(row)
    found = []
    for turn in turns_of(messages):
        if any(messages[place]["role"] == "assistant" for place in turn):
            shown = _hashes([picture for place in turn for picture in pictures[place]], folder)
            found.append(seen.look([messages[place] for place in turn], shown))
    if "new" in found:
        merged.kept += len(found)
        return True
    merged.exact += found.count("exact")
    merged.near += found.count("near")
    return False


class _Seen:
    """Texts that stayed, found again by their words.

    Up to ALL_COMPARED texts a new one is compared with every one of them, later with those that share a word which no
    more than MAX_POSTINGS of them have.
    """

    def __init__(self, near: float) -> None:
        self._near = near
        self._exact: set[tuple[str, tuple[int, ...]]] = set()
        self._texts: list[str] = []
        self._facts: list[Facts] = []
        self._with: dict[str, list[int]] = defaultdict(list)

    def look(self, turn: Sequence[Message], pictures: tuple[int, ...]) -> Literal["new", "exact", "near"]:
        """Whether the pair was there, also nearly; afterwards it was."""
        text = " ".join(" ".join(map(_said, turn)).casefold().split())
        if (text, pictures) in self._exact:
            return "exact"
        self._exact.add((text, pictures))
        if self._has(text, facts := _facts(turn, pictures)):
            return "near"
        self._add(text, facts)
        return "new"

    def _has(self, text: str, facts: Facts) -> bool:
        """Whether a text with nearly the same words and the same facts is there."""
        if self._near > 100:
            return False
        from rapidfuzz import fuzz, process

        found = process.extractOne(
            text, self._candidates(text, facts), scorer=fuzz.token_set_ratio, processor=None, score_cutoff=self._near
        )
        return found is not None

    def _add(self, text: str, facts: Facts) -> None:
        """A text that stays."""
        for word in set(_WORD.findall(text)):
            self._with[word].append(len(self._texts))
        self._texts.append(text)
        self._facts.append(facts)

    def _candidates(self, text: str, facts: Facts) -> list[str]:
        """The texts to compare with: of the same facts, and where there are many, with a rare word."""
        places: Iterable[int] = range(len(self._texts))
        if len(self._texts) > ALL_COMPARED:
            lists = sorted((self._with[word] for word in set(_WORD.findall(text)) if word in self._with), key=len)
            rare = [found for found in lists if len(found) <= MAX_POSTINGS] or lists[:1]
            places = sorted({place for found in rare for place in found})
        return [self._texts[place] for place in places if self._facts[place] == facts]


def _hashes(pictures: Iterable[str], folder: Path) -> tuple[int, ...]:
    """The pictures of a pair by their whole path or address, as hashes: an address may be a picture of megabytes."""
    root = folder.resolve()
    return tuple(hash_of(url if SCHEME.match(url) else os.path.abspath(root / url)) for url in pictures)


def _said(message: Message) -> str:
    """The text of a message, calls of tools included."""
    return " ".join((text_of(message["content"]), *_calls(message)))


def _calls(message: Message) -> tuple[str, ...]:
    """The tools that a message calls."""
    calls = (message[key] for key in ("tool_calls", "function_call") if message.get(key))
    return tuple(json.dumps(call, sort_keys=True) for call in calls)


def _facts(turn: Sequence[Message], pictures: tuple[int, ...]) -> Facts:
    """What must not differ, of question and answer each: `5 or 6? 5` is no repeat of the same with 6."""
    calls = tuple(call for message in turn for call in _calls(message))
    said = (text_of(message["content"]) for message in turn)
    return (pictures, calls, *((_numbers_and_names(text), decisive_of(text).ordered) for text in said))


def _numbers_and_names(text: str) -> frozenset[str]:
    """The numbers and names in a text, a single capital such as the B of `pump B` included."""
    return frozenset((*_NUMBER.findall(text), *map(folded, names_of(text)), *_LETTER.findall(text)))
