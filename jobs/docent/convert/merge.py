"""Implement `docent convert merge`: merge chat JSONL files without repeats, and count invalid lines.

A pair is a repeat if the same question, answer and pictures occurred before, ignoring case and white space, or if its
words are nearly the same (token-set ratio of rapidfuzz) and its numbers, names, negations, opposites and pictures are
equal: the pressures of two pumps are different facts, and so are an open valve and a closed one. A conversation is left
out if all its pairs are repeats; otherwise all of it is kept, since later questions depend on earlier answers. A
conversation that is kept retains its other keys and gets the key `source`; its picture paths become relative to the
output.
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from docent.convert.conversations import Message, Row, pictures_by_message, text_of, turns_of
from docent.convert.files import json_line, read_lines, refuse_in_place, replacing
from docent.convert.paths import SCHEME, row_from
from docent.errors import InputError
from docent.text.names import names_of
from docent.text.numbers.decisive import decisive_of
from docent.text.repeats import hash_of
from docent.text.terms import folded

NEAR = 85.0
# Comparing all pairs is quadratic; above 2,000 texts only those that share a rare word are compared.
ALL_COMPARED = 2000
MAX_POSTINGS = 200
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LETTER = re.compile(r"(?<=[\w,:] )[A-Z](?!\w)")
"""A single capital letter, such as the B of `pump B`."""
Facts = tuple[object, ...]


@dataclass
class Merged:
    """Counts of pairs and conversations that were kept or left out.

    Attributes:
        kept: pairs that were written, including repeats in a conversation that is kept.
        exact: pairs that were left out as exact repeats.
        near: pairs that were left out as near repeats.
        bad: file and line number of every line that is not a conversation, with its problem.
    """

    conversations: int = 0
    kept: int = 0
    exact: int = 0
    near: int = 0
    bad: list[str] = field(default_factory=list)


def merge(sources: Sequence[Path], out: Path, near: float = NEAR) -> Merged:
    """Write all conversations in the order of the files, without those that only repeat earlier ones.

    Args:
        near: token-set ratio, 0 to 100, at and above which two pairs are repeats; above 100, only exact repeats count.

    Raises:
        InputError: a file is missing, or no line of any file is a conversation.
    """
    refuse_in_place(sources, out)
    merged, names = Merged(), _names(sources)
    index = _PairIndex(near)
    with replacing(out) as file:
        for source, name in zip(sources, names, strict=True):
            for line in read_lines(source):
                row = {"messages": []} if line.problem else row_from(line.value, source.parent, out.parent)
                where = f"{name}:{line.number}"
                if problem := line.problem or _without_answer(row["messages"]):
                    merged.bad.append(f"{where}: {problem}")
                elif _stays(row, out.parent, index, merged):
                    merged.conversations += 1
                    file.write(json_line(_with_source(row, where)))
        if merged.bad and not merged.conversations:
            what = f"none of the {len(merged.bad)} lines is a usable conversation; the first problem is {merged.bad[0]}"
            raise InputError(what, ", ".join(map(str, sources)), "pass chat JSONL, rows (part-*.jsonl) or a JSON array")
    return merged


def _names(sources: Sequence[Path]) -> list[str]:
    """Return the name of each file, with its parent folder if another file has the same name."""
    paths = {path.resolve() for path in sources}
    names = [path.name for path in paths]
    return [
        path.name if names.count(path.name) == 1 else f"{path.resolve().parent.name}/{path.name}" for path in sources
    ]


def _with_source(row: Row, where: str) -> Row:
    """Return the row with its source; an existing `source` moves to the list `original_source`."""
    if "source" not in row:
        return {**row, "source": where}
    earlier = row.get("original_source", [])
    earlier = earlier if isinstance(earlier, list) else [earlier]
    return {**row, "source": where, "original_source": [*earlier, row["source"]]}


def _without_answer(messages: Sequence[Message]) -> str:
    """Return why a conversation has no question-answer pair, or "" if it has one."""
    roles = {message["role"] for message in messages}
    if "assistant" in roles:
        return ""
    return "a question without an answer" if "user" in roles else "neither a question nor an answer"


def _stays(row: Row, folder: Path, index: "_PairIndex", merged: Merged) -> bool:
    """Return whether the conversation has a new pair; count its pairs."""
    messages, pictures = row["messages"], pictures_by_message(row)
    kinds = []
    for turn in turns_of(messages):
        if any(messages[place]["role"] == "assistant" for place in turn):
            shown = _hashes([picture for place in turn for picture in pictures[place]], folder)
            kinds.append(index.classify([messages[place] for place in turn], shown))
    if "new" in kinds:
        merged.kept += len(kinds)
        return True
    merged.exact += kinds.count("exact")
    merged.near += kinds.count("near")
    return False


class _PairIndex:
    """Index of the pairs that were kept, by their words.

    Up to ALL_COMPARED texts, a new text is compared with all of them; beyond that, with those that share a word that at
    most MAX_POSTINGS of them have.
    """

    def __init__(self, near: float) -> None:
        self._near = near
        self._exact: set[tuple[str, tuple[int, ...]]] = set()
        self._texts: list[str] = []
        self._facts: list[Facts] = []
        self._with: dict[str, list[int]] = defaultdict(list)

    def classify(self, turn: Sequence[Message], pictures: tuple[int, ...]) -> Literal["new", "exact", "near"]:
        """Return whether the pair is new or a repeat; add it if it is new."""
        texts = (" ".join((text_of(message["content"]), *_calls(message))) for message in turn)
        text = " ".join(" ".join(texts).casefold().split())
        if (text, pictures) in self._exact:
            return "exact"
        self._exact.add((text, pictures))
        words, facts = set(_WORD.findall(text)), _facts(turn, pictures)
        if self._near <= 100:
            from rapidfuzz import fuzz, process

            others, scorer = self._candidates(words, facts), fuzz.token_set_ratio
            if process.extractOne(text, others, scorer=scorer, processor=None, score_cutoff=self._near):
                return "near"
        for word in words:
            self._with[word].append(len(self._texts))
        self._texts.append(text)
        self._facts.append(facts)
        return "new"

    def _candidates(self, words: set[str], facts: Facts) -> list[str]:
        """Return the texts to compare with: those with the same facts and, if there are many, a rare word in common."""
        indices: Iterable[int] = range(len(self._texts))
        if len(self._texts) > ALL_COMPARED:
            postings = sorted((self._with[word] for word in words if word in self._with), key=len)
            rare = [texts for texts in postings if len(texts) <= MAX_POSTINGS] or postings[:1]
            indices = sorted(set().union(*rare))
        return [self._texts[index] for index in indices if self._facts[index] == facts]


def _hashes(pictures: Iterable[str], folder: Path) -> tuple[int, ...]:
    """Return hashes of the absolute paths or URLs of pictures: a URL may be a data URL of megabytes."""
    root = folder.resolve()
    return tuple(hash_of(url if SCHEME.match(url) else os.path.abspath(root / url)) for url in pictures)


def _calls(message: Message) -> tuple[str, ...]:
    """Return the tool calls of a message."""
    calls = (message[key] for key in ("tool_calls", "function_call") if message.get(key))
    return tuple(json.dumps(call, sort_keys=True) for call in calls)


def _facts(turn: Sequence[Message], pictures: tuple[int, ...]) -> Facts:
    """Return the facts in which repeats must agree, by message: `5 or 6? 5` is not a repeat of `5 or 6? 6`."""
    calls = tuple(call for message in turn for call in _calls(message))
    texts = [text_of(message["content"]) for message in turn]
    numbers_and_names = (
        frozenset((*_NUMBER.findall(text), *map(folded, names_of(text)), *_LETTER.findall(text))) for text in texts
    )
    return (pictures, calls, *zip(numbers_and_names, (decisive_of(text).ordered for text in texts), strict=True))
