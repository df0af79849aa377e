"""Read JSONL line by line, and write files atomically, for `docent convert`.

ShareGPT rows are read as if they had `messages`; see conversations.py.
"""

import json
import os
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from docent.artifacts.durable import temporary_name
from docent.convert.conversations import mismatch, problem_with_messages, with_messages
from docent.convert.row_files import array_values
from docent.errors import InputError
from docent.messages.printing import printable

BOM = b"\xef\xbb\xbf"
MAX_LINE_BYTES = 64 << 20


@dataclass(frozen=True)
class Line:
    """One line of a JSONL file: an object, or the reason why it is not one."""

    number: int
    value: dict[str, Any]
    problem: str = ""


def has_bom(path: Path) -> bool:
    """Return whether a file begins with a byte order mark."""
    with path.open("rb") as file:
        return file.read(len(BOM)) == BOM


def read_lines(path: Path) -> Iterator[Line]:
    """Yield every line that is not blank, or every value of a JSON array (`*.json`); invalid ones have a problem.

    Raises:
        InputError: the file does not exist.
    """
    if not path.is_file():
        raise InputError("no such file", str(path), "pass a JSONL file")
    if path.suffix == ".json" and _is_list(path):
        yield from _values(path)
        return
    with path.open("rb") as file:
        for number, data in enumerate(iter(partial(file.readline, MAX_LINE_BYTES), b""), 1):
            data = data.removeprefix(BOM) if number == 1 else data
            if data.strip():
                value, problem = parsed(data)
                yield Line(number, {}, problem) if problem else _checked(number, value)


def _is_list(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(1024).removeprefix(BOM).lstrip().startswith(b"[")


def _values(path: Path) -> Iterator[Line]:
    """Yield the values of a JSON list, such as `conversations-<split>.json`."""
    number = 0
    with path.open(encoding="utf-8-sig") as text:
        try:
            for number, value in enumerate(array_values(text), 1):
                yield _checked(number, value)
        except (ValueError, RecursionError) as error:
            yield Line(number + 1, {}, _why_not_json(error))


def good_lines(path: Path) -> Iterator[Line]:
    """Yield every line that is not blank, and fail on the first invalid one.

    Raises:
        InputError: the file does not exist, or a line is invalid.
    """
    for line in read_lines(path):
        if line.problem:
            raise InputError(line.problem, f"{path}:{line.number}", "fix or remove the line")
        yield line


def parsed(data: bytes) -> tuple[Any, str]:
    """Return the value of a line of JSON, and why it cannot be parsed, or "" if it can."""
    try:
        return json.loads(data.decode("utf-8")), ""
    except (ValueError, RecursionError) as error:
        return None, _why_not_json(error)


def _why_not_json(error: Exception) -> str:
    """Return why a text cannot be parsed as JSON; Python also rejects numbers with too many digits."""
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else "not JSON"


def _checked(number: int, value: Any) -> Line:
    value = with_messages(value) if isinstance(value, dict) else value
    problem = problem_with(value)
    return Line(number, {} if problem else value, problem)


def problem_with(value: Any) -> str:
    """Return why a value is neither a conversation nor a row of docent, or "" if it is one."""
    if not isinstance(value, dict):
        return "not an object"
    if "messages" not in value and isinstance(value.get("question"), str) and isinstance(value.get("answer"), str):
        return ""
    return problem_with_messages(value.get("messages")) or mismatch(value)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file that replaces `path` if no exception is raised."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def shuffled(count: int, rng: random.Random) -> list[int]:
    """Return the indices of `count` lines in a random order."""
    order = list(range(count))
    rng.shuffle(order)
    return order


def reorder_lines(path: Path, starts: Sequence[int], order: Iterable[int]) -> None:
    """Reorder the lines of a file without loading them into memory; the bytes before the first line are kept.

    Args:
        starts: byte offset of each line.
    """
    with path.open("rb") as lines, replacing(path) as file:
        file.write(lines.read(starts[0] if starts else -1))
        for number in order:
            lines.seek(starts[number])
            file.write(lines.readline())


def is_file(path: Path) -> bool:
    """Return whether a file exists; a path from a row may be too long or contain a zero byte."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def refuse_in_place(sources: Iterable[Path], out: Path) -> None:
    """Refuse to overwrite an input file: everything that the new format omits would be lost.

    Raises:
        InputError: `out` is one of the sources.
    """
    if out.exists() and any(source.exists() and source.samefile(out) for source in sources):
        raise InputError("the output file is also an input", printable(str(out)), "choose another output file")


def json_line(value: Any) -> bytes:
    """Return an object as a line of JSON: UTF-8, default separators, keys in their order.

    In a line with a lone surrogate, which UTF-8 cannot represent, all non-ASCII characters are escaped.
    """
    try:
        return json.dumps(value, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(value).encode() + b"\n"
