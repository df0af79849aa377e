"""Parse JSON leniently if no meaning is lost.

Reads bytes; writes nothing. Some servers do not escape line breaks in strings, send counts of thousands of digits, or
split a character between the chunks of a stream: the rest of the reply is paid for and usable.
"""

import contextlib
import json
import math
from typing import Any

from pydantic_core import from_json

MAX_DIGITS = 300
"""Longest integer that is parsed; a longer one is read as infinity, as Python is slow to parse it or refuses it."""


def read_json(data: bytes) -> Any:
    """Parse JSON text in UTF-8; strings may contain lone surrogates.

    Raises:
        ValueError: it is not JSON, not UTF-8, or nested too deeply.
    """
    with contextlib.suppress(ValueError):
        return from_json(data)
    try:
        return json.loads(data.decode(), strict=False, parse_int=_integer)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= MAX_DIGITS else math.copysign(math.inf, -1 if digits[0] == "-" else 1)
