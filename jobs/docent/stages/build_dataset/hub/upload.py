"""Create the commits of a push: up to a hundred files each, on top of the commit that the plan is based on.

Reads the data set and the repository; writes the repository. Files that the repository already has are not uploaded
again, so an interrupted push can resume. The card is committed last: until then the old card describes the old files.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docent.artifacts.confinement import inside
from docent.config.stages import BuildDataset
from docent.messages.plurals import counted
from docent.stages.build_dataset.hub.asking import Ask, OutdatedError, Wait
from docent.stages.build_dataset.hub.client import TYPE
from docent.stages.build_dataset.hub.limits import COMMIT_FILES
from docent.stages.build_dataset.hub.plan import (
    CARD,
    MAX_NAMED,
    NOTE,
    PushPlan,
    make_plan,
    named,
    read_note,
)
from docent.stages.build_dataset.hub.refusals import PushError, again
from docent.store import Artifact

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile

log = logging.getLogger("docent.build-dataset")

MAX_OUTDATED = 5
FIRST_TRIES = 3
MAX_READ_BYTES = 4_000_000
MESSAGE = "Data set by docent"


@dataclass(frozen=True)
class Uploaded:
    """The result of a push: the repository's name, its commit, how many files were uploaded, and notes for the user."""

    repository: str
    commit: str
    files: int
    notes: tuple[str, ...]


def upload(api: Any, section: BuildDataset, data_set: Artifact, wait: Wait) -> Uploaded:
    """Push the data set to the repository; create the repository if it does not exist.

    Args:
        api: the hub's client, with the token.

    Raises:
        PushError: the hub refuses the push or cannot be reached, or other people's files are in the way.
    """
    ask = Ask(section, api.token, wait)
    first = Ask(section, api.token, wait, FIRST_TRIES)  # fewer tries: do not wait for a hub that is down from the start
    created = first(
        lambda: api.create_repo(section.push_to, repo_type=TYPE, exist_ok=True, private=section.push_private)
    )
    repository, done = _Repository(api, ask, str(created.repo_id)), 0
    name = repository.name
    for _ in range(MAX_OUTDATED):
        head = repository.head()
        plan, is_noted = repository.compare(head, data_set, section.push_delete)
        if plan.in_the_way:
            raise _in_the_way(plan, name)
        if plan.is_empty and is_noted:
            return Uploaded(name, head, done, _notes(plan, name))
        try:
            for number, operations in _commits(plan, data_set.folder):
                ask.pause()
                head = repository.commit(operations, head)
                done += number
            return Uploaded(name, head, done, _notes(plan, name))
        except OutdatedError:
            log.info("someone else committed to %s: planning the push again", name)
    raise PushError(f"other people keep committing to {name} during the push", f"wait a few minutes, then: {again()}")


@dataclass(frozen=True)
class _Repository:
    """A data set repository on the hub."""

    api: Any
    ask: Ask
    name: str

    def head(self) -> str:
        """Return the newest commit of the repository."""
        return str(self.ask(lambda: self.api.repo_info(self.name, repo_type=TYPE)).sha)

    def compare(self, head: str, data_set: Artifact, delete: Sequence[str]) -> tuple[PushPlan, bool]:
        """Return the changes to the repository, and whether docent's note there is up to date."""
        entries = self.ask(
            lambda: list(self.api.list_repo_tree(self.name, repo_type=TYPE, recursive=True, revision=head))
        )
        there = {entry.path: entry for entry in entries if hasattr(entry, "blob_id")}  # folders have a tree_id
        note = read_note(self._read(NOTE, head, there))
        card = (self._read(CARD, head, there) or b"").decode("utf-8", "replace")
        plan = make_plan(data_set, there, note, card, delete)
        return plan, note == plan.after

    def commit(self, operations: list[Any], parent: str) -> str:
        """Commit on top of `parent`; return the new commit.

        Raises:
            OutdatedError: the repository has a newer commit than `parent`.
        """
        settings: dict[str, Any] = {"commit_message": MESSAGE, "repo_type": TYPE, "parent_commit": parent}
        return str(self.ask(lambda: self.api.create_commit(self.name, operations, **settings)).oid)

    def _read(self, path: str, head: str, there: Mapping[str, RepoFile]) -> bytes | None:
        """Return the content of a small file, or None if the repository does not have it.

        Raises:
            PushError: the file is too large.
        """
        if path not in there:
            return None
        if there[path].size > MAX_READ_BYTES:
            reason = f"{path} in {self.name} is too large to be merged ({there[path].size:,} bytes)"
            raise PushError(reason, f"shorten it on the hub, then: {again()}")
        with tempfile.TemporaryDirectory() as folder:
            settings = {"repo_type": TYPE, "revision": head, "local_dir": folder}
            return Path(self.ask(lambda: self.api.hf_hub_download(self.name, path, **settings))).read_bytes()


def _commits(plan: PushPlan, folder: Path) -> list[tuple[int, list[Any]]]:
    """Return the operations of each commit, and how many files the commit uploads.

    If there are several commits, the first one adds a note that lists the files of all of them. Otherwise the files of
    an interrupted push would look like other people's files.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    operations: list[Any] = [
        CommitOperationAdd(path_in_repo=path, path_or_fileobj=inside(folder, path)) for path in plan.uploads
    ]
    if plan.card:
        operations.append(CommitOperationAdd(path_in_repo=CARD, path_or_fileobj=plan.card.encode()))
    operations += [CommitOperationDelete(path_in_repo=path, is_folder=False) for path in plan.stale]
    batches = [operations[start : start + COMMIT_FILES] for start in range(0, max(1, len(operations)), COMMIT_FILES)]
    commits = [(sum(isinstance(one, CommitOperationAdd) for one in batch), batch) for batch in batches]
    if len(commits) > 1:
        commits[0][1].append(CommitOperationAdd(path_in_repo=NOTE, path_or_fileobj=plan.during.text()))
    commits[-1][1].append(CommitOperationAdd(path_in_repo=NOTE, path_or_fileobj=plan.after.text()))
    return commits


def _in_the_way(plan: PushPlan, name: str) -> PushError:
    number = counted(len(plan.in_the_way), "file")
    return PushError(
        f"the push would overwrite {number} of other people in {name}: {named(plan.in_the_way)}",
        f"use another repository (build_dataset.push_to), or replace them: {_deleting(plan.in_the_way)}",
    )


def _notes(plan: PushPlan, name: str) -> tuple[str, ...]:
    """Return notes for the user about a push that succeeded."""
    if not plan.kept:
        return plan.notes
    number = counted(len(plan.kept), "file")
    kept = (
        f"{number} of other people in {name} kept: {named(plan.kept)}; to delete them, list them: "
        f"{_deleting(plan.kept)}"
    )
    return (*plan.notes, kept)


def _deleting(paths: Sequence[str]) -> str:
    """Return the command that deletes the first few of these files of other people."""
    return again("build_dataset.push_delete=" + json.dumps(paths[:MAX_NAMED], ensure_ascii=False))
