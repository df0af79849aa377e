"""Write a file line by line and reorder it at the end, without loading it into memory.

Writes the file, and a temporary copy next to it while lines are reordered; without a line, no file is written.
"""

import random
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from docent.convert.files import reorder_lines, shuffled

TYPED_BYTES = 8 << 20
"""`load_dataset("json")` infers the types of all lines from the first 10 MiB of a file; this is a bit less."""


class LineFile:
    """A file of lines that are reordered when it is closed.

    Args:
        place: returns the path of the file; called when the first line is added.
        head: bytes before the first line.
    """

    def __init__(self, place: Callable[[], Path], head: bytes = b"") -> None:
        self._place, self._head = place, head
        self._path: Path | None = None
        self._file: IO[bytes] | None = None
        self._starts = array("Q")
        self._typed = bytearray()
        self._end = 0

    def add(self, line: bytes, typed: bool) -> None:
        """Append the next line.

        Args:
            typed: whether the line shows the types of all fields, so that one such line must come early in the file.
        """
        if self._file is None:
            self._path = self._place()
            self._file = self._path.open("wb")
            self._end = self._file.write(self._head)
        self._typed.append(typed)
        self._starts.append(self._end)
        self._end += self._file.write(line)

    def close(self, rng: random.Random | None) -> None:
        """Close the file; shuffle its lines if there is an `rng`, then move a typed line to the front if needed.

        A typed line is moved only if a reader would otherwise find the first one after TYPED_BYTES.
        """
        if self._file is None or self._path is None:
            return
        self._file.close()
        order = range(len(self._starts)) if rng is None else shuffled(len(self._starts), rng)
        lead = self._late_lead(order)
        if rng is not None or lead is not None:
            reorder_lines(self._path, self._starts, order if lead is None else [lead, *(n for n in order if n != lead)])

    def _late_lead(self, order: Sequence[int]) -> int | None:
        """Return the first typed line, or None if it is within the first TYPED_BYTES or there is none."""
        ends = (*self._starts[1:], self._end)
        read = 0
        for number in order:
            read += ends[number] - self._starts[number]
            if self._typed[number]:
                return number if read > TYPED_BYTES else None
        return None
