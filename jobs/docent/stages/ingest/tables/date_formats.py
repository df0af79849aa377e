"""Format the dates, times and durations of a spreadsheet by their format codes: `1890-05`, `14:30:00`, `26:30`.

Dates become ISO text, with only the parts that the format shows. Reads and writes no files.
"""

import datetime
import re

_ELAPSED = re.compile(r"\[([hms])\1*\]", re.IGNORECASE)


def is_elapsed(code: str) -> bool:
    """Return whether a format code shows a duration, as `[h]:mm` does."""
    return _ELAPSED.search(code) is not None


def shown_duration(value: float, code: str) -> str:
    """Return a number of days as hours, minutes and seconds, by a format code such as `[h]:mm:ss`."""
    seconds = round(abs(value) * 86_400, 3)
    biggest = _ELAPSED.search(code)
    unit = biggest[1].lower() if biggest else "h"
    code = re.sub(r'"[^"]*"|\\.', "", code.partition(";")[0]).lower()
    shows_seconds = unit == "s" or "s" in code
    whole = int(seconds) if shows_seconds else int(seconds // 60) * 60
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    parts = {"s": [str(whole)], "m": [str(whole // 60)]}.get(unit, [str(hours)])
    if unit == "h" and ("m" in code or shows_seconds):
        parts.append(f"{minutes:02d}")
    if unit != "s" and shows_seconds:
        parts.append(f"{left:02d}")
    return ("-" if value < 0 else "") + ":".join(parts)


def shown_date(value: datetime.datetime, code: str) -> str:
    """Return a date or time as ISO text, with only the parts that the format shows."""
    letters = re.sub(r'"[^"]*"|\\.|\[\$[^\[\]]*\]|am/pm|a/p', "", code.partition(";")[0].lower())
    has_time = "h" in letters or "s" in letters
    has_date = "y" in letters or "d" in letters or ("m" in letters and not has_time)
    if has_time and not has_date:
        return value.time().isoformat("seconds")
    if "y" in letters and "d" not in letters and not has_time:
        return value.strftime("%Y-%m") if "m" in letters else f"{value.year:04d}"
    if value.time() == datetime.time() or not has_time:
        return value.date().isoformat()
    return value.isoformat(" ", "seconds")
