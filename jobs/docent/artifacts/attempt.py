"""What an attempt at a shard leaves on disk beside its rows: whether it is at work, and why it failed.

Writes, reads and removes `<run>/<unit>/failed-00003.json`; locks `<run>/<unit>/log-tail-00003.txt` while the shard is
at work. The kernel drops that lock with the process, however it ends, so what nobody holds is not running.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from docent.artifacts.confinement import OutsideRunError, inside
from docent.artifacts.durable import write_durably
from docent.artifacts.side_files import load_json
from docent.errors import PipelineError
from docent.messages.masking import mask
from docent.messages.printing import printable

log = logging.getLogger("docent.stage")

MAX_CAUSE_CHARS, MAX_NEXT_STEP_CHARS = 1000, 4000
MAX_INDEX = 99_999
LOCK_ATTEMPTS = 10
LOCK_PAUSE_S = 0.05


@dataclass(frozen=True)
class Failure:
    """How the last attempt at a shard failed.

    Attributes:
        index: of the shard.
        plan: plan hash of the unit, which tells the configuration.
        spec: its spec hash; "" where it failed before its inputs were known.
        exit_code: of the attempt; 128 + signal when it was killed.
        cause: one line, what and where.
        next_step: the command or edit that the message named.
    """

    index: int
    plan: str
    spec: str
    exit_code: int
    cause: str
    next_step: str = ""


def failure_of(error: PipelineError, index: int, plan: str, spec: str) -> Failure:
    """The failure that an error of a stage is."""
    where = f" ({' '.join(error.where.split())})" if error.where else ""
    return Failure(index, plan, spec, error.exit_code, " ".join(error.what.split()) + where, error.next_step)


def write_failure(run_dir: Path, unit: str, failure: Failure) -> None:
    """Write a failure down, without secrets. On a full disk nothing is written: the log says what happened."""
    next_step = mask(failure.next_step)
    if len(next_step) > MAX_NEXT_STEP_CHARS:  # a command that is cut is none
        next_step = ""
    said = {"cause": mask(failure.cause)[:MAX_CAUSE_CHARS], "next_step": next_step}
    data = json.dumps({**asdict(failure), **said}, indent=1, ensure_ascii=False) + "\n"
    try:
        path = inside(run_dir, f"{unit}/failed-{failure.index:05d}.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, data.encode("utf-8", "replace"))
    except (OSError, OutsideRunError) as error:
        log.debug("the failure was not written down: %s", error)


def forget_failure(run_dir: Path, unit: str, index: int) -> None:
    """Remove what an earlier attempt at a shard wrote, before a new one begins."""
    with contextlib.suppress(OSError, OutsideRunError):
        inside(run_dir, f"{unit}/failed-{index:05d}.json").unlink(missing_ok=True)


def failures(run_dir: Path, unit: str) -> list[Failure]:
    """The failures of a unit's shards by index, of whichever configuration; a torn or forged file counts as none."""
    found = (_read(run_dir, f"{unit}/{path.name}") for path in sorted((run_dir / unit).glob("failed-*.json")))
    return [failure for failure in found if failure is not None]


def _read(run_dir: Path, name: str) -> Failure | None:
    try:
        fields = load_json(inside(run_dir, name)) or {}
    except (OSError, OutsideRunError):
        return None
    index, code = fields.get("index"), fields.get("exit_code")
    texts = [fields.get(key) for key in ("plan", "spec", "cause", "next_step")]
    if type(index) is not int or type(code) is not int or not 0 <= index <= MAX_INDEX or not 0 < code < 256:
        return None
    if not all(isinstance(text, str) for text in texts):
        return None
    plan, spec, cause, next_step = (printable(str(text), MAX_NEXT_STEP_CHARS) for text in texts)
    return Failure(index, plan, spec, code, cause, next_step)


@contextlib.contextmanager
def at_work(tail: Path) -> Iterator[None]:
    """Hold the lock of a shard's log tail, which says that its process lives. Never waits for another attempt."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # a file system without locks: status then says less
            file = stack.enter_context(tail.open("ab"))
            for _ in range(LOCK_ATTEMPTS):  # a reader holds it for a moment to see whether somebody does
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    time.sleep(LOCK_PAUSE_S)
        yield


def is_at_work(run_dir: Path, unit: str) -> bool:
    """Whether a process works on a shard of the unit now."""
    return any(is_held(path) for path in (run_dir / unit).glob("log-tail-*.txt"))


def is_held(path: Path) -> bool:
    """Whether a process holds the lock of a file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # there is none, or something that no attempt made
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False
