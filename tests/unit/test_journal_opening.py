"""A journal that two processes make at the same moment is one journal for both."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from docent.llm.journal import file as journal_file
from docent.llm.journal.file import FIND, is_busy, open_journal

TIMEOUT_S = 60.0


def test_who_waited_while_another_made_the_tables_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.sqlite"
    first = sqlite3.connect(path, isolation_level=None)
    first.execute("PRAGMA journal_mode=TRUNCATE")
    first.execute("BEGIN IMMEDIATE")
    journal_file._bring_up(first, path)

    looked = threading.Event()
    real = journal_file._layout

    def layout(db: sqlite3.Connection) -> int:
        found = real(db)
        looked.set()
        return found

    monkeypatch.setattr(journal_file, "_layout", layout)
    opened: list[sqlite3.Connection] = []
    second = threading.Thread(target=lambda: opened.append(open_journal(path, TIMEOUT_S)))
    second.start()
    assert looked.wait(TIMEOUT_S)
    first.execute("COMMIT")
    second.join(TIMEOUT_S)

    first.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError) as refused:
        opened[0].execute(FIND.format(what="key").format(keys="?"), [b"key"])
    assert is_busy(refused.value), refused.value
    first.execute("ROLLBACK")
    assert opened[0].execute(FIND.format(what="key").format(keys="?"), [b"key"]).fetchall() == []
    first.close()
    opened[0].close()
