"""Parse a conversation into the form that all trainers share: roles, texts and the pictures between them.

Reads rows of chat files. Anything that a trainer's file cannot represent is rejected with a reason.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from docent.convert.conversations import (
    MEDIA_LISTS,
    SYSTEM_ROLES,
    Message,
    Row,
    listed,
    marks_in,
    parts_of,
    picture_of,
    shown_by_message,
    stand_ins_in,
)

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
MARK = "<image>"
_HALF_PAIR = re.compile("[\ud800-\udfff]")
"""A lone surrogate: valid as an escape in JSON, but not in UTF-8 and Arrow."""
TEXT_TYPES = ("text", "input_text", "output_text")


class RefusedError(Exception):
    """Raised for a conversation that cannot be written.

    Attributes:
        reason: a constant phrase by which rejects are counted.
        detail: the message, picture or value that it concerns.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class Picture:
    """A picture by path, URL or data URL; `detail` is OpenAI's resolution setting, or "" if there is none."""

    name: str
    detail: str = ""


@dataclass(frozen=True)
class Turn:
    """One message: its texts and pictures in order."""

    role: str
    parts: tuple[str | Picture, ...]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Return the pictures of the message."""
        return tuple(part for part in self.parts if isinstance(part, Picture))

    @property
    def text(self) -> str:
        """Return the texts of the message, joined by line breaks."""
        return "\n".join(part for part in self.parts if isinstance(part, str))


def turns_of_row(row: Row) -> list[Turn]:
    """Return the turns of a conversation.

    Args:
        row: a row with valid `messages`.

    Raises:
        RefusedError: it contains something other than texts and pictures, or does not end with an answer.
    """
    for key in MEDIA_LISTS:
        if key not in ("images", "image") and row.get(key):
            raise RefusedError("videos and audio are not supported", f"`{key}`")
    key, entries = listed(row)
    shown = shown_by_message(row, key) if key else [0] * len(row["messages"])
    rest = iter(entries)
    turns = []
    for number, (message, count) in enumerate(zip(row["messages"], shown, strict=True), 1):
        listed_here = iter([_picture(next(rest, None), number) for _ in range(count)])
        turns.append(_turn(message, number, count, listed_here))
    _check_order(turns)
    return turns


def _turn(message: Message, number: int, count: int, pictures: Iterator[Picture]) -> Turn:
    role = ROLES.get(message["role"])
    if role is None or message.get("tool_calls") or message.get("function_call"):
        raise RefusedError("a role other than system, user and assistant", f"message {number}: {message['role'][:40]}")
    content = message["content"]
    if isinstance(content, str):
        return Turn(role, tuple(_split(content, count, pictures)))
    in_text = marks_in(content) if count > stand_ins_in(content) else 0
    parts: list[str | Picture] = []
    for part in parts_of(content):
        if picture_of(part):
            parts.append(_picture(part, number))
        elif part.get("type") == "image":
            parts.append(_next(pictures, number))
        elif part.get("type", "text") in TEXT_TYPES and isinstance(part.get("text"), str):
            parts += _split(part["text"], in_text, pictures) if part["text"] else []
        else:
            raise RefusedError("a part other than text and picture", f"message {number}: {str(part.get('type'))[:40]}")
    return Turn(role, tuple(parts))


def _split(text: str, marks: int, pictures: Iterator[Picture]) -> Iterator[str | Picture]:
    """Yield a text with pictures in place of its marks; if `marks` is 0, `<image>` is plain text."""
    if not marks:
        yield text
        return
    first, *following = text.split(MARK)
    if first.strip():
        yield first
    for piece in following:
        yield next(pictures)
        if piece.strip():
            yield piece


def _next(pictures: Iterator[Picture], number: int) -> Picture:
    picture = next(pictures, None)
    if picture is None:
        raise RefusedError("a part of type image names no picture", f"message {number}")
    return picture


def _picture(entry: Any, number: int) -> Picture:
    name = picture_of(entry)
    if name in ("", "data:"):
        raise RefusedError("a picture without a path or URL", f"message {number}")
    inner = entry.get("image_url") if isinstance(entry, dict) else None
    detail = inner.get("detail") if isinstance(inner, dict) else None
    return Picture(name, detail if detail in ("low", "high", "auto") else "")


def _check_order(turns: Sequence[Turn]) -> None:
    """Reject orders of roles that no trainer can learn from."""
    spoken = [turn for turn in turns if turn.role not in SYSTEM_ROLES]
    if not spoken or turns[-1].role != "assistant":
        raise RefusedError("the conversation does not end with an answer")
    if not any(turn.role == "user" for turn in spoken):
        raise RefusedError("the conversation has no user message")
    for number, turn in enumerate(turns, 1):
        if _HALF_PAIR.search(turn.text):
            raise RefusedError("a text with a lone surrogate", f"message {number}")
        if not turn.text.strip() and (turn.role != "user" or not turn.pictures):
            raise RefusedError("an empty message", f"message {number}")
        if turn.pictures and turn.role != "user":
            raise RefusedError("a picture outside a user message", f"message {number}, {turn.role}")


def why_not_alternating(roles: Sequence[str]) -> str:
    """Return why roles are not an optional system message and alternating questions and answers; "" if they are."""
    first = 1 if roles and roles[0] == "system" else 0
    for number, (role, due) in enumerate(zip(roles[first:], cycle(("user", "assistant"))), first + 1):
        if role != due:
            return f"{role} in place of {due} (message {number})"
    return ""
