"""Write and check LLaMA-Factory data: ShareGPT rows with `<image>` in texts, an entry in `dataset_info.json`.

The rules are in docs/trainers.md. The columns and tags of the entry define how rows are read, so files of other tools
are checked by the tags of their own entry.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from docent.convert.conversations import Row, as_list
from docent.convert.files import replacing
from docent.convert.trainers import row_rules
from docent.convert.trainers.picture_rules import PictureChecks
from docent.convert.trainers.trainer import RowProblems, Trainer
from docent.convert.trainers.turns import MARK, Picture, Turn
from docent.errors import InputError

INFO = "dataset_info.json"
TAGS = {f"{name}_tag": name for name in ("role", "content", "user", "assistant", "system")}
DEFAULT_TAGS = {**TAGS, "role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
"""Tags that LLaMA-Factory assumes if an entry names none (`DatasetAttr`)."""


def row(turns: Sequence[Turn], shown: Mapping[Picture, Any]) -> Row:
    """Return a row: texts with `<image>`, and paths or URLs of the pictures in order."""
    messages = [{"role": turn.role, "content": _text_with_marks(turn)} for turn in turns]
    return {"messages": messages, "images": [shown[picture] for turn in turns for picture in turn.pictures]}


def _text_with_marks(turn: Turn) -> str:
    runs = groupby(turn.parts, lambda part: isinstance(part, str))
    return "".join("\n".join(map(str, run)) if is_text else MARK * len(list(run)) for is_text, run in runs)


def entries_beside(file: Path) -> dict[str, Any]:
    """Return the entries of the `dataset_info.json` next to a file, or {} if there is none.

    Raises:
        InputError: the file is not a JSON object.
    """
    path = file.parent / INFO
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        entries = None
    if isinstance(entries, dict):
        return entries
    raise InputError("not a JSON object", str(path), "fix the file, or choose an output in another folder")


def write_entry(file: Path, name: str) -> Path:
    """Add or replace the entry of a file in the `dataset_info.json` next to it; other entries are kept.

    Raises:
        InputError: the existing file is not a JSON object.
    """
    path, entries = file.parent / INFO, entries_beside(file)
    columns = {"messages": "messages", "images": "images"}
    entries[name] = {"file_name": file.name, "formatting": "sharegpt", "columns": columns, "tags": TAGS}
    with replacing(path) as out:
        out.write((json.dumps(entries, indent=2, ensure_ascii=False) + "\n").encode())
    return path


@lru_cache(maxsize=8)
def _entry(file: Path, changed_ns: int) -> tuple[dict[str, Any], str]:
    """Return the entry of `dataset_info.json` for a file, and the problem with `dataset_info.json`, or "".

    Args:
        changed_ns: when `dataset_info.json` was changed; part of the cache key, since every row looks up the entry.
    """
    try:
        entries = entries_beside(file).values()
    except InputError:
        return {}, f"{INFO} is not a JSON object"
    entry = next((one for one in entries if isinstance(one, dict) and one.get("file_name") == file.name), {})
    return entry, "" if entry else f"no entry of the {INFO} in its folder has the file_name {file.name}"


def _changed_ns(file: Path) -> int:
    info = file.parent / INFO
    return info.stat().st_mtime_ns if info.exists() else 0


def _messages_key(file: Path) -> str:
    entry, _ = _entry(file, _changed_ns(file))
    return str((entry.get("columns") or {}).get("messages", "conversations"))


def problems(messages: list[Row], value: Row, file: Path, checks: PictureChecks) -> RowProblems:
    """Yield the reasons why LLaMA-Factory skips a row or fails on it."""
    entry, _ = _entry(file, _changed_ns(file))
    columns = entry.get("columns") or {}
    tags = {**DEFAULT_TAGS, **(entry.get("tags") or {})}
    roles = {tags[f"{role}_tag"]: role for role in ("user", "assistant", "system")}
    texts = []
    for number, message in enumerate(messages, 1):
        text = message.get(tags["content_tag"])
        yield from row_rules.role_problems(message.get(tags["role_tag"]), roles, number)
        if not isinstance(text, str):
            yield "", f"content is not a string (message {number})"
            continue
        texts.append(text)
        yield from row_rules.token_problems(text, number, allowed=(MARK,))
    order = [roles.get(message.get(tags["role_tag"]), "other") for message in messages]
    yield from row_rules.order_problems(order, alternating=True)
    pictures = as_list(value.get(columns.get("images", "images")))
    yield from row_rules.mark_problems(texts, len(pictures))
    yield from row_rules.path_problems(pictures, file.parent, checks, addresses=False)


def file_problems(file: Path, rows: int, with_pictures: int) -> Iterator[str]:
    """Check that LLaMA-Factory can read the file and its pictures."""
    entry, problem = _entry(file, _changed_ns(file))
    if problem:
        yield problem
    elif entry.get("formatting") != "sharegpt":
        yield f"its entry in {INFO} has the formatting {entry.get('formatting', 'alpaca')!r}; expected sharegpt"
    elif with_pictures and not (entry.get("columns") or {}).get("images"):
        yield f"its entry in {INFO} names no `images` column, so LLaMA-Factory ignores the pictures"


LLAMA_FACTORY = Trainer(
    suffixes=(".jsonl",),
    row=row,
    problems=problems,
    file_problems=file_problems,
    next_step="in LLaMA-Factory's settings: dataset_dir: {folder}, dataset: {name}",
    messages_key=_messages_key,
    alternating=True,
)
