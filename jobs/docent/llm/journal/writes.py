"""What is written into the journal within one commit: tries that begin, claims among them, and tries that end.

Writes rows of the journal's file; journal.py opens the transaction and commits it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from docent.llm.journal.file import BEGIN, CLAIMED, END, END_OF_NONE, FIND
from docent.llm.journal.owners import Owner, Owners
from docent.llm.journal.rows import Entry, State

_NOTHING = Entry("", "", 0, 0)
_REPLIES = FIND.format(what="key, text, finish_reason, input_tokens, output_tokens")
_REPLY = FIND.format(what="text, finish_reason, input_tokens, output_tokens").format(keys="?")
LOOKED_UP_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Begin:
    """A try that is about to be sent.

    Attributes:
        is_claim: only where there is no reply yet and nobody else asks; `done` gets None where somebody does. What is
            in a batch is not put into another one, while a request on line does not wait for a batch.
    """

    request: bytes
    key: bytes
    endpoint: str
    batch: str
    is_claim: bool
    done: asyncio.Future[int | Entry | None]


@dataclass(frozen=True, slots=True)
class End:
    """How a try ended; `endpoint` as in Begin, for a file that has lost the try's row."""

    number: int
    key: bytes
    endpoint: str
    state: State
    entry: Entry | None
    why: str
    done: asyncio.Future[Entry | None]


def note_begins(
    db: sqlite3.Connection, begins: Sequence[Begin], owner: Owner, others: Owners
) -> list[int | Entry | None]:
    """Write the tries' rows; for each its number, or the reply that a claim found, or None where another process asks.

    Raises:
        OSError: the owner's file cannot be made.
    """
    keys = [what.key for what in begins if what.is_claim]
    replies: dict[bytes, Entry] = {}
    asked: set[bytes] = set()
    in_batches: set[bytes] = set()
    for start in range(0, len(keys), LOOKED_UP_AT_ONCE):
        some = keys[start : start + LOOKED_UP_AT_ONCE]
        marks = ",".join("?" * len(some))
        replies |= {key: Entry(*row) for key, *row in db.execute(_REPLIES.format(keys=marks), some)}
        for key, name, batch in db.execute(CLAIMED.format(keys=marks), some):
            if batch:
                in_batches.add(key)
            elif name != owner.name and others.is_at_work(name):
                asked.add(key)
    made: list[int | Entry | None] = []
    for what in begins:
        if what.is_claim and (found := replies.get(what.key)):
            made.append(replace(found, by_another=True))
        elif what.is_claim and (what.key in asked or (what.batch and what.key in in_batches)):
            made.append(None)
        else:
            row = (what.request, what.key, what.endpoint, what.batch, time.time(), owner.name)
            made.append(db.execute(BEGIN, row).lastrowid)
    return made


def note_end(db: sqlite3.Connection, what: End) -> Entry | None:
    """Note an end; where another process had a reply to the same request, its words count, ours still cost."""
    said = what.entry or _NOTHING
    told = (said.text, said.finish_reason, said.input_tokens, said.output_tokens, what.why)
    where = (what.number, what.key)
    if db.execute(END, (what.state, *told, *where)).rowcount:
        return what.entry
    without_row = (what.key, what.key, what.endpoint, time.time())
    if found := db.execute(_REPLY, (what.key,)).fetchone():
        cost = ("", "", said.input_tokens, said.output_tokens, "answered twice")
        if not db.execute(END, (State.LOST, *cost, *where)).rowcount:
            db.execute(END_OF_NONE, (*without_row, State.LOST, *cost))
        return Entry(*found)
    db.execute(END_OF_NONE, (*without_row, what.state, *told))
    return what.entry
