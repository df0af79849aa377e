"""Planted truth: of the faults of `make bench-curate` nearly all are found, and clean pairs are left alone."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "bench"))

from curate import PAIRS, Tally, measure, planted_series, table
from curate_faults import FAULTS
from curate_pairs import read_items

SERIES = 4


def test_changed_numbers_are_caught_and_clean_pairs_are_kept() -> None:
    tally = measure(SERIES, seed=7)
    assert tally.recall("changed number") >= 0.95, tally.seen
    assert tally.clean_rejected <= 0.02, tally.seen
    assert {fault for fault in FAULTS if tally.recall(fault) < 0.9} == set(), tally.seen
    for fault in ("swapped name", "wrong language", "empty", "refusal"):
        assert tally.by_its_gate[fault] >= 0.9 * tally.planted[fault], tally.seen


def test_a_series_is_300_pairs_with_60_faults_the_same_for_the_same_seed() -> None:
    items = read_items()
    series = planted_series(items, 7)
    assert len(series) == PAIRS
    assert sum(bool(fault) for fault, _ in series) == 60
    assert len({fault for fault, _ in series}) == 8
    assert planted_series(items, 7) == series
    assert planted_series(items, 8) != series


def test_the_table_counts_what_was_missed() -> None:
    tally = Tally(clean=50)
    for fault in FAULTS:
        tally.planted[fault] = 10
    tally.caught["empty"], tally.by_its_gate["empty"], tally.false_alarms["unanswerable"] = 9, 8, 1
    assert "| empty | 10 | 90.0% | 80.0% (empty) |" in table(tally)
    assert "| unanswerable | 1 of 50 |\n| all together | 2.00% |" in table(tally)
