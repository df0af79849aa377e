"""Plan what a push changes in a repository: files to upload, to delete and to keep.

Reads the listing of the repository and what docent noted there; changes nothing. `.docent.json` in the repository
lists the files that docent put there, to tell them from those of others, and the digests of the card's parts.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from docent.artifacts.confinement import inside
from docent.artifacts.listings import RECORD, OutputFile
from docent.stages.build_dataset.hub.card_merge import digests, merge
from docent.store import Artifact

NOTE = ".docent.json"
CARD = "README.md"
EARLIER = ("hf/", "images/", "documents/", "chat-", "conversations-", "metadata-", "audit.json", "statistics.json")
EARLIER_MARK = "audit.json"
"""Versions of docent without NOTE put this file, and those whose paths begin with EARLIER, into every data set."""
UNOWNED = frozenset({".gitattributes", "LICENSE", CARD, NOTE})
"""Files that the hub makes, or that are merged: never deleted, and never named as files of others."""
MAX_NAMED = 3

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile


class Note(BaseModel, frozen=True):
    """What docent noted in the repository: its files, and the digests of the card's parts as docent wrote them."""

    files: frozenset[str] = frozenset()
    card: dict[str, str] = {}

    def text(self) -> bytes:
        """Return the note as it is stored."""
        return (json.dumps({"card": self.card, "files": sorted(self.files)}, indent=1) + "\n").encode()


@dataclass(frozen=True)
class PushPlan:
    """The changes of a push.

    Attributes:
        uploads: paths of the data set that the repository lacks or has with other content.
        card: new text of the card; "" where it stays.
        stale: paths that docent put there and that the data set no longer has, and those of others to be deleted.
        in_the_way: paths of others where the data set's files would go.
        kept: paths of others that stay.
        during: the note while the push is under way; it claims old and new files.
        after: the note once the push is complete.
    """

    uploads: tuple[str, ...]
    card: str
    stale: tuple[str, ...]
    in_the_way: tuple[str, ...]
    kept: tuple[str, ...]
    during: Note
    after: Note
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Return whether the repository needs no change."""
        return not (self.uploads or self.card or self.stale)


def read_note(text: bytes | None) -> Note | None:
    """Return what docent noted; None where there is no note, or somebody damaged it."""
    try:
        return Note.model_validate_json(text or b"")
    except ValidationError:
        return None


def files_of(data_set: Artifact) -> dict[str, OutputFile]:
    """Return the files to push by their paths, as `_SUCCESS.json` lists them."""
    return {file.path: file for file in data_set.success.files if file.path != RECORD}


def make_plan(
    data_set: Artifact,
    there: Mapping[str, RepoFile],
    note: Note | None,
    card: str,
    delete: Sequence[str] = (),
) -> PushPlan:
    """Compare a data set with a repository.

    Args:
        there: the files of the repository by their paths.
        note: what docent noted there.
        card: the text of the card there; "" where there is none.
        delete: paths or patterns of others' files that are to be deleted.
    """
    folder, files = data_set.folder, files_of(data_set)
    ours = _owned(there, note)
    others = set(there) - ours - UNOWNED
    deleted = {path for path in others if any(path == name or fnmatch.fnmatchcase(path, name) for name in delete)}
    others -= deleted
    changed = [path for path in sorted(files) if path != CARD and not _is_same(folder, files[path], there.get(path))]
    written = inside(folder, CARD).read_text(encoding="utf-8")
    merged = merge(written, card, note.card if note else {})
    after = Note(files=frozenset(files) - UNOWNED, card=digests(written))
    return PushPlan(
        uploads=tuple(changed),
        card=merged.text if merged.text != card else "",
        stale=tuple(sorted((ours | deleted) - set(files) - UNOWNED)),
        in_the_way=tuple(path for path in changed if path in others),
        kept=tuple(sorted(others - set(files))),
        during=Note(files=after.files | ours, card=note.card if note else {}),
        after=after,
        notes=merged.notes,
    )


def named(paths: Sequence[str]) -> str:
    """Return the first paths, and how many more there are."""
    listed = ", ".join(path[:100] for path in paths[:MAX_NAMED])
    return f"{listed} and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else listed


def _owned(there: Mapping[str, RepoFile], note: Note | None) -> set[str]:
    """Return the paths in the repository that docent put there."""
    if note is not None:
        return set(there) & note.files
    if EARLIER_MARK in there:
        return {path for path in there if path.startswith(EARLIER)}
    return set()


def _is_same(folder: Path, local: OutputFile, remote: RepoFile | None) -> bool:
    if remote is None or remote.size != local.size:
        return False
    if remote.lfs:
        return remote.lfs.sha256 == local.sha256
    from huggingface_hub.utils.sha import git_hash

    return remote.blob_id == git_hash(inside(folder, local.path).read_bytes())  # only small files are not in LFS
