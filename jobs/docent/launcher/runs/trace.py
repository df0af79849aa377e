"""Trace a row through its parents to the lines of a source file. Reads the run; writes nothing."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from docent.artifacts.confinement import is_plain
from docent.config import PipelineConfig
from docent.errors import InputError, LauncherError
from docent.messages.printing import printable
from docent.records import Span
from docent.spec import RunStates
from docent.store import Artifact

TEXT_FIELDS = (
    "arm",
    "split",
    "item_name",
    "name",
    "question",
    "answer",
    "metrics",
    "image_name",
    "question_type",
    "temperature",
    "teacher",
)
SHOWN_CHARS = 160
Place = dict[str, Any]
"""A span in a source file: file, first and last line, and the page if the file has pages."""


@dataclass(frozen=True)
class TracedRow:
    """A row on the path from the requested row to its sources."""

    id: str
    unit: str
    parents: tuple[str, ...]
    row: dict[str, Any]


class _Identified(BaseModel):
    """The fields that a row, and an image in it, must have to be traced."""

    id: str
    parents: list[str] = []


def trace(states: RunStates, wanted_id: str) -> dict[str, TracedRow]:
    """Return every row from `wanted_id` back to its sources, by id, nearest first.

    Parents always belong to units before the row's own, so one pass over the units in reverse order finds them all.

    Raises:
        LauncherError: (102) no row has this id or starts with it (at least 6 digits).
    """
    wanted = {wanted_id}
    rows: dict[str, TracedRow] = {}
    for name in reversed(list(states.units)):
        artifact = states.of(name).artifact
        if artifact is None:
            continue
        for row in _rows_with(artifact, wanted, prefix="" if rows else wanted_id):
            traced = TracedRow(row["id"], name, tuple(row.get("parents", ())), row)
            rows.setdefault(traced.id, traced)
            wanted |= set(traced.parents)
    if not rows:
        raise LauncherError(102, f"no row has the id {wanted_id!r}", str(states.run_dir), "use an id from part-*.jsonl")
    return rows


def _rows_with(artifact: Artifact, wanted: set[str], prefix: str) -> Iterator[dict[str, Any]]:
    for path in artifact.row_files():
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not any(one in line for one in wanted):  # decoding every line takes far longer than a text search
                    continue
                try:
                    candidates = _candidates(json.loads(line))
                except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                    raise InputError("the line is not a valid row", f"{path}:{number}", "docent run --verify") from None
                for candidate in candidates:
                    near = len(prefix) >= 6 and candidate["id"].startswith(prefix)
                    if candidate["id"] in wanted or near:
                        yield candidate


def _candidates(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row and the images in it, images first: the row may be needed because of one of them.

    Raises:
        ValueError: an id is not text, parents are not a list of ids, or a place is not a span of a file.
    """
    for place in (*row.get("sources", ()), *(section["source"] for section in row.get("sections", ()))):
        Span.model_validate(place)
    figures = (figure["image"] for section in row.get("sections", ()) for figure in section["figures"])
    images = [image for image in (*row.get("images", ()), *figures) if image and "id" in image]
    for one in (*images, row):
        _Identified.model_validate(one)
    return [*images, row]


def lines(rows: dict[str, TracedRow], config: PipelineConfig) -> Iterator[str]:
    """Yield the trace as an indented tree with the sources at the leaves."""
    places = [place for traced in rows.values() for place in traced.row.get("sources", ())]
    yield from _tree(next(iter(rows)), rows, config, places, ())


def _tree(
    row_id: str, rows: dict[str, TracedRow], config: PipelineConfig, places: list[Place], above: tuple[str, ...]
) -> Iterator[str]:
    traced = rows.get(row_id)
    if traced is None or row_id in above:  # a forged row may be its own ancestor
        return
    yield f"{'  ' * len(above)}{traced.unit} {printable(traced.id)}  {_summary(traced.row)}"
    inside = "  " * (len(above) + 1)
    for place in traced.row.get("sources", ()):
        yield f"{inside}{_source(place, config)}"
    for section in _sections(traced.row, places):
        yield f"{inside}{_source(section['source'], config)}  {_cut(section['text'])}"
    for parent in traced.parents:
        yield from _tree(parent, rows, config, places, (*above, row_id))


def _sections(row: dict[str, Any], places: list[Place]) -> list[dict[str, Any]]:
    """Return the sections of a document that the traced rows were written from, or all sections if that is unknown."""
    sections: list[dict[str, Any]] = list(row.get("sections", ()))
    touched = [section for section in sections if any(_meet(section["source"], place) for place in places)]
    return touched or sections


def _meet(one: Place, other: Place) -> bool:
    """Return whether two places share a line."""
    same = one["file"] == other["file"] and one.get("page") == other.get("page")
    return same and one["first_line"] <= other["last_line"] and other["first_line"] <= one["last_line"]


def _summary(row: dict[str, Any]) -> str:
    shown = (f"{key}={_cut(row[key])}" for key in TEXT_FIELDS if row.get(key) not in (None, ""))
    return " ".join(shown)


def _cut(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    text = "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"


def _source(span: Place, config: PipelineConfig) -> str:
    """Return `path:first-last` and the page; the path is as in the configuration if the file exists there."""
    if not is_plain(span["file"]):
        return printable(span["file"])
    file = Path(span["file"])
    page = f" page {span['page']}" if span.get("page") else ""
    where = f":{span['first_line']}-{span['last_line']}{page}"
    for source in config.ingest.sources if config.ingest else ():
        for candidate in (source.path, source.path / file, source.path.parent / file):
            if candidate.is_file() and candidate.name == file.name:
                return f"{printable(str(candidate))}{where}"
    return f"{printable(str(file))}{where}"
