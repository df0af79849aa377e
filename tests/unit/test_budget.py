"""The spending limits: never exceeded, whoever waits, fails or is cut off, on any shard."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.virtual_time import in_virtual_time

from docent.config.llm import Llm
from docent.errors import ConfigError, StoppedError
from docent.llm.journal.journal import Entry, Spent
from docent.llm.pace.budget import TOKENS_PER_IMAGE, TOKENS_PER_MESSAGE, Budget, Cost

PRICES = {"usd_per_million_input_tokens": 1e6, "usd_per_million_output_tokens": 2e6}
"""A token of prompt costs one USD, one of the reply two."""


def budget(shards: int = 1, **llm: Any) -> Budget:
    return Budget(Llm(provider="openai", model="nobody-lists-it", **llm), shards)


def entry(input_tokens: int, output_tokens: int) -> Entry:
    return Entry("text", "stop", input_tokens, output_tokens)


def waited(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return in_virtual_time(lambda _: work())


requests = st.lists(
    st.tuples(
        st.integers(1, 60),  # bytes of the prompt, no token is shorter
        st.integers(1, 40),  # max_tokens
        st.floats(0, 1),  # how much of both is really used
        st.sampled_from(["paid", "paid", "paid", "untold", "refused", "lost", "cut off"]),
        st.floats(0, 2),  # when it comes
        st.floats(0, 2),  # how long it takes
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(requests, st.integers(1, 4), st.booleans(), st.integers(20, 600))
def test_a_limit_is_never_exceeded_however_replies_and_requests_come(
    ones: list[Any], shards: int, in_usd: bool, most: int
) -> None:
    spent = {"usd": 0.0, "tokens": 0.0}  # by the endpoint's own book

    async def one(mine: Budget, size: int, max_tokens: int, share: float, how: str, at_s: float, took_s: float) -> None:
        await asyncio.sleep(at_s)
        cost = mine.most(size, 1, 0, max_tokens)
        try:
            await mine.reserve(cost)
        except ConfigError:
            return
        used = entry(1 + int(share * (size - 1)), int(share * max_tokens))
        paid, in_doubt = None, how in ("lost", "cut off")
        try:
            await asyncio.sleep(took_s)
            if how != "refused":
                spent["tokens"] += used.input_tokens + used.output_tokens
                spent["usd"] += used.input_tokens + 2 * used.output_tokens
                paid = {"paid": used, "untold": entry(0, 0)}.get(how)
        finally:
            mine.settle(cost, paid, in_doubt)
        book = spent["usd"] if in_usd else spent["tokens"]
        assert book <= most and book <= sum((b.usd if in_usd else b.tokens) for b in budgets) + 1e-6

    limit = {"max_usd": float(most)} if in_usd else {"max_tokens": most}
    budgets = [budget(shards, **PRICES, **limit) for _ in range(shards)]

    async def work() -> None:
        await asyncio.gather(*(one(budgets[number % shards], *each) for number, each in enumerate(ones)))

    waited(work)
    for mine in budgets:
        assert (mine.usd if in_usd else mine.tokens) <= most / shards + 1e-6
        assert abs(mine._reserved_usd) < 1e-6 and abs(mine._reserved_tokens) < 1e-6 and mine._out == 0


def test_cheap_replies_let_those_go_who_waited_and_the_limit_is_used() -> None:
    """Each could cost 60 tokens and costs 6: of 300 tokens nearly all are used, not the first five requests' worth."""

    async def work() -> int:
        mine, done = budget(max_tokens=300), 0

        async def one() -> None:
            nonlocal done
            cost = Cost(60, 0)
            await mine.reserve(cost)
            await asyncio.sleep(random.Random(done).random())
            mine.settle(cost, entry(2, 4))
            done += 1

        found = await asyncio.gather(*(one() for _ in range(100)), return_exceptions=True)
        assert {type(error) for error in found} == {type(None), ConfigError}
        return done

    assert waited(work) == (300 - 60) // 6 + 1


def test_who_waits_is_sent_away_when_it_stops() -> None:
    async def work() -> None:
        mine = budget(max_tokens=100)
        await mine.reserve(Cost(80, 0))
        waiting = asyncio.create_task(mine.reserve(Cost(80, 0)))
        await asyncio.sleep(1)
        assert not waiting.done()
        mine.stop()
        with pytest.raises(StoppedError):
            await waiting

    waited(work)


@pytest.mark.parametrize(
    ("limit", "where"), [({"max_usd": 10.0}, "llm.max_usd"), ({"max_tokens": 10}, "llm.max_tokens")]
)
def test_a_limit_that_is_reached_names_itself_and_what_is_spent(limit: dict[str, Any], where: str) -> None:
    mine = budget(**PRICES, **limit)
    mine.count(Spent(3, 2, 0), Cost(0, 0))
    reached = mine.reserve_now(mine.most(4, 0, 0, 4))
    assert isinstance(reached, ConfigError) and where in str(reached) and mine._out == 0
    assert mine.reserve_now(mine.most(1, 0, 0, 1)) is None and mine._out == 1


def test_without_a_limit_nobody_waits() -> None:
    async def work() -> None:
        mine = budget()
        assert not mine.limited
        for _ in range(100):
            await mine.reserve(Cost(1e12, 0))

    waited(work)


def test_a_limit_in_usd_needs_both_prices() -> None:
    for prices in ({}, {"usd_per_million_input_tokens": 1.0}, {**PRICES, "usd_per_million_output_tokens": 0.0}):
        with pytest.raises(ConfigError, match="prices of input and output"):
            budget(max_usd=1.0, **prices)
    assert budget(max_tokens=5).limited


def test_the_dearest_a_request_may_get() -> None:
    mine = budget(max_usd=1.0, **PRICES)
    assert mine.most(100, 2, 3, 50) == Cost(
        100 + 2 * TOKENS_PER_MESSAGE + 3 * TOKENS_PER_IMAGE + 50,
        100 + 2 * TOKENS_PER_MESSAGE + 3 * TOKENS_PER_IMAGE + 2 * 50,
    )


@pytest.mark.parametrize(
    ("paid", "in_doubt", "usd", "tokens"),
    [
        (entry(3, 4), False, 11, 7),
        (entry(0, 0), False, 20, 15),
        (None, True, 20, 15),
        (None, False, 0, 0),
    ],
)
def test_what_a_try_is_counted_as(paid: Entry | None, in_doubt: bool, usd: float, tokens: float) -> None:
    """Untold and in doubt as the dearest it may have been, refused as nothing."""
    mine = budget(max_usd=100.0, **PRICES)
    cost = Cost(15, 20)
    assert mine.reserve_now(cost) is None
    mine.settle(cost, paid, in_doubt)
    assert (mine.usd, mine.tokens) == (usd, tokens)


@pytest.mark.feature("cost-of-requests")
def test_what_earlier_attempts_paid_is_counted_and_what_is_in_doubt_as_the_dearest() -> None:
    mine = budget(max_usd=100.0, **PRICES)
    mine.count(Spent(3, 4, 2), Cost(15, 20))
    assert (mine.usd, mine.tokens) == (11 + 2 * 20, 7 + 2 * 15)


def test_what_an_earlier_attempt_sent_and_is_awaited_still_counts_once() -> None:
    mine = budget(max_usd=100.0, **PRICES)
    mine.count(Spent(0, 0, 1), Cost(15, 20))
    mine.reserve_again(Cost(15, 20), Cost(15, 20))
    assert mine.reserve_now(Cost(60, 81)) is not None and mine.reserve_now(Cost(60, 80)) is None
    mine.settle(Cost(60, 80), None)
    mine.settle(Cost(15, 20), entry(1, 1))
    assert (mine.usd, mine.tokens) == (3, 2)


def test_shards_share_a_limit_without_knowing_of_each_other() -> None:
    mine = [budget(4, max_tokens=100) for _ in range(4)]
    for one in mine:
        assert one.reserve_now(Cost(26, 0)) is not None and one.reserve_now(Cost(25, 0)) is None


def test_batches_cost_what_the_configuration_says() -> None:
    half = budget(max_usd=1.0, mode="batch", batch_price=0.5, **PRICES)
    assert half.most(10, 0, 0, 10).usd == 15
