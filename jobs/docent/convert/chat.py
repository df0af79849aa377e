"""Implement `docent convert chat`: write conversations or rows of docent as OpenAI chat JSONL.

A chat JSONL that is converted without options keeps its bytes. Unknown keys of a conversation are copied to every line
made from it; each line lists only the pictures that it shows. Reads and writes line by line.
"""

import os
import random
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, groupby
from pathlib import Path
from typing import Any, Literal

from docent.convert.conversations import Message, Row, is_system, part_of, turns_of
from docent.convert.files import (
    BOM,
    Line,
    good_lines,
    has_bom,
    json_line,
    refuse_in_place,
    reorder_lines,
    replacing,
    shuffled,
)


@dataclass(frozen=True)
class Wanted:
    """The requested form of the conversations.

    Attributes:
        turns: `single` makes one conversation of each question and its answer, `multi` combines consecutive rows of one
            item, None leaves conversations unchanged.
        system: text that replaces all system messages and the row's key `system`; None leaves them, "" removes them.
        bom: whether the file begins with a byte order mark; None keeps that of the input.
        seed: seed of the output order; None keeps the input's order.
    """

    turns: Literal["single", "multi"] | None = None
    system: str | None = None
    bom: bool | None = None
    seed: int | None = None


@dataclass
class Written:
    """Counts of conversations and answers, and the lines that end without an answer."""

    conversations: int = 0
    pairs: int = 0
    unanswered: list[str] = field(default_factory=list)


def convert(source: Path, out: Path, wanted: Wanted) -> Written:
    """Write the conversations.

    Raises:
        InputError: the source is missing, or a line is neither a conversation nor a row.
    """
    refuse_in_place([source], out)
    written = Written()
    bom = BOM if (has_bom(source) if wanted.bom is None and source.is_file() else wanted.bom) else b""
    with replacing(out) as file:
        file.write(bom)
        starts = array("Q")
        for _, conversation in conversations(good_lines(source), source, out.parent, wanted, written):
            starts.append(file.tell())
            file.write(json_line(conversation))
            written.pairs += sum(message["role"] == "assistant" for message in conversation["messages"])
    written.conversations = len(starts)
    if wanted.seed is not None:
        reorder_lines(out, starts, shuffled(len(starts), random.Random(wanted.seed)))
    return written


def conversations(
    lines: Iterable[Line], source: Path, folder: Path, wanted: Wanted, written: Written
) -> Iterator[tuple[int, Row]]:
    """Yield the conversations in the requested form, each with the number of its first line.

    Args:
        lines: valid lines of the source.
        folder: the folder to which picture paths in docent's rows become relative.
        written: counters, to which lines without a final answer are added.
    """

    def group(line: Line) -> tuple[str, Any]:
        item = None if "messages" in line.value else line.value.get("item_id")
        return ("line", line.number) if wanted.turns != "multi" or item is None else ("item", item)

    for _, group_lines in groupby(lines, group):
        first = next(group_lines)
        conversation = first.value
        if "messages" not in conversation:
            rows = (line.value for line in chain((first,), group_lines))
            messages = [message for row in rows for message in messages_of(row, source.parent, folder)]
            conversation = {"messages": messages}
        elif wanted.turns == "single" and _ends_without_answer(conversation):
            written.unanswered.append(f"{source}:{first.number}")
        yield from ((first.number, one) for one in _turned(conversation, wanted))


def messages_of(row: dict[str, Any], source_folder: Path, out_folder: Path) -> list[Message]:
    """Return question and answer of a docent row as lists of parts, with picture paths relative to the output."""
    files = row.get("files")
    urls = (
        Path(os.path.relpath(source_folder / str(file), out_folder)).as_posix()
        for file in (files if isinstance(files, list) else ())
    )
    shown: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    question, answer = ({"type": "text", "text": row[key]} for key in ("question", "answer"))
    return [{"role": "user", "content": [*shown, question]}, {"role": "assistant", "content": [answer]}]


def _turned(conversation: Row, wanted: Wanted) -> Iterator[Row]:
    """Yield the conversation, or each of its answered turns as a conversation with the system messages before it."""
    messages: list[Message] = conversation["messages"]
    system = [_system_message(wanted.system, messages)] if wanted.system else []
    others = [place for place, message in enumerate(messages) if wanted.system is None or not is_system(message)]
    kept = {key: value for key, value in conversation.items() if key != "system" or wanted.system is None}
    if wanted.turns != "single":
        chosen = kept if len(others) == len(messages) else part_of(kept, others)
        yield {**chosen, "messages": [*system, *chosen["messages"]]} if system else chosen
        return
    for turn in turns_of(messages):
        last = max((place for place in turn if messages[place]["role"] == "assistant"), default=-1)
        shown = [p for p in others if (p in turn or is_system(messages[p])) and p <= last]
        if shown and last >= 0:
            single = part_of(kept, shown)
            yield {**single, "messages": [*system, *single["messages"]]}


def _system_message(text: str, messages: list[Message]) -> Message:
    """Return a system message; its content is a list of parts if that of all other messages is, so types agree."""
    in_parts = all(isinstance(message["content"], list) for message in messages)
    return {"role": "system", "content": [{"type": "text", "text": text}] if in_parts else text}


def _ends_without_answer(conversation: Row) -> bool:
    """Return whether messages follow the last answer; they are left out of conversations with a single question."""
    others = [message for message in conversation["messages"] if not is_system(message)]
    return bool(others) and others[-1]["role"] != "assistant"
