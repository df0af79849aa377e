"""A daily allowance holds when a clock was, or becomes, wrong by years; and it comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docent.config.llm import Llm
from docent.errors import StoppedError
from docent.llm.journal.journal import Journal
from docent.llm.pace.daily import DAY_S, MINUTE_S, DailyAllowance

WHERE, LIMIT = "http://a/v1 m", 10
YEARS_S = 20 * 365 * DAY_S


class Clocks:
    """The wall clock, which a test may set, and the time that passes, which it may not."""

    def __init__(self) -> None:
        self.wall_s, self.boot_s = time.time() // MINUTE_S * MINUTE_S + MINUTE_S, 1000.0

    def passes(self, seconds: float) -> None:
        self.wall_s, self.boot_s = self.wall_s + seconds, self.boot_s + seconds


async def stopped(seconds: float) -> None:
    raise StoppedError("nothing left in this minute")


class Allowance:
    def __init__(self, path: Path, clocks: Clocks) -> None:
        self.clocks, self.journal, self.sent = clocks, Journal(path, clock=lambda: clocks.wall_s), 0
        self.attempt()

    def attempt(self) -> None:
        """A new process, as it were."""
        llm = Llm.model_validate({"requests_per_day": LIMIT})
        self.daily = DailyAllowance(llm, 1, self.journal, WHERE, lambda: self.clocks.wall_s, lambda: self.clocks.boot_s)

    async def send(self, at_most: int = 100) -> int:
        """As many as may be sent now; each is dated by the wall clock."""
        for count in range(at_most):
            try:
                await self.daily.take(1, stopped)
            except StoppedError:
                return count
            self.sent += 1
            key = b"%d" % self.sent
            await self.journal.begin(key, key, WHERE)
        return at_most

    async def each_minute(self, hours: float, **how: Any) -> int:
        """What is sent in some minutes of so many hours."""
        found = 0
        for _ in range(10):
            self.clocks.passes(hours * 360)
            found += await self.send(**how)
        return found


@pytest.fixture
def allowance(tmp_path: Path) -> Iterator[Allowance]:
    found = Allowance(tmp_path / "journal", Clocks())
    yield found
    found.journal.close()


def test_a_clock_that_leaps_while_a_run_goes_on_brings_no_new_allowance(allowance: Allowance) -> None:
    async def work() -> None:
        assert await allowance.send() == LIMIT
        allowance.clocks.wall_s += YEARS_S
        assert await allowance.each_minute(hours=1) == 0, "a day later by the clock, a moment later in truth"
        allowance.clocks.wall_s -= YEARS_S
        assert await allowance.each_minute(hours=1) == 0
        assert await allowance.each_minute(hours=24) == LIMIT

    asyncio.run(work())


def test_a_clock_that_falls_behind_frees_nothing_that_was_used_today(allowance: Allowance) -> None:
    async def work() -> None:
        assert await allowance.send(at_most=6) == 6
        allowance.clocks.wall_s -= 2 * YEARS_S
        assert await allowance.each_minute(hours=1) == LIMIT - 6
        allowance.clocks.wall_s += 2 * YEARS_S
        assert await allowance.each_minute(hours=1) == 0

    asyncio.run(work())


def test_one_try_with_an_old_date_does_not_hide_those_before_it(allowance: Allowance) -> None:
    async def work() -> None:
        assert await allowance.send(at_most=8) == 8
        allowance.clocks.wall_s -= YEARS_S
        allowance.attempt()
        assert await allowance.send(at_most=1) == 1
        allowance.clocks.wall_s += YEARS_S
        allowance.attempt()
        allowance.clocks.passes(MINUTE_S)
        assert await allowance.send() <= LIMIT - 8

    asyncio.run(work())


def test_what_a_clock_dated_in_the_future_counts_for_a_day_and_not_for_years(
    allowance: Allowance, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        allowance.clocks.wall_s += YEARS_S
        allowance.attempt()
        assert await allowance.send() == LIMIT
        allowance.clocks.wall_s -= YEARS_S
        allowance.attempt()
        assert await allowance.each_minute(hours=23) == 0
        assert f"{LIMIT} attempts at {WHERE} are dated in the future" in caplog.text
        assert await allowance.each_minute(hours=4) == LIMIT
        assert await allowance.each_minute(hours=23) == 0

    asyncio.run(work())


def test_what_is_noted_after_a_future_try_says_how_old_that_is(allowance: Allowance) -> None:
    async def work() -> None:
        allowance.clocks.wall_s += YEARS_S
        allowance.attempt()
        assert await allowance.send(at_most=4) == 4
        allowance.clocks.wall_s -= YEARS_S
        allowance.attempt()
        allowance.clocks.passes(MINUTE_S)
        assert await allowance.send() == LIMIT - 4, "together they are a day's"
        allowance.clocks.passes(DAY_S + MINUTE_S)
        allowance.attempt()
        assert await allowance.send() == LIMIT, "also in a process that has seen nothing of it"

    asyncio.run(work())
