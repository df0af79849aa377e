"""Decide when to retry a failed try, and when to give up: full jitter, `Retry-After`, a deadline, a retry budget.

Reads and writes nothing. The waits follow "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015) and the
retry budget the chapter on overload of "Site Reliability Engineering" (O'Reilly, 2016): together they keep a broken
endpoint from getting more requests than a healthy one.
"""

import random
import time
from collections.abc import Callable, Mapping
from typing import Literal
from urllib.parse import urlsplit

from docent.config.llm import Llm
from docent.errors import ConfigError, PipelineError, TemporaryError
from docent.llm.pace.limits import Bucket

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
RETRIES_PER_REQUEST = 0.25
"""Retries earned by each reply; beyond them, one retry a second is allowed over all requests."""
EARNED_AT_MOST = 100.0
NO_CONNECTION = "no connection: "
"""Prefix of the reason of a try that reached no endpoint."""

How = Literal["busy", "failed", "lost"]
"""busy: the endpoint requests a later retry, not paid. failed: not paid. lost: end unknown, may have been paid."""


class TryFailedError(Exception):
    """One try failed for a reason that may be temporary.

    Args:
        why: the reason for the user, without the key.
        wait_s: the pause that the endpoint requested.
        headers: headers of its reply.
    """

    def __init__(
        self, why: str, how: How = "failed", wait_s: float | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(why)
        self.how, self.wait_s, self.headers = how, wait_s, headers


class RetryBudget:
    """Limits how many retries all requests together may make."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bucket = Bucket(1.0, EARNED_AT_MOST, clock())

    def earn(self) -> None:
        """Add to the budget after a reply: an endpoint that replies may get more retries."""
        self._bucket.take(-RETRIES_PER_REQUEST)

    def wait_s(self) -> float:
        """Return seconds until one more retry is available."""
        return self._bucket.wait_s(1.0, self._clock())

    def spend(self) -> None:
        """Take one retry; not for requests that are given up, or an outage would reduce retries long after its end."""
        self._bucket.take(1.0)


def wait_s(attempt: int, asked_for_s: float | None) -> float:
    """Return the seconds before the next try: slightly more than requested, or random below a limit that doubles."""
    if asked_for_s is not None:
        return asked_for_s + random.uniform(0, 0.02 * max(asked_for_s, 1.0))
    bound_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(attempt - 1, 10))
    return random.uniform(0, bound_s)  # affects only the timing: no row depends on it


def no_reply(why: str, tries: int, llm: Llm, base_url: str) -> PipelineError:
    """Return the error that ends a stage whose endpoint did not reply.

    Args:
        why: reason of the last failure.
        base_url: the endpoint's address, without secrets.
    """
    if why.startswith("HTTP 403"):
        return ConfigError(
            f"the endpoint now rejects every request: {why}",
            base_url,
            f"check the key in the variable {llm.api_key_env} (replies so far are kept), then: docent run",
        )
    what = f"the endpoint did not reply in {tries} attempts; last error: {why}"
    if why.startswith(NO_CONNECTION):
        parts = urlsplit(base_url)
        return TemporaryError(
            what,
            base_url,
            "start the endpoint, or replace HOST:PORT by its address (replies so far are kept): "
            f"docent run --set llm.base_url={parts.scheme}://HOST:PORT{parts.path}",
        )
    rate = "its rate limit or quota is exceeded: set llm.requests_per_minute, or wait"
    advice = rate if why.startswith("HTTP 429") else "check the logs of the endpoint"
    return TemporaryError(what, base_url, f"{advice} (replies so far are kept), then: docent run")
