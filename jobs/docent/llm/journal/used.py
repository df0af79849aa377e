"""What was sent to an endpoint within a time, out of the journal's rows, also where a clock was wrong.

Reads the journal's file through an open connection; writes nothing.
"""

from __future__ import annotations

import sqlite3

from docent.llm.journal.rows import Used

CLOCKS_APART_S = 300.0
"""Machines that share a journal may differ by so much; a try dated later than that is dated by a wrong clock."""
_AMOUNTS = "COUNT(*), TOTAL(input_tokens + output_tokens), TOTAL(input_tokens + output_tokens = 0 AND state <> 2)"
_FROM_ID = f"SELECT {_AMOUNTS} FROM attempts WHERE id >= ? AND endpoint = ?"
_AHEAD = f"SELECT {_AMOUNTS} FROM attempts INDEXED BY begun WHERE begun_s > ? AND id < ? AND endpoint = ?"
_FIRST = "SELECT MIN(id) FROM attempts INDEXED BY begun WHERE begun_s >= ? AND begun_s <= ?"
_LAST_AHEAD = "SELECT MAX(id) FROM attempts INDEXED BY begun WHERE begun_s > ?"
_NEXT = "SELECT begun_s FROM attempts WHERE id > ? ORDER BY id LIMIT 1"
_NO_ID = 2**62


def used(db: sqlite3.Connection, endpoint: str, since_s: float, now_s: float, counts_ahead: bool) -> Used:
    """Tries since a moment.

    Rows stand in the order in which they were noted. So a try after one within the time is within it, too, whatever its
    date says, and one that is dated in the future is not younger than the next one that is not.

    Args:
        since_s: seconds since 1970.
        now_s: what the clock says now; infinite where nothing is to count as the future.
        counts_ahead: whether a future try that nothing was noted after counts as made now, or not at all.
    """
    latest_s = now_s + CLOCKS_APART_S
    first = db.execute(_FIRST, (since_s, latest_s)).fetchone()[0] or _NO_ID
    found = Used(*map(int, db.execute(_FROM_ID, (first, endpoint)).fetchone()))
    last_ahead = db.execute(_LAST_AHEAD, (latest_s,)).fetchone()[0]
    if last_ahead is None:
        return found
    following = db.execute(_NEXT, (last_ahead,)).fetchone()
    if following[0] < since_s if following else not counts_ahead:
        return found
    requests, tokens, untold = map(int, db.execute(_AHEAD, (latest_s, first, endpoint)).fetchone())
    ahead = 0 if following else requests
    return Used(found.requests + requests, found.tokens + tokens, found.untold + untold, ahead)
