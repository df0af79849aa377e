"""Parse numbers in reply headers: limits, remaining amounts, pauses; None for implausible values.

Reads and writes nothing. An endpoint may send anything, so the length of a text is checked before it is parsed.
"""

import contextlib
import email.utils
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

LONGEST_TOLD_S = 86_400.0
"""A pause or a reset further away than a day is not plausible."""
MAX_TOLD_CHARS = 40
"""A longer header is not a number; Python would take minutes to find that out."""
_DURATION = re.compile(r"(?<!\d)(\d++(?:\.\d++)?+)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
MAX_DATE_CHARS = 64


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One allowance in an endpoint's headers: its limit, the amount left, and the seconds until it is full again."""

    limit: float
    left: float
    whole_in_s: float


def rate_limit(headers: Mapping[str, str], what: str) -> RateLimit | None:
    """Parse the `x-ratelimit-*-requests` or `-tokens` headers; return None if they are not plausible."""
    try:
        limit = float(_short(headers[f"x-ratelimit-limit-{what}"]))
        left = float(_short(headers[f"x-ratelimit-remaining-{what}"]))
        whole_in_s = duration_s(headers[f"x-ratelimit-reset-{what}"])
    except (KeyError, ValueError):
        return None
    sensible = 0 <= left <= limit < math.inf and limit >= 1 and 0 <= whole_in_s <= LONGEST_TOLD_S
    return RateLimit(limit, left, whole_in_s) if sensible else None


def duration_s(text: str) -> float:
    """Convert `1s`, `6m0s`, `120ms` or a bare number to seconds. Raises ValueError for anything else."""
    text = _short(text).strip().lower()
    if not _DURATION.sub("", text) and text:
        return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))
    return float(text)


def _short(text: str) -> str:
    if len(text) > MAX_TOLD_CHARS:
        raise ValueError("too many characters for a number")
    return text


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds in `retry-after-ms` or `Retry-After` (a number or a date), or None if neither is plausible."""
    date = headers.get("retry-after", "")
    seconds = math.nan
    for text, unit in ((headers.get("retry-after-ms", ""), 0.001), (date, 1.0)):
        with contextlib.suppress(ValueError):
            if not math.isfinite(seconds):
                seconds = float(_short(text)) * unit
    if not math.isfinite(seconds) and len(date) <= MAX_DATE_CHARS:
        with contextlib.suppress(TypeError, ValueError, IndexError, OverflowError):
            seconds = email.utils.parsedate_to_datetime(date).timestamp() - time.time()
    return max(0.0, seconds) if -math.inf < seconds <= LONGEST_TOLD_S else None
