"""Define the workloads of `make bench-generate`: the endpoint's behaviour, the number of records and the systems.

Reads and writes no files; used by `generate.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

PEERS = ("curator", "data_designer", "distilabel", "synthetic_data_kit")
TEXT_AND_IMAGES = ("docent", "curator", "data_designer", "distilabel")
ANSWER_BYTES = 200


@dataclass(frozen=True)
class Case:
    """One set of conditions; a workload has one or more, measured in turns.

    Attributes:
        n: number of records.
        knobs: settings of the endpoint.
        conditions: description of the conditions, for the table.
        fewer: system -> number of records, for systems that would take too long with n.
        structured: whether rows are {question, answer} for every system; otherwise only for docent.
        has_raw: whether the upper bound (the plain aiohttp loop) is measured too.
        raw_bound: whether the plain loop must reach its share of the ideal.
        limit_s: time limit of a run in seconds.
        base: the case without faults that this one is compared with.
        one_core: whether the client has only one core, on any machine.
        follows: whether memory and rate are recorded over the run.
    """

    name: str
    conditions: str
    n: int
    in_flight: int
    latency_s: float
    knobs: dict[str, Any] = field(default_factory=dict)
    systems: tuple[str, ...] = ("docent", *PEERS)
    fewer: dict[str, int] = field(default_factory=dict)
    structured: bool = False
    images: bool = False
    has_raw: bool = True
    raw_bound: bool = False
    limit_s: float | None = None
    base: str = ""
    one_core: bool = False
    follows: bool = False

    def records(self, system: str) -> int:
        """Return the number of records for this system."""
        return self.fewer.get(system, self.n)

    def ideal_s(self, n: int) -> float:
        """Return the seconds for n records if only the endpoint took time."""
        if rate := self.knobs.get("rate_per_s"):
            return max(n - self.knobs["burst"], 0) / rate
        return math.ceil(n / self.in_flight) * self.latency_s

    def allowed_s(self, n: int) -> float:
        """Return the time limit of a run in seconds."""
        return self.limit_s or 10 * self.ideal_s(n) + 60

    def scaled(self, scale: float) -> Case:
        """Return a copy with a share of the records."""
        small = {system: max(1, round(n * scale)) for system, n in self.fewer.items()}
        return replace(self, n=max(1, round(self.n * scale)), fewer=small)


def answered(system: str, structured: bool) -> dict[str, Any]:
    """Return the endpoint settings under which this system can use the answers."""
    if system == "synthetic_data_kit":
        return {"shape": "list"}
    return {"shape": "pair" if structured or system == "docent" else "text"}


_CUT = {"p_truncated": 0.05, "p_fenced": 0.05}
_LIMIT = {"rate_per_s": 100, "burst": 100, "retry_after": 1}
WORKLOADS: dict[str, list[Case]] = {
    "W1": [Case("W1", "text, 5,000 records, 256 in flight, 200 ms", 5_000, 256, 0.2, raw_bound=True, limit_s=150)],
    "W2": [Case("W2", "text, 10,000 records, 64 in flight, 20 ms, one core", 10_000, 64, 0.02, one_core=True)],
    "W3": [
        Case(
            "W3 schema followed",
            "{question, answer}, 2,000 records, 100 in flight, 5 % cut, 5 % fenced; the endpoint follows json_schema",
            2_000,
            100,
            0.2,
            {**_CUT, "tool_calls": True},
            structured=True,
            has_raw=False,
        ),
        Case(
            "W3 schema ignored",
            "the same; the endpoint ignores response_format and has no tools, the prompt asks for JSON",
            2_000,
            100,
            0.2,
            {**_CUT, "honours": "none"},
            structured=True,
            has_raw=False,
        ),
    ],
    "W4": [
        Case(
            "W4 limit in headers",
            "text, 1,000 records, 100 in flight, 100 requests a second, Retry-After 1, x-ratelimit headers",
            1_000,
            100,
            0.2,
            {**_LIMIT, "rate_headers": True},
            has_raw=False,
        ),
        Case("W4 limit not told", "the same without the headers", 1_000, 100, 0.2, _LIMIT, has_raw=False),
    ],
    "W4b": [
        Case(
            "W4b no faults",
            "text, 2,000 records (Data Designer: 1,000), 100 in flight, 200 ms",
            2_000,
            100,
            0.2,
            fewer={"data_designer": 1_000},
            raw_bound=True,
        ),
        Case(
            "W4b isolated 429",
            "the same, 5 % of requests answered 429 with Retry-After 1",
            2_000,
            100,
            0.2,
            {"p_429": 0.05, "retry_after": 1},
            fewer={"data_designer": 1_000},
            has_raw=False,
            base="W4b no faults",
            limit_s=300,
        ),
    ],
    "W6": [
        Case(
            f"W6 {n}",
            f"{n} records, each with its own PNG of 1.0 MB, 50 in flight, 200 ms",
            n,
            50,
            0.2,
            systems=TEXT_AND_IMAGES,
            images=True,
            # 300 are over before the first burst, which two cores need a quarter of a second for, has spread out.
            raw_bound=n == 3_000,
        )
        for n in (300, 3_000)
    ],
    "W7": [
        Case(
            "W7",
            "text, 100,000 records (Data Designer, distilabel: 20,000), 64 in flight, 5 ms",
            100_000,
            64,
            0.005,
            systems=("docent", "curator", "data_designer", "distilabel"),
            fewer={"data_designer": 20_000, "distilabel": 20_000},
            limit_s=600,
            follows=True,
        )
    ],
}
