"""Index all journals: which tries exist, where their records are, and sums over them.

A temporary SQLite database of this process alone, filled from the journals by reader.py and deleted on close, so that
memory does not grow with the number of replies and no two processes ever open the same database. The texts of replies
stay in the journals.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json

from docent.llm.journal.records import Spent, Try, TryState, Used

CLOCKS_APART_S = 300.0
"""How far the clocks of machines that share a journal may differ; a try dated later than that has a wrong date."""
CACHE_KIB = 32_768
"""Memory of the index, about the rows of 100,000 tries; beyond that it is a file."""
ADDED_AT_ONCE = 10_000
MAX_COUNT = 2**53
LOOKED_UP_AT_ONCE = 500
"""SQLite accepts a limited number of parameters in one statement."""
_CREATE = """
    CREATE TABLE tries (
        number INTEGER, writer TEXT, request BLOB, key BLOB, endpoint TEXT, batch TEXT, begun_s REAL, state INTEGER,
        input_tokens INTEGER, output_tokens INTEGER, journal TEXT, start INTEGER, length INTEGER,
        PRIMARY KEY (number, writer)
    ) WITHOUT ROWID;
"""
_INDEX = """
    CREATE INDEX IF NOT EXISTS replies ON tries (key) WHERE state = 1;
    CREATE INDEX IF NOT EXISTS doubtful ON tries (key) WHERE state IN (0, 3);
    CREATE INDEX IF NOT EXISTS requests ON tries (request);
"""
# The record of an end replaces that of the begin, and a reply replaces any other end, whichever is read first.
_ADD = f"""
    INSERT INTO tries VALUES ({",".join("?" * 13)}) ON CONFLICT (number, writer) DO UPDATE SET
    state = excluded.state, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
    journal = excluded.journal, start = excluded.start, length = excluded.length
    WHERE excluded.key = tries.key AND (excluded.state = 1 OR tries.state IN (0, excluded.state))
"""
_OPEN = (
    "SELECT number, writer, request, key, endpoint, batch, begun_s FROM tries INDEXED BY doubtful "
    "WHERE state IN (0, 3) AND state = 0 AND key IN ({keys}) ORDER BY number, writer"
)
_KNOWN = "SELECT key FROM tries INDEXED BY replies WHERE state = 1 AND key IN ({keys})"
# If two processes have paid for the same reply, the one begun first counts: it comes last and so overwrites the other.
_REPLIES = f"{_KNOWN.replace('key', 'key, journal, start, length', 1)} ORDER BY number DESC, writer DESC"
# A reply without reported tokens also counts as in doubt.
_SPENT = (
    "SELECT request, SUM(input_tokens), SUM(output_tokens), SUM(state <> 2 AND input_tokens + output_tokens = 0) "
    "FROM tries INDEXED BY requests WHERE request IN ({keys}) GROUP BY request"
)
_AMOUNTS = "COUNT(*), TOTAL(input_tokens + output_tokens), TOTAL(input_tokens + output_tokens = 0 AND state <> 2)"
_NEVER = 2**62
NO_RECORD = (ValueError, KeyError, TypeError, AttributeError)


_STATES = {state.name.lower(): int(state) for state in TryState}


class Place(NamedTuple):
    """The location of a record."""

    journal: str
    start: int
    length: int


class Added(NamedTuple):
    """Result of `Index.add`: the position reached, whether the journal ends there, and the number of bad lines."""

    end: int
    is_closed: bool
    damaged: int


class Index:
    """All tries that were read so far. For use by one thread at a time."""

    def __init__(self) -> None:
        # A database without a name is a temporary file that SQLite deletes; it stays in memory while it is small.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.executescript(f"PRAGMA journal_mode=OFF; PRAGMA cache_size=-{CACHE_KIB}; {_CREATE}")
        self.largest_number = 0

    def add(self, lines: Iterable[bytes], journal: str, start: int, is_final: bool = True) -> Added:
        """Add records, each replacing what is known of its try, up to an incomplete line.

        Args:
            journal: name of the journal that they are in, from the position `start` on.
            is_final: whether its writer is gone. Until then, null bytes are a part that a network file system shows
                later than what follows it; no record contains them.
        """
        latest: dict[tuple[int, str], tuple[dict[str, Any], int, int]] = {}
        is_closed, damaged = False, 0
        for line in lines:
            if not line.endswith(b"\n") or (b"\0" in line and not is_final):
                break
            try:
                fields = from_json(line)
                is_closed = is_closed or "closed" in fields
                if "closed" not in fields:
                    fields.pop("text", None)  # it stays in the journal
                    latest[fields["number"], fields["writer"]] = fields, start, len(line)
            except NO_RECORD:
                damaged += line != b"\n"
            start += len(line)
            if len(latest) == ADDED_AT_ONCE:
                damaged += self._insert(latest.values(), journal)
                latest.clear()
        damaged += self._insert(latest.values(), journal)
        return Added(start, is_closed, damaged)

    def create_indexes(self) -> None:
        """Make lookups possible, after the first records were added: sorting them once is faster than one by one."""
        self._db.executescript(_INDEX)

    def lose(self, place: Place) -> None:
        """Mark a reply as lost because its record cannot be read any more; what it cost still counts."""
        self._db.execute("UPDATE tries SET state = 3 WHERE journal = ? AND start = ?", place[:2])

    def forget(self, journal: str) -> None:
        """Remove the records of a journal that no longer exists."""
        self._db.execute("DELETE FROM tries WHERE journal = ?", (journal,))

    def known(self, keys: Sequence[bytes]) -> set[bytes]:
        """Return the keys that have a reply."""
        return {row[0] for row in self._looked_up(_KNOWN, keys)}

    def replies(self, keys: Sequence[bytes]) -> dict[bytes, Place]:
        """Return the location of the reply to each key that has one."""
        return {key: Place(*place) for key, *place in self._looked_up(_REPLIES, keys)}

    def open_tries(self, keys: Sequence[bytes]) -> list[Try]:
        """Return the tries at these keys that have not ended, in the order in which they were begun."""
        return [Try(*row) for row in self._looked_up(_OPEN, keys)]

    def spent(self, requests: Sequence[bytes]) -> dict[bytes, Spent]:
        """Return what all tries of some requests used, by the request's first key; omit requests without tries."""
        return {request: Spent(*amounts) for request, *amounts in self._looked_up(_SPENT, requests)}

    def count_replies(self) -> int:
        """Return how many requests have a reply."""
        return int(self._one("SELECT COUNT(DISTINCT key) FROM tries INDEXED BY replies WHERE state = 1"))

    def places(self, journals: Sequence[str]) -> Iterator[Place]:
        """Yield the locations of the records in some journals that nothing has replaced, in the order of tries."""
        marks = ",".join("?" * len(journals))
        sql = f"SELECT journal, start, length FROM tries WHERE journal IN ({marks}) ORDER BY number, writer"
        return (Place(*row) for row in self._db.execute(sql, journals))

    def used_since(self, endpoint: str, since_s: float, now_s: float, counts_ahead: bool) -> Used:
        """Return what was sent to an endpoint since a given time, even if a clock was wrong.

        Numbers give the order in which tries were begun. So a try that follows one within the period is within it, too,
        whatever its date, and a try dated in the future is not newer than the next one with a plausible date.

        Args:
            since_s: seconds since 1970.
            now_s: the current time; infinite if nothing is to count as the future.
            counts_ahead: whether a future try without a later one to date it counts as begun now, or not at all.
        """
        latest_s = now_s + CLOCKS_APART_S
        first = self._one("SELECT MIN(number) FROM tries WHERE begun_s BETWEEN ? AND ?", since_s, latest_s) or _NEVER
        within = self._used("number >= ? AND endpoint = ?", first, endpoint)
        last_ahead = self._one("SELECT MAX(number) FROM tries WHERE begun_s > ?", latest_s)
        if last_ahead is None:
            return within
        following_s = self._one("SELECT begun_s FROM tries WHERE number > ? ORDER BY number LIMIT 1", last_ahead)
        if not counts_ahead if following_s is None else following_s < since_s:
            return within
        ahead = self._used("begun_s > ? AND number < ? AND endpoint = ?", latest_s, first, endpoint)
        requests, tokens, unreported = (a + b for a, b in zip(within[:3], ahead[:3], strict=True))
        return Used(requests, tokens, unreported, ahead.requests if following_s is None else 0)

    def close(self) -> None:
        """Delete the index."""
        self._db.close()

    def _insert(self, records: Collection[tuple[dict[str, Any], int, int]], journal: str) -> int:
        """Insert records, given with their position and length in a journal; return how many lines are not records."""
        rows = []
        for fields, start, length in records:
            try:
                rows.append(_row(fields, journal, start, length))
            except NO_RECORD:
                continue  # counted below
        self._db.execute("BEGIN")
        self._db.executemany(_ADD, rows)
        self._db.execute("COMMIT")
        self.largest_number = max(self.largest_number, *(row[0] for row in rows), 0)
        return len(records) - len(rows)

    def _looked_up(self, sql: str, keys: Sequence[bytes]) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(keys), LOOKED_UP_AT_ONCE):
            some = keys[start : start + LOOKED_UP_AT_ONCE]
            yield from self._db.execute(sql.format(keys=",".join("?" * len(some))), some)

    def _one(self, sql: str, *values: Any) -> Any:
        row = self._db.execute(sql, values).fetchone()
        return row[0] if row else None

    def _used(self, which: str, *values: Any) -> Used:
        return Used(*map(int, self._db.execute(f"SELECT {_AMOUNTS} FROM tries WHERE {which}", values).fetchone()))


def _row(fields: dict[str, Any], journal: str, start: int, length: int) -> tuple[Any, ...]:
    """Convert a line's fields to a row of the table. Raises ValueError, KeyError, TypeError: it is not a record."""
    key, number = bytes.fromhex(fields["key"]), fields["number"]
    texts = writer, endpoint, batch = fields["writer"], fields["endpoint"], fields.get("batch", "")
    tokens = sent, received = fields.get("input_tokens", 0), fields.get("output_tokens", 0)
    "".join(texts)  # a TypeError unless all are text
    if not 0 < number < MAX_COUNT or not 0 <= sent < MAX_COUNT or not 0 <= received < MAX_COUNT:
        raise ValueError("a number out of range")
    request = bytes.fromhex(fields["request"]) if "request" in fields else key
    what = (request, key, endpoint, batch, float(fields["begun_s"]), _STATES[fields.get("state", "begun")])
    return (number, writer, *what, *tokens, journal, start, length)
