"""Rules that several trainers share, on rows of their files; reads and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from docent.convert.trainers.picture_rules import Looked
from docent.convert.trainers.special_tokens import tokens_in
from docent.convert.trainers.trainer import Found
from docent.convert.trainers.turns import MARK, why_not_alternating

MAX_SHOWN_CHARS = 80


def messages_in(row: Any, key: str = "messages") -> tuple[list[dict[str, Any]], str]:
    """The messages of a row, and why there are none; "" where there are."""
    if not isinstance(row, dict):
        return [], "not an object"
    messages = row.get(key)
    if not isinstance(messages, list) or not messages:
        return [], f"no list `{key}`"
    if not all(isinstance(message, dict) for message in messages):
        return [], f"`{key}` holds something else than objects"
    return messages, ""


def token_problems(text: str, number: int, allowed: Sequence[str] = (), piped_only: bool = False) -> Found:
    """Special tokens in a text."""
    found = [token for token in dict.fromkeys(tokens_in(text, piped_only)) if token not in allowed]
    if found:
        named = ", ".join(found)[:MAX_SHOWN_CHARS]
        yield "", f"special tokens in a text: {named} (message {number})"


def order_problems(roles: Sequence[str], alternating: bool) -> Iterator[str]:
    """Why roles are no conversation that ends with an answer."""
    said = list(roles[1:] if roles and roles[0] == "system" else roles)
    if "user" not in said:
        yield "nothing is asked: no message of the user"
    if not said or said[-1] != "assistant":
        yield "it does not end with an answer of the assistant"
    if not alternating:
        return
    if problem := why_not_alternating(roles):
        yield problem


def path_problems(names: Sequence[Any], folder: Path, look: Looked, addresses: bool) -> Found:
    """Pictures named by their paths."""
    for name in names:
        if isinstance(name, dict):
            name = name.get("path")
        if not isinstance(name, str) or not name:
            yield "", "an entry of `images` is no path"
        elif name.startswith(("http://", "https://")):
            if not addresses:
                yield name[:200], "an address: pictures are not fetched"
        elif name.startswith("data:"):
            if not addresses:
                yield name[:40], "a data URL: pictures are read from files"
        elif problem := look.file(folder / name):
            yield name[:200], problem


def mark_problems(texts: Sequence[str], listed: int) -> Found:
    """Whether `<image>` stands in the texts as often as there are pictures."""
    marks = sum(text.count(MARK) for text in texts)
    if marks != listed:
        yield "", f"{marks} {MARK} in the messages, {listed} in `images`"
