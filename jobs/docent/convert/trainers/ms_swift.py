"""ms-swift: `messages` with `<image>` in the texts and a list `images`; rules in docs/trainers.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from docent.convert.conversations import Row, parts_of, picture_of
from docent.convert.trainers.llama_factory import text_with_marks
from docent.convert.trainers.picture_rules import Looked
from docent.convert.trainers.row_rules import (
    mark_problems,
    messages_in,
    order_problems,
    path_problems,
    token_problems,
)
from docent.convert.trainers.trainer import Found, Trainer
from docent.convert.trainers.turns import MARK, Picture, Turn

ROLES = ("system", "user", "assistant", "tool", "tool_call", "tool_response")


def row(turns: Sequence[Turn], shown: Mapping[Picture, Any]) -> Row:
    """A line: texts with marks, and paths or addresses of the pictures in their order."""
    messages = [{"role": turn.role, "content": text_with_marks(turn)} for turn in turns]
    return {"messages": messages, "images": [shown[picture] for turn in turns for picture in turn.pictures]}


def problems(value: Any, file: Path, look: Looked) -> Found:
    """Why ms-swift drops a row, or shows another picture than meant."""
    messages, problem = messages_in(value)
    if problem:
        yield "", problem
        return
    texts: list[str] = []
    inline: list[str] = []
    for number, message in enumerate(messages, 1):
        content = message.get("content")
        if message.get("role") not in ROLES:
            yield "", f"unknown role {str(message.get('role'))[:40]!r} (message {number})"
        if not isinstance(content, str) and not parts_of(content):
            yield "", f"no content (message {number})"
            continue
        said = content if isinstance(content, str) else _flat(content, inline)
        texts.append(said)
        yield from token_problems(said, number, allowed=(MARK,))
    said_by = [str(message.get("role")) for message in messages]
    plain = all(role in ("system", "user", "assistant") for role in said_by)
    yield from (("", found) for found in order_problems(said_by, alternating=plain))
    pictures = value.get("images") or []
    pictures = [*inline, *(pictures if isinstance(pictures, list) else [pictures])]
    yield from mark_problems(texts, len(pictures))
    yield from path_problems(pictures, file.parent, look, addresses=True)


def _flat(content: Any, inline: list[str]) -> str:
    """A message in parts as ms-swift reads it: its texts with marks; the pictures in it go to `inline`."""
    made = ""
    for part in parts_of(content):
        if part.get("type") == "text":
            made += str(part.get("text", ""))
            continue
        made += MARK
        if name := picture_of(part):
            inline.append(name)
    return made


def file_problems(file: Path, rows: int, with_pictures: int) -> Iterator[str]:
    """What is wrong with the whole file."""
    if file.suffix not in (".jsonl", ".json"):
        yield "the file's name must end with .jsonl or .json"


MS_SWIFT = Trainer(
    suffixes=(".jsonl",),
    row=row,
    problems=problems,
    file_problems=file_problems,
    next_step="ROOT_IMAGE_DIR={folder} swift sft --dataset {file} ...",
    alternating=True,
    addresses=True,
)
