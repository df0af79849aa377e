"""Write this process's own journal: no other process appends to it; it is synced, and touched while the process runs.

Writes `<data>/cache/llm/journal/NAME.jsonl`. The first line names the process, then records follow, and a last line
marks it as closed.
"""

import json
import logging
import os
import secrets
import threading
from collections.abc import Sequence
from pathlib import Path

from docent.artifacts.durable import sync_folder
from docent.llm.journal.reader import GONE, LEASE_S, SUFFIX, this_process
from docent.llm.pace.deadline import since_boot_s

log = logging.getLogger("docent.llm")

CLOSED = b'{"closed":true}\n'
BEAT_S = 5.0
"""How often the journal is touched; a writer counts as gone after LEASE_S, six beats."""


class Writer:
    """A journal that is created on first use; if it is lost, a new one replaces it.

    Args:
        folder: the folder of the journals, which exists.

    Attributes:
        path: the journal's path, or None before there is one.
    """

    def __init__(self, folder: Path, beat_s: float = BEAT_S) -> None:
        self._folder, self._beat_s = folder, beat_s
        self.path: Path | None = None
        self._handle, self._end, self._is_torn, self._renewed_s = -1, 0, False, 0.0
        self._closed, self._toucher = threading.Event(), threading.Thread(target=self._keep_touching, daemon=True)

    @property
    def name(self) -> str:
        """Return the name of the journal, or "" before there is one."""
        return self.path.stem if self.path else ""

    def open(self) -> None:
        """Make sure that there is a journal whose writer the others consider to be running.

        A process that was suspended for longer than the lease counts as gone, and its journal may have been merged into
        another one. It continues in a new one, as it does if its file was deleted.

        Raises:
            OSError: the journal cannot be created.
        """
        if self.path is not None and (not self.is_there() or self.is_late()):
            self._finish()
        if self.path is not None:
            return
        path = self._folder / f"{secrets.token_hex(8)}{SUFFIX}"
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
        self._end, self._is_torn = 0, False
        self.append([json.dumps(this_process()).encode() + b"\n"])
        sync_folder(self._folder)
        self.path = path
        if self._toucher.ident is None:
            self._toucher.start()

    def append(self, lines: Sequence[bytes]) -> int:
        """Write lines; they are durable when this returns.

        Returns:
            the position of the first line.

        Raises:
            OSError: they could not be written.
        """
        # A line that was torn by a full disk is ended first, so that it does not spoil the next one.
        start = self._end + self._is_torn
        pending = memoryview(b"\n" * self._is_torn + b"".join(lines))
        self._is_torn, began_s = True, since_boot_s()
        try:
            while pending:
                pending = pending[os.write(self._handle, pending) :]
            os.fsync(self._handle)
        finally:
            self._end = os.fstat(self._handle).st_size
        # The server may have set the modification time when the call began, however late the call returned.
        self._is_torn, self._renewed_s = False, began_s
        return start

    def is_there(self) -> bool:
        """Return whether the journal still has its name."""
        if self.path is None:
            return False
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self._handle))
        except OSError as error:
            if error.errno not in GONE:
                raise
            return False

    def is_late(self) -> bool:
        """Return whether it was not touched within the lease, by a clock that includes the time the machine sleeps."""
        return since_boot_s() - self._renewed_s >= LEASE_S

    def close(self) -> None:
        """Write that nothing follows, which releases tries that were begun and have not ended."""
        self._closed.set()
        if self.path is not None:
            self._finish()

    def _finish(self) -> None:
        try:
            self.append([CLOSED])
        except OSError as error:  # others notice when the process ends
            log.warning("cannot write the closing line of the journal %s: %s", self.path, error.strerror)
        os.close(self._handle)
        self.path = None

    def _keep_touching(self) -> None:
        """Touch the journal, which sets its modification time by the file system's own clock."""
        while not self._closed.wait(self._beat_s):
            path, began_s = self.path, since_boot_s()
            if path is None or self.is_late():
                continue  # `open` continues in a new journal
            try:
                os.utime(path)
                self._renewed_s = max(self._renewed_s, began_s)
            except FileNotFoundError:
                continue
            except OSError as error:
                log.warning("cannot update the modification time of the journal %s: %s", path, error.strerror)
