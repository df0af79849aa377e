"""Measure how many planted faults curate detects, and by which check: 240 clean pairs and 60 faulty ones per series.

Reads the samples and runs the checks with the default settings; writes no files and prints Markdown for
docs/benchmarks.md. Every series draws different pairs and faults; the same seed gives the same table.
Run it: `make bench-curate`, or `.venv/bin/python scripts/bench/curate.py [--series 20] [--seed 7] [--show]`.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from curate_faults import FAULTS
from curate_pairs import KINDS, Fact, clean_pair, facts_of, read_items

from docent.config.stages import Curate
from docent.records import Item, QAPair, Reject
from docent.stages.curate import GateSet

PAIRS = 300


@dataclass
class Tally:
    """Counts of planted faults and of the checks' verdicts, over all series."""

    planted: Counter[str] = field(default_factory=Counter)
    caught: Counter[str] = field(default_factory=Counter)
    by_its_gate: Counter[str] = field(default_factory=Counter)
    clean: int = 0
    false_alarms: Counter[str] = field(default_factory=Counter)
    seen: list[str] = field(default_factory=list)
    """Missed faults and false alarms, as readable lines."""

    def recall(self, fault: str) -> float:
        """Return the share of planted faults of a kind that were rejected."""
        return self.caught[fault] / self.planted[fault]

    @property
    def clean_rejected(self) -> float:
        """Return the share of clean pairs that were rejected."""
        return sum(self.false_alarms.values()) / self.clean


def planted_series(items: Sequence[Item], seed: int) -> list[tuple[str, QAPair]]:
    """Return PAIRS pairs in the order of their items, each with its fault, "" for a clean pair."""
    rng = random.Random(seed)
    facts = facts_of(list(items))
    drawn = [(fact, kind) for fact in facts for kind in KINDS]
    rng.shuffle(drawn)
    pairs = [(fact, clean_pair(fact, kind, number, rng)) for number, (fact, kind) in enumerate(drawn)]
    wanted = PAIRS - sum(count for _, count, _ in FAULTS.values())
    clean, spare = pairs[:wanted], pairs[wanted:]
    series = [("", fact, pair) for fact, pair in clean]
    for fault, (_, count, _) in FAULTS.items():
        series += _faulty(fault, clean if fault == "duplicate" else spare, facts, count, rng)
    place = {item.id: number for number, item in enumerate(items)}
    # Items come together; a repeat stands behind what it repeats.
    series.sort(key=lambda entry: (place[entry[1].item.id], entry[0] == "duplicate"))
    return [(fault, pair) for fault, _, pair in series]


def _faulty(
    fault: str, pool: list[tuple[Fact, QAPair]], facts: list[Fact], count: int, rng: random.Random
) -> list[tuple[str, Fact, QAPair]]:
    """Return `count` pairs with a fault; remove the pairs used from the pool, except for repeated ones."""
    faulty: list[tuple[str, Fact, QAPair]] = []
    for entry in list(pool):
        if len(faulty) == count:
            break
        spoiled = FAULTS[fault][0](entry[1], entry[0], facts, rng)
        if spoiled is not None:
            faulty.append((fault, entry[0], spoiled))
            if fault != "duplicate":
                pool.remove(entry)
    if len(faulty) < count:
        raise SystemExit(f"only {len(faulty)} pairs fit the fault {fault!r}")
    return faulty


def measure(series: int, seed: int) -> Tally:
    """Run curate's checks on `series` series of PAIRS pairs."""
    items, tally = read_items(), Tally()
    for number in range(series):
        planted = planted_series(items, seed + number)
        gate_set = GateSet(Curate(), items)
        for (fault, pair), verdict in zip(planted, gate_set.judge([pair for _, pair in planted]), strict=True):
            _count(tally, fault, pair, verdict)
    return tally


def _count(tally: Tally, fault: str, pair: QAPair, verdict: QAPair | Reject) -> None:
    reason = verdict.reason if isinstance(verdict, Reject) else ""
    detail = verdict.detail if isinstance(verdict, Reject) else ""
    if fault:
        tally.planted[fault] += 1
        tally.caught[fault] += bool(reason)
        tally.by_its_gate[fault] += reason in FAULTS[fault][2]
    else:
        tally.clean += 1
        if reason:
            tally.false_alarms[reason] += 1
    if bool(fault) != bool(reason):
        mistake = f"missed {fault}" if fault else f"false alarm {reason} ({detail})"
        tally.seen.append(f"{mistake}: {pair.question_type} | {pair.question} | {pair.answer}")


def table(tally: Tally) -> str:
    """Return both tables as Markdown."""
    lines = ["| fault | planted | rejected | by the gate meant for it |", "| --- | --- | --- | --- |"]
    for fault, (_, _, gates) in FAULTS.items():
        count, own = tally.planted[fault], tally.by_its_gate[fault]
        lines.append(f"| {fault} | {count} | {tally.recall(fault):.1%} | {own / count:.1%} ({', '.join(gates)}) |")
    lines += ["", "| gate | clean pairs that it rejected |", "| --- | --- |"]
    lines += [f"| {gate} | {count} of {tally.clean} |" for gate, count in tally.false_alarms.most_common()]
    lines.append(f"| all together | {tally.clean_rejected:.2%} |")
    return "\n".join(lines)


def main() -> int:
    """Measure and print; return 1 if changed numbers or clean pairs are judged worse than the thresholds allow."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=20, help="series of 300 pairs")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--show", action="store_true", help="print every miss and false alarm")
    arguments = parser.parse_args()
    tally = measure(arguments.series, arguments.seed)
    print(table(tally))
    if arguments.show:
        print("\n".join(["", *tally.seen]))
    return int(tally.recall("changed number") < 0.95 or tally.clean_rejected > 0.02)


if __name__ == "__main__":
    sys.exit(main())
