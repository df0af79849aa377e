"""Find runs on this machine by name, and the run that a mistyped name probably means. Reads the folder of runs."""

import difflib
import re
import shlex
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


def no_such_run(data: Path, run_name: str) -> LauncherError:
    """Return the error (102) for a run that does not exist; it names the most similar run and the others."""
    near = _nearest(data, run_name, ALIKE)
    status = complete("docent status", invocation.of_run(data / near))
    return _missing(102, data, run_name, near, status if near else f"to start it: docent run --run {run_name}")


def refuse_typo(data: Path, run_name: str) -> None:
    """Refuse the name of a new run if it differs so little from an existing name that it is probably a typing error.

    Raises:
        LauncherError: (2) the name is almost that of an existing run.
    """
    near = _nearest(data, run_name, TYPO)
    if near and not _differ_on_purpose(run_name, near):
        new = f"docent run {options.DEFAULT_FILE} --run {run_name}"
        raise _missing(2, data, run_name, near, f"correct --run; to start a new run, name its file too: {new}")


def _known_runs(data: Path) -> list[str]:
    return sorted(path.parent.name for path in data.glob("*/.lock") if is_run_name(path.parent.name))


def _nearest(data: Path, run_name: str, least: float) -> str:
    """Return the name of the run with the most similar name, or "" if none is similar enough."""
    return next(iter(difflib.get_close_matches(run_name, _known_runs(data), 1, least)), "")


def _differ_on_purpose(one: str, other: str) -> bool:
    """Return whether two names differ only in a number or a short part, as names in a series do."""
    if re.sub(r"\d+", "", one).strip("-") == re.sub(r"\d+", "", other).strip("-"):
        return True
    parts, others = one.split("-"), other.split("-")
    if len(parts) != len(others):
        return parts[: len(others)] == others[: len(parts)]
    differing = [pair for pair in zip(parts, others, strict=True) if pair[0] != pair[1]]
    return all(len(part) <= MAX_TAG_CHARS for pair in differing for part in pair)


def _missing(exit_code: int, data: Path, run_name: str, near: str, next_step: str) -> LauncherError:
    """Return an error that lists the existing runs; if there are too many, with a command that lists all of them."""
    known, where = _known_runs(data), str(data)
    what = f"run {run_name!r} does not exist" + (f"; did you mean {near!r}?" if near else "")
    if known:
        what += f" (existing runs: {', '.join(known[:MAX_NAMED])}"
        what += f" and {len(known) - MAX_NAMED} more)" if len(known) > MAX_NAMED else ")"
    if len(known) > MAX_NAMED:
        where += f" (all: ls {shlex.quote(str(data))})"
    return LauncherError(exit_code, what, where, next_step)
