"""`docent convert chat`: conversations or rows of docent as OpenAI chat JSONL.

A chat JSONL that is re-written without options keeps its bytes. Reads and writes line by line.
"""

from __future__ import annotations

import os
import random
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from docent.stages.build_dataset.convert_files import BOM, good_lines, has_bom, json_line, replacing

Conversation = dict[str, Any]
Message = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """How the conversations shall look.

    Attributes:
        turns: `single` makes one conversation of every pair, `multi` packs neighbouring rows of one item, None leaves
            conversations as they are.
        system: replaces the system message; None leaves it, "" removes it.
        bom: whether the file begins with a byte order mark; None does as the input does.
        seed: of the order in which they are written; None for the input's order.
    """

    turns: Literal["single", "multi"] | None = None
    system: str | None = None
    bom: bool | None = None
    seed: int | None = None


def convert(source: Path, out: Path, wanted: Wanted) -> tuple[int, int]:
    """Write the conversations; returns how many there are, and how many pairs.

    Raises:
        InputError: the source is not there, or a line is neither a conversation nor a row.
    """
    pairs = 0
    bom = BOM if (has_bom(source) if wanted.bom is None and source.is_file() else wanted.bom) else b""
    with replacing(out) as file:
        file.write(bom)
        starts = array("Q")
        for conversation in _conversations(source, out, wanted):
            starts.append(file.tell())
            file.write(json_line(conversation))
            pairs += sum(message["role"] == "assistant" for message in conversation["messages"])
    if wanted.seed is not None:
        _shuffle(out, starts, wanted.seed)
    return len(starts), pairs


def _shuffle(path: Path, starts: array[int], seed: int) -> None:
    order = list(range(len(starts)))
    random.Random(seed).shuffle(order)
    with path.open("rb") as lines, replacing(path) as file:
        file.write(lines.read(starts[0]) if starts else b"")
        for number in order:
            lines.seek(starts[number])
            file.write(lines.readline())


def _conversations(source: Path, out: Path, wanted: Wanted) -> Iterator[Conversation]:
    """The conversations as they are written."""
    packed: list[Message] = []
    item: Any = None
    for line in good_lines(source):
        if "messages" in line.value:
            yield from _turned(line.value, wanted)
            continue
        messages = messages_of(line.value, source.parent, out.parent)
        key = line.value.get("item_id")
        if packed and (wanted.turns != "multi" or key is None or key != item):
            yield from _turned({"messages": packed}, wanted)
            packed = []
        packed, item = [*packed, *messages], key
    if packed:
        yield from _turned({"messages": packed}, wanted)


def messages_of(row: dict[str, Any], source_folder: Path, out_folder: Path) -> list[Message]:
    """Question and answer of a row of docent; its pictures seen from where the output lies."""
    asked: Any = row["question"]
    files = row.get("files")
    if isinstance(files, list) and files:
        found = (Path(os.path.relpath(source_folder / str(file), out_folder)).as_posix() for file in files)
        shown = [{"type": "image_url", "image_url": {"url": file}} for file in found]
        asked = [*shown, {"type": "text", "text": row["question"]}]
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": row["answer"]}]


def _turned(conversation: Conversation, wanted: Wanted) -> Iterator[Conversation]:
    """The conversation, or its pairs one by one, each with the system message."""
    messages: list[Message] = conversation["messages"]
    system = [message for message in messages if message["role"] == "system"]
    others = [message for message in messages if message["role"] != "system"]
    if wanted.system is not None:
        system = [{"role": "system", "content": wanted.system}] if wanted.system else []
    if wanted.turns == "single":
        yield from ({**conversation, "messages": [*system, *pair]} for pair in _pairs(others))
    elif wanted.system is not None:
        yield {**conversation, "messages": [*system, *others]}
    else:
        yield conversation


def _pairs(messages: list[Message]) -> Iterator[list[Message]]:
    """Messages up to and with each answer."""
    pair: list[Message] = []
    for message in messages:
        pair.append(message)
        if message["role"] == "assistant":
            yield pair
            pair = []
