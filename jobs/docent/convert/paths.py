"""Rewrite the picture paths of a conversation, relative to the folder of another file."""

import os
import re
from functools import partial
from pathlib import Path
from typing import Any

from docent.convert.chat import messages_of
from docent.convert.conversations import MEDIA_LISTS, Row, named_by, picture_of

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
"""The beginning of a URL or a data URL."""


def row_from(row: Row, source_folder: Path, out_folder: Path) -> Row:
    """Return a conversation, or a row of docent, with picture paths relative to the output."""
    if "messages" not in row:
        return {"messages": messages_of(row, source_folder, out_folder)}
    move = partial(_moved, source_folder=source_folder, out_folder=out_folder)
    messages = [
        {**message, "content": list(map(move, parts))} if isinstance(parts := message["content"], list) else message
        for message in row["messages"]
    ]
    lists = {
        key: list(map(move, entries)) if isinstance(entries, list) else move(entries)
        for key in MEDIA_LISTS
        if (entries := row.get(key)) is not None
    }
    return {**row, "messages": messages, **lists}


def _moved(entry: Any, source_folder: Path, out_folder: Path) -> Any:
    """Return a picture's relative path, now relative to another folder; return anything else unchanged."""
    name = picture_of(entry)
    if not name or os.path.isabs(name) or SCHEME.match(name):
        return entry
    moved = Path(os.path.relpath(source_folder / name, out_folder)).as_posix()
    if isinstance(entry, str):
        return moved
    key = named_by(entry)
    inner = entry[key]
    return {**entry, key: moved if isinstance(inner, str) else {**inner, named_by(inner): moved}}
