"""Plan what a push changes in a repository: files to upload, to delete and to keep.

Reads the list of files in the repository and docent's note there; changes nothing. The note, `.docent.json`, lists the
files that docent uploaded, to distinguish them from other people's files, and the digests of the card's parts.
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
"""Versions of docent that wrote no NOTE pushed this file with every data set; all their paths begin with EARLIER."""
UNOWNED = frozenset({".gitattributes", "LICENSE", CARD, NOTE})
"""Files that the hub creates or that are merged; never deleted, and never reported as other people's files."""
MAX_NAMED = 3

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile


class Note(BaseModel, frozen=True):
    """docent's note in the repository: the files that it uploaded, and digests of the parts of its card."""

    files: frozenset[str] = frozenset()
    card: dict[str, str] = {}

    def text(self) -> bytes:
        """Return the note as the bytes of its file."""
        return (json.dumps({"card": self.card, "files": sorted(self.files)}, indent=1) + "\n").encode()


@dataclass(frozen=True)
class PushPlan:
    """The changes of a push.

    Attributes:
        uploads: paths of data set files that are missing in the repository or differ from it.
        card: the new text of the card, or "" if it does not change.
        stale: paths to delete: docent's files that the data set no longer has, and other people's files to be deleted.
        in_the_way: paths of other people's files that the data set's files would overwrite.
        kept: paths of other people's files that stay.
        during: the note while the push is running; it lists old and new files.
        after: the note after the push is complete.
        notes: messages about texts of the card that were replaced.
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
    """Return docent's note, or None if it is missing or damaged."""
    try:
        return Note.model_validate_json(text or b"")
    except ValidationError:
        return None


def files_of(data_set: Artifact) -> dict[str, OutputFile]:
    """Return the files to push by path, as listed in `_SUCCESS.json`."""
    return {file.path: file for file in data_set.success.files if file.path != RECORD}


def make_plan(
    data_set: Artifact,
    there: Mapping[str, RepoFile],
    note: Note | None,
    card: str,
    delete: Sequence[str] = (),
) -> PushPlan:
    """Plan the update of a repository to a data set.

    Args:
        there: files in the repository, by path.
        note: docent's note in the repository, if any.
        card: the text of the card in the repository, or "" if there is none.
        delete: paths or patterns of other people's files to delete.
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
    """Return the first few paths as text, and the number of further ones."""
    listed = ", ".join(path[:100] for path in paths[:MAX_NAMED])
    return f"{listed} and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else listed


def _owned(there: Mapping[str, RepoFile], note: Note | None) -> set[str]:
    """Return the paths in the repository that docent uploaded."""
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

    return remote.blob_id == git_hash(inside(folder, local.path).read_bytes())  # only small files are outside LFS
