"""Write a JSON array value by value; without a value, no file is written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any


class JsonList:
    """A JSON array with one value per line; the file may be closed between values.

    Args:
        place: returns the path of the file; called when the first value is added.
    """

    def __init__(self, place: Callable[[], Path]) -> None:
        self._place = place
        self._path: Path | None = None
        self._file: IO[str] | None = None

    def add(self, value: Any) -> None:
        """Append the next value."""
        begins = self._path is None
        if self._path is None:
            self._path = self._place()
            self._path.unlink(missing_ok=True)
        self._file = self._file or self._path.open("a", encoding="utf-8")
        self._file.write(("[\n" if begins else ",\n") + json.dumps(value, ensure_ascii=False))

    def pause(self) -> None:
        """Close the file until the next value is added."""
        if self._file:
            self._file.close()
            self._file = None

    def close(self) -> None:
        """End the array and close the file."""
        if self._path is not None:
            self._file = self._file or self._path.open("a", encoding="utf-8")
            self._file.write("\n]\n")
            self.pause()
