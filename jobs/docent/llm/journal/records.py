"""Define the records of a journal: tries and their states, replies, sums, and the key that identifies a request.

One record is one line of JSON with all that is known of a try, so that a later record replaces an earlier one and each
can be copied to another file. Reads and writes nothing; writer.py does.
"""

import hashlib
import json
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple


class TryState(IntEnum):
    """State of one try. A BEGUN try without an end was interrupted: it may have been paid for, like a LOST one."""

    BEGUN, REPLIED, REFUSED, LOST = range(4)


@dataclass(frozen=True, slots=True)
class Entry:
    """One paid reply, as the endpoint sent it.

    Attributes:
        finish_reason: the endpoint's value, with a note if a reply without text has its words in another field.
        input_tokens: 0 if the endpoint does not report them; `output_tokens` likewise.
        by_another: whether another process asked for it while this one was about to.
    """

    text: str
    finish_reason: str
    input_tokens: int = 0
    output_tokens: int = 0
    by_another: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Try:
    """One try of a request.

    Attributes:
        number: one more than the largest number that its writer had seen in any journal, so that numbers give the order
            in which tries were begun although no journal holds all of them.
        writer: name of the journal in which it was begun.
        request: key of the request's first ask.
        key: key of this ask.
        endpoint: the endpoint whose allowance it counts against.
        batch: token of the batch it was sent in, or "" if it was sent online.
        begun_s: seconds since 1970 by the clock of its process.
    """

    number: int
    writer: str
    request: bytes
    key: bytes
    endpoint: str
    batch: str
    begun_s: float

    def line(self, state: TryState = TryState.BEGUN, entry: Entry | None = None, why: str = "") -> bytes:
        """Return the record of this try in a state; fields with their default value are left out."""
        reply = entry or Entry("", "")
        optional = {
            "request": self.request.hex() if self.request != self.key else "",
            "batch": self.batch,
            "state": state.name.lower() if state else "",
            "text": reply.text,
            "finish_reason": reply.finish_reason,
            "input_tokens": reply.input_tokens,
            "output_tokens": reply.output_tokens,
            "why": why,
        }
        fields: dict[str, Any] = {"number": self.number, "writer": self.writer, "key": self.key.hex()}
        fields |= {"endpoint": self.endpoint, "begun_s": self.begun_s}
        fields |= {name: value for name, value in optional.items() if value}
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


class Spent(NamedTuple):
    """Tokens reported by the endpoint, and the number of tries without such a report that may have been paid for."""

    input_tokens: int
    output_tokens: int
    in_doubt: int


class Used(NamedTuple):
    """Number of tries at an endpoint, tokens of their replies, and number of tries that may cost but report no tokens.

    `ahead` tries are dated in the future, and no later try shows when they were begun.
    """

    requests: int
    tokens: int
    unreported: int
    ahead: int = 0


def journal_key(provider: str, base_url: str, body: bytes, ask: int) -> bytes:
    """Return the sha256 over everything that determines a reply.

    Args:
        provider: `openai` for every endpoint with that API, or `offline`.
        body: canonical JSON of the request, with images replaced by their hashes.
        ask: how often the same request was asked deliberately before.
    """
    return hashlib.sha256(b'["%s","%s",%s,%d]' % (provider.encode(), base_url.encode(), body, ask)).digest()
