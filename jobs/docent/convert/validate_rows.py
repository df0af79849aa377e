"""List the pictures that a row of a data set shows, and check that its marks and its list agree.

Rows are chat rows (`messages` or ShareGPT's `conversations`), instruction rows with a list of pictures, and rows of
`metadata.csv`, `metadata.jsonl` or `metadata.parquet`.
"""

from dataclasses import dataclass
from typing import Any

from docent.convert.conversations import (
    Row,
    difference,
    inline_pictures,
    listed,
    marks_in,
    parts_of,
    picture_of,
    shown_by_message,
    stand_ins_in,
    text_of,
    with_messages,
)

TEXT_KEYS = ("instruction", "input", "output", "query", "response", "prompt", "completion", "question", "answer")
"""Keys of texts in rows without messages (instructions of LLaMA-Factory and ms-swift)."""


@dataclass(frozen=True)
class Shown:
    """The pictures and the answer of a row.

    Attributes:
        pictures: paths and URLs of the pictures.
        answer: the first answer.
        problem: why its pictures and its marks do not match, or "" if they do.
        unlisted_marks: number of `<image>` in the texts of a row that lists no pictures; they may be text about markup.
    """

    pictures: tuple[str, ...]
    answer: str = ""
    problem: str = ""
    unlisted_marks: int = 0


def shown_by(row: Any) -> Shown | None:
    """Return the pictures and the answer of a row, or None if it is not a row of a data set."""
    if not isinstance(row, dict):
        return None
    row = with_messages(row)
    if isinstance(row.get("messages"), list):
        return _conversation(row)
    names = row.get("file_name", row.get("file_names"))
    if isinstance(names, str) or (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        return Shown(tuple([names] if isinstance(names, str) else names), str(row.get("dialog") or ""))
    key, entries = listed(row)
    if not entries or "id" in row and "parents" in row or not all(isinstance(e, str) or picture_of(e) for e in entries):
        return None  # a row of docent, or of some other table
    texts = [value for name in TEXT_KEYS if isinstance(value := row.get(name), str)]
    marks = sum(map(marks_in, texts))
    problem = difference(marks, len(entries), key) if texts else ""
    return Shown(tuple(map(picture_of, entries)), str(row.get("output", row.get("response", ""))), problem)


def _conversation(row: Row) -> Shown:
    messages = [message for message in row["messages"] if isinstance(message, dict)]
    contents = (message.get("content") for message in messages if message.get("role") == "assistant")
    answers = (text_of(content if isinstance(content, str) else parts_of(content)) for content in contents)
    answer = next(filter(None, answers), "")
    key, entries = listed(row)
    marks = sum(marks_in(message.get("content")) for message in messages)
    inline = [picture_of(part) for message in messages for part in inline_pictures(message.get("content"))]
    if not key:
        places = sum(stand_ins_in(message.get("content")) for message in messages)
        problem = f"{places} parts of type image name no picture, and the row lists no pictures" if places else ""
        return Shown(tuple(inline), answer, problem, unlisted_marks=0 if inline or places else marks)
    pictures = (*inline, *filter(None, map(picture_of, entries)))
    marks = sum(shown_by_message({**row, "messages": messages}, key))
    nameless = next((number for number, entry in enumerate(entries, 1) if not picture_of(entry)), 0)
    problem = f"entry {nameless} of `{key}` names no picture" if nameless else ""
    return Shown(pictures, answer, difference(marks, len(entries), key) or problem)
