"""Markdown files written by tests, and what the loader makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docent.config.sources import Source
from docent.config.stages import Ingest
from docent.records import Document, Reject
from docent.stages.ingest.images import Intake, Limits
from docent.stages.ingest.sources import ListedFile, list_files
from docent.stages.ingest.text.markdown import SUFFIXES, load_document

ROOT = Path(__file__).resolve().parents[1]
TIDE_CLOCK = ROOT / "tests" / "fixtures" / "tide-clock.md"
"""A manual of 21 headings at four depths, with comments that look like headings in its fenced code."""
PHOTOS = sorted((ROOT / "samples" / "museum" / "images").glob("*-1.jpg"))[:4]


def intake(saved: dict[str, bytes] | None = None, **settings: Any) -> Intake:
    """What the stage gives a loader; pictures go into `saved`."""
    section = Ingest.model_validate({"sources": [{"kind": "markdown", "path": "."}], "markdown": settings})

    def save(data: bytes, suffix: str) -> str:
        name = f"files/{len(saved or ())}.{suffix}"
        if saved is not None:
            saved[name] = data
        return name

    return Intake(section, Limits(1_000_000, 100_000_000), save)


def listed(path: Path, name: str = "") -> ListedFile:
    """One file of a folder; `path` is the folder when a name is given."""
    source = Source(kind="markdown", path=path)
    found = [
        one for one in list_files(source, SUFFIXES) if isinstance(one, ListedFile) and one.name == (name or path.name)
    ]
    assert len(found) == 1
    return found[0]


def load(path: Path, name: str = "", saved: dict[str, bytes] | None = None, **settings: Any) -> list[Document | Reject]:
    """Everything that comes of one file."""
    return list(load_document(listed(path, name), intake(saved, **settings)))


def document(path: Path, name: str = "", saved: dict[str, bytes] | None = None, **settings: Any) -> Document:
    """The document of a file."""
    (found,) = (one for one in load(path, name, saved, **settings) if isinstance(one, Document))
    return found


def written(folder: Path, text: str | bytes, **settings: Any) -> Document:
    """The document of a text."""
    path = folder / "manual.md"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return document(path, **settings)
