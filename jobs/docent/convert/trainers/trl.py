"""Write and check data for TRL's SFTTrainer: Parquet with `messages` in parts and pictures in a column `images`.

The rules are in docs/trainers.md. The schema includes the features with which `datasets` decodes the pictures, in the
notation that all its versions from 2.16 on read.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from docent.convert.conversations import Row, as_list, parts_of
from docent.convert.trainers import row_rules
from docent.convert.trainers.picture_rules import PictureChecks
from docent.convert.trainers.trainer import RowProblems, Trainer
from docent.convert.trainers.turns import Picture, Turn
from docent.messages.plurals import counted

_TEXT = {"dtype": "string", "_type": "Value"}
MESSAGES_FEATURE = [{"role": _TEXT, "content": [{"type": _TEXT, "text": _TEXT}]}]
IMAGES_FEATURE = [{"_type": "Image"}]
ROLES = ("system", "user", "assistant", "tool")


def schema(pictures: bool) -> Any:
    """Return the Arrow schema of the file, with or without the column of pictures."""
    import pyarrow

    part = pyarrow.struct([("type", pyarrow.string()), ("text", pyarrow.string())])
    message = pyarrow.struct([("role", pyarrow.string()), ("content", pyarrow.list_(part))])
    columns = [("messages", pyarrow.list_(message))]
    features: dict[str, Any] = {"messages": MESSAGES_FEATURE}
    if pictures:
        picture = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
        columns.append(("images", pyarrow.list_(picture)))
        features["images"] = IMAGES_FEATURE
    return pyarrow.schema(columns, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def row(turns: Sequence[Turn], shown: Mapping[Picture, Any]) -> Row:
    """Return a row: messages as lists of parts, and the bytes of the pictures."""
    messages = [{"role": turn.role, "content": [_part(part) for part in turn.parts]} for turn in turns]
    return {"messages": messages, "images": [shown[picture] for turn in turns for picture in turn.pictures]}


def _part(part: str | Picture) -> Row:
    return {"type": "text", "text": part} if isinstance(part, str) else {"type": "image", "text": None}


def problems(messages: list[Row], value: Row, file: Path, checks: PictureChecks) -> RowProblems:
    """Yield the reasons why TRL or `datasets` fails on a row."""
    pictures = as_list(value.get("images"))
    all_text = all(isinstance(message.get("content"), str) for message in messages)
    stand_ins = len(pictures) if all_text else 0  # TRL puts them before the first question
    for number, message in enumerate(messages, 1):
        yield from row_rules.role_problems(message.get("role"), ROLES, number)
        content = message.get("content")
        if isinstance(content, str) and not all_text:
            yield "", f"content is a string, but a list of parts in other messages (message {number})"
        yield from _content_problems(content, number)
        stand_ins += sum(part.get("type") == "image" and "image" not in part for part in parts_of(content))
    yield from row_rules.order_problems([str(message.get("role")) for message in messages])
    if stand_ins != len(pictures):
        entries = counted(len(pictures), "entry", "entries")
        yield "", f"{counted(stand_ins, 'part')} of type image, but {entries} in `images`"
    yield from _picture_problems(pictures, checks)


def _content_problems(content: Any, number: int) -> RowProblems:
    if isinstance(content, str):
        yield from row_rules.token_problems(content, number)
    elif not parts_of(content):
        yield "", f"no content (message {number})"
    for part in parts_of(content):
        if part.get("type") == "text" and isinstance(part.get("text"), str):
            yield from row_rules.token_problems(part["text"], number)
        elif part.get("type") != "image":
            yield "", f"a part of type {str(part.get('type'))[:40]!r} (message {number})"


def _picture_problems(pictures: Sequence[Any], checks: PictureChecks) -> RowProblems:
    for number, picture in enumerate(pictures, 1):
        data = picture.get("bytes") if isinstance(picture, dict) else None
        if not isinstance(data, bytes):
            what = f"entry {number} of `images` has no bytes: `datasets` passes its path to TRL as text"
            yield str(picture)[:200], what
        elif problem := checks.data(data):
            yield str(picture.get("path") or "")[:200], problem


def file_problems(file: Path, rows: int, with_pictures: int) -> Iterator[str]:
    """Check that `datasets` reads the column as pictures."""
    if file.suffix != ".parquet":
        yield "not Parquet: from JSON lines, `datasets` passes paths to TRL in place of pictures"
        return
    from pyarrow import parquet

    metadata = parquet.read_schema(file).metadata or {}
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
    except (ValueError, AttributeError):
        features = {}
    if with_pictures and '"Image"' not in json.dumps(features.get("images")):
        yield "the schema does not declare `images` as images: `datasets` passes their bytes to TRL"


TRL = Trainer(
    suffixes=(".parquet",),
    row=row,
    problems=problems,
    file_problems=file_problems,
    next_step="load_dataset('parquet', data_files={{'train': '{file}'}}), then SFTTrainer(train_dataset=...)",
    embedded=True,
)
