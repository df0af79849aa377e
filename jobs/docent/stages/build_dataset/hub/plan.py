"""What a push changes in a repository: files to upload, to delete, to keep, and whose they are.

Reads the listing of the repository and what docent noted there; changes nothing. `.docent.json` in the repository
lists the files that docent put there, so that those of others are told apart, and the digests of the card's parts.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docent.stages.build_dataset.hub.card_merge import digests, merge

NOTE = ".docent.json"
CARD = "README.md"
EARLIER = ("hf/", "images/", "documents/", "chat-", "conversations-", "metadata-", "audit.json", "statistics.json")
EARLIER_MARK = "audit.json"
"""Versions without NOTE put this file into every data set, and what begins with EARLIER."""
UNOWNED = frozenset({".gitattributes", "LICENSE", CARD, NOTE})
"""Made by the hub, or merged: neither docent's to delete nor worth naming as somebody else's."""
CHUNK_BYTES = 1 << 20
MAX_NAMED = 3


@dataclass(frozen=True)
class Local:
    """A file of the data set: where it lies, its size in bytes and its sha256."""

    path: Path
    size: int
    sha256: str


@dataclass(frozen=True)
class Remote:
    """A file in the repository; `sha256` is "" where the hub tells only the Git object."""

    size: int
    blob: str
    sha256: str = ""


@dataclass(frozen=True)
class Note:
    """What docent noted in the repository: its files, and the digests of the card's parts as docent wrote them."""

    files: frozenset[str] = frozenset()
    card: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> bytes:
        """The note as it is stored."""
        return (json.dumps({"card": dict(self.card), "files": sorted(self.files)}, indent=1) + "\n").encode()


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        uploads: paths of the data set that the repository lacks or has otherwise.
        card: text of the card as it is to be, "" where it stays.
        stale: paths that docent put there and that the data set no longer has, and those of others that are to go.
        in_the_way: paths of others where the data set's files would go.
        kept: paths of others that stay.
        during: the note while the push is under way; it claims old and new files.
        after: the note once all is done.
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
        """Whether the repository is as it is to be."""
        return not (self.uploads or self.card or self.stale)


def read_note(text: bytes | None) -> Note | None:
    """What docent noted; None where it noted nothing, or somebody damaged it."""
    try:
        found = json.loads(text or b"")
        files, card = found["files"], found["card"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(files, list) or not isinstance(card, dict):
        return None
    parts = {str(name): value for name, value in card.items() if isinstance(value, str)}
    return Note(frozenset(file for file in files if isinstance(file, str)), parts)


def make_plan(
    files: Mapping[str, Local],
    there: Mapping[str, Remote],
    note: Note | None,
    card: str,
    delete: Sequence[str] = (),
) -> Plan:
    """Compare a data set with a repository.

    Args:
        note: what docent noted there.
        card: the text of the card there; "" where there is none.
        delete: paths or patterns of others' files that are to go.
    """
    ours = _owned(there, note)
    to_go = {path for path in there if path not in ours | UNOWNED and _matches(path, delete)}
    strangers = set(there) - ours - UNOWNED - to_go
    changed = [path for path in sorted(files) if path != CARD and not _is_same(files[path], there.get(path))]
    written = files[CARD].path.read_text(encoding="utf-8")
    merged = merge(written, card, note.card if note else {})
    after = Note(frozenset(files) - UNOWNED, digests(written))
    return Plan(
        uploads=tuple(changed),
        card=merged.text if merged.text != card else "",
        stale=tuple(sorted((ours | to_go) - set(files) - UNOWNED)),
        in_the_way=tuple(path for path in changed if path in strangers),
        kept=tuple(sorted(strangers - set(files))),
        during=Note(after.files | ours, note.card if note else {}),
        after=after,
        notes=merged.notes,
    )


def named(paths: Sequence[str]) -> str:
    """Some paths by name, and how many there are."""
    listed = ", ".join(path[:100] for path in paths[:MAX_NAMED])
    return f"{listed} and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else listed


def _owned(there: Mapping[str, Remote], note: Note | None) -> set[str]:
    """Paths in the repository that docent put there."""
    if note is not None:
        return set(there) & note.files
    if EARLIER_MARK in there:
        return {path for path in there if path.startswith(EARLIER)}
    return set()


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return any(path == pattern or fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def _is_same(local: Local, remote: Remote | None) -> bool:
    if remote is None or remote.size != local.size:
        return False
    return remote.sha256 == local.sha256 if remote.sha256 else remote.blob == blob_of(local.path, local.size)


def blob_of(path: Path, size: int) -> str:
    """The name of a file as a Git object, by which the hub tells small files apart."""
    found: Any = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            found.update(piece)
    return str(found.hexdigest())
