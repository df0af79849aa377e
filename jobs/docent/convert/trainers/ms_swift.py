"""Write and check ms-swift data: `messages` with `<image>` in texts and a list `images`; rules in docs/trainers.md."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docent.convert.conversations import Row, as_list, parts_of, picture_of
from docent.convert.trainers import row_rules
from docent.convert.trainers.llama_factory import row
from docent.convert.trainers.picture_rules import PictureChecks
from docent.convert.trainers.trainer import RowProblems, Trainer
from docent.convert.trainers.turns import MARK

ROLES = ("system", "user", "assistant", "tool", "tool_call", "tool_response")


def problems(messages: list[Row], value: Row, file: Path, checks: PictureChecks) -> RowProblems:
    """Yield the reasons why ms-swift drops a row or shows a wrong picture."""
    texts: list[str] = []
    inline: list[str] = []
    for number, message in enumerate(messages, 1):
        content = message.get("content")
        yield from row_rules.role_problems(message.get("role"), ROLES, number)
        if not isinstance(content, str) and not parts_of(content):
            yield "", f"no content (message {number})"
            continue
        text = content if isinstance(content, str) else _flat(content, inline)
        texts.append(text)
        yield from row_rules.token_problems(text, number, allowed=(MARK,))
    roles = [str(message.get("role")) for message in messages]
    yield from row_rules.order_problems(roles, alternating={"system", "user", "assistant"}.issuperset(roles))
    pictures = [*inline, *as_list(value.get("images"))]
    yield from row_rules.mark_problems(texts, len(pictures))
    yield from row_rules.path_problems(pictures, file.parent, checks, addresses=True)


def _flat(content: Any, inline: list[str]) -> str:
    """Return a message in parts as ms-swift reads it: its texts with marks; append its pictures to `inline`."""
    parts = parts_of(content)
    inline += [name for part in parts if part.get("type") != "text" and (name := picture_of(part))]
    return "".join(str(part.get("text", "")) if part.get("type") == "text" else MARK for part in parts)


def file_problems(file: Path, rows: int, with_pictures: int) -> Iterator[str]:
    """Check the name of the file."""
    if file.suffix not in (".jsonl", ".json"):
        yield "the file name must end in .jsonl or .json"


MS_SWIFT = Trainer(
    suffixes=(".jsonl",),
    row=row,
    problems=problems,
    file_problems=file_problems,
    next_step="ROOT_IMAGE_DIR={folder} swift sft --dataset {file} ...",
    alternating=True,
    addresses=True,
)
