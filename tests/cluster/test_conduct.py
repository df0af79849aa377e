"""The launcher inside the cluster, against a real API server, real Jobs and real pods."""

from __future__ import annotations

from collections.abc import Callable

from tests.cluster.conftest import Run


def test_a_run_ends_and_a_second_launch_writes_nothing(make_run: Callable[..., Run]) -> None:
    run = make_run()
    assert run.conduct() == 0
    record = run.record()
    print(record)
    assert record.phase == "done" and record.launch == 1
    assert [unit.phase for unit in record.units.values()] == ["done", "done"]
