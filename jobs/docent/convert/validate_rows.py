"""What one row of a data set shows: its pictures, and whether its marks and its list agree; reads and writes nothing.

Rows are chat rows (`messages` or ShareGPT's `conversations`), rows of an instruction with a list of pictures, and rows
of `metadata.csv`, `metadata.jsonl` or `metadata.parquet`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from docent.convert.conversations import (
    Row,
    inline_pictures,
    listed,
    marks_in,
    named_by,
    picture_of,
    shown_by_message,
    text_of,
    with_messages,
)

TEXT_KEYS = ("instruction", "input", "output", "query", "response", "prompt", "completion", "question", "answer")
"""Where rows without messages hold their texts (LLaMA-Factory's and ms-swift's instructions)."""


@dataclass(frozen=True)
class Shown:
    """What a row shows.

    Attributes:
        pictures: paths and addresses.
        answer: the first answer in it.
        problem: why its pictures and its marks do not go together; "" where they do.
        unlisted_marks: `<image>` in the texts of a row that lists no pictures, which may be a text about markup.
    """

    pictures: tuple[str, ...]
    answer: str = ""
    problem: str = ""
    unlisted_marks: int = 0


def shown_by(row: Any) -> Shown | None:
    """What a row shows; None where it is no row of a data set."""
    if not isinstance(row, dict):
        return None
    row = with_messages(row)
    if isinstance(row.get("messages"), list):
        return _conversation(row)
    names = row.get("file_name", row.get("file_names"))
    if isinstance(names, str) or (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        return Shown(tuple([names] if isinstance(names, str) else names), str(row.get("dialog") or ""))
    key, entries = listed(row)
    if not entries or "id" in row and "parents" in row or not all(map(_is_entry, entries)):
        return None  # a row of docent, or a table of something else
    texts = [value for name in TEXT_KEYS if isinstance(value := row.get(name), str)]
    marks = sum(map(marks_in, texts))
    problem = _difference(marks, len(entries), key) if texts else ""
    return Shown(tuple(map(picture_of, entries)), str(row.get("output", row.get("response", ""))), problem)


def _conversation(row: Row) -> Shown:
    messages = [message for message in row["messages"] if isinstance(message, dict)]
    said = [message.get("content") for message in messages if message.get("role") == "assistant"]
    answer = next((text for content in said if (text := _plain_text(content))), "")
    key, entries = listed(row)
    marks = sum(marks_in(message.get("content")) for message in messages)
    inline = [picture_of(part) for message in messages for part in inline_pictures(message.get("content"))]
    if not key:
        places = sum(map(_stand_ins, messages))
        problem = f"{places} parts of type image name no picture, and the row lists none" if places else ""
        return Shown(tuple(inline), answer, problem, unlisted_marks=0 if inline or places else marks)
    pictures = (*inline, *filter(None, map(picture_of, entries)))
    marks = sum(shown_by_message({**row, "messages": messages}, key))
    problem = _difference(marks, len(entries), key) or next(_unreadable(key, entries), "")
    return Shown(pictures, answer, problem)


def _stand_ins(message: Row) -> int:
    parts = message.get("content")
    if not isinstance(parts, list):
        return 0
    return sum(isinstance(part, dict) and part.get("type") == "image" and not named_by(part) for part in parts)


def _plain_text(content: Any) -> str:
    if isinstance(content, list):
        content = [part for part in content if isinstance(part, dict)]
    return text_of(content) if isinstance(content, str | list) else ""


def _difference(marks: int, entries: int, key: str) -> str:
    return f"{marks} <image> in the texts, {entries} in `{key}`" if marks != entries else ""


def _unreadable(key: str, entries: list[Any]) -> Iterator[str]:
    for number, entry in enumerate(entries, 1):
        if not picture_of(entry):
            yield f"entry {number} of `{key}` names no picture"


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, str) or (isinstance(entry, dict) and bool(picture_of(entry)))
