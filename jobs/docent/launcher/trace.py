"""`docent trace ID`: from any row through its parents to the line of a source file. Reads the run; writes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docent.config import PipelineConfig
from docent.errors import LauncherError
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
    "temperature",
    "teacher",
)
SHOWN_CHARS = 160


@dataclass(frozen=True)
class Found:
    """A row on the way from `ID` to its source."""

    id: str
    unit: str
    parents: tuple[str, ...]
    row: dict[str, Any]


def trace(states: RunStates, wanted_id: str) -> dict[str, Found]:
    """Every row from `wanted_id` back to its sources, by id, nearest first.

    Parents always lie in units before the row's own, so one pass over the units in reverse order finds them all.

    Raises:
        LauncherError: (102) no row has this id (or a prefix of at least 6 digits that is unique).
    """
    wanted = {wanted_id}
    found: dict[str, Found] = {}
    for name in reversed(list(states.units)):
        artifact = states.of(name).artifact
        if artifact is None:
            continue
        for row in _rows_with(artifact, wanted, prefix="" if found else wanted_id):
            hit = Found(row["id"], name, tuple(row.get("parents", ())), row)
            found.setdefault(hit.id, hit)
            wanted |= set(hit.parents)
    if not found:
        raise LauncherError(102, f"no row has the id {wanted_id!r}", str(states.run_dir), "ids are in any part-*.jsonl")
    return found


def _rows_with(artifact: Artifact, wanted: set[str], prefix: str) -> Iterator[dict[str, Any]]:
    for part in artifact.success["parts"]:
        with (artifact.folder / part["path"]).open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                # Images before the document that holds them: it may be wanted because of one of them.
                candidates = [*(image for image in row.get("images", ()) if "id" in image), row]
                for candidate in candidates:
                    near = len(prefix) >= 6 and candidate["id"].startswith(prefix)
                    if candidate["id"] in wanted or near:
                        yield candidate


def lines(found: dict[str, Found], config: PipelineConfig) -> Iterator[str]:
    """The trace as an indented tree, sources at the leaves."""
    yield from _tree(next(iter(found)), found, config, 0)


def _tree(row_id: str, found: dict[str, Found], config: PipelineConfig, depth: int) -> Iterator[str]:
    hit = found.get(row_id)
    if hit is None:
        return
    yield f"{'  ' * depth}{hit.unit} {hit.id}  {_summary(hit.row)}"
    for section in hit.row.get("sections", ()):
        yield f"{'  ' * (depth + 1)}{_source(section['source'], config)}  {_cut(section['text'])}"
    for parent in hit.parents:
        yield from _tree(parent, found, config, depth + 1)


def _summary(row: dict[str, Any]) -> str:
    shown = (f"{key}={_cut(row[key])}" for key in TEXT_FIELDS if row.get(key) not in (None, ""))
    return " ".join(shown)


def _cut(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    text = " ".join(text.split())
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"


def _source(span: dict[str, Any], config: PipelineConfig) -> str:
    """`path:first-last`, with the path as the configuration gives it where the file is found there."""
    file = Path(span["file"])
    for source in config.ingest.sources if config.ingest else ():
        for candidate in (source.path, source.path / file, source.path.parent / file):
            if candidate.is_file() and candidate.name == file.name:
                return f"{candidate}:{span['first_line']}-{span['last_line']}"
    return f"{file}:{span['first_line']}-{span['last_line']}"
