"""A process that was suspended keeps the replies that arrived meanwhile: nothing is asked again."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.mock_endpoint import mock_endpoint

from docent.llm.pace import deadline as deadlines
from docent.llm.pace.deadline import deadline

ASKER = Path(__file__).parents[2] / "scripts" / "prove" / "chat_asker.py"
N, TIMEOUT_S, LATENCY_S = 12, 0.8, 0.3


def test_replies_that_arrive_while_the_process_is_stopped_are_kept(tmp_path: Path) -> None:
    with mock_endpoint() as endpoint:
        # Longer than the system's buffers of a read, so that one look at the socket is not enough.
        endpoint.reset(key=None, usage=[7, 5], latency_s=LATENCY_S, answer_bytes=300_000)
        llm = {"provider": "vllm", "base_url": endpoint.url, "model": "m", "timeout_s": TIMEOUT_S}
        llm |= {"structured_output": "json_schema"}
        told = {"n": N, "llm": llm, "journal": str(tmp_path / "j.sqlite"), "rows": str(tmp_path / "rows")}
        process = subprocess.Popen([sys.executable, str(ASKER), json.dumps(told)], stderr=subprocess.PIPE, text=True)
        while endpoint.stats()["in_flight"] < N:
            assert process.poll() is None
        process.send_signal(signal.SIGSTOP)
        over_s = time.monotonic() + LATENCY_S + TIMEOUT_S + 0.5
        while endpoint.stats()["in_flight"] or time.monotonic() < over_s:
            time.sleep(0.05)
        process.send_signal(signal.SIGCONT)
        assert process.wait(60) == 0, process.stderr.read() if process.stderr else ""
        assert endpoint.stats()["requests"] == N
    assert len((tmp_path / "rows").read_text().splitlines()) == N


def test_a_time_limit_that_is_not_late_ends_the_body_in_time() -> None:
    async def work() -> None:
        began_s = time.monotonic()
        with pytest.raises(TimeoutError):
            async with deadline(0.05):
                await asyncio.sleep(60)
        assert 0.05 <= time.monotonic() - began_s < 5

    asyncio.run(work())


def test_a_loop_that_is_late_every_time_is_no_way_around_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "LATE_S", -1.0)  # every timer counts as late

    async def work() -> None:
        with pytest.raises(TimeoutError):
            async with deadline(0.01):
                await asyncio.sleep(60)

    asyncio.run(work())
