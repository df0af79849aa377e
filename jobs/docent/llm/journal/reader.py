"""Read all journals of a folder into the index, and determine which of their writers are still running.

Reads `<data>/cache/llm/journal/*.jsonl`; writes nothing. Each refresh reopens the folder and the files, because that is
when NFS asks the server for what others have written (close-to-open consistency). Only complete lines count: the last
line of a killed writer may be torn.
"""

import contextlib
import errno
import logging
import math
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from docent.llm.journal.index import NO_RECORD, Index, Place
from docent.llm.journal.records import Entry

log = logging.getLogger("docent.llm")

SUFFIX = ".jsonl"
LEASE_S = 30.0
"""A writer on another machine counts as gone if its journal was not touched for this long; six beats of writer.py."""
GONE = (errno.ENOENT, errno.ESTALE)
"""Errors for a file that another process removed; NFS reports a stale handle if it did so between open and read."""
LOOK_AGAIN_S = 1.0
"""Within this time a lookup does not read the journals again; a claim always does."""
OLD_S = 86_400.0
"""A file that was not touched for this long was left by a killed process; all these times are the file server's."""


@dataclass(slots=True)
class _Journal:
    """The state of one journal.

    Attributes:
        process: its writer, as named in the first line; None until that line is complete.
        end: number of bytes that are in the index.
        stamp_ns: modification time when it was last opened, only ever compared with itself, because clocks differ.
        unchanged_since_s: when this time stamp was first seen, by this process's monotonic clock.
        is_complete: its writer has closed it or is known to have ended, and it was read to its end after that.
        is_given_up: it was not touched within the lease. A suspended writer may still add the end of a try.
        is_damaged: it has lines that could not be read.
    """

    process: dict[str, Any] | None = None
    end: int = 0
    stamp_ns: int = -1
    unchanged_since_s: float = 0.0
    is_complete: bool = False
    is_given_up: bool = False
    is_damaged: bool = False


class Reader:
    """The journals of one folder. For use by one thread at a time.

    Args:
        clock: returns monotonic seconds.

    Attributes:
        own: name of this process's journal, which is not read because its records are added to the index directly.
    """

    def __init__(self, folder: Path, index: Index, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._index, self._clock, self.own = folder, index, clock, ""
        self._journals: dict[str, _Journal] = {}
        self._looked_s = -math.inf

    def refresh(self, max_age_s: float = 0.0) -> None:
        """Read what was added to the journals, unless the last refresh was less than `max_age_s` ago."""
        if self.is_fresh(max_age_s):
            return
        while not self._read_all():
            pass
        self._index.create_indexes()
        self._looked_s = self._clock()

    def is_fresh(self, max_age_s: float) -> bool:
        """Return whether the last refresh was less than `max_age_s` ago."""
        return self._clock() - self._looked_s < max_age_s

    def is_at_work(self, writer: str) -> bool:
        """Return whether a writer may still end its tries; once False, it stays False."""
        if writer not in self._journals and self._path(writer).exists():
            self.refresh()
        journal = self._journals.get(writer)
        return journal is not None and not (journal.is_complete or journal.is_given_up)

    def is_alone(self) -> bool:
        """Return whether no other process has an open journal."""
        is_known = self._names() <= self._journals.keys() | {self.own}
        return is_known and all(journal.is_complete or journal.is_given_up for journal in self._journals.values())

    def mergeable(self) -> list[str]:
        """Return the names of undamaged journals to which nothing is added any more.

        They are complete, or were not touched for a day: a writer that was suspended for so long continues in a new
        journal (Writer.open).
        """
        newest_ns = max((journal.stamp_ns for journal in self._journals.values()), default=0)
        return sorted(
            name
            for name, journal in self._journals.items()
            if not journal.is_damaged and (journal.is_complete or newest_ns - journal.stamp_ns > OLD_S * 1e9)
        )

    def entries(self, places: dict[bytes, Place]) -> dict[bytes, Entry]:
        """Read the replies at some locations, even if journals were merged meanwhile.

        Replies that are gone are omitted. So is one whose record was damaged after it was indexed, with a warning: only
        this one is paid for again.
        """
        entries: dict[bytes, Entry] = {}
        by_place = sorted(places.items(), key=lambda item: item[1])
        try:
            for name, some in groupby(by_place, key=lambda item: item[1].journal):
                with self._path(name).open("rb") as file:
                    for key, place in some:
                        line = os.pread(file.fileno(), place.length, place.start)
                        if (entry := _entry(key, line)) is None:
                            log.warning("damaged reply at byte %d of %s: it is paid for again", place.start, file.name)
                            self._index.lose(place)
                        else:
                            entries[key] = entry
        except OSError as error:
            if error.errno not in GONE:
                raise
            self.refresh()
            rest = self._index.replies([key for key in places if key not in entries])
            return entries | (self.entries(rest) if rest.items() != places.items() else {})
        return entries

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{SUFFIX}"

    def _names(self) -> set[str]:
        """List the journals.

        NFS clients cache listings for up to a minute even if the folder is opened again; changing the folder ends that.
        """
        with contextlib.suppress(OSError):  # read-only: the listing may be old, but nothing is claimed
            os.utime(self._folder)
        try:
            names = os.listdir(self._folder)
        except FileNotFoundError:
            return set()
        return {name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX) and not name.startswith(".")}

    def _read_all(self) -> bool:
        """Read what is new; return False if a journal was removed meanwhile, so that it is read again."""
        names = self._names()
        if self._journals.keys() - names:
            names = self._names()  # the listing may be older than the journal that the missing one was merged into
        try:
            for name in sorted(names - {self.own}):
                journal = self._journals.setdefault(name, _Journal())
                if not journal.is_complete:
                    self._read(name, journal)
        except OSError as error:
            if error.errno not in GONE:
                raise
            return False
        for name in self._journals.keys() - names:
            self._index.forget(name)
            del self._journals[name]
        return True

    def _read(self, name: str, journal: _Journal) -> None:
        with self._path(name).open("rb") as file:
            if journal.process is None:
                journal.process = _process_in(line := file.readline())
                journal.end = len(line) if journal.process is not None else 0
            # Check first whether its writer is gone: what it wrote before that is then read below.
            self._note_touch(journal, os.fstat(file.fileno()).st_mtime_ns)
            is_ended = has_ended(journal.process or {})
            if journal.process is not None:
                file.seek(journal.end)
                added = self._index.add(file, name, journal.end, is_ended or journal.is_given_up)
                journal.end, is_ended = added.end, is_ended or added.is_closed
                if added.damaged:
                    journal.is_damaged = True
                    log.warning("skipped %d damaged lines in %s", added.damaged, self._path(name))
            journal.is_complete = is_ended

    def _note_touch(self, journal: _Journal, stamp_ns: int) -> None:
        now_s = self._clock()
        if journal.stamp_ns != stamp_ns:
            journal.stamp_ns, journal.unchanged_since_s = stamp_ns, now_s
        journal.is_given_up = journal.is_given_up or now_s - journal.unchanged_since_s >= LEASE_S


def _entry(key: bytes, line: bytes) -> Entry | None:
    """Return the reply in a record, or None if it is not a record of this key."""
    try:
        fields = from_json(line)
        if fields["key"] != key.hex():
            return None
        tokens = fields.get("input_tokens", 0), fields.get("output_tokens", 0)
        return Entry(fields.get("text", ""), fields.get("finish_reason", ""), *tokens)
    except NO_RECORD:
        return None


def _process_in(line: bytes) -> dict[str, Any] | None:
    """Return the process in a journal's first line: {} for an unreadable line, None for a torn one."""
    if not line.endswith(b"\n") or b"\0" in line:
        return None
    try:
        fields = from_json(line)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def this_process() -> dict[str, str]:
    """Return what distinguishes this process from all others; `machine` identifies the boot and the PID namespace."""
    return {"machine": _machine(), "pid": str(os.getpid()), "started": _started(os.getpid()) or ""}


def has_ended(process: Mapping[str, object]) -> bool:
    """Return whether a process, as described by `this_process`, is known to have ended on this machine."""
    pid, started = str(process.get("pid", "")), process.get("started")
    try:
        is_here = process.get("machine") == _machine() and bool(started) and pid.isdecimal()
        return is_here and _started(int(pid)) != started
    except OSError:  # /proc cannot be read, such as without file handles: unknown
        return False


def _machine() -> str:
    """Identify this boot of this machine and the PID namespace in which process numbers are valid."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _started(pid: int) -> str | None:
    """Return when a process started, in ticks since the boot; None if it has ended or there is no /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # a command's name may contain blanks and brackets
    return None if fields[0] in ("Z", "X") else fields[19]
