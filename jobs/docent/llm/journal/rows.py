"""What stands in the journal: tries and their states, replies, sums, and the key that a request is known by.

Reads and writes nothing; journal.py does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple


class State(IntEnum):
    """Where one try stands. BEGUN without an end was cut off by a kill: it may have been paid, as what is LOST."""

    BEGUN, REPLIED, REFUSED, LOST = range(4)


@dataclass(frozen=True, slots=True)
class Entry:
    """One paid reply.

    Attributes:
        by_another: another process asked for it while this one was about to.
    """

    text: str
    finish_reason: str
    input_tokens: int
    output_tokens: int
    by_another: bool = field(default=False, compare=False)


class Spent(NamedTuple):
    """Tokens told by the endpoint, and tries of which it told none although they may have been paid."""

    input_tokens: int
    output_tokens: int
    in_doubt: int


class Used(NamedTuple):
    """Tries at an endpoint, the tokens of their replies, and how many tries have none told, though they may cost.

    `ahead` of them are dated in the future, and nothing that was noted later says when they were made.
    """

    requests: int
    tokens: int
    untold: int
    ahead: int = 0


class Sent(NamedTuple):
    """A try that went into a batch file: its number, the batch's name, when it was begun, and the process that did it.

    The time is of that process's clock.
    """

    number: int
    batch: str
    begun_s: float
    owner: str


def journal_key(provider: str, base_url: str, body: bytes, ask: int) -> bytes:
    """sha256 over all that decides a reply.

    Args:
        provider: `openai` for every endpoint that speaks like it, or `offline`.
        body: canonical JSON of the request, pictures by their hash.
        ask: counts how often the same request was asked on purpose.
    """
    return hashlib.sha256(b'["%s","%s",%s,%d]' % (provider.encode(), base_url.encode(), body, ask)).digest()
