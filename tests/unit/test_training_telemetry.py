"""Tokens per second of a training."""

from __future__ import annotations

from docent.stages.finetune.telemetry import Throughput


def test_only_the_steps_of_this_attempt_count() -> None:
    now = iter([0.0, 2.0, 100.0, 101.0])  # an evaluation lies between the two steps
    throughput = Throughput(lambda: next(now))
    assert throughput.tokens_per_second == 0
    for tokens in (500, 100):
        with throughput.step(tokens):
            pass
    assert throughput.tokens_per_second == 200
