"""Record on disk whether an attempt at a shard is running, and why the last one failed.

Writes, reads and removes `<run>/<unit>/failed-00003.json`; locks `<run>/<unit>/log-tail-00003.txt` while the shard is
running. The kernel releases that lock when the process ends, however it ends: a shard without a lock is not running.
"""

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, ValidationError

from docent.artifacts.confinement import OutsideRunError, inside
from docent.artifacts.durable import write_durably
from docent.artifacts.side_files import StrictSideFile, load_json
from docent.errors import PipelineError
from docent.messages.masking import mask
from docent.messages.printing import printable

log = logging.getLogger("docent.stage")

MAX_CAUSE_CHARS, MAX_NEXT_STEP_CHARS = 1000, 4000
MAX_INDEX = 99_999
LOCK_ATTEMPTS = 10
LOCK_PAUSE_S = 0.05


class Failure(StrictSideFile):
    """How the last attempt at a shard failed."""

    index: int = Field(ge=0, le=MAX_INDEX)
    """Index of the shard."""
    plan: str
    """Plan hash of the unit, which identifies its configuration."""
    spec: str
    """Spec hash of the unit, or "" if it failed before its inputs were known."""
    exit_code: int = Field(gt=0, lt=256)
    """Exit code of the attempt; 128 + signal if it was killed."""
    cause: str
    """One line: what failed, and where."""
    next_step: str
    """The command or edit that the error message suggested."""


def failure_of(error: PipelineError, index: int, plan: str, spec: str) -> Failure:
    """Return the failure record for an error of a stage."""
    where = f" ({' '.join(error.where.split())})" if error.where else ""
    return Failure(
        index=index,
        plan=plan,
        spec=spec,
        exit_code=error.exit_code,
        cause=" ".join(error.what.split()) + where,
        next_step=error.next_step,
    )


def write_failure(run_dir: Path, unit: str, failure: Failure) -> None:
    """Write a failure to disk, without secrets. If the disk is full, write nothing: the log has the message."""
    next_step = mask(failure.next_step)
    if len(next_step) > MAX_NEXT_STEP_CHARS:  # a truncated command cannot be run
        next_step = ""
    safe = failure.model_copy(update={"cause": mask(failure.cause)[:MAX_CAUSE_CHARS], "next_step": next_step})
    try:
        path = inside(run_dir, f"{unit}/failed-{failure.index:05d}.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, safe.to_json(ensure_ascii=False))
    except (OSError, OutsideRunError) as error:
        log.debug("could not record the failure: %s", error)


def forget_failure(run_dir: Path, unit: str, index: int) -> None:
    """Remove the failure that an earlier attempt at a shard wrote, before a new attempt begins."""
    with contextlib.suppress(OSError, OutsideRunError):
        inside(run_dir, f"{unit}/failed-{index:05d}.json").unlink(missing_ok=True)


def failures(run_dir: Path, unit: str) -> list[Failure]:
    """Return the failures of a unit's shards, sorted by index, for any configuration; ignore invalid files."""
    paths = sorted((run_dir / unit).glob("failed-*.json"))
    return [failure for path in paths if (failure := _read(run_dir, f"{unit}/{path.name}"))]


def _read(run_dir: Path, name: str) -> Failure | None:
    try:
        failure = Failure.model_validate(load_json(inside(run_dir, name)))
    except (OSError, OutsideRunError, ValidationError):
        return None
    texts = ("plan", "spec", "cause", "next_step")
    return failure.model_copy(update={key: printable(getattr(failure, key), MAX_NEXT_STEP_CHARS) for key in texts})


@contextlib.contextmanager
def at_work(tail: Path) -> Iterator[None]:
    """Hold the lock of a shard's log tail, which shows that its process is alive. Never wait for another attempt."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # a file system without locks: status then shows less
            file = stack.enter_context(tail.open("ab"))
            for _ in range(LOCK_ATTEMPTS):  # a reader holds the lock for a moment to check whether anyone else does
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    time.sleep(LOCK_PAUSE_S)
        yield


def is_at_work(run_dir: Path, unit: str) -> bool:
    """Return whether a process is working on a shard of the unit now."""
    return any(is_held(path) for path in (run_dir / unit).glob("log-tail-*.txt"))


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock of a file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # no such file, or a file that no attempt wrote
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
