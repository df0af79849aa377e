"""Files that trainers read, written row by row: JSON lines, in parts where a limit asks for it, and Parquet.

Writes beside the output and takes its place when all went well; an output that was there stays otherwise.
"""

from __future__ import annotations

import os
import re
from collections import deque
from pathlib import Path
from typing import IO, Any, Protocol

from docent.convert.conversations import Row
from docent.convert.files import json_line
from docent.convert.trainers.trainer import Trainer
from docent.convert.trainers.trl import schema
from docent.errors import ConfigError
from docent.store import temporary_name

MAX_GROUP_BYTES = 64 << 20
MAX_GROUP_ROWS = 100


class Output(Protocol):
    """A file that grows row by row.

    Attributes:
        counts: of each file, its rows and how many of them show pictures.
    """

    counts: list[tuple[int, int]]

    def add(self, row: Row, pictures: int) -> None:
        """The next row, and how many pictures it shows."""

    def close(self) -> list[Path]:
        """Take the place of what was there; returns the files."""

    def discard(self) -> None:
        """Leave what was there, and no trace of this."""


class LineFiles:
    """JSON lines: `out`, or `out-part-1-of-3` and so on where one file would be more than the trainer takes."""

    def __init__(self, out: Path, trainer: Trainer) -> None:
        out.parent.mkdir(parents=True, exist_ok=True)
        self._out, self._trainer = out, trainer
        self._parts: list[Path] = []
        self._file: IO[bytes] | None = None
        self._bytes = 0
        self.counts: list[tuple[int, int]] = []
        self._ends: list[deque[tuple[int, bool]]] = []

    def add(self, row: Row, pictures: int) -> None:
        """The next row, in a new part where the last one is full."""
        line = json_line(row)
        if self._file is None or self._is_full(len(line), pictures):
            self._begin()
        assert self._file is not None
        self._ends[-1].append((self._bytes, pictures > 0))
        self._file.write(line)
        self._bytes += len(line)
        rows, with_pictures = self.counts[-1]
        self.counts[-1] = (rows + 1, with_pictures + (pictures > 0))

    def close(self) -> list[Path]:
        """Take the place of what was there; returns the files."""
        self._end()
        self._fill_last()
        names = [self._out]
        if len(self._parts) > 1:
            stem, suffix, number = self._out.stem, self._out.suffix, len(self._parts)
            names = [self._out.with_name(f"{stem}-part-{one}-of-{number}{suffix}") for one in range(1, number + 1)]
        for part, name in zip(self._parts, names, strict=True):
            os.replace(part, name)
        if len(names) > 1:  # an earlier one would be taken for the whole
            self._out.unlink(missing_ok=True)
        part_of = re.compile(rf"{re.escape(self._out.stem)}-part-\d+-of-\d+{re.escape(self._out.suffix)}")
        for earlier in self._out.parent.iterdir():
            if part_of.fullmatch(earlier.name) and earlier not in names:
                earlier.unlink(missing_ok=True)
        self._parts = []
        return names

    def discard(self) -> None:
        """Leave what was there."""
        if self._file:
            self._file.close()
        for part in self._parts:
            part.unlink(missing_ok=True)

    def _is_full(self, more_bytes: int, pictures: int) -> bool:
        max_bytes, max_rows = self._trainer.max_file_bytes, self._trainer.max_rows_with_pictures
        too_long = max_bytes is not None and self._bytes + more_bytes > max_bytes
        return too_long or (max_rows is not None and pictures > 0 and self.counts[-1][1] >= max_rows)

    def _begin(self) -> None:
        self._end()
        part = self._out.with_name(f"{self._out.stem}-part-{len(self._parts) + 1}{self._out.suffix}")
        self._parts.append(temporary_name(part))
        self._file = self._parts[-1].open("wb")
        self._bytes = 0
        self.counts.append((0, 0))
        self._ends.append(deque(maxlen=self._trainer.min_rows))

    def _fill_last(self) -> None:
        """Move rows from the end of the last part but one, where the last has fewer than the trainer takes."""
        if len(self._parts) < 2:
            return
        (rows_before, shown_before), (rows, shown) = self.counts[-2:]
        moved = self._trainer.min_rows - rows
        if moved <= 0 or rows_before - moved < self._trainer.min_rows:
            return
        places = list(self._ends[-2])[-moved:]
        more_bytes = self._parts[-2].stat().st_size - places[0][0]
        max_bytes = self._trainer.max_file_bytes
        if max_bytes is not None and self._parts[-1].stat().st_size + more_bytes > max_bytes:
            return
        with self._parts[-2].open("r+b") as before, self._parts[-1].open("rb") as last:
            before.seek(places[0][0])
            lines = before.read() + last.read()
            before.seek(places[0][0])
            before.truncate()
        self._parts[-1].write_bytes(lines)
        shown_moved = sum(shows for _, shows in places)
        self.counts[-2:] = [(rows_before - moved, shown_before - shown_moved), (rows + moved, shown + shown_moved)]

    def _end(self) -> None:
        if self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None


class ParquetFile:
    """Parquet with pictures inside, in groups of rows that fit into memory; without their column where none has any.

    Raises:
        ConfigError: pyarrow is not installed.
    """

    def __init__(self, out: Path) -> None:
        try:
            from pyarrow import parquet
        except ModuleNotFoundError as error:
            what = f"Parquet cannot be written: no module {error.name}"
            raise ConfigError(what, str(out), "pip install 'docent[build-dataset]'") from None
        out.parent.mkdir(parents=True, exist_ok=True)
        self._out, self._temporary = out, temporary_name(out)
        self._writer: Any = parquet.ParquetWriter(self._temporary, schema(pictures=True))
        self._rows: list[Row] = []
        self._bytes = 0
        self.counts = [(0, 0)]

    def add(self, row: Row, pictures: int) -> None:
        """The next row."""
        self._rows.append(row)
        rows, with_pictures = self.counts[0]
        self.counts = [(rows + 1, with_pictures + (pictures > 0))]
        self._bytes += sum(len(picture["bytes"]) for picture in row["images"])
        if self._bytes >= MAX_GROUP_BYTES or len(self._rows) >= MAX_GROUP_ROWS:
            self._flush()

    def close(self) -> list[Path]:
        """Take the place of what was there."""
        self._flush()
        self._writer.close()
        if not self.counts[0][1]:
            self._drop_column()
        os.replace(self._temporary, self._out)
        return [self._out]

    def discard(self) -> None:
        """Leave what was there."""
        self._writer.close()
        self._temporary.unlink(missing_ok=True)

    def _flush(self) -> None:
        import pyarrow

        if self._rows:
            self._writer.write_table(pyarrow.Table.from_pylist(self._rows, schema=schema(pictures=True)))
        self._rows, self._bytes = [], 0

    def _drop_column(self) -> None:
        """With a column of pictures TRL takes a set of texts for one of pictures."""
        from pyarrow import parquet

        other = temporary_name(self._out.with_name(f"{self._out.name}-texts"))
        with parquet.ParquetWriter(other, schema(pictures=False)) as writer:
            for batch in parquet.ParquetFile(self._temporary).iter_batches(columns=["messages"]):
                writer.write_batch(batch.select(["messages"]).cast(schema(pictures=False)))
        os.replace(other, self._temporary)
