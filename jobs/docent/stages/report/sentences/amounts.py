"""Format counts the same way everywhere on the page: `2 404 rows`."""

from docent.messages import plurals


def thousands(value: float) -> str:
    """Format `2404` as `2 404`, with a non-breaking space."""
    return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def counted(number: int, one: str, more: str = "") -> str:
    """Format a number with the noun that it counts.

    Args:
        one: the noun in the singular.
        more: its plural; by default the singular with an s.
    """
    return plurals.counted(number, one, more).replace(str(number), thousands(number), 1)


def plural(number: int, one: str, many: str) -> str:
    """Return `one` if the number is 1, else `many`."""
    return one if number == 1 else many
