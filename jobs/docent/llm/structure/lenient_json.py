"""Read JSON leniently where nothing of its meaning is lost.

Reads bytes; writes nothing. Some servers leave line breaks in strings as they are, send counts of thousands of digits,
or cut a character in two between the chunks of a stream: the reply around it is paid for and good.
"""

from __future__ import annotations

import json
import math
from typing import Any

from pydantic_core import from_json

MAX_DIGITS = 300
"""Of an integer; a longer one is read as infinite, because Python would take long to read it or refuse it."""


def read_json(data: bytes) -> Any:
    """Parse a JSON text in UTF-8; strings may hold halves of characters.

    Raises:
        ValueError: it is not JSON, not UTF-8, or nested too deep.
    """
    try:
        return from_json(data)
    except ValueError:
        pass
    try:
        return json.loads(data.decode(), strict=False, parse_int=_integer)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= MAX_DIGITS else math.copysign(math.inf, -1 if digits[0] == "-" else 1)
