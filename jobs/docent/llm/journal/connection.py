"""The open journal file: waits for other processes' locks, commits, follows the file where it was replaced.

Reads and writes `<data>/cache/llm/journal.sqlite`; journal.py says what.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from docent.llm.journal.file import as_ours, explained, file_of, is_busy, open_journal

log = logging.getLogger("docent.llm")

T = TypeVar("T")


class Connection:
    """One connection to the journal's file, used by one task at a time.

    Attributes:
        db: SQLite's connection; another one after `follow_the_file`.

    Raises:
        ConfigError: the file cannot be used: damaged, of another docent version, not writable.
        TemporaryError: another process keeps it locked, or the disk is full.
    """

    def __init__(self, path: Path, busy_timeout_s: float) -> None:
        self.path, self._busy_timeout_s = path, busy_timeout_s
        self.db = explained(path, lambda: open_journal(path, busy_timeout_s))
        self._file = file_of(path)
        self._thread = ThreadPoolExecutor(1, "journal")

    def follow_the_file(self) -> None:
        """Open the journal again where its file was deleted or replaced: what is written must be found later."""
        if file_of(self.path) == self._file:
            return
        log.warning(
            "the journal of replies %s was deleted or replaced while it was in use: replies from now on are kept in "
            "the file of that name, and what only the old one held is asked and paid for again",
            self.path,
        )
        self.db.close()
        self.db = explained(self.path, lambda: open_journal(self.path, self._busy_timeout_s))
        self._file = file_of(self.path)

    async def in_one_commit(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do some statements and commit them.

        Statements run on the loop's thread, for they only touch pages in memory; the commit, which waits, on another.
        """
        loop = asyncio.get_running_loop()
        self.follow_the_file()
        await self.patiently(partial(self.db.execute, "BEGIN IMMEDIATE"))
        try:
            result = work(self.db)
            await loop.run_in_executor(self._thread, self._commit)
        except sqlite3.Error as error:
            raise as_ours(self.path, error) from None
        finally:
            if self.db.in_transaction:
                explained(self.path, lambda: self.db.execute("ROLLBACK"))
        return result

    async def patiently(self, work: Callable[[], T]) -> T:
        """Do it; while another process holds the lock, look again without holding up the loop."""
        give_up_s = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                return work()
            except sqlite3.Error as error:
                if not is_busy(error) or time.monotonic() > give_up_s:
                    raise as_ours(self.path, error) from None
                await asyncio.sleep(random.uniform(0.001, 0.02))

    def close(self) -> None:
        """Let go of the file."""
        self._thread.shutdown()
        self.db.close()

    def _commit(self) -> None:
        give_up_s = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                self.db.execute("COMMIT")
                return
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() > give_up_s:
                    raise
                time.sleep(random.uniform(0.001, 0.01))  # a reader of another process is about to finish
