"""Implement `docent convert annotations`: convert captions, labels and comments of pictures from JSON files to tables.

Reads FOLDER/captions, FOLDER/labels and FOLDER/comments; writes `all_captions.csv` and `all_labels.csv` with a row per
file and `all_comments.csv` with a row per comment. The expected JSON is that of generated pictures: `{"image_id",
"caption", "generated_at", "context"}`, `{"image_id", "labels": {category: label or labels}}`, `{"image_id", "comments":
[...]}`. Models sometimes write labels that are not an object; these are copied to the column `raw`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docent.convert.files import replacing
from docent.convert.published import metadata_line
from docent.errors import InputError
from docent.text.encodings.spreadsheet import guarded

KINDS = ("captions", "labels", "comments")
CAPTION_KEYS = ("image_id", "caption", "generated_at", "context")
MAX_FILE_BYTES = 1 << 20
RAW = "raw"
EXPECTED = "expected JSON files in captions/, labels/ or comments/, each an object with an image_id"


@dataclass
class Written:
    """Number of rows of each table, and the unusable files with the reason."""

    rows: dict[str, int] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)


def convert(folder: Path, out: Path) -> Written:
    """Write the three tables into the folder `out`.

    Raises:
        InputError: no file can be used.
    """
    written = Written()
    captions, labels, comments = (_objects(folder / kind, kind, written.bad) for kind in KINDS)
    if not captions and not labels and not comments:
        what = f"no readable captions, labels or comments ({len(written.bad)} unusable files)"
        raise InputError(what, str(folder), EXPECTED)
    categories = list(dict.fromkeys(name for one in labels for name in _labels(one)))
    rows_of_comments = [
        (one["image_id"], number, comment) for one in comments for number, comment in enumerate(one["comments"], 1)
    ]
    tables: tuple[tuple[tuple[str, ...], Sequence[Iterable[Any]]], ...] = (
        (CAPTION_KEYS, [[one.get(key) for key in CAPTION_KEYS] for one in captions]),
        (("image_id", *categories), [[one["image_id"], *map(_labels(one).get, categories)] for one in labels]),
        (("image_id", "number", "comment"), rows_of_comments),
    )
    out.mkdir(parents=True, exist_ok=True)
    for kind, (columns, rows) in zip(KINDS, tables, strict=True):
        with replacing(out / f"all_{kind}.csv") as file:
            for row in (columns, *rows):
                file.write(metadata_line(*map(_cell, row)).encode("utf-8", "replace"))
        written.rows[kind] = len(rows)
    return written


def _objects(folder: Path, kind: str, bad: list[str]) -> list[dict[str, Any]]:
    """Return the objects of one kind in the order of their files; append unusable files to `bad`."""
    objects = []
    for path in sorted(folder.glob("*.json")):
        problem, value = _read(path, kind)
        if problem:
            bad.append(f"{kind}/{path.name}: {problem}")
        else:
            objects.append(value)
    return objects


def _read(path: Path, kind: str) -> tuple[str, dict[str, Any]]:
    """Return the problem with a file, or "" if there is none, and the object in the file."""
    if path.is_symlink() or not path.is_file():
        return "not a regular file", {}
    if path.stat().st_size > MAX_FILE_BYTES:
        return f"larger than {MAX_FILE_BYTES} bytes", {}
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return "not JSON", {}
    if not isinstance(value, dict) or not isinstance(value.get("image_id"), str):
        return "not a JSON object with an image_id", {}
    if kind == "comments" and not isinstance(value.get("comments"), list):
        return "`comments` is not a list", {}
    return "", value


def _labels(one: dict[str, Any]) -> dict[str, Any]:
    labels = one.get("labels", {})
    return labels if isinstance(labels, dict) else {RAW: labels}


def _cell(value: Any) -> str:
    """Return the text of a cell: lists are joined by semicolons, formulas are guarded against evaluation."""
    if value is None:
        return ""
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return guarded(text)
