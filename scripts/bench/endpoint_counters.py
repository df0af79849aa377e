"""Count the mock endpoint's requests and answers.

Reads and writes no files; used by `endpoint.py`.
"""

from __future__ import annotations

import time
from typing import Any

from endpoint_limits import Slots


class Counters:
    """The counters behind /stats; replaced at every /reset."""

    def __init__(self) -> None:
        self.numbers = dict.fromkeys(
            "requests ok in_flight in_flight_max repeated abandoned bytes_in billed_input_tokens billed_output_tokens "
            "batch_lines_ok batch_lines_failed".split(),
            0,
        )
        self.by_status: dict[int, int] = {}
        self.faults: dict[str, int] = {}
        self.first_s: float | None = None
        self.last_s: float | None = None
        self.seen: set[int] = set()
        self.answered: set[int] = set()
        self.sent: list[dict[str, Any]] = []
        self.cpu_before_s = time.process_time()

    def arrived(self, raw_bytes: int) -> None:
        """Count a chat request that has been read."""
        numbers = self.numbers
        numbers["requests"] += 1
        numbers["bytes_in"] += raw_bytes
        numbers["in_flight"] += 1
        numbers["in_flight_max"] = max(numbers["in_flight_max"], numbers["in_flight"])
        if self.first_s is None:
            self.first_s = time.monotonic()

    def ended(self, status: int) -> None:
        """Count a chat request that has been answered."""
        self.numbers["in_flight"] -= 1
        self.by_status[status] = self.by_status.get(status, 0) + 1
        self.last_s = time.monotonic()

    def bill(self, digest: bytes, usage: tuple[int, int] | None) -> None:
        """Count the cost of an answer, online or in a batch; the same answer sent again counts as paid again."""
        number = int.from_bytes(digest[:8], "big")
        if number in self.answered:
            self.numbers["repeated"] += 1
        self.answered.add(number)
        self.seen.add(number)
        if usage:
            self.numbers["billed_input_tokens"] += usage[0]
            self.numbers["billed_output_tokens"] += usage[1]

    def as_json(self, slots: Slots) -> dict[str, Any]:
        """Return all counters, with times in seconds."""
        span_s = self.last_s - self.first_s if self.last_s and self.first_s else 0.0
        return {
            **self.numbers,
            "sent": self.sent,
            "by_status": self.by_status,
            "faults": self.faults,
            "first_s": self.first_s,
            "last_s": self.last_s,
            "span_s": span_s,
            "unique": len(self.seen),
            "answered": len(self.answered),
            "slots_used_max": slots.used_max,
            "queued_max": slots.waiting_max,
            "cpu_s": time.process_time() - self.cpu_before_s,
        }
