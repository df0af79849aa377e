"""Read the token usage in a reply, in any usual form; a good reply is kept in any case.

Reads and writes nothing.
"""

from __future__ import annotations

import math
from typing import Any

MOST_TOKENS = 10**9
"""A larger number is not plausible."""
MAX_DIGITS = 20


def tokens_reported(usage: Any) -> tuple[int, int] | None:
    """Return the tokens of prompt and reply; None where one of them is not reported.

    Half of it would be taken for all of it by the spending limits. Numbers written as text count, fractions are rounded
    up; what is negative, no number or too large says nothing.

    Args:
        usage: the member `usage` of a completion, as JSON values.
    """
    if not isinstance(usage, dict):
        return None
    prompt, reply = _tokens(usage.get("prompt_tokens")), _tokens(usage.get("completion_tokens"))
    return None if prompt is None or reply is None else (prompt, reply)


def _tokens(value: Any) -> int | None:
    if isinstance(value, str) and len(value) <= MAX_DIGITS:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_TOKENS:
        return None
    return math.ceil(value)
