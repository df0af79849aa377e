"""Find runs on this machine by name, and the run that a mistyped name probably means. Reads the folder of runs."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from docent.config.run_names import is_run_name
from docent.errors import LauncherError
from docent.launcher.verbs import invocation, options
from docent.messages.suggested_commands import complete

MAX_NAMED = 10
"""Largest number of runs listed in a message."""
ALIKE, TYPO = 0.6, 0.8
"""Minimum similarity (difflib, 0 to 1) for a name to be suggested, and for a name to count as a typing error."""
MAX_TAG_CHARS = 2
"""Name parts up to this length distinguish runs on purpose: `hall-a` and `hall-b`, `guide-en` and `guide-de`."""


def known_runs(data: Path) -> list[str]:
    """Return the names of the runs in a folder of runs, in alphabetical order."""
    return sorted(path.parent.name for path in data.glob("*/.lock") if is_run_name(path.parent.name))


def no_such_run(data: Path, run_name: str) -> LauncherError:
    """Return the error (102) for a run that does not exist; it names the most similar run and the others."""
    known = known_runs(data)
    near = nearest(run_name, known, ALIKE)
    start = f"to start it: docent run --run {run_name}"
    next_step = complete("docent status", invocation.of_run(data / near)) if near else start
    return LauncherError(102, _what(run_name, near, known), _all(data, known), next_step)


def refuse_typo(data: Path, run_name: str) -> None:
    """Refuse the name of a new run if it differs so little from an existing name that it is probably a typing error.

    Raises:
        LauncherError: (2) the name is almost that of an existing run.
    """
    known = known_runs(data)
    near = nearest(run_name, known, TYPO)
    if near and not _differ_on_purpose(run_name, near) and not (data / run_name).is_dir():
        new = f"docent run {options.DEFAULT_FILE} --run {run_name}"
        next_step = f"correct --run; where this is to be a new run, name its file too: {new}"
        raise LauncherError(2, _what(run_name, near, known), _all(data, known), next_step)


def nearest(name: str, known: Sequence[str], least: float) -> str:
    """Return the most similar name, or "" if none is similar enough."""
    return next(iter(difflib.get_close_matches(name, known, 1, least)), "")


def _differ_on_purpose(one: str, other: str) -> bool:
    """Return whether two names differ only in a number or a short part, as names in a series do."""
    if re.sub(r"\d+", "", one).strip("-") == re.sub(r"\d+", "", other).strip("-"):
        return True
    parts, others = one.split("-"), other.split("-")
    if len(parts) != len(others):
        return parts[: len(others)] == others[: len(parts)]
    differing = [pair for pair in zip(parts, others, strict=True) if pair[0] != pair[1]]
    return all(len(part) <= MAX_TAG_CHARS for pair in differing for part in pair)


def _what(run_name: str, near: str, known: Sequence[str]) -> str:
    words = [f"there is no run {run_name!r}"]
    if near:
        words.append(f"the nearest is {near!r}")
    if known:
        more = f" and {len(known) - MAX_NAMED} more" if len(known) > MAX_NAMED else ""
        words.append(f"runs there: {', '.join(known[:MAX_NAMED])}{more}")
    return "; ".join(words)


def _all(data: Path, known: Sequence[str]) -> str:
    """Return the folder of the runs; if the message does not list all of them, add a command that does."""
    return f"{data} (all: ls {shlex.quote(str(data))})" if len(known) > MAX_NAMED else str(data)
