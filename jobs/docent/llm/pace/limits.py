"""Rates that an endpoint allows: configured, reported in headers, or measured from refusals (HTTP 429).

Reads and writes nothing and knows no clock: every call says what time it is, in seconds of one monotonic clock, so
that a test can play an hour in a moment. pacing.py puts these together.
"""

from __future__ import annotations

import math
from collections import deque

from docent.llm.wire.header_numbers import RateLimit

LOOKED_AT = 8
"""Sends in a row that are looked at when one of them is refused."""
REFUSED_OF_THEM = 5
"""So many refused ones among those say that the allowance is used up; more where lone refusals are common."""
SUSPICIOUS_OF_THEM, SUSPICION_S = 2, 0.01
"""So many hold the next ones back for a moment, in which those on their way tell more."""
PROBE_AFTER_S = 0.1
"""Pause after the allowance was used up, where the endpoint asks for none: long enough to see how fast it refills."""
GROWTH = 0.0001
"""A rate found out is raised by this share with every send."""
ROUGH_GROWTH_PER_S = 0.4
"""A rough estimate grows by e to this power every second."""
GROWTH_DOUBLES_AFTER = 100
"""Sends without a refusal after which it is raised twice as fast."""
LONGEST_HOLD_S = 10.0
"""Longest pause of docent's own while nothing is accepted; what the endpoint asks for may be longer."""
BELOW = 0.99
"""Sent at this share of a rate found out."""
ROUGH = 0.7
"""Where less than this share of the rate tried was accepted, the estimate is a rough one."""
QUICK = 50
"""Sends after a lowered rate in which a lone refusal is not counted: some were on their way."""
IN_VAIN = 4
"""So many lowered rates without fewer refusals: then those are not about the rate."""


class Bucket:
    """A token bucket that may go into debt: what is taken is what is known before the reply, corrected after it.

    Args:
        rate_per_s: how fast it fills.
        capacity: how much may gather while nothing is taken.
        now_s: the time; it starts full.
    """

    def __init__(self, rate_per_s: float, capacity: float, now_s: float) -> None:
        self.rate_per_s, self.capacity = rate_per_s, capacity
        self.level, self._at_s = capacity, now_s

    def refill(self, now_s: float) -> None:
        """Bring the level up to now."""
        self.level = min(self.capacity, self.level + (now_s - self._at_s) * self.rate_per_s)
        self._at_s = now_s

    def wait_s(self, amount: float, now_s: float) -> float:
        """Return seconds until `amount` may be taken; what is larger than the bucket may go when it is full."""
        self.refill(now_s)
        missing = min(amount, self.capacity) - self.level
        return 0.0 if missing <= 1e-9 else missing / self.rate_per_s

    def take(self, amount: float) -> None:
        """Take it, or give back with a negative amount."""
        self.level -= amount


def reported_bucket(limit: RateLimit, sent_s: float, sent_since: float) -> Bucket | None:
    """Return an allowance as headers report it: what is left less what was sent since, and how it fills.

    Args:
        sent_s: when the request went out whose reply reports it; `sent_since` went out after that request.

    Returns:
        None where nothing of it is used, so that its rate is not known.
    """
    if limit.whole_in_s <= 0 or limit.left >= limit.limit:
        return None
    # Where less may gather than the limit of a minute, the time until it is whole says nothing of the rate.
    rate_per_s = BELOW * min((limit.limit - limit.left) / limit.whole_in_s, limit.limit / 60)
    bucket = Bucket(rate_per_s, limit.limit, sent_s)
    bucket.level = limit.left - sent_since
    return bucket


class MeasuredLimit:
    """A rate without headers, measured from refusals.

    A refusal alone says little: behind a load balancer one replica may be busy while the others answer. Several in a
    row, in the order of sending, say that the allowance is used up. From one such moment to the next, what was
    accepted in between divided by the seconds is the rate at which it fills; that rate is then kept to and raised
    little by little, so that a larger allowance is found out as well.
    """

    def __init__(self) -> None:
        self._bucket: Bucket | None = None
        self._refused: deque[int] = deque(maxlen=4 * QUICK)
        self._last_seq = self._refused_since = 0
        self._empty_seq, self._empty_s = 0, 0.0
        self._held_until_s, self._closed = 0.0, 0
        self._calm, self._grown_s, self._rough, self._measured = 0, 0.0, False, False
        self._lowered_seq, self._in_vain = 0, 0
        self._rate_before, self._before = 0.0, (1.0, 1.0)

    def wait_s(self, now_s: float) -> float:
        """Return seconds until the next request may be sent."""
        if now_s < self._held_until_s:
            return self._held_until_s - now_s
        return self._bucket.wait_s(1.0, now_s) if self._bucket else 0.0

    def sent(self, seq: int, now_s: float) -> None:
        """Count a request that is sent; `seq` counts them from 1."""
        if self._last_seq == 0:
            self._empty_s = now_s
        self._last_seq = seq
        if self._bucket is not None:
            self._bucket.take(1.0)
            self._calm += 1
            self._bucket.rate_per_s *= self._growth(now_s)
            self._grown_s = now_s

    def _growth(self, now_s: float) -> float:
        if self._rough:
            return math.exp(ROUGH_GROWTH_PER_S * (now_s - self._grown_s))
        return 1 + GROWTH * (1 << min(self._calm // GROWTH_DOUBLES_AFTER, 4))

    def refused(self, seq: int, asked_wait_s: float | None, now_s: float) -> None:
        """Record that one of the requests was refused with HTTP 429."""
        self._refused.append(seq)
        if seq <= self._empty_seq:
            return  # on its way already when the rate was last set: no news
        self._refused_since += 1
        near = sum(1 for other in self._refused if max(seq - LOOKED_AT, self._empty_seq) < other <= seq)
        if near >= self._telling():
            self._used_up(asked_wait_s, now_s)
        elif self._bucket is None and near >= SUSPICIOUS_OF_THEM:
            self._held_until_s = max(self._held_until_s, now_s + SUSPICION_S)
        elif self._bucket is not None and seq - max(self._lowered_seq, self._empty_seq) > QUICK:
            self._too_fast(seq, now_s)

    def _telling(self) -> int:
        """Return how many refusals among LOOKED_AT are not chance; after a pause in vain, one."""
        if self._closed:
            return 1
        oldest = self._refused[0] if len(self._refused) == self._refused.maxlen else 0
        share = len(self._refused) / max(self._last_seq - oldest, 4 * QUICK)
        return REFUSED_OF_THEM + (share > 0.06) + (share > 0.15) + (share > 0.25)

    def _used_up(self, asked_wait_s: float | None, now_s: float) -> None:
        """Handle several refusals: pause where nothing was accepted since the last time, else measure.

        The first time, only what had gathered was used up: that says nothing of how fast it fills.
        """
        closed = self._last_seq - self._empty_seq <= self._refused_since + 1
        if closed or self._empty_seq == 0:
            self._held_until_s = now_s + max(asked_wait_s or 0.0, min(PROBE_AFTER_S * 2**self._closed, LONGEST_HOLD_S))
        if closed and self._empty_seq:
            self._closed += 1
            self._empty_seq, self._refused_since = self._last_seq, 0
        else:
            self._closed = 0
            self._measure(now_s)

    def _too_fast(self, seq: int, now_s: float) -> None:
        """Handle a single refusal at a known rate: the rate is a little too high, or is not the cause."""
        assert self._bucket is not None
        tried, sent, accepted = self._bucket.rate_per_s, self._per_s(now_s, 0), self._per_s(now_s, self._refused_since)
        soon = seq - self._lowered_seq < 2 * QUICK and accepted > ROUGH * tried
        self._in_vain = self._in_vain + 1 if soon else 0
        if self._in_vain == IN_VAIN and self._by_chance(accepted, sent):
            self._in_vain, self._lowered_seq = 0, seq + 10 * QUICK
            self._keep_to(self._rate_before, False, now_s)
            return
        if self._in_vain in (0, IN_VAIN):
            self._in_vain, self._rate_before, self._before = 0, tried, (accepted, sent)
        self._lowered_seq = seq
        self._measure(now_s)
        self._rough = False

    def _by_chance(self, accepted_per_s: float, sent_per_s: float) -> bool:
        """Return whether refusals come by chance: at a limit, as many are accepted as when more were sent."""
        accepted_before, sent_before = self._before
        return accepted_per_s / accepted_before < (1 + sent_per_s / sent_before) / 2

    def _per_s(self, now_s: float, refused: int) -> float:
        """Return the requests sent per second, without those refused."""
        return max(self._last_seq - self._empty_seq - refused, 1) / max(now_s - self._empty_s, PROBE_AFTER_S)

    def _measure(self, now_s: float) -> None:
        """Set the rate between what was accepted, a lower bound where the allowance overflowed, and what was tried."""
        low = self._per_s(now_s, self._refused_since)
        high = self._bucket.rate_per_s if self._bucket and self._measured else low
        self._measured = self._empty_seq > 0
        self._keep_to(math.sqrt(low * max(low, high)), low < ROUGH * high, now_s)

    def _keep_to(self, rate_per_s: float, rough: bool, now_s: float) -> None:
        self._bucket = Bucket(BELOW * rate_per_s, max(1.0, 0.02 * rate_per_s), now_s)
        self._bucket.level = 0.0
        self._rough, self._calm, self._grown_s = rough, 0, now_s
        self._empty_seq, self._empty_s, self._refused_since = self._last_seq, now_s, 0
