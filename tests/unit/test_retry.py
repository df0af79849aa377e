"""Waits before another try, and how many retries there are."""

from __future__ import annotations

import email.utils
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docent.llm.pace.retry import EARNED_AT_MOST, LONGEST_WAIT_S, RetryBudget, wait_s
from docent.llm.wire.header_numbers import retry_after_s


@pytest.mark.feature("retries-and-limits")
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, None),
        ({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}, 0.0),
        ({"retry-after": "Mon, 01 Jan 99999 00:00:00 GMT"}, None),
    ],
)
def test_what_an_endpoint_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


@pytest.mark.parametrize("zone", [True, False])
def test_retry_after_as_a_date(zone: bool) -> None:
    value = email.utils.formatdate(time.time() + 3600, usegmt=zone)
    found = retry_after_s({"retry-after": value})
    assert found is not None and 3000 < found <= 3600


@given(st.text(alphabet="0123456789 ,:+-.eEnaif MonJaGT", max_size=40), st.text(max_size=20))
def test_no_header_breaks_it(date: str, other: str) -> None:
    for headers in ({"retry-after": date}, {"retry-after-ms": other, "retry-after": date}, {"retry-after": other}):
        found = retry_after_s(headers)
        assert found is None or 0 <= found <= 86_400


@pytest.mark.feature("retries-and-limits")
def test_waits_are_random_below_a_doubling_bound_and_never_endless() -> None:
    for attempt in (1, 2, 3, 6, 7, 20, 5000):
        bound = min(2 ** (attempt - 1), LONGEST_WAIT_S)
        waits = [wait_s(attempt, None) for _ in range(200)]
        assert all(0 <= wait <= bound for wait in waits)
        assert max(waits) > 0.8 * bound and min(waits) < 0.2 * bound, "over the whole of it, not around its end"


def test_what_was_asked_for_is_waited_for_and_not_by_all_at_the_same_moment() -> None:
    waits = [wait_s(3, 7.0) for _ in range(50)]
    assert all(7 <= wait <= 7.2 for wait in waits) and len(set(waits)) > 1


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def retries_at_once(budget: RetryBudget) -> int:
    count = 0
    while budget.wait_s() == 0:
        budget.spend()
        count += 1
    return count


def test_retries_are_a_share_of_the_requests_and_one_a_second_beyond() -> None:
    clock = Clock()
    budget = RetryBudget(clock)
    assert retries_at_once(budget) == EARNED_AT_MOST
    for _ in range(40):
        budget.earn()
    assert retries_at_once(budget) == 10
    clock.now_s += 5
    assert retries_at_once(budget) == 5
    assert 0 < budget.wait_s() <= 1
    for _ in range(10_000):
        budget.earn()
    assert retries_at_once(budget) == EARNED_AT_MOST


def test_a_retry_that_is_not_made_costs_none() -> None:
    clock = Clock()
    budget = RetryBudget(clock)
    retries_at_once(budget)
    assert [budget.wait_s() for _ in range(1000)] == [1.0] * 1000
