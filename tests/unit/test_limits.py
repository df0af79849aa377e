"""Limits told, found out from refusals, or configured: whole runs in virtual time, through the pacer as it is."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.virtual_time import Endpoint, Played, in_virtual_time, play

from docent.config.llm import Llm
from docent.llm.pace.limits import Bucket, reported_bucket
from docent.llm.pace.pacing import Pacer
from docent.llm.wire.header_numbers import RateLimit, duration_s, rate_limit


def played(
    requests: int, endpoint: Endpoint, in_flight: int = 100, change: tuple[float, float] | None = None, **llm: Any
) -> Played:
    """A run; `change` is a moment and the rate from then on."""

    async def work(clock: Callable[[], float]) -> Played:
        if change:
            asyncio.get_running_loop().call_later(change[0], setattr, endpoint, "rate_per_s", change[1])
        return await play(Pacer(Llm(max_in_flight=in_flight, **llm), 1, clock), endpoint, requests)

    return in_virtual_time(work)


def ideal_s(endpoint: Endpoint, requests: int) -> float:
    return (requests - endpoint.burst) / endpoint.rate_per_s + endpoint.latency_s


@pytest.mark.parametrize("retry_after_s", [None, 0.1, 1.0])
@pytest.mark.parametrize(("in_flight", "seed"), [(100, 1), (100, 2), (256, 1)])
def test_a_real_limit_is_used_fully_and_hardly_overstepped(
    retry_after_s: float | None, in_flight: int, seed: int
) -> None:
    endpoint = Endpoint(rate_per_s=100, burst=100, retry_after_s=retry_after_s, seed=seed)
    run = played(1000, endpoint, in_flight)
    assert run.seconds <= 1.10 * ideal_s(endpoint, 1000)
    assert run.refused <= (0.03 if in_flight == 100 or retry_after_s == 1 else 0.08), "more wait to go at once"


@pytest.mark.parametrize(("rate_per_s", "burst", "requests"), [(10, 10, 300), (100, 10, 1000), (1000, 1000, 4000)])
def test_limits_of_other_sizes(rate_per_s: float, burst: float, requests: int) -> None:
    endpoint = Endpoint(rate_per_s=rate_per_s, burst=burst)
    run = played(requests, endpoint, 256)
    assert run.seconds <= 1.25 * ideal_s(endpoint, requests) and run.refused <= 0.10


@pytest.mark.parametrize("retry_after_s", [None, 1.0])
def test_a_limit_that_rises_is_found_again(retry_after_s: float | None) -> None:
    run = played(4500, Endpoint(rate_per_s=100, retry_after_s=retry_after_s), change=(10.0, 200.0))
    assert 95 <= run.per_s(5, 10) <= 105 and run.per_s(20, 25) >= 190 and run.refused <= 0.03


@pytest.mark.parametrize("retry_after_s", [None, 1.0])
def test_a_limit_that_drops_is_kept_to(retry_after_s: float | None) -> None:
    run = played(2500, Endpoint(rate_per_s=200, retry_after_s=retry_after_s), change=(8.0, 50.0))
    assert 45 <= run.per_s(15, 25) <= 55 and run.refused <= 0.06


@pytest.mark.parametrize("retry_after_s", [None, 1.0])
@pytest.mark.parametrize(("lone", "slack"), [(0.05, 1.3), (0.10, 1.6)])
def test_refusals_by_chance_never_hold_up_the_rest(lone: float, slack: float, retry_after_s: float | None) -> None:
    """What is refused again and again waits longer each time, so the last few are not looked at."""
    times = []
    for seed in range(3):
        run = played(2000, Endpoint(lone=lone, retry_after_s=retry_after_s, seed=seed))
        times.append(run.nearly_all_s / (0.95 * 2000 / 500))
    assert max(times) <= slack and sorted(times)[1] <= 1.1, times


@pytest.mark.parametrize("retry_after_s", [None, 1.0])
@pytest.mark.parametrize("lone", [0.02, 0.05])
def test_a_limit_and_refusals_by_chance_together_freeze_nothing(lone: float, retry_after_s: float | None) -> None:
    times, refused = [], []
    for seed in range(3):
        endpoint = Endpoint(rate_per_s=100, lone=lone, retry_after_s=retry_after_s, seed=seed)
        run = played(1000, endpoint)
        times.append(run.nearly_all_s / ideal_s(endpoint, 1000))
        refused.append(run.refused)
    assert max(times) <= 3 and sorted(times)[1] <= 2.2 and max(refused) <= 0.3, (times, refused)


@pytest.mark.parametrize(
    ("window", "retry_after_s", "slack"),
    [((1, 100), None, 2.4), ((1, 100), -1, 1.2), ((5, 100), None, 1.2), ((5, 100), -1, 1.2), ((60, 600), -1, 1.2)],
)
def test_windows_of_fixed_length(window: tuple[float, int], retry_after_s: float | None, slack: float) -> None:
    """Some count afresh each minute; a bucket is then a rough picture, and still nearly all of it is used."""
    run = played(1000, Endpoint(window=window, retry_after_s=retry_after_s))
    ideal = (1000 - 1) // window[1] * window[0] + 0.2
    assert run.seconds <= slack * ideal and run.refused <= 0.2


def test_no_limit_costs_nothing() -> None:
    run = played(5000, Endpoint(), 256)
    assert run.refused == 0 and run.seconds <= 1.05 * math.ceil(5000 / 256) * 0.2


def openai_style(limit: int, what: str = "requests", per_s: float = 60.0) -> Callable[[float], Mapping[str, str]]:
    """As OpenAI tells it: what is left, and when the bucket will be full again."""

    def headers(level: float) -> Mapping[str, str]:
        return {
            f"x-ratelimit-limit-{what}": str(limit),
            f"x-ratelimit-remaining-{what}": str(int(level)),
            f"x-ratelimit-reset-{what}": f"{(limit - level) / limit * per_s:.3f}s",
        }

    return headers


@pytest.mark.feature("retries-and-limits")
def test_a_limit_that_is_told_is_kept_to_without_refusals() -> None:
    endpoint = Endpoint(rate_per_s=50, burst=3000, headers=openai_style(3000))
    run = played(4000, endpoint)
    assert run.refused == 0 and run.seconds <= 1.05 * ideal_s(endpoint, 4000)


def test_a_told_limit_of_which_only_little_may_gather() -> None:
    """3,000 a minute, of which the bucket holds 100: what is left is always less than the limit."""
    endpoint = Endpoint(rate_per_s=50, burst=100, headers=openai_style(3000))
    run = played(1000, endpoint)
    assert run.refused <= 0.02 and run.seconds <= 1.25 * ideal_s(endpoint, 1000)


def test_a_told_limit_of_tokens() -> None:
    async def work(clock: Callable[[], float]) -> Played:
        def headers(level: float) -> Mapping[str, str]:
            return openai_style(6000, "tokens")(level * 100)

        endpoint = Endpoint(rate_per_s=1, burst=60, headers=headers)  # of 100 tokens each
        return await play(Pacer(Llm(max_in_flight=100), 1, clock), endpoint, 120, tokens=100)

    run = in_virtual_time(work)
    assert run.refused <= 0.35 and run.seconds <= 75


def test_an_allowance_of_a_day_does_not_slow_down_the_minute() -> None:
    endpoint = Endpoint(rate_per_s=100_000 / 86_400, burst=100_000, headers=openai_style(100_000, per_s=86_400))
    run = played(3000, endpoint)
    assert run.refused == 0 and run.seconds <= 1.05 * 3000 / 500


SENSELESS = ["-1", "nan", "inf", "-inf", "1e300", "1e400", "", "many", "0", "0.001", "1e-300"]


@pytest.mark.parametrize("what", ["limit", "remaining", "reset"])
@pytest.mark.parametrize("value", SENSELESS)
def test_senseless_headers_stop_nothing(what: str, value: str) -> None:
    sensible = {"limit": "1000", "remaining": "900", "reset": "6s"} | {what: value}
    for kind in ("requests", "tokens"):
        headers = {f"x-ratelimit-{name}-{kind}": text for name, text in sensible.items()}
        run = played(110, Endpoint(headers=lambda _, sent=headers: sent))
        assert run.seconds <= 80, "1,000 a minute of which nothing is left is the slowest that makes sense"


@given(
    *(
        st.sampled_from([*SENSELESS, "1", "100", "6m0s", "120ms", "1d2h", "86400", "99999999"]) | st.text()
        for _ in "abc"
    )
)
def test_what_is_told_is_sensible_or_nothing(limit: str, left: str, reset: str) -> None:
    said = rate_limit(
        {"x-ratelimit-limit-a": limit, "x-ratelimit-remaining-a": left, "x-ratelimit-reset-a": reset, "other": "x"}, "a"
    )
    if said is not None:
        assert 0 <= said.left <= said.limit < math.inf and said.limit >= 1 and 0 <= said.whole_in_s <= 86_400
        limited = reported_bucket(said, 0.0, 3)
        if limited is not None:
            limited.take(1.0)
            assert 0 <= limited.wait_s(1.0, 2.0) < math.inf


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("6m0s", 360), ("120ms", 0.12), ("1h2m3.5s", 3723.5), ("2d", 172_800), ("7", 7), (" 0.5 ", 0.5)],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "1x", "1s-2s", "1 s", "--"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        duration_s(text)


def test_what_was_sent_since_is_not_in_what_a_reply_tells() -> None:
    limited = reported_bucket(RateLimit(100, 50, 30.0), sent_s=0.0, sent_since=49)
    assert limited is not None and limited.wait_s(1.0, 0.0) == 0
    limited.take(1.0)
    assert 0 < limited.wait_s(1.0, 0.0) < 1


@pytest.mark.parametrize(
    ("said", "per_s"),
    [
        (RateLimit(1000, 0, 86_400.0), 1000 / 86_400),  # of a day
        (RateLimit(6000, 5900, 2.0), 50),
        (RateLimit(6000, 5900, 0.5), 100),  # whole again so soon only because little may gather: not 200
        (RateLimit(60, 30, 30.0), 1),
    ],
)
def test_the_rate_that_a_told_limit_means(said: RateLimit, per_s: float) -> None:
    limited = reported_bucket(said, 0.0, sent_since=0)
    assert limited is not None
    limited.take(said.left + 10)
    assert limited.wait_s(1.0, 0.0) == pytest.approx(11 / per_s, rel=0.02)


def test_a_bucket_gives_no_more_than_its_rate_and_what_had_gathered() -> None:
    bucket, now_s, taken = Bucket(10.0, 5.0, 0.0), 0.0, 0
    while now_s < 10:
        wait = bucket.wait_s(1.0, now_s)
        if wait:
            now_s += wait
        else:
            bucket.take(1.0)
            taken += 1
    assert 104 <= taken <= 106


def test_what_is_larger_than_a_bucket_goes_when_it_is_full_and_is_paid_back() -> None:
    bucket = Bucket(10.0, 5.0, 0.0)
    assert bucket.wait_s(100.0, 0.0) == 0
    bucket.take(100.0)
    assert bucket.wait_s(1.0, 0.0) == pytest.approx(9.6)
    bucket.take(-90.0)  # it needed less than was thought
    assert bucket.wait_s(1.0, 0.0) == pytest.approx(0.6)
