"""Places and turns: real asyncio in virtual time; where somebody would wait for ever, the loop itself fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.virtual_time import in_virtual_time

from docent.config.llm import Llm
from docent.errors import StoppedError
from docent.llm.pace.pacing import AT_ONCE, FIRST_PER_S, SPREAD, Pacer


def paced(work: Callable[[Pacer], Coroutine[Any, Any, Any]], shards: int = 1, **llm: Any) -> Any:
    return in_virtual_time(lambda clock: work(Pacer(Llm(**llm), shards, clock)))


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def sent_at(pacer: Pacer, number: int, tokens: float = 1.0) -> list[float]:
    """When each of so many requests, which all come at once, is let go."""
    return [send.at_s for send in await asyncio.gather(*(pacer.admit(tokens) for _ in range(number)))]


def test_places_are_never_exceeded_and_given_in_the_order_of_asking() -> None:
    async def work(pacer: Pacer) -> None:
        served, in_flight = [], 0

        async def one(number: int) -> None:
            nonlocal in_flight
            await pacer.place()
            served.append(number)
            in_flight += 1
            assert in_flight <= pacer.in_flight <= 3
            await asyncio.sleep(0.1 + number % 3)
            in_flight -= 1
            pacer.leave()

        await asyncio.gather(*(one(number) for number in range(30)))
        assert served == list(range(30)) and pacer.in_flight == 0

    paced(work, max_in_flight=3)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 4), st.lists(st.tuples(st.sampled_from(["place", "leave", "cancel", "both"]), st.integers(0, 9))))
def test_no_place_is_lost_or_given_twice_whoever_is_cut_off(limit: int, steps: list[tuple[str, int]]) -> None:
    async def work(pacer: Pacer) -> None:
        waiting: list[asyncio.Task[None]] = []
        holding = 0

        def sort_out() -> None:
            nonlocal holding, waiting
            holding += sum(task.done() and not task.cancelled() for task in waiting)
            waiting = [task for task in waiting if not task.done()]
            assert holding == pacer.in_flight <= limit
            assert not waiting or holding == limit, "a place is free and somebody waits for one"

        for what, which in [*steps, ("place", 0)]:
            if what == "place":
                waiting.append(asyncio.create_task(pacer.place()))
            if what in ("leave", "both") and holding:
                pacer.leave()  # gives the place to the first, who may be cut off before it knows
                holding -= 1
            if what in ("cancel", "both") and waiting:
                waiting[which % len(waiting)].cancel()
            for _ in range(3):
                await asyncio.sleep(0)
            sort_out()
        while waiting:
            pacer.leave()
            holding -= 1
            for _ in range(3):
                await asyncio.sleep(0)
            sort_out()

    paced(work, max_in_flight=limit)


def test_a_place_that_was_given_to_someone_just_cut_off_goes_to_the_next() -> None:
    async def work(pacer: Pacer) -> None:
        await pacer.place()
        first, second = (asyncio.create_task(pacer.place()) for _ in range(2))
        await asyncio.sleep(0)
        pacer.leave()
        first.cancel()
        await second
        assert first.cancelled() or first.cancelling()
        assert pacer.in_flight == 1

    paced(work, max_in_flight=1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 400), st.none() | st.floats(0, 2)), min_size=1, max_size=40))
def test_all_who_wait_for_their_turn_get_it_in_order_although_some_are_cut_off(
    ones: list[tuple[float, int, float | None]],
) -> None:
    """Each comes at a moment, with its tokens, and some of them have had enough after a while."""

    async def work(pacer: Pacer) -> None:
        came, let_go = [], []

        async def one(number: int, comes_s: float, tokens: int, patience_s: float | None) -> None:
            await asyncio.sleep(comes_s)
            came.append(number)
            try:
                async with asyncio.timeout(patience_s):
                    send = await pacer.admit(tokens)
            except TimeoutError:
                return
            let_go.append(number)
            pacer.ended(send, "replied", tokens / 2)

        await asyncio.gather(*(one(number, *each) for number, each in enumerate(ones)))
        assert [number for number in came if number in let_go] == let_go
        assert {number for number, (_, _, patience_s) in enumerate(ones) if patience_s is None} <= set(let_go)

    paced(work, requests_per_minute=120, tokens_per_minute=6000)


def test_replies_that_come_together_do_not_make_requests_that_go_together() -> None:
    async def work(pacer: Pacer) -> None:
        times = await sent_at(pacer, 101)
        assert times[-1] == pytest.approx((101 - AT_ONCE) / FIRST_PER_S, rel=0.05)
        sends = [await pacer.admit(1) for _ in range(100)]
        await asyncio.sleep(0.5)
        for send in sends:
            pacer.ended(send, "replied")
        start_s, times = now_s(), await sent_at(pacer, 201)
        per_s = SPREAD * 400 / 0.5
        assert times[-1] - start_s == pytest.approx((201 - AT_ONCE) / per_s, rel=0.2)

    paced(work, max_in_flight=400)


@pytest.mark.feature("retries-and-limits")
@pytest.mark.parametrize("shards", [1, 4])
def test_requests_a_minute_are_divided_over_the_shards(shards: int) -> None:
    async def work(pacer: Pacer) -> None:
        times = await sent_at(pacer, 600 // shards + 1)
        assert 58 <= times[-1] <= 60.1
        in_a_second = [sum(start <= time < start + 1 for time in times) for start in times]
        assert max(in_a_second) <= 2 * 10 / shards + 1, "endpoints count in short windows as well"

    paced(work, shards, requests_per_minute=600)


@pytest.mark.parametrize("shards", [1, 4])
def test_tokens_a_minute_are_divided_over_the_shards(shards: int) -> None:
    async def work(pacer: Pacer) -> None:
        times = await sent_at(pacer, 120 // shards + 1, tokens=500)
        assert 55 <= times[-1] <= 62

    paced(work, shards, tokens_per_minute=60_000)


@pytest.mark.parametrize(("really", "seconds"), [(50, 3), (200, 12), (800, 48)])
def test_tokens_are_counted_as_they_were_used_and_not_as_they_were_thought(really: int, seconds: float) -> None:
    async def work(pacer: Pacer) -> float:
        for _ in range(60):
            pacer.ended(await pacer.admit(400), "replied", really)
        return now_s()

    assert paced(work, tokens_per_minute=60_000) == pytest.approx(seconds, abs=1.5)


def test_a_request_larger_than_what_may_gather_goes_all_the_same() -> None:
    async def work(pacer: Pacer) -> None:
        times = await sent_at(pacer, 3, tokens=5000)
        assert times[1] - times[0] == pytest.approx(50, rel=0.1) and times[2] - times[1] == pytest.approx(50, rel=0.1)

    paced(work, tokens_per_minute=6000)


@pytest.mark.parametrize(("shards", "places"), [(1, 10), (3, 3), (10, 1), (50, 1)])
def test_places_are_divided_over_the_shards_and_each_has_one(shards: int, places: int) -> None:
    async def work(pacer: Pacer) -> None:
        assert pacer.concurrency.limit == places

    paced(work, shards, max_in_flight=10)


def test_stopping_sends_away_all_who_wait() -> None:
    async def work(pacer: Pacer) -> None:
        for _ in range(2):
            await pacer.place()
        await pacer.admit(1)
        waiting = [asyncio.create_task(pacer.place()) for _ in range(3)]
        waiting += [asyncio.create_task(pacer.admit(1)) for _ in range(3)]
        waiting[1].cancel()
        waiting[4].cancel()
        await asyncio.sleep(0)
        pacer.stop()
        pacer.stop()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(error) for error in found] == [StoppedError, asyncio.CancelledError, StoppedError] * 2
        assert now_s() == 0
        for _ in range(2):
            pacer.leave()
        assert pacer.in_flight == 0
        await pacer.place()

    paced(work, max_in_flight=2, requests_per_minute=1)


def test_a_pause_that_one_refusal_asks_for_holds_up_no_other() -> None:
    async def work(pacer: Pacer) -> None:
        sends = [await pacer.admit(1) for _ in range(10)]
        pacer.ended(sends[4], "busy", wait_s=30.0)
        assert (await sent_at(pacer, 10))[-1] < 0.1

    paced(work)


def test_an_endpoint_that_accepts_nothing_is_asked_seldom_and_again_when_it_says() -> None:
    async def work(pacer: Pacer) -> list[float]:
        times = []

        async def one() -> None:
            while now_s() < 120:
                send = await pacer.admit(1)
                times.append(now_s())
                await asyncio.sleep(0.005)
                pacer.ended(send, "busy", wait_s=20.0)
                await asyncio.sleep(20.0)

        await asyncio.gather(*(one() for _ in range(64)))
        return times

    times = paced(work)
    later = [time for time in times if time > 5]
    assert 5 <= len(later) <= 100, "a few every 20 seconds, not 64"


def test_senders_are_not_held_up_by_what_is_lost_or_fails_otherwise() -> None:
    async def work(pacer: Pacer) -> float:
        for how in ("lost", "failed") * 200:
            pacer.ended(await pacer.admit(1), how, None, 60.0, {"x-ratelimit-limit-requests": "nonsense"})
        return now_s()

    assert paced(work) < 1
