"""Record in the run's folder how many replies the journal held, so that a deleted or emptied journal is noticed.

Reads and writes `<data>/<run>/replies.json`; reads the journal. Without this file, a run whose replies are gone would
pay for them again without a warning.
"""

import contextlib
import json
import logging
import time
from pathlib import Path
from typing import Any

from docent.artifacts.durable import write_durably
from docent.artifacts.side_files import load_json
from docent.errors import ConfigError
from docent.llm.journal.journal import Journal

log = logging.getLogger("docent.llm")

FILE = "replies.json"
NOTED_EVERY_S = 10.0


class Expected:
    """The number of replies that one run expects in the journal.

    Args:
        path: path of `replies.json`.
    """

    def __init__(self, path: Path, journal: Journal) -> None:
        self._path, self._journal = path, journal
        self._noted: dict[str, object] = {}
        self._due_s, self._is_checked = 0.0, False

    async def check(self, limited: bool) -> None:
        """Report, once and before anything is sent, how many replies are missing from the journal.

        Args:
            limited: whether a spending limit is set; spending is computed from the journal.

        Raises:
            ConfigError: replies are missing and there is a limit.
        """
        if self._is_checked:
            return
        self._is_checked = True
        own = load_json(self._path)  # before the journal is read, because other shards add replies meanwhile
        noted = own or self._newest_of_other_runs()
        identity, held = await self._journal.count_replies()
        expected = noted.get("replies")
        if not isinstance(expected, int) or expected <= 0:
            return
        same = str(noted.get("journal")) == str(identity)
        missing = expected - held if same else expected
        if missing <= 0:
            return
        what = (
            f"the journal of replies {'lacks' if same else 'was replaced, and lacks'} {missing} replies "
            f"that {'this run' if own else 'another run'} recorded in it"
        )
        if own and limited:
            raise ConfigError(
                f"{what}: their cost is unknown, so the spending limit cannot be enforced",
                str(self._journal.path),
                f"restore the journal, or, to pay for them again: rm {self._path}, then: docent run",
            )
        log.warning("%s (%s): their requests are sent and paid for again", what, self._journal.path)

    def _newest_of_other_runs(self) -> dict[str, Any]:
        """Return the newest record of any run that shares the journal, or {} if there is none."""
        notes: dict[float, Path] = {}
        for path in self._path.parent.parent.glob(f"*/{self._path.name}"):
            with contextlib.suppress(OSError):  # the run was just deleted
                notes[path.stat().st_mtime] = path
        return load_json(notes[max(notes)]) or {} if notes else {}

    async def note(self, at_once: bool = False) -> None:
        """Write the current number of replies if it has grown; at most once every NOTED_EVERY_S."""
        if not self._journal.replied or (time.monotonic() < self._due_s and not at_once):
            return
        identity, held = await self._journal.count_replies()
        note: dict[str, object] = {"journal": identity, "replies": held}
        if note != self._noted:
            try:
                write_durably(self._path, (json.dumps(note) + "\n").encode())
                self._noted = note
            except OSError as error:  # the replies are in the journal anyway
                log.warning("cannot write the number of replies to %s: %s", self._path, error.strerror)
        self._due_s = time.monotonic() + NOTED_EVERY_S
