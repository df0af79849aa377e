"""Numbers in headers of endpoints: read where they make sense, refused at once where they are too long for one."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from docent.llm.wire.header_numbers import duration_s, rate_limit, retry_after_s

REST = {"x-ratelimit-limit-requests": "100", "x-ratelimit-remaining-requests": "5"}
READERS: list[Callable[[str], object]] = [
    lambda text: rate_limit({**REST, "x-ratelimit-reset-requests": text}, "requests"),
    lambda text: rate_limit(
        {**REST, "x-ratelimit-reset-requests": "1s", "x-ratelimit-limit-requests": text}, "requests"
    ),
    lambda text: retry_after_s({"retry-after": text}),
    lambda text: retry_after_s({"retry-after-ms": text}),
]


def took_s(reader: Callable[[str], object], text: str) -> float:
    began_s = time.perf_counter()
    for _ in range(20):
        assert reader(text) is None
    return time.perf_counter() - began_s


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("unit", ["9", "9.", "1s", " ", "-", "Mon, "])
def test_a_header_ten_times_as_long_takes_no_longer(reader: Callable[[str], object], unit: str) -> None:
    short_s = min(took_s(reader, unit * 2_000) for _ in range(3))
    assert took_s(reader, unit * 20_000) < 20 * short_s + 0.05


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1.0), ("6m0s", 360.0), ("120ms", 0.12), (" 1h2m3s ", 3723.0), ("17", 17.0)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "9" * 41, "s", "1x", "1s" * 21])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        duration_s(text)


def test_a_pause_that_is_asked_for_is_read_and_bounded() -> None:
    assert retry_after_s({"retry-after": "2.5"}) == 2.5
    assert retry_after_s({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    assert retry_after_s({"retry-after": "1e30"}) is None
    assert retry_after_s({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}) == 0.0
    for text in ("", "soon", "nan", "Mon, 99 Foo 99999 99:99:99 +9999", "9" * 41):
        assert retry_after_s({"retry-after": text}) is None, text
