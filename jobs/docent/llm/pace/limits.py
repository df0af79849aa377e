"""Track the request rates that an endpoint allows: reported in headers, or measured from refusals (HTTP 429).

Reads and writes nothing and has no clock: every call passes the time, in seconds of one monotonic clock, so that a test
can simulate an hour in a moment. pacing.py combines these limits.
"""

import math
from collections import deque

from docent.llm.wire.header_numbers import RateLimit

LOOKED_AT = 8
"""Consecutive sends that are examined when one of them is refused."""
REFUSED_OF_THEM = 5
"""This many refusals among them show that the allowance is used up; more if isolated refusals are common."""
SUSPICIOUS_OF_THEM, SUSPICION_S = 2, 0.01
"""With this many refusals, the next sends are held for a moment, in which those in flight give more evidence."""
PROBE_AFTER_S = 0.1
"""Pause after the allowance was used up if the endpoint requests none: long enough to see how fast it refills."""
GROWTH = 0.0001
"""A measured rate is raised by this share with every send."""
ROUGH_GROWTH_PER_S = 0.4
"""A rough estimate grows by a factor of e to this power every second."""
GROWTH_DOUBLES_AFTER = 100
"""Sends without a refusal after which it is raised twice as fast."""
LONGEST_HOLD_S = 10.0
"""Longest pause while no request is accepted; a pause that the endpoint requests may be longer."""
BELOW = 0.99
"""Requests are sent at this share of a measured rate."""
ROUGH = 0.7
"""If less than this share of the attempted rate was accepted, the estimate is a rough one."""
QUICK = 50
"""Sends after a lowered rate during which an isolated refusal is not counted: some were already in flight."""
IN_VAIN = 4
"""After this many lowered rates without fewer refusals, the refusals are not caused by the rate."""


class Bucket:
    """A token bucket that may go into debt: the estimate is taken before the reply and corrected after it.

    Args:
        rate_per_s: refill rate.
        capacity: the most that can accumulate while nothing is taken.
        now_s: current time; the bucket starts full.
    """

    def __init__(self, rate_per_s: float, capacity: float, now_s: float) -> None:
        self.rate_per_s, self.capacity = rate_per_s, capacity
        self.level, self._at_s = capacity, now_s

    def refill(self, now_s: float) -> None:
        """Bring the level up to date."""
        self.level = min(self.capacity, self.level + (now_s - self._at_s) * self.rate_per_s)
        self._at_s = now_s

    def wait_s(self, amount: float, now_s: float) -> float:
        """Return seconds until `amount` may be taken; an amount larger than the bucket may be taken when it is full."""
        self.refill(now_s)
        missing = min(amount, self.capacity) - self.level
        return 0.0 if missing <= 1e-9 else missing / self.rate_per_s

    def take(self, amount: float) -> None:
        """Take an amount; a negative amount gives back."""
        self.level -= amount


def reported_bucket(limit: RateLimit, sent_s: float, sent_since: float) -> Bucket | None:
    """Return an allowance as reported in headers: its refill rate, and the amount left minus the amount sent since.

    Args:
        sent_s: when the request was sent whose reply reports it; `sent_since` was sent after that request.

    Returns:
        None if none of it is used, so that its rate is unknown.
    """
    if limit.whole_in_s <= 0 or limit.left >= limit.limit:
        return None
    # If less than the limit of a minute can accumulate, the time until it is full does not give the rate.
    rate_per_s = BELOW * min((limit.limit - limit.left) / limit.whole_in_s, limit.limit / 60)
    bucket = Bucket(rate_per_s, limit.limit, sent_s)
    bucket.level = limit.left - sent_since
    return bucket


class MeasuredLimit:
    """A rate without headers, measured from refusals.

    A single refusal proves little: behind a load balancer one replica may be busy while the others answer. Several
    consecutive ones, in the order of sending, mean that the allowance is used up. From one such moment to the next, the
    number of accepted requests divided by the seconds is the refill rate. That rate is then used and raised slowly, so
    that a larger allowance is detected as well.
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
        """Count a request that is sent; `seq` numbers requests from 1."""
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
            return  # in flight already when the rate was last set: no new evidence
        self._refused_since += 1
        near = sum(1 for other in self._refused if max(seq - LOOKED_AT, self._empty_seq) < other <= seq)
        if near >= self._telling():
            self._used_up(asked_wait_s, now_s)
        elif self._bucket is None and near >= SUSPICIOUS_OF_THEM:
            self._held_until_s = max(self._held_until_s, now_s + SUSPICION_S)
        elif self._bucket is not None and seq - max(self._lowered_seq, self._empty_seq) > QUICK:
            self._too_fast(seq, now_s)

    def _telling(self) -> int:
        """Return how many refusals among LOOKED_AT are more than chance: 1 after a pause that did not help."""
        if self._closed:
            return 1
        oldest = self._refused[0] if len(self._refused) == self._refused.maxlen else 0
        share = len(self._refused) / max(self._last_seq - oldest, 4 * QUICK)
        return REFUSED_OF_THEM + (share > 0.06) + (share > 0.15) + (share > 0.25)

    def _used_up(self, asked_wait_s: float | None, now_s: float) -> None:
        """Handle several refusals: pause if nothing was accepted since the last time, otherwise measure.

        The first time, only the accumulated allowance was used up, which does not show how fast it refills.
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
        """Return whether refusals are random: at a real limit, as many are accepted as when more were sent."""
        accepted_before, sent_before = self._before
        return accepted_per_s / accepted_before < (1 + sent_per_s / sent_before) / 2

    def _per_s(self, now_s: float, refused: int) -> float:
        """Return the requests sent per second, not counting `refused` of them."""
        return max(self._last_seq - self._empty_seq - refused, 1) / max(now_s - self._empty_s, PROBE_AFTER_S)

    def _measure(self, now_s: float) -> None:
        """Set the rate between the accepted one, a lower bound if the allowance overflowed, and the attempted one."""
        low = self._per_s(now_s, self._refused_since)
        high = self._bucket.rate_per_s if self._bucket and self._measured else low
        self._measured = self._empty_seq > 0
        self._keep_to(math.sqrt(low * max(low, high)), low < ROUGH * high, now_s)

    def _keep_to(self, rate_per_s: float, rough: bool, now_s: float) -> None:
        self._bucket = Bucket(BELOW * rate_per_s, max(1.0, 0.02 * rate_per_s), now_s)
        self._bucket.level = 0.0
        self._rough, self._calm, self._grown_s = rough, 0, now_s
        self._empty_seq, self._empty_s, self._refused_since = self._last_seq, now_s, 0
