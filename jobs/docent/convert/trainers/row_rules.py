"""Check rows of trainers' files by rules that several trainers share."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from docent.convert.conversations import difference
from docent.convert.trainers.picture_rules import PictureChecks
from docent.convert.trainers.special_tokens import tokens_in
from docent.convert.trainers.trainer import RowProblems
from docent.convert.trainers.turns import MARK, why_not_alternating

MAX_SHOWN_CHARS = 80


def messages_in(row: Any, key: str = "messages") -> tuple[list[dict[str, Any]], str]:
    """Return the messages of a row, and the problem with them, or "" if they are valid."""
    if not isinstance(row, dict):
        return [], "not an object"
    messages = row.get(key)
    if not isinstance(messages, list) or not messages:
        return [], f"`{key}` is missing, empty or not a list"
    if not all(isinstance(message, dict) for message in messages):
        return [], f"`{key}` contains values that are not objects"
    return messages, ""


def role_problems(role: Any, known: Collection[str], number: int) -> RowProblems:
    """Check the role of a message."""
    if role not in known:
        yield "", f"unknown role {str(role)[:40]!r} (message {number})"


def token_problems(text: str, number: int, allowed: Sequence[str] = (), piped_only: bool = False) -> RowProblems:
    """Check that a text contains no special tokens."""
    tokens = [token for token in dict.fromkeys(tokens_in(text, piped_only)) if token not in allowed]
    if tokens:
        named = ", ".join(tokens)[:MAX_SHOWN_CHARS]
        yield "", f"special tokens in a text: {named} (message {number})"


def order_problems(roles: Sequence[str], alternating: bool = False) -> RowProblems:
    """Check that the roles form a conversation that ends with an answer."""
    rest = roles[1:] if roles and roles[0] == "system" else roles
    if "user" not in rest:
        yield "", "the conversation has no user message"
    if not rest or rest[-1] != "assistant":
        yield "", "the conversation does not end with an assistant message"
    if alternating and (problem := why_not_alternating(roles)):
        yield "", problem


def path_problems(names: Sequence[Any], folder: Path, checks: PictureChecks, addresses: bool) -> RowProblems:
    """Check pictures that are named by path."""
    for name in names:
        if isinstance(name, dict):
            name = name.get("path")
        if not isinstance(name, str) or not name:
            yield "", "an entry of `images` is not a path"
        elif name.startswith(("http://", "https://")):
            if not addresses:
                yield name[:200], "a URL: this trainer does not download pictures"
        elif name.startswith("data:"):
            if not addresses:
                yield name[:40], "a data URL: this trainer reads pictures only from files"
        elif problem := checks.file(folder / name):
            yield name[:200], problem


def mark_problems(texts: Sequence[str], listed: int) -> RowProblems:
    """Check that `<image>` occurs in the texts as often as there are pictures."""
    if problem := difference(sum(text.count(MARK) for text in texts), listed):
        yield "", problem
