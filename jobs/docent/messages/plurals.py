"""Format counts, lists and times for messages: `1 row`, `2 rows`; `a, b and c`; `12 min`. Reads and writes nothing."""

from collections.abc import Sequence

MINUTE_S, HOUR_MIN = 60, 60


def counted(number: int, one: str, more: str = "") -> str:
    """Return a number with the noun that it counts.

    Args:
        one: the noun in the singular.
        more: the plural, if it is not the singular with an s.
    """
    return f"{number} {one if number == 1 else more or f'{one}s'}"


def joined(words: Sequence[str]) -> str:
    """Join words as `a`, `a and b`, `a, b and c`; return "" for no words."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def duration(seconds: float) -> str:
    """Return a time in words: `45 s`, `12 min`, `3 h 20 min`."""
    if round(seconds) < MINUTE_S:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / MINUTE_S)
    return f"{minutes} min" if minutes < HOUR_MIN else f"{minutes // HOUR_MIN} h {minutes % HOUR_MIN} min"
