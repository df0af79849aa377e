"""Record how the last push of the data set to a hub ended, in a file beside the data set that no stage reads.

Writes and reads `<run>/build-dataset/push.json`. The data set is complete before it is pushed, and stays so whatever
becomes of the push: this file and the settings alone decide what is still to be pushed.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from docent.artifacts.confinement import OutsideRunError, inside
from docent.artifacts.durable import write_durably
from docent.artifacts.side_files import StrictSideFile
from docent.config import PipelineConfig
from docent.messages.masking import mask
from docent.messages.printing import printable
from docent.pipeline import STAGES, Unit, section_of
from docent.spec import RunStates
from docent.store import Artifact
from docent.tables import function_at

UNIT = "build-dataset"
FILE = f"{UNIT}/push.json"
MAX_CHARS = 2000
MAX_NOTES = 20


class Push(StrictSideFile):
    """The end of a push."""

    repository: str
    """On the hub."""
    digest: str
    """Of the data set."""
    commit: str = ""
    """That holds the data set; "" where it was not pushed."""
    files: int = 0
    """How many files the data set has."""
    reason: str = ""
    """Why it was not pushed; "" where it was."""
    next_step: str = ""
    """The command or edit that gets out of it."""
    notes: tuple[str, ...] = ()
    """What a person should know: files of others that were kept, edits to the card that were replaced."""
    deleted: tuple[str, ...] = ()
    """Which files of others were to be deleted, as the settings name them."""


def is_open(config: PipelineConfig, run_dir: Path, artifact: Artifact | None) -> bool:
    """Whether a complete data set is to be pushed, and is not yet where it is to be."""
    section = section_of(config, UNIT)
    if section is None or not section.push_to or artifact is None or artifact.unit != UNIT:
        return False
    last = read_push(run_dir)
    if last is None or not last.commit or not set(section.push_delete) <= set(last.deleted):
        return True
    return (last.digest, last.repository) != (artifact.digest, section.push_to)


def is_left(states: RunStates, name: str) -> bool:
    """Whether a unit is not complete, or complete and not yet pushed where it is to be."""
    artifact = states.of(name).artifact
    return artifact is None or is_open(states.config, states.run_dir, artifact)


def is_kept(states: RunStates, name: str) -> bool:
    """Whether a unit is complete, however the process ended that also takes it elsewhere."""
    return bool(STAGES[states.units[name].stage].deliver and states.of(name).artifact)


def deliver(states: RunStates, unit: Unit, stop: threading.Event) -> None:
    """Take a complete unit elsewhere, where its stage does that; a failure is written down and fails nothing.

    Args:
        stop: set when SIGTERM arrived.
    """
    function = STAGES[unit.stage].deliver
    if function and (artifact := states.of(unit.name).artifact):
        function_at(function)(states.config, states.run_dir, artifact, stop)


def read_push(run_dir: Path) -> Push | None:
    """Return how the last push ended; None where there was none, or the file is torn or forged."""
    try:
        path = inside(run_dir, FILE)
        if not path.is_file():  # a pipe would block the reader for ever
            return None
        push = Push.model_validate_json(path.read_bytes())
    except (OSError, OutsideRunError, ValidationError):
        return None
    texts = ("repository", "digest", "commit", "reason", "next_step")
    shown: dict[str, Any] = {name: printable(getattr(push, name), MAX_CHARS) for name in texts}
    notes = tuple(printable(note, MAX_CHARS) for note in push.notes[:MAX_NOTES])
    return push.model_copy(update={**shown, "notes": notes})


def write_push(run_dir: Path, push: Push) -> None:
    """Write down how a push ended, without secrets."""
    safe = {name: mask(getattr(push, name))[:MAX_CHARS] for name in ("reason", "next_step")}
    notes = tuple(mask(note)[:MAX_CHARS] for note in push.notes[:MAX_NOTES])
    data = push.model_copy(update={**safe, "notes": notes}).to_json(ensure_ascii=False)
    write_durably(inside(run_dir, FILE), data)
