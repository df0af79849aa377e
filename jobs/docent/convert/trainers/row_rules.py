"""Check rows of trainers' files by rules that several trainers share."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from docent.convert.trainers.picture_rules import PictureChecks
from docent.convert.trainers.special_tokens import tokens_in
from docent.convert.trainers.trainer import RowProblems
from docent.convert.trainers.turns import MARK, why_not_alternating

MAX_SHOWN_CHARS = 80


def messages_in(row: Any, key: str = "messages") -> tuple[list[dict[str, Any]], str]:
    """Return the messages of a row, and why it has none, or "" if it has some."""
    if not isinstance(row, dict):
        return [], "not an object"
    messages = row.get(key)
    if not isinstance(messages, list) or not messages:
        return [], f"no list `{key}`"
    if not all(isinstance(message, dict) for message in messages):
        return [], f"`{key}` holds something other than objects"
    return messages, ""


def role_problems(role: Any, known: Collection[str], number: int) -> RowProblems:
    """Check the role of a message."""
    if role not in known:
        yield "", f"unknown role {str(role)[:40]!r} (message {number})"


def token_problems(text: str, number: int, allowed: Sequence[str] = (), piped_only: bool = False) -> RowProblems:
    """Check a text for special tokens."""
    tokens = [token for token in dict.fromkeys(tokens_in(text, piped_only)) if token not in allowed]
    if tokens:
        named = ", ".join(tokens)[:MAX_SHOWN_CHARS]
        yield "", f"special tokens in a text: {named} (message {number})"


def order_problems(roles: Sequence[str], alternating: bool = False) -> RowProblems:
    """Check that the roles form a conversation that ends with an answer."""
    rest = roles[1:] if roles and roles[0] == "system" else roles
    if "user" not in rest:
        yield "", "nothing is asked: no message of the user"
    if not rest or rest[-1] != "assistant":
        yield "", "it does not end with an answer of the assistant"
    if alternating and (problem := why_not_alternating(roles)):
        yield "", problem


def path_problems(names: Sequence[Any], folder: Path, checks: PictureChecks, addresses: bool) -> RowProblems:
    """Check pictures that are named by path."""
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
        elif problem := checks.file(folder / name):
            yield name[:200], problem


def mark_problems(texts: Sequence[str], listed: int) -> RowProblems:
    """Check that `<image>` occurs in the texts as often as there are pictures."""
    marks = sum(text.count(MARK) for text in texts)
    if marks != listed:
        yield "", f"{marks} {MARK} in the messages, {listed} in `images`"
