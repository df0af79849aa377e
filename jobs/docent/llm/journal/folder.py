"""Create the folder of journals, import the journal of earlier versions, and merge journals when there are many files.

Reads and writes `<data>/cache/llm/journal/`; reads `<data>/cache/llm/journal.sqlite` once, if a docent version before
layout 4 has left one. To inspect it by hand: `jq -r '.state // "begun"' journal/*.jsonl | sort | uniq -c`.
"""

import contextlib
import errno
import json
import logging
import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from docent.artifacts.durable import sync_folder, write_durably
from docent.errors import ConfigError, PipelineError, TemporaryError
from docent.llm.journal import claims
from docent.llm.journal.index import Index
from docent.llm.journal.reader import OLD_S, SUFFIX, Reader
from docent.llm.journal.records import Entry, Try, TryState
from docent.llm.journal.writer import CLOSED

log = logging.getLogger("docent.llm")

LAYOUT = 4
READABLE_SQLITE_LAYOUTS = (2, 3)
IDENTITY = "journal.json"
MERGED_FROM = 16
"""At least this many journals without a writer are merged into one; for fewer, copying costs more than opening them."""
MERGED_AT_ONCE = 100
"""All of them are open at the same time, and some systems allow 256 open files."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def make_folder(folder: Path) -> str:
    """Create the folder if it is missing, with the replies of the version before.

    It gets its name only when it is complete: of several processes one creates it, and none sees it incomplete.

    Returns:
        the number that the journal was given when it was created.

    Raises:
        ConfigError, TemporaryError: it cannot be created or read, or another version of docent created it.
    """
    try:
        if not folder.exists():
            _make(folder)
        (folder / claims.FOLDER).mkdir(exist_ok=True)
        identity = json.loads((folder / IDENTITY).read_bytes())
        layout, number = identity["layout"], str(identity["id"])
    except OSError as error:
        raise explained(error, folder) from None
    except (ValueError, KeyError, TypeError):
        layout, number = "unknown", ""
    if layout != LAYOUT:
        what = f"the journal of replies has layout {layout}, but this version of docent expects layout {LAYOUT}"
        raise ConfigError(what, str(folder), _start_anew(folder))
    return number


def explained(error: OSError | sqlite3.Error, folder: Path) -> PipelineError:
    """Convert an error of the file system or the index into one that says what to do."""
    if isinstance(error, sqlite3.Error):
        what = f"the temporary index of the journal failed: {error}"
        return TemporaryError(what, tempfile.gettempdir(), "free space, or set TMPDIR, then: docent run")
    where = str(error.filename or folder)
    if error.errno in FULL:
        return TemporaryError("the disk is full: a reply could not be saved", where, "free space, then: docent run")
    return ConfigError(
        f"the journal of replies cannot be used: {error.strerror or error}", where, "make it writable, then: docent run"
    )


def merge(folder: Path, reader: Reader, index: Index) -> None:
    """Merge journals without a writer into one, and remove abandoned claims.

    The new journal gets its name before the old ones are removed, and each record names its try: a process that reads
    in the meantime finds each record at least once. It is safe for two processes to merge at the same time.
    """
    if len(reader.mergeable()) < MERGED_FROM - 1:
        return
    reader.own = ""  # it is closed now, and merged with the others
    reader.refresh()
    path = folder / f"{secrets.token_hex(8)}{SUFFIX}"
    unfinished = path.with_name(f".{path.name}.tmp")
    try:
        if not (names := _smaller(folder, reader.mergeable())):
            return
        with unfinished.open("xb") as file, contextlib.ExitStack() as opened:
            sources = {name: opened.enter_context((folder / f"{name}{SUFFIX}").open("rb")) for name in names}
            file.write(b"{}\n")
            for place in index.places(names):
                file.write(os.pread(sources[place.journal].fileno(), place.length, place.start))
            file.write(CLOSED)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        sync_folder(folder)
        for name in names:
            (folder / f"{name}{SUFFIX}").unlink(missing_ok=True)
        for left in [*(folder / claims.FOLDER).iterdir(), *folder.glob(".*.tmp")]:
            if path.stat().st_mtime - left.stat().st_mtime > OLD_S:
                left.unlink(missing_ok=True)
    except OSError as error:  # another process merges them, or the disk is full: nothing is lost
        log.info("journals of replies were not merged: %s", error.strerror)
        unfinished.unlink(missing_ok=True)


def _smaller(folder: Path, names: list[str]) -> list[str]:
    """Return the journals to merge: without those larger than all smaller ones together.

    So each record is copied only when its journal at least doubles, and not whenever another 16 processes have ended.
    """
    sizes = sorted(((folder / f"{name}{SUFFIX}").stat().st_size, name) for name in names)
    while sizes and sizes[-1][0] > sum(size for size, _ in sizes[:-1]):
        sizes.pop()
    return [name for _, name in sizes[:MERGED_AT_ONCE]]


def _make(folder: Path) -> None:
    unfinished = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}.tmp")
    unfinished.mkdir(parents=True)
    try:
        older = folder.with_suffix(".sqlite")
        if older.is_file():
            with (unfinished / f"{secrets.token_hex(8)}{SUFFIX}").open("xb") as file:
                file.writelines(chain([b"{}\n"], _lines_of_sqlite(older), [CLOSED]))
                file.flush()
                os.fsync(file.fileno())
        identity = {"layout": LAYOUT, "id": _id_of_sqlite(older) if older.is_file() else secrets.token_hex(8)}
        write_durably(unfinished / IDENTITY, json.dumps(identity).encode() + b"\n")
        try:
            unfinished.rename(folder)
        except OSError:  # another process was faster, or it cannot be created
            if not folder.exists():
                raise
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _id_of_sqlite(path: Path) -> str:
    """Return the identity of a journal from before layout 4, by which runs notice that it was replaced."""
    with contextlib.closing(sqlite3.connect(path, timeout=60)) as db:
        return str(db.execute("PRAGMA application_id").fetchone()[0])


def _lines_of_sqlite(path: Path) -> Iterator[bytes]:
    """Yield the tries of a journal from before layout 4 as records."""
    columns = "id, request, key, endpoint, batch, begun_s, state, why, text, finish_reason, input_tokens, output_tokens"
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=60)) as db:
            layout = db.execute("PRAGMA user_version").fetchone()[0]
            if layout not in READABLE_SQLITE_LAYOUTS:
                what = f"the journal of replies has layout {layout}, which this version of docent cannot import"
                raise ConfigError(what, str(path), _start_anew(path))
            for number, request, key, endpoint, batch, begun_s, state, why, *reply in db.execute(
                f"SELECT {columns} FROM attempts ORDER BY id"
            ):
                attempt = Try(number, "sqlite", request, key, endpoint, batch, begun_s)
                yield attempt.line(TryState(state), Entry(*reply), why)
    except sqlite3.Error as error:
        what = f"the journal of replies of an earlier docent version cannot be imported: {error}"
        raise ConfigError(what, str(path), _start_anew(path)) from None
    log.info("imported the replies in %s; the file is no longer used", path)


def _start_anew(path: Path) -> str:
    return f"use the docent version that wrote it, or start from scratch and pay again: mv {path} {path}.old"
