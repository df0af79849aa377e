"""Note beside the run how many replies the journal held, so that a deleted or emptied journal is noticed.

Reads and writes `<data>/<run>/replies.json`; reads the journal. Without it, a run whose replies are gone would pay for
them again and say nothing.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from pathlib import Path
from typing import Any

from docent.errors import ConfigError
from docent.llm.journal.journal import Journal
from docent.store import load_json, write_durably

log = logging.getLogger("docent.llm")

FILE = "replies.json"
NOTED_EVERY_S = 10.0


class Expected:
    """The note of one run.

    Args:
        path: of the note.
    """

    def __init__(self, path: Path, journal: Journal) -> None:
        self._path, self._journal = path, journal
        self._noted: dict[str, object] = {}
        self._due_s, self._is_checked = 0.0, False

    async def check(self, limited: bool) -> None:
        """Say, once, what is missing from the journal, before anything is sent.

        Args:
            limited: a spending limit is set, which counts what was spent by what the journal holds.

        Raises:
            ConfigError: replies are missing and there is a limit.
        """
        if self._is_checked:
            return
        self._is_checked = True
        own = load_json(self._path)  # before the journal is read, for other shards add replies meanwhile
        noted = own or self._newest_of_other_runs()
        identity, held = await self._journal.count_replies()
        expected = noted.get("replies")
        if not isinstance(expected, int) or expected <= 0:
            return
        same = noted.get("journal") == identity
        missing = expected - held if same else expected
        if missing <= 0:
            return
        what = (
            f"the journal of replies {'has lost' if same else 'is not the one that held'} {missing} replies "
            f"which {'this run' if own else 'runs here'} counted on"
        )
        if own and limited:
            raise ConfigError(
                f"{what}: what was spent on them is not known, so the spending limit cannot be kept",
                str(self._journal.path),
                f"put the journal back, or, to pay for them again: rm {self._path}, then: docent run",
            )
        log.warning("%s (%s): requests that they answered are asked and paid for again", what, self._journal.path)

    def _newest_of_other_runs(self) -> dict[str, Any]:
        """Return the newest note of any run that shares the journal, {} where there is none."""
        notes: dict[float, Path] = {}
        for path in self._path.parent.parent.glob(f"*/{self._path.name}"):
            with contextlib.suppress(OSError):  # its run was just deleted
                notes[path.stat().st_mtime] = path
        return load_json(notes[max(notes)]) or {} if notes else {}

    async def note(self, at_once: bool = False) -> None:
        """Write down how many there are by now, if they have become more; not more often than NOTED_EVERY_S."""
        if not self._journal.replied or (time.monotonic() < self._due_s and not at_once):
            return
        identity, held = await self._journal.count_replies()
        note: dict[str, object] = {"journal": identity, "replies": held}
        if note != self._noted:
            try:
                write_durably(self._path, (json.dumps(note) + "\n").encode())
                self._noted = note
            except OSError as error:  # the replies are in the journal all the same
                log.warning("the number of replies cannot be written: %s: %s", self._path, error.strerror)
        self._due_s = time.monotonic() + NOTED_EVERY_S
