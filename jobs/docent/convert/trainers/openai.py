"""Write and check OpenAI vision fine-tuning data: JSONL, pictures as data or https URLs; rules in docs/trainers.md."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from docent.convert.conversations import Row
from docent.convert.trainers import row_rules
from docent.convert.trainers.picture_rules import PictureChecks, media_type
from docent.convert.trainers.trainer import RowProblems, Trainer
from docent.convert.trainers.turns import Picture, Turn

MIN_ROWS = 10
MAX_ROWS_WITH_PICTURES = 50_000
MAX_PICTURES = 10
MAX_PICTURE_BYTES = 10_000_000
MAX_FILE_BYTES = 512_000_000
"""OpenAI writes MB: the smaller of its two meanings is safe."""
ROW_KEYS = frozenset(("messages", "tools", "parallel_tool_calls", "functions"))
MESSAGE_KEYS = frozenset(
    ("role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal")
)
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_DATA_URL = re.compile(r"data:(image/(?:jpeg|png|webp));base64,")


def row(turns: Sequence[Turn], shown: Mapping[Picture, Any]) -> Row:
    """Return a row: a message without pictures as a string, one with pictures as parts."""
    return {
        "messages": [
            {"role": turn.role, "content": [_part(part, shown) for part in turn.parts] if turn.pictures else turn.text}
            for turn in turns
        ]
    }


def _part(part: str | Picture, shown: Mapping[Picture, Any]) -> Row:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    detail = {"detail": part.detail} if part.detail else {}
    return {"type": "image_url", "image_url": {"url": shown[part], **detail}}


def problems(messages: list[Row], value: Row, file: Path, checks: PictureChecks) -> RowProblems:
    """Yield the reasons why OpenAI rejects a row."""
    if unknown := sorted(set(value) - ROW_KEYS):
        yield "", f"unknown keys: {', '.join(unknown)[:200]}"
    pictures: list[str] = []
    for number, message in enumerate(messages, 1):
        yield from row_rules.role_problems(message.get("role"), ROLES, number)
        if unknown := sorted(set(message) - MESSAGE_KEYS):
            yield "", f"unknown keys: {', '.join(unknown)[:200]} (message {number})"
        yield from _content_problems(message, number, pictures)
    yield from row_rules.order_problems([str(message.get("role")) for message in messages])
    if len(pictures) > MAX_PICTURES:
        yield "", f"{len(pictures)} pictures, more than {MAX_PICTURES}"
    for url in dict.fromkeys(pictures):
        if problem := _why_not_url(url, checks):
            yield url[:60], problem


def _content_problems(message: Row, number: int, pictures: list[str]) -> RowProblems:
    content = message.get("content")
    if isinstance(content, str):
        if not content.strip():
            yield "", f"an empty message (message {number})"
        yield from row_rules.token_problems(content, number, piped_only=True)
        return
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content) or not content:
        if not message.get("tool_calls") and not message.get("function_call"):
            yield "", f"no content (message {number})"
        return
    for part in content:
        kind = part.get("type")
        if kind == "text" and isinstance(part.get("text"), str):
            yield from row_rules.token_problems(part["text"], number, piped_only=True)
        elif kind == "image_url":
            inner = part.get("image_url")
            url = inner.get("url") if isinstance(inner, dict) else None
            if not isinstance(url, str):
                yield "", f"a part of type image_url without a url (message {number})"
                continue
            pictures.append(url)
            if message.get("role") != "user":
                yield url[:60], f"a picture in a message with the role {message.get('role')} (message {number})"
        else:
            yield "", f"a part of type {str(kind)[:40]!r} (message {number})"


def _why_not_url(url: str, checks: PictureChecks) -> str:
    """Return why OpenAI rejects a picture, or "" if it accepts it or the picture is at an https URL."""
    if url.startswith(("https://", "http://")):
        return ""
    match = _DATA_URL.match(url)
    if not match:
        return "neither a URL nor a data URL with a JPEG, PNG or WebP in base64"
    try:
        data = base64.b64decode(url[match.end() :], validate=True)
    except ValueError:
        return "not valid base64"
    if len(data) > MAX_PICTURE_BYTES:
        return f"{len(data) / 1e6:.1f} MB, more than 10 MB"
    if problem := checks.data(data):
        return problem
    actual = media_type(data)
    return f"its data URL declares {match[1]}, but its content is {actual}" if actual != match[1] else ""


def file_problems(file: Path, rows: int, with_pictures: int) -> Iterator[str]:
    """Yield the reasons why OpenAI rejects a file as a whole."""
    if file.suffix != ".jsonl":
        yield "the file name must end in .jsonl"
    if rows < MIN_ROWS:
        yield f"{rows} examples, fewer than {MIN_ROWS}"
    if with_pictures > MAX_ROWS_WITH_PICTURES:
        yield f"{with_pictures} examples with pictures, more than {MAX_ROWS_WITH_PICTURES}"
    if (size := file.stat().st_size) > MAX_FILE_BYTES:
        yield f"{size / 1e6:.0f} MB, more than 512 MB"


OPENAI = Trainer(
    suffixes=(".jsonl",),
    row=row,
    problems=problems,
    file_problems=file_problems,
    next_step="upload {file} with the purpose `fine-tune`",
    embedded=True,
    addresses=True,
    piped_tokens_only=True,
    min_rows=MIN_ROWS,
    max_picture_bytes=MAX_PICTURE_BYTES,
    max_pictures=MAX_PICTURES,
    max_file_bytes=MAX_FILE_BYTES,
    max_rows_with_pictures=MAX_ROWS_WITH_PICTURES,
)
