"""The journal's file: its layout, the questions asked of it, an older one made into this one, errors in plain words.

Reads and writes `<data>/cache/llm/journal.sqlite`. By hand: `sqlite3 journal.sqlite 'SELECT state, COUNT(*) FROM
attempts GROUP BY state'`, states as in journal.State.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from docent.errors import ConfigError, PipelineError, TemporaryError

LAYOUT = 3
T = TypeVar("T")
# One row per try, in the order of sending, so that a commit touches the end of the table and few pages of the
# indexes, which hold only replies (one per key), only tries that have not ended well, and only requests asked again.
_CREATE = (
    """CREATE TABLE attempts (
        id INTEGER PRIMARY KEY, request BLOB NOT NULL, key BLOB NOT NULL, endpoint TEXT NOT NULL, batch TEXT NOT NULL,
        begun_s REAL NOT NULL, state INTEGER NOT NULL DEFAULT 0, text TEXT NOT NULL DEFAULT '',
        finish_reason TEXT NOT NULL DEFAULT '', input_tokens INTEGER NOT NULL DEFAULT 0,
        output_tokens INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT '', owner TEXT NOT NULL DEFAULT ''
    )""",
    "CREATE UNIQUE INDEX replies ON attempts (key) WHERE state = 1",
    "CREATE INDEX doubtful ON attempts (key) WHERE state IN (0, 3)",
    "CREATE INDEX further ON attempts (request) WHERE key <> request",
    "CREATE INDEX begun ON attempts (begun_s)",
)
_FROM_2 = ("ALTER TABLE attempts ADD COLUMN owner TEXT NOT NULL DEFAULT ''", _CREATE[-1])

BEGIN = "INSERT INTO attempts (request, key, endpoint, batch, begun_s, owner) VALUES (?, ?, ?, ?, ?, ?)"
END = (
    "UPDATE OR IGNORE attempts SET state = ?, text = ?, finish_reason = ?, input_tokens = ?, output_tokens = ?, "
    "why = ? WHERE id = ? AND key = ?"
)
END_OF_NONE = (
    "INSERT OR IGNORE INTO attempts (request, key, endpoint, batch, begun_s, state, text, finish_reason, "
    "input_tokens, output_tokens, why) VALUES (?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?)"
)
"""A try that was begun in a file which is not there any more."""
CLAIMED = (
    "SELECT key, owner, batch FROM attempts INDEXED BY doubtful WHERE state IN (0, 3) AND state = 0 "
    "AND (owner <> '' OR batch <> '') AND key IN ({keys})"
)
FIND = "SELECT {what} FROM attempts INDEXED BY replies WHERE state = 1 AND key IN ({{keys}})"
IN_BATCHES = (
    "SELECT key, id, batch, begun_s, owner FROM attempts INDEXED BY doubtful "
    "WHERE state IN (0, 3) AND state = 0 AND batch <> '' AND key IN ({keys}) ORDER BY id"
)
# A reply whose tokens nobody told counts as in doubt, too. One question for each index.
_UNTOLD = "SUM(state <> 2 AND input_tokens + output_tokens = 0)"
SPENT = tuple(
    f"SELECT {key}, SUM(input_tokens), SUM(output_tokens), {_UNTOLD} FROM attempts INDEXED BY {index} "
    f"WHERE {which} AND {key} IN ({{keys}}) GROUP BY {key}"
    for index, which, key in (
        ("replies", "state = 1 AND key = request", "key"),
        ("doubtful", "state IN (0, 3) AND key = request", "key"),
        ("further", "key <> request", "request"),
    )
)


def open_journal(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    """A connection to the file, made or brought to this layout where needed; it never waits for a lock by itself.

    Raises:
        sqlite3.Error: see as_ours.
        ConfigError: a layout this docent does not know.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise sqlite3.OperationalError(f"unable to open database file: {error.strerror}") from None
    db = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA journal_mode=TRUNCATE")
    if _layout(db) != LAYOUT:
        db.execute("BEGIN IMMEDIATE")
        _bring_up(db, path)
        db.execute("COMMIT")
    # SQLite may have read an empty schema above, while another process was making the tables. Reading it again while
    # this connection still waits for locks keeps a later statement, which does not wait, from "no such table".
    db.execute("SELECT 1 FROM attempts LIMIT 1")
    db.execute("PRAGMA busy_timeout=0")
    return db


def file_of(path: Path) -> tuple[int, int] | None:
    """Which file has that name now; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def identity_of(db: sqlite3.Connection) -> tuple[int, int]:
    """The number that the file was given when it was made, and how many replies it holds."""
    identity = int(db.execute("PRAGMA application_id").fetchone()[0])
    held = db.execute("SELECT COUNT(*) FROM attempts INDEXED BY replies WHERE state = 1").fetchone()[0]
    return identity, int(held)


def _layout(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _bring_up(db: sqlite3.Connection, path: Path) -> None:
    """Make the tables, or take over the replies of layout 1, which were paid for; looks anew, now that it is locked."""
    found = _layout(db)
    if found == LAYOUT:
        return
    if found not in (0, 1, 2):
        raise ConfigError(
            f"the journal of replies has layout {found}, this docent knows {LAYOUT}",
            str(path),
            "use the docent that wrote it, or move the file away (its replies are then asked and paid again)",
        )
    if found == 1:
        db.execute("ALTER TABLE replies RENAME TO older")  # an index has that name now
    for statement in _FROM_2 if found == 2 else _CREATE:
        db.execute(statement)
    if found == 1:
        old = db.execute("SELECT key, text, finish_reason, input_tokens, output_tokens FROM older")
        db.executemany(
            "INSERT INTO attempts (request, key, endpoint, batch, begun_s, state, text, finish_reason, input_tokens, "
            "output_tokens) VALUES (?, ?, '', '', 0, 1, ?, ?, ?, ?)",
            ((bytes.fromhex(key), bytes.fromhex(key), *rest) for key, *rest in old),
        )
        db.execute("DROP TABLE older")
    db.execute(f"PRAGMA application_id = {secrets.randbelow(2**31 - 1) + 1}")
    db.execute(f"PRAGMA user_version = {LAYOUT}")


def explained(path: Path, work: Callable[[], T]) -> T:
    """Do it, and turn SQLite's errors into ones that say what to do."""
    try:
        return work()
    except sqlite3.Error as error:
        raise as_ours(path, error) from None


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another process only keeps the file locked."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def as_ours(path: Path, error: sqlite3.Error) -> PipelineError:
    """The same error for a person."""
    code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
    where = str(path)
    if is_busy(error):
        return TemporaryError("the journal of replies is locked by another process", where, "docent run")
    if code == sqlite3.SQLITE_FULL:
        return TemporaryError("the disk is full: a reply could not be kept", where, "free space, then: docent run")
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_DBMOVED:
        return ConfigError("the journal of replies was deleted or replaced while it was in use", where, "docent run")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return ConfigError(
            f"the journal of replies is damaged: {error}",
            where,
            f"move it away (its replies are then asked and paid again): mv {where} {where}.damaged",
        )
    return ConfigError(f"the journal of replies cannot be used: {error}", where, "make the file writable")
