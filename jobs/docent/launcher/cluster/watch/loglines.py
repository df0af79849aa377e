"""Read the log of a pod: make its JSON lines readable, and find the last error in it. Pure functions over text."""

import json
import re
from collections.abc import Iterator

LOG_LINE = re.compile(r"^(?:\S+ )?\S+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) (.*)$")


def one_line(text: str) -> str:
    """Return the text with every run of white space replaced by one space."""
    return " ".join(text.split())


def last_error(log: str) -> str:
    """Return the last error in a log as one line: from JSON or plain log lines, or else the last message."""
    blocks = list(_messages(log))
    errors = [text for level, text in blocks if level in ("ERROR", "CRITICAL")]
    chosen = errors[-1] if errors else blocks[-1][1] if blocks else ""
    what, *more = [line.strip() for line in chosen.splitlines() if line.strip()] or [""]
    if what.startswith("Traceback "):  # the process ended before logging was set up
        return one_line(more[-1] if more else what)
    if any(line.startswith("Traceback ") for line in more):
        return one_line(f"{what}: {more[-1]}")
    where = next((line.removeprefix("where:").strip() for line in more if line.startswith("where:")), "")
    return one_line(f"{what} ({where})" if where else what)


def readable(log: str) -> str:
    """Return a pod's log with its JSON lines as plain text and other lines unchanged."""
    lines = []
    for line in log.splitlines():
        record = _record(line) if line.startswith("{") else None
        lines.append(f"{json.loads(line).get('time', '')} {record[0]} {record[1]}".strip() if record else line)
    return "\n".join(lines) + "\n" if lines else ""


def _messages(log: str) -> Iterator[tuple[str, str]]:
    """Yield level and text of every log record; other lines are appended to the record before them."""
    level, text = "", ""
    for line in log.splitlines():
        record = _record(line)
        if record is None:
            text += f"\n{line}"
            continue
        if text:
            yield level, text
        level, text = record
    if text.strip():
        yield level, text.strip("\n")


def _record(line: str) -> tuple[str, str] | None:
    if line.startswith("{"):
        try:
            record = json.loads(line)
            return str(record["level"]), str(record["message"])
        except (json.JSONDecodeError, KeyError, TypeError):
            return None
    plain = LOG_LINE.match(line)
    return (plain[1], plain[2]) if plain else None
