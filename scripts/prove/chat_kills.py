"""Prove that `kill -9` makes the chat client lose or duplicate no record, and pay twice only for requests in flight.

Each series asks a mock endpoint (scripts/bench/endpoint.py) with seeded faults for N structured records, is killed at
about 25, 50 and 75 % and restarted until it ends; every third series has a spending limit that stops it midway and is
then raised. Last, the time from process start to the first request is measured with 60,000 of 100,000 records in the
journal; with a spending limit, for which earlier spending is counted first, it is reported but has no threshold.

Writes journals and rows into a temporary folder and the results to docs/proofs.json. Run it:
`.venv/bin/python scripts/prove/chat_kills.py [--kills 60] [--seed 1] [--records 100000]`. Exits with 1 on a failure.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kills import note

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
from mock_process import Mock  # noqa: E402

ASKER = Path(__file__).with_name("chat_asker.py")
N, IN_FLIGHT = 2000, 100
SHARES, SPREAD = (0.25, 0.5, 0.75), 0.08
POLL_S, PATIENCE_S, CAPPED = 0.005, 120.0, 43
USAGE, USD = (700, 250), (1.0, 4.0)
COST_USD = sum(tokens * usd for tokens, usd in zip(USAGE, USD, strict=True)) / 1e6
# Three cut replies in a row, after which a record is given up, must not come by chance in 40,000 records.
FAULTS = {"p_truncated": 0.005, "p_429": 0.03, "p_500": 0.03, "retry_after": 0.1}
FIRST_REQUEST_S = 2.0


@dataclass
class Seen:
    """Results of one series. `again` counts the replies paid and lost at each kill, out of `in_flight` requests."""

    seed: int
    lost: int = 0
    duplicated: int = 0
    differ: int = 0
    in_flight: list[int] = field(default_factory=list)
    again: list[int] = field(default_factory=list)
    cap_usd: float | None = None
    spent_usd: float | None = None

    def problems(self) -> list[str]:
        """Return every violated guarantee."""
        violations = [f"{name}: {n}" for name in ("lost", "duplicated", "differ") if (n := getattr(self, name))]
        violations += [
            f"{a} paid again, {f} in flight" for a, f in zip(self.again, self.in_flight, strict=True) if a > f
        ]
        violations += [f"{f} in flight" for f in self.in_flight if f > IN_FLIGHT]
        if self.cap_usd is not None and self.spent_usd is None:
            violations.append("the limit was never reached")
        elif self.cap_usd is not None and self.spent_usd is not None and self.spent_usd > self.cap_usd:
            violations.append(f"{self.spent_usd:.4f} USD spent of {self.cap_usd:.4f}")
        return violations


@dataclass
class Asker:
    """The process of a series, restarted after every kill."""

    mock: Mock
    folder: Path
    n: int = N
    in_flight: int = IN_FLIGHT
    max_usd: float | None = None
    rows_name: str = "rows"

    def start(self) -> subprocess.Popen[bytes]:
        """Start another attempt."""
        llm = {"provider": "vllm", "base_url": self.mock.url, "model": "m", "max_in_flight": self.in_flight}
        prices = dict(zip(("usd_per_million_input_tokens", "usd_per_million_output_tokens"), USD, strict=True))
        llm |= {"structured_output": "json_schema", "max_usd": self.max_usd, **prices}
        job = {
            "n": self.n,
            "llm": llm,
            "journal": str(self.folder / "journal"),
            "rows": str(self.folder / self.rows_name),
        }
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen([sys.executable, str(ASKER), json.dumps(job)], stdout=log, stderr=log)

    def killed_at(self, paid: int, pause_s: float) -> int | None:
        """Kill the run shortly after `paid` replies have been paid; return its exit code if it ended before."""
        process = self.start()
        until_s = time.monotonic() + PATIENCE_S
        while process.poll() is None and self.mock.stats()["ok"] < paid:
            if time.monotonic() > until_s:
                process.kill()
                raise SystemExit(f"{paid} replies did not arrive within {PATIENCE_S:g} s, see {self.folder / 'log'}")
            time.sleep(POLL_S)
        if process.poll() is None:
            time.sleep(pause_s)
        process.kill()
        code = process.wait()
        while self.mock.stats()["in_flight"]:
            time.sleep(POLL_S)
        return None if code < 0 else code

    def tries(self) -> tuple[int, int]:
        """Return the number of replies in the journal, and of attempts without a recorded end."""
        ended: dict[tuple[str, int], str] = {}
        for path in (self.folder / "journal").glob("*.jsonl"):
            for line in path.read_bytes().splitlines(keepends=True):
                fields = json.loads(line) if line.endswith(b"\n") and line.strip() else {}
                if "key" in fields:
                    identity = fields["writer"], fields["number"]
                    ended[identity] = fields.get("state") or ended.get(identity, "begun")
        return list(ended.values()).count("replied"), list(ended.values()).count("begun")

    def rows(self) -> list[str]:
        """Return the rows, none if the run did not end."""
        path = self.folder / self.rows_name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def main() -> int:
    """Run all series, then measure the resumed run; print the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--records", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Mock([]) as mock:
        want = undisturbed(mock, Path(folder), options.seed)
        count = -(-options.kills // len(SHARES))
        series = [one_series(mock, Path(folder), seed, want) for seed in range(options.seed, options.seed + count)]
        first_s = {capped: first_request_s(mock, Path(folder), options.records, capped) for capped in (False, True)}
    seen = summary(series, first_s, options.records)
    print(json.dumps(seen, indent=1))
    problems = [f"series {s.seed}: {problem}" for s in series for problem in s.problems()]
    if first_s[False] > FIRST_REQUEST_S:
        problems.append(f"the first request was sent after {first_s[False]:.2f} s")
    print("\n".join(problems) or "all guarantees hold")
    if options.kills >= 60:
        note("chat_kills", seen)
    return 1 if problems else 0


def undisturbed(mock: Mock, folder: Path, seed: int) -> list[str]:
    """Return the rows of an uninterrupted run."""
    mock.reset({"latency_s": 0.05, "usage": USAGE, "seed": seed})
    calm = folder / "calm"
    calm.mkdir()
    asker = Asker(mock, calm)
    code = asker.start().wait()
    rows = asker.rows()
    if code or len(rows) != N:
        raise SystemExit(f"the uninterrupted run ended with {code} and {len(rows)} rows")
    return rows


def one_series(mock: Mock, folder: Path, seed: int, want: list[str]) -> Seen:
    """Kill a run three times, restart it until it ends, and return the results."""
    rng, seen = random.Random(seed), Seen(seed)
    mock.reset({"latency_s": rng.uniform(0.05, 0.1), "latency_sigma": 0.3, "usage": USAGE, "seed": seed, **FAULTS})
    place = folder / f"{seed}"
    place.mkdir()
    asker = Asker(mock, place)
    if seed % 3 == 0:
        seen.cap_usd = asker.max_usd = rng.uniform(0.3, 0.7) * N * COST_USD
    for share in SHARES:
        replied, in_doubt = asker.tries() if share > SHARES[0] else (0, 0)
        lost_before = mock.stats()["ok"] - replied
        target, pause_s = int((share + rng.uniform(-SPREAD, SPREAD)) * N), rng.uniform(0, 0.1)
        while (code := asker.killed_at(target, pause_s)) is not None:
            if code != CAPPED or seen.spent_usd is not None:
                raise SystemExit(
                    f"series {seed}: ended with {code}, see {place / 'log'}: {(place / 'log').read_text()}"
                )
            seen.spent_usd, asker.max_usd = mock.stats()["ok"] * COST_USD, None
        replied, in_doubt_now = asker.tries()
        seen.in_flight.append(in_doubt_now - in_doubt)
        seen.again.append(mock.stats()["ok"] - replied - lost_before)
    until_the_end(asker, seen, mock)
    compare(asker.rows(), want, seen)
    row(seen)
    return seen


def until_the_end(asker: Asker, seen: Seen, mock: Mock) -> None:
    """Let the run end without further kills; a spending limit may stop it once more."""
    code = asker.start().wait()
    if code == CAPPED and asker.max_usd is not None:
        seen.spent_usd, asker.max_usd = mock.stats()["ok"] * COST_USD, None
        code = asker.start().wait()
    if code:
        raise SystemExit(f"series {seen.seed} ended with {code}: {(asker.folder / 'log').read_text()}")


def compare(rows: list[str], want: list[str], seen: Seen) -> None:
    """Count the records that are missing, duplicated, or different from those of the uninterrupted run."""
    numbers = [json.loads(line)[0] for line in rows]
    seen.lost, seen.duplicated = N - len(set(numbers)), len(numbers) - len(set(numbers))
    different = [f"{got}\n  undisturbed: {wanted}" for got, wanted in zip(rows, want, strict=False) if got != wanted]
    seen.differ = len(different)
    print("".join(f"series {seen.seed}: {text}\n" for text in different[:3]), end="")


def first_request_s(mock: Mock, folder: Path, records: int, capped: bool) -> float:
    """Return seconds from process start to the first request, with 60 % of the records in the journal."""
    place = folder / "resumed"
    asker = Asker(mock, place, records, 256)
    if not place.exists():
        place.mkdir()
        mock.reset({"latency_s": 0.002, "usage": USAGE})
        asker.killed_at(int(0.6 * records), 0.0)
    asker.max_usd = 10 * records * COST_USD if capped else None
    mock.reset({"latency_s": 0.05, "usage": USAGE})
    started_s = time.monotonic()
    asker.killed_at(1, 0.0)
    return float(mock.stats()["first_s"]) - started_s


def row(seen: Seen) -> None:
    """Print one line of the table."""
    cap = "" if seen.cap_usd is None else f"{seen.spent_usd or 0:.3f} of {seen.cap_usd:.3f} USD"
    again = ", ".join(f"{a} of {f}" for a, f in zip(seen.again, seen.in_flight, strict=True))
    lost = f"lost {seen.lost}, twice {seen.duplicated}, other {seen.differ}"
    print(f"series {seen.seed:3}: {lost}; paid again / in flight: {again} {cap}", flush=True)


def summary(series: list[Seen], first_s: dict[bool, float], records: int) -> dict[str, Any]:
    """Return the entry for docs/proofs.json."""
    capped = [s for s in series if s.cap_usd is not None]
    return {
        "kills": sum(len(s.again) for s in series),
        "records_of_a_series": N,
        "max_in_flight": IN_FLIGHT,
        "lost": sum(s.lost for s in series),
        "duplicated": sum(s.duplicated for s in series),
        "rows_that_differ": sum(s.differ for s in series),
        "paid_again": sum(sum(s.again) for s in series),
        "paid_again_at_most_in_one_kill": max(max(s.again) for s in series),
        "in_flight_at_the_kills": sum(sum(s.in_flight) for s in series),
        "capped_series": len(capped),
        "spent_share_of_cap": [round((s.spent_usd or 0) / s.cap_usd, 3) for s in capped if s.cap_usd],
        "resumed_records": records,
        "first_request_s": round(first_s[False], 2),
        "first_request_with_a_cap_s": round(first_s[True], 2),
    }


if __name__ == "__main__":
    sys.exit(main())
