"""The rate of a shard and its time to go: not told before the slow first steps are over, and not measured on them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docent import progress
from docent.launcher.runs.progress import describe, read_progress

LOADING_S, SLOW_STEPS, SLOW_S, STEP_S = 30.0, 5, 2.3, 0.5


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that shards see, as one number that a test changes."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def said(folder: Path) -> dict[str, float | None]:
    found: dict[str, float | None] = json.loads((folder / "progress-00000.json").read_text())
    return found


def test_slow_first_steps_promise_nothing_about_the_others(tmp_path: Path, clock: list[float]) -> None:
    """A training of 800 steps whose first ones take five times as long: as after a start on two cores."""
    shard = progress.Progress(tmp_path / "progress-00000.json")
    clock[0] += LOADING_S
    etas: list[tuple[float, float]] = []
    for step in range(1, 801):
        shard.update(step, 800)
        left_s = SLOW_S * max(0, SLOW_STEPS - step) + STEP_S * (800 - max(step, SLOW_STEPS))
        shard.write()
        if (eta_s := said(tmp_path)["eta_s"]) is not None:
            etas.append((eta_s, left_s))
        clock[0] += SLOW_S if step < SLOW_STEPS else STEP_S
    assert len(etas) > 700
    assert all(0.9 * left_s <= eta_s <= 1.1 * left_s + 1 for eta_s, left_s in etas)


def test_a_rate_that_is_not_known_yet_is_not_told(tmp_path: Path, clock: list[float]) -> None:
    shard = progress.Progress(tmp_path / "progress-00000.json")
    shard.update(1, 20, "loss 5.2")
    clock[0] += 4
    shard.update(3, 20, "loss 5.1")
    shard.write()
    assert describe(read_progress(tmp_path, ".")) == "3 of 20, loss 5.1"


def test_what_takes_minutes_each_is_told_once_two_are_done(tmp_path: Path, clock: list[float]) -> None:
    shard = progress.Progress(tmp_path / "progress-00000.json")
    for done in range(4):
        shard.update(done, 10)
        clock[0] += 120
    shard.write()
    assert describe(read_progress(tmp_path, ".")) == "3 of 10, 0.006/s, 21 min to go"


def test_what_is_all_done_has_no_time_to_go(tmp_path: Path, clock: list[float]) -> None:
    shard = progress.Progress(tmp_path / "progress-00000.json")
    for done in range(0, 61, 20):
        shard.update(done, 60)
        clock[0] += 20
    shard.write()
    assert "to go" not in describe(read_progress(tmp_path, "."))
