"""The journal of paid replies: whatever was answered once is never asked again, not even after kill -9.

Reads and writes one SQLite file, `<data>/cache/llm/journal.sqlite`, shared by shards, attempts and runs. A reply is
found by the hash of provider, endpoint and request body; the file holds replies and token counts, never a key or a
header. SQLite's rollback journal is used, not WAL, because WAL needs shared memory and so breaks as soon as
pods on two nodes share the volume.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docent.errors import ConfigError, PipelineError, TemporaryError
from docent.records import canonical_json

SCHEMA = 1
BUSY_TIMEOUT_S = 60.0
_CREATE = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, text TEXT NOT NULL, finish_reason TEXT NOT NULL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class Entry:
    """One paid reply."""

    text: str
    finish_reason: str
    input_tokens: int
    output_tokens: int


def journal_key(provider: str, base_url: str, body: dict[str, Any], attempt: int) -> str:
    """sha256 over all that decides a reply; `attempt` counts how often the same request was asked on purpose."""
    return hashlib.sha256(canonical_json([provider, base_url, body, attempt]).encode()).hexdigest()


class Journal:
    """Replies by key, durable as soon as `put` returns. For use by one thread; processes may share the file.

    Raises:
        ConfigError: the file cannot be used: damaged, of another docent version, not writable.
        TemporaryError: another process keeps it locked, or the disk is full.
    """

    def __init__(self, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.path = path
        with self._explained():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise sqlite3.OperationalError(f"unable to open database file: {error.strerror}") from None
            self._db = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None)
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA journal_mode=TRUNCATE")
            self._prepare()

    def get(self, key: str) -> Entry | None:
        """The reply of an earlier attempt, or None."""
        with self._explained():
            row = self._db.execute(
                "SELECT text, finish_reason, input_tokens, output_tokens FROM replies WHERE key = ?", (key,)
            ).fetchone()
        return Entry(*row) if row else None

    def put(self, entries: Sequence[tuple[str, Entry]]) -> None:
        """Keep replies in one commit; the first one stays where two processes asked the same."""
        values = [(key, e.text, e.finish_reason, e.input_tokens, e.output_tokens) for key, e in entries]
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?)", values)
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _prepare(self) -> None:
        """Make the table where the file is new; refuse one of another layout."""
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == SCHEMA:
            return
        if version != 0:
            raise ConfigError(
                f"the journal of replies has layout {version}, this docent knows {SCHEMA}",
                str(self.path),
                "use the docent that wrote it, or move the file away (its replies are then asked and paid again)",
            )
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute(_CREATE)
        self._db.execute(f"PRAGMA user_version = {SCHEMA}")
        self._db.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn SQLite's errors into ones that say what to do."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._as_ours(error) from None

    def _as_ours(self, error: sqlite3.Error) -> PipelineError:
        code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
        where = str(self.path)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return TemporaryError("the journal of replies is locked by another process", where, "docent run")
        if code == sqlite3.SQLITE_FULL:
            return TemporaryError("the disk is full: a reply could not be kept", where, "free space, then: docent run")
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return ConfigError(
                f"the journal of replies is damaged: {error}",
                where,
                f"move it away (its replies are then asked and paid again): mv {where} {where}.damaged",
            )
        return ConfigError(f"the journal of replies cannot be used: {error}", where, "make the file writable")
