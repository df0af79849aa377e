"""Describe the push of a data set to a hub. Reads the run folder; writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from docent.artifacts.pushed import UNIT, is_open, read_push
from docent.launcher.verbs import invocation
from docent.messages.plurals import counted
from docent.messages.suggested_commands import complete
from docent.spec import RunStates

AGAIN = f"docent run --only {UNIT}"


def push_lines(states: RunStates, chosen: Sequence[str]) -> Iterator[str]:
    """Yield where the data set was pushed, or why it was not and how to push it.

    Args:
        chosen: names of the units that are looked at.
    """
    section, artifact = states.config.build_dataset, states.of(UNIT).artifact if UNIT in chosen else None
    if section is None or not section.push_to or artifact is None:
        return
    last, given = read_push(states.run_dir), invocation.of_run(states.run_dir)
    of_this = last is not None and (last.repository, last.digest) == (section.push_to, artifact.digest)
    if last is None or not of_this:
        yield f"data set not pushed to {section.push_to} yet; to push it: {complete(AGAIN, given)}"
    elif is_open(states.config, states.run_dir, artifact):
        yield f"data set not pushed to {last.repository}: {last.reason}"
        yield f"  next: {complete(last.next_step, given)}"
    else:
        yield f"data set pushed to {last.repository}: {counted(last.files, 'file')}, commit {last.commit[:10]}"
        yield from (f"  note: {complete(note, given)}" for note in last.notes)
