"""`docent convert annotations`: captions, labels and comments of pictures, one JSON file each, as three tables.

Reads FOLDER/captions, FOLDER/labels and FOLDER/comments; writes `all_captions.csv` and `all_labels.csv` with a row per
file and `all_comments.csv` with a row per comment. The files are those of generated pictures: `{"image_id", "caption",
"generated_at", "context"}`, `{"image_id", "labels": {category: label or labels}}`, `{"image_id", "comments": [...]}`.
Labels that are no object, as a model sometimes writes them, stand in the column `raw`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docent.convert.files import replacing
from docent.errors import InputError
from docent.text.encodings.spreadsheet import guarded

KINDS = ("captions", "labels", "comments")
MAX_FILE_BYTES = 1 << 20
RAW = "raw"
EXPECTED = "expected: captions/, labels/ or comments/ with one JSON object per file that has an image_id"


@dataclass
class Written:
    """Rows of each table, and files that could not be used with the reason."""

    rows: dict[str, int] = field(default_factory=dict)
    bad: list[str] = field(default_factory=list)


def convert(folder: Path, out: Path) -> Written:
    """Write the three tables into the folder `out`.

    Raises:
        InputError: there is not one file that can be used.
    """
    written = Written()
    found = {kind: _objects(folder / kind, kind, written.bad) for kind in KINDS}
    if not any(found.values()):
        raise InputError(
            f"no captions, labels or comments can be read ({len(written.bad)} bad files)", str(folder), EXPECTED
        )
    categories = list(dict.fromkeys(name for one in found["labels"] for name in _labels(one)))
    tables: dict[str, tuple[Sequence[str], list[list[str]]]] = {
        "captions": (
            ("image_id", "caption", "generated_at", "context"),
            [
                [_cell(one.get(key)) for key in ("image_id", "caption", "generated_at", "context")]
                for one in found["captions"]
            ],
        ),
        "labels": (
            ("image_id", *categories),
            [
                [_cell(one["image_id"]), *(_cell(_labels(one).get(name)) for name in categories)]
                for one in found["labels"]
            ],
        ),
        "comments": (
            ("image_id", "number", "comment"),
            [
                [_cell(one["image_id"]), str(number), _cell(comment)]
                for one in found["comments"]
                for number, comment in enumerate(one["comments"], 1)
            ],
        ),
    }
    out.mkdir(parents=True, exist_ok=True)
    for kind, (columns, rows) in tables.items():
        _write(out / f"all_{kind}.csv", columns, rows)
        written.rows[kind] = len(rows)
    return written


def _objects(folder: Path, kind: str, bad: list[str]) -> list[dict[str, Any]]:
    """The objects of one kind in the order of their files; what is none goes to `bad`."""
    found = []
    for path in sorted(folder.glob("*.json")):
        problem, value = _read(path, kind)
        if problem:
            bad.append(f"{kind}/{path.name}: {problem}")
        else:
            found.append(value)
    return found


def _read(path: Path, kind: str) -> tuple[str, dict[str, Any]]:
    """What is wrong with a file, or "" and its object."""
    if path.is_symlink() or not path.is_file():
        return "not a plain file", {}
    if path.stat().st_size > MAX_FILE_BYTES:
        return f"more than {MAX_FILE_BYTES} bytes", {}
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return "not JSON", {}
    if not isinstance(value, dict) or not isinstance(value.get("image_id"), str):
        return "no object with an image_id", {}
    if kind == "comments" and not isinstance(value.get("comments"), list):
        return "its comments are no list", {}
    return "", value


def _labels(one: dict[str, Any]) -> dict[str, Any]:
    labels = one.get("labels", {})
    return labels if isinstance(labels, dict) else {RAW: labels}


def _cell(value: Any) -> str:
    """A cell: lists with semicolons; nothing that a spreadsheet would compute."""
    if value is None:
        return ""
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return guarded(text)


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_cell, columns))
    writer.writerows(rows)
    with replacing(path) as file:
        file.write(text.getvalue().encode("utf-8", "replace"))
