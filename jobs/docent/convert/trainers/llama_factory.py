"""LLaMA-Factory: sharegpt form with `<image>` in the texts, an entry in `dataset_info.json`; rules in docs/trainers.md.

The entry's columns and tags say how the rows are read, so that files of others are checked by theirs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from docent.convert.conversations import Row
from docent.convert.files import replacing
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
from docent.errors import InputError

INFO = "dataset_info.json"
TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}
DEFAULT_TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "system_tag": "system",
}
"""What LLaMA-Factory takes for a tag that an entry does not name (`DatasetAttr`)."""


def text_with_marks(turn: Turn) -> str:
    """The texts of a turn with `<image>` in the place of each picture."""
    made = ""
    before: str | Picture | None = None
    for part in turn.parts:
        if isinstance(part, str):
            made += f"\n{part}" if isinstance(before, str) else part
        else:
            made += MARK
        before = part
    return made


def row(turns: Sequence[Turn], shown: Mapping[Picture, Any]) -> Row:
    """A line: texts with marks, and the paths of the pictures in their order."""
    messages = [{"role": turn.role, "content": text_with_marks(turn)} for turn in turns]
    return {"messages": messages, "images": [shown[picture] for turn in turns for picture in turn.pictures]}


def entries_beside(file: Path) -> dict[str, Any]:
    """The entries of the `dataset_info.json` beside a file; {} where there is none.

    Raises:
        InputError: it is no JSON object.
    """
    path = file.parent / INFO
    entries = _entries(path)
    if entries is None:
        raise InputError("not a JSON object", str(path), "fix it, or name an output in another folder")
    return entries


def write_entry(file: Path, name: str) -> Path:
    """Add or replace the file's entry in the `dataset_info.json` beside it; other entries stay.

    Raises:
        InputError: the file that is there is no JSON object.
    """
    path, entries = file.parent / INFO, entries_beside(file)
    columns = {"messages": "messages", "images": "images"}
    entries[name] = {"file_name": file.name, "formatting": "sharegpt", "columns": columns, "tags": TAGS}
    with replacing(path) as out:
        out.write((json.dumps(entries, indent=2, ensure_ascii=False) + "\n").encode())
    return path


def _entries(path: Path) -> dict[str, Any] | None:
    """The entries of `dataset_info.json`; none where it is not there, None where it is no object."""
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return None
    return entries if isinstance(entries, dict) else None


def _entry(file: Path) -> dict[str, Any]:
    """The entry of `dataset_info.json` that names a file; {} where there is none."""
    info = file.parent / INFO
    return _entry_at(file, info.stat().st_mtime_ns if info.exists() else 0)


@lru_cache(maxsize=8)
def _entry_at(file: Path, changed_ns: int) -> dict[str, Any]:
    entries = (_entries(file.parent / INFO) or {}).values()
    return next((one for one in entries if isinstance(one, dict) and one.get("file_name") == file.name), {})


def problems(value: Any, file: Path, look: Looked) -> Found:
    """Why LLaMA-Factory skips a row or fails on it."""
    entry = _entry(file)
    columns = entry.get("columns") or {}
    tags = {**DEFAULT_TAGS, **(entry.get("tags") or {})}
    messages, problem = messages_in(value, columns.get("messages", "conversations"))
    if problem:
        yield "", problem
        return
    roles = {tags[f"{role}_tag"]: role for role in ("user", "assistant", "system")}
    texts = []
    for number, message in enumerate(messages, 1):
        text = message.get(tags["content_tag"])
        if message.get(tags["role_tag"]) not in roles:
            yield "", f"unknown role {str(message.get(tags['role_tag']))[:40]!r} (message {number})"
        if not isinstance(text, str):
            yield "", f"content is no text (message {number})"
            continue
        texts.append(text)
        yield from token_problems(text, number, allowed=(MARK,))
    said = [roles.get(message.get(tags["role_tag"]), "other") for message in messages]
    yield from (("", found) for found in order_problems(said, alternating=True))
    pictures = value.get(columns.get("images", "images")) or []
    pictures = pictures if isinstance(pictures, list) else [pictures]
    yield from mark_problems(texts, len(pictures))
    yield from path_problems(pictures, file.parent, look, addresses=False)


def file_problems(file: Path, rows: int, with_pictures: int) -> Iterator[str]:
    """Whether LLaMA-Factory finds the file and its pictures."""
    entry = _entry(file)
    if _entries(file.parent / INFO) is None:
        yield f"{INFO} is no JSON object"
    elif not entry:
        yield f"no entry of {INFO} beside it has the file_name {file.name}"
    elif entry.get("formatting") != "sharegpt":
        yield f"its entry in {INFO} has the formatting {entry.get('formatting', 'alpaca')!r}, not sharegpt"
    elif with_pictures and not (entry.get("columns") or {}).get("images"):
        yield f"its entry in {INFO} names no column of images, so that no picture is read"


LLAMA_FACTORY = Trainer(
    suffixes=(".jsonl",),
    row=row,
    problems=problems,
    file_problems=file_problems,
    next_step="in LLaMA-Factory's settings: dataset_dir: {folder}, dataset: {name}",
    alternating=True,
)
