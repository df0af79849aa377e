"""Allowances per day: shards and runs that share a journal stay below them together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docent.config.llm import Llm
from docent.errors import ConfigError, StoppedError
from docent.llm.journal.journal import Entry, Journal, TryState
from docent.llm.pace.daily import DAY_S, MINUTE_S, DailyAllowance

WHERE = "http://a/v1 m"


class Clock:
    """A wall clock that the test moves on; it begins today, for the journal notes real times."""

    def __init__(self) -> None:
        self.now_s = time.time() // MINUTE_S * MINUTE_S + MINUTE_S

    def __call__(self) -> float:
        return self.now_s


class Shard:
    """Sends as many requests as it may in a minute of the clock, with its own handle on the shared journal."""

    def __init__(self, path: Path, clock: Clock, shards: int, where: str = WHERE, **llm: Any) -> None:
        self.journal, self.where, self.sent = Journal(path), where, 0
        self.daily = DailyAllowance(Llm(**llm), shards, self.journal, where, clock)

    async def send(self, tokens: int = 10, at_most: int = 10_000, ends: bool = True) -> int:
        """One after the other until the allowance says wait; returns how many."""
        before = self.sent
        try:
            while self.sent - before < at_most:
                await self.daily.take(tokens, stopped)
                attempt = await self.journal.begin(key := b"%d" % id(self) + b"%d" % self.sent, key, self.where)
                self.sent += 1
                if ends:
                    await self.journal.end(attempt, TryState.REPLIED, Entry("x", "stop", tokens // 2, tokens // 2))
        except StoppedError:
            pass
        return self.sent - before


async def stopped(seconds: float) -> None:
    assert 0 < seconds <= MINUTE_S
    raise StoppedError("nothing left in this minute")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Callable[..., Shard]]:
    made: list[Shard] = []

    def make(*args: Any, **kwargs: Any) -> Shard:
        made.append(Shard(tmp_path / "journal.sqlite", *args, **kwargs))
        return made[-1]

    yield make
    for shard in made:
        shard.journal.close()


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(work())


@pytest.mark.feature("retries-and-limits")
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3), (3, 0, 3, 1, 3, 2, 3)])
def test_shards_never_send_more_than_a_days_requests_together(fleet, order: tuple[int, ...]) -> None:
    """Also where one is quick and asks again and again before the others have used their parts."""

    async def work() -> None:
        clock = Clock()
        shards = [fleet(clock, 4, requests_per_day=24) for _ in range(4)]
        for minute in range(5):
            for which in order if minute else (*order, *range(4)):
                await shards[which].send()
                assert sum(shard.sent for shard in shards) <= 24
            clock.now_s += MINUTE_S
        assert sum(shard.sent for shard in shards) >= 20, "and what remains is less than one for each"

    run(work)


def test_a_part_that_was_not_used_in_its_minute_lapses(fleet) -> None:
    async def work() -> None:
        clock = Clock()
        quick, slow = (fleet(clock, 2, requests_per_day=20) for _ in range(2))
        assert await slow.send(at_most=1) == 1
        for _ in range(8):
            await quick.send()
            clock.now_s += MINUTE_S
        await slow.send()
        assert quick.sent + slow.sent <= 20 and quick.sent >= 17

    run(work)


def test_requests_at_the_same_moment_take_no_more_than_one_after_the_other(fleet) -> None:
    async def work() -> None:
        clock = Clock()
        shard = fleet(clock, 2, requests_per_day=20)
        for _ in range(4):
            await asyncio.gather(*(shard.send(at_most=1) for _ in range(30)))
            clock.now_s += MINUTE_S
        assert 17 <= shard.sent <= 20

    run(work)


def test_a_day_later_all_of_it_is_there_again_and_not_before(fleet) -> None:
    async def work() -> None:
        clock = Clock()
        shard = fleet(clock, 1, requests_per_day=10)
        assert await shard.send() == 10
        clock.now_s += DAY_S - 3 * MINUTE_S
        assert await shard.send() == 0
        clock.now_s += 4 * MINUTE_S
        assert await shard.send() == 10

    run(work)


def test_what_another_run_used_counts_and_another_endpoint_does_not(fleet) -> None:
    async def work() -> None:
        clock = Clock()
        assert await fleet(clock, 1).send(at_most=6) == 6, "without an allowance nothing holds it back"
        assert await fleet(clock, 1, where="elsewhere", requests_per_day=10).send() == 10
        assert await fleet(clock, 1, requests_per_day=10).send() == 4

    run(work)


@pytest.mark.parametrize("shards", [1, 4])
def test_tokens_of_a_day_are_not_exceeded(fleet, shards: int) -> None:
    async def work() -> None:
        clock = Clock()
        ones = [fleet(clock, shards, tokens_per_day=500) for _ in range(shards)]
        for _ in range(8):
            for one in ones:
                await one.send(tokens=20)
                assert sum(one.sent for one in ones) * 20 <= 500
            clock.now_s += MINUTE_S
        assert sum(one.sent for one in ones) * 20 >= 500 - 20 * shards

    run(work)


def test_tokens_of_tries_that_have_no_end_yet_are_counted_as_they_may_become(fleet) -> None:
    async def work() -> None:
        clock = Clock()
        first, second = (fleet(clock, 1, tokens_per_day=1000) for _ in range(2))
        assert await first.send(tokens=100, at_most=6, ends=False) == 6
        assert await second.send(tokens=100) == 4

    run(work)


def test_waiting_goes_on_until_there_is_room(fleet) -> None:
    async def work() -> None:
        clock, waits = Clock(), []
        clock.now_s += 20

        async def pause(seconds: float) -> None:
            waits.append(seconds)
            clock.now_s += seconds

        shard = fleet(clock, 2, requests_per_day=8)
        for number in range(7):
            await shard.daily.take(1, pause)
            await shard.journal.begin(b"%d" % number, b"%d" % number, WHERE)
        assert (
            waits
            == [
                MINUTE_S - 20,
                MINUTE_S,
            ]
            and shard.daily._left[0] < 1
        )

    run(work)


def test_fewer_requests_than_shards_are_refused_before_all_wait_for_ever(fleet) -> None:
    assert fleet(Clock(), 3, requests_per_day=3)
    with pytest.raises(ConfigError, match="not enough for 4 shards"):
        fleet(Clock(), 4, requests_per_day=3)
