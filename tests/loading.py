"""One loader of `ingest` at work on one source, for tests: documents, rejects, and the pictures it saved."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docent.config.sources import Source
from docent.config.stages import Ingest
from docent.records import Document, Reject, Section
from docent.stages.ingest import list_sources, load
from docent.stages.ingest.images import Intake, Limits


@dataclass
class Loaded:
    """What came of a source."""

    documents: list[Document] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def sections(self) -> list[Section]:
        return [section for document in self.documents for section in document.sections]

    @property
    def reasons(self) -> list[str]:
        return [reject.reason for reject in self.rejects]


def loaded(kind: str, path: Path, max_image_mb: float = 50, **sections: Any) -> Loaded:
    """Everything that `ingest` reads from a path, with settings such as `rows={"max_rows": 2}`."""
    section = Ingest.model_validate(
        {"sources": [{"kind": kind, "path": str(path)}], "max_image_mb": max_image_mb, **sections}
    )
    found = Loaded()

    def save(data: bytes, suffix: str) -> str:
        name = f"files/{hashlib.sha256(data).hexdigest()[:16]}.{suffix}"
        found.files[name] = data
        return name

    intake = Intake(section, Limits(int(max_image_mb * 1e6), 1e8), save)
    for listed in list_sources((Source.model_validate(section.sources[0]),)):
        for row in [listed] if isinstance(listed, Reject) else load(listed, intake):
            (found.rejects if isinstance(row, Reject) else found.documents).append(row)  # type: ignore[attr-defined]
    return found
