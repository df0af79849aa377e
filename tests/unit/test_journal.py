"""The journal of paid replies."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from docent.errors import ConfigError, TemporaryError
from docent.llm.journal import Entry, Journal, journal_key

ENTRY = Entry("text \u2019 \x00 end", "stop", 3, 4)
KEY = journal_key("openai", "http://a/v1", {"model": "m", "temperature": 0.4}, 0)


def test_a_reply_is_found_again_by_another_process_handle(tmp_path: Path) -> None:
    path = tmp_path / "llm" / "journal.sqlite"
    first, second = Journal(path), Journal(path)
    assert second.get(KEY) is None
    first.put([(KEY, ENTRY)])
    assert second.get(KEY) == ENTRY


def test_the_first_reply_to_a_request_stays(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.put([(KEY, ENTRY)])
    journal.put([(KEY, Entry("other", "stop", 0, 0))])
    assert journal.get(KEY) == ENTRY


def test_whatever_decides_a_reply_changes_its_key() -> None:
    keys = {
        KEY,
        journal_key("offline", "http://a/v1", {"model": "m", "temperature": 0.4}, 0),
        journal_key("openai", "http://b/v1", {"model": "m", "temperature": 0.4}, 0),
        journal_key("openai", "http://a/v1", {"model": "m", "temperature": 0.7}, 0),
        journal_key("openai", "http://a/v1", {"model": "m", "temperature": 0.4}, 1),
    }
    assert len(keys) == 5
    assert journal_key("openai", "http://a/v1", {"temperature": 0.4, "model": "m"}, 0) == KEY


def test_a_reply_survives_kill_9_right_after_it_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    code = (
        "import os, signal, sys; from pathlib import Path; from docent.llm.journal import *;"
        "Journal(Path(sys.argv[1])).put([('k', Entry('kept', 'stop', 1, 2))]); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == -9
    assert Journal(path).get("k") == Entry("kept", "stop", 1, 2)


def test_many_processes_write_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    code = (
        "import sys; from pathlib import Path; from docent.llm.journal import *; j = Journal(Path(sys.argv[1]))\n"
        "for i in range(10): j.put([(f'{sys.argv[2]}-{i}', Entry('x', 'stop', i, 0))])"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), str(n)]) for n in range(4)]
    assert [writer.wait() for writer in writers] == [0] * 4
    journal = Journal(path)
    assert all(journal.get(f"{n}-{i}") for n in range(4) for i in range(10))


@pytest.mark.parametrize("garbage", [b"this is no database " * 200, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_named_with_the_way_out(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(garbage)
    with pytest.raises(ConfigError) as error:
        Journal(path)
    assert str(path) in str(error.value) and "mv " in str(error.value)


def test_a_journal_of_another_layout_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="layout 99"):
        Journal(path)
    assert path.read_bytes() == before


def test_a_locked_journal_is_a_temporary_error(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal(path, busy_timeout_s=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(TemporaryError, match="locked"):
        journal.put([(KEY, ENTRY)])
    other.execute("ROLLBACK")


def test_a_place_that_cannot_be_written_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "llm").write_text("a file where a folder should be")
    with pytest.raises(ConfigError):
        Journal(tmp_path / "llm" / "journal.sqlite")
