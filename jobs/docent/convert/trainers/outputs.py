"""Write the files that trainers read row by row: JSON lines, split into parts if a limit requires it, and Parquet.

Each class writes a temporary file, which replaces the output at the end; until then an earlier output is kept.
"""

import os
import re
import shutil
from array import array
from itertools import pairwise
from pathlib import Path
from typing import IO

from docent.artifacts.durable import temporary_name
from docent.convert.conversations import Row
from docent.convert.files import json_line
from docent.convert.row_files import import_parquet
from docent.convert.trainers.trainer import Trainer
from docent.convert.trainers.trl import schema

MAX_GROUP_BYTES = 64 << 20
MAX_GROUP_ROWS = 100


class LineFiles:
    """JSON lines: `out`, or `out-part-1-of-3` and so on if one file would exceed a limit of the trainer.

    Attributes:
        counts: number of rows of each file and number of rows with pictures, once the files are closed.
    """

    def __init__(self, out: Path, trainer: Trainer) -> None:
        out.parent.mkdir(parents=True, exist_ok=True)
        self._out, self._trainer = out, trainer
        self._temporary = temporary_name(out)
        self._file = self._temporary.open("wb")
        self._starts = array("Q", [0])  # byte offset of each row, and of the end
        self._shows = bytearray()
        self.counts: list[tuple[int, int]] = []

    def add(self, row: Row, pictures: int) -> None:
        """Append a row that shows `pictures` pictures."""
        self._starts.append(self._starts[-1] + self._file.write(json_line(row)))
        self._shows.append(pictures > 0)

    def close(self) -> list[Path]:
        """Replace the output and the parts of an earlier run; return the new files."""
        self._file.close()
        bounds = self._bounds()
        self.counts = [(end - start, sum(self._shows[start:end])) for start, end in pairwise(bounds)]
        stem, suffix, number = self._out.stem, self._out.suffix, len(self.counts)
        paths = [self._out]
        if number > 1:
            paths = [self._out.with_name(f"{stem}-part-{one}-of-{number}{suffix}") for one in range(1, number + 1)]
        with self._temporary.open("r+b") as rows:
            # From the end, so that at most one part is on the disk twice.
            for start, path in reversed(list(zip(bounds[1:-1], paths[1:], strict=True))):
                rows.seek(self._starts[start])
                temporary = temporary_name(path)
                with temporary.open("wb") as part:
                    shutil.copyfileobj(rows, part)
                    _sync(part)
                os.replace(temporary, path)
                rows.truncate(self._starts[start])
            _sync(rows)
        os.replace(self._temporary, paths[0])
        if number > 1:  # an earlier output would be mistaken for the complete file
            self._out.unlink(missing_ok=True)
        part_of = re.compile(rf"{re.escape(stem)}-part-\d+-of-\d+{re.escape(suffix)}")
        for earlier in self._out.parent.iterdir():
            if part_of.fullmatch(earlier.name) and earlier not in paths:
                earlier.unlink(missing_ok=True)
        return paths

    def discard(self) -> None:
        """Delete the unfinished files; an earlier output is kept."""
        self._file.close()
        self._temporary.unlink(missing_ok=True)

    def _bounds(self) -> list[int]:
        """Return the index of the first row of each part, followed by the number of all rows."""
        max_bytes, min_rows = self._trainer.max_file_bytes, self._trainer.min_rows
        bounds, shown, end = [0], 0, len(self._shows)
        for row, shows in enumerate(self._shows):
            is_long = self._starts[row + 1] - self._starts[bounds[-1]] > max_bytes
            if row and (is_long or (shows and shown >= self._trainer.max_rows_with_pictures)):
                bounds.append(row)
                shown = 0
            shown += shows
        if len(bounds) > 1:  # the last part needs `min_rows`, too: it gets rows of the part before if both then fit
            start = end - min_rows
            fits = start - bounds[-2] >= min_rows and self._starts[end] - self._starts[start] <= max_bytes
            if fits and start < bounds[-1]:
                bounds[-1] = start
        return [*bounds, end]


class ParquetFile:
    """Parquet with embedded pictures, in row groups that fit into memory; without the column if no row has pictures.

    Raises:
        ConfigError: pyarrow is not installed.
    """

    def __init__(self, out: Path) -> None:
        self._parquet = import_parquet(out, "written")
        out.parent.mkdir(parents=True, exist_ok=True)
        self._out, self._temporary = out, temporary_name(out)
        self._writer = self._parquet.ParquetWriter(self._temporary, schema(pictures=True))
        self._rows: list[Row] = []
        self._bytes = 0
        self.counts = [(0, 0)]

    def add(self, row: Row, pictures: int) -> None:
        """Append a row that shows `pictures` pictures."""
        self._rows.append(row)
        rows, with_pictures = self.counts[0]
        self.counts = [(rows + 1, with_pictures + (pictures > 0))]
        self._bytes += sum(len(picture["bytes"]) for picture in row["images"])
        if self._bytes >= MAX_GROUP_BYTES or len(self._rows) >= MAX_GROUP_ROWS:
            self._flush()

    def close(self) -> list[Path]:
        """Replace the output; return its path."""
        self._flush()
        self._writer.close()
        if not self.counts[0][1]:
            self._drop_column()
        os.replace(self._temporary, self._out)
        return [self._out]

    def discard(self) -> None:
        """Delete the unfinished files; an earlier output is kept."""
        self._writer.close()
        self._temporary.unlink(missing_ok=True)

    def _flush(self) -> None:
        import pyarrow

        if self._rows:
            self._writer.write_table(pyarrow.Table.from_pylist(self._rows, schema=schema(pictures=True)))
        self._rows, self._bytes = [], 0

    def _drop_column(self) -> None:
        """Rewrite the file without `images`: TRL treats any data set with that column as one with pictures."""
        texts = temporary_name(self._out.with_name(f"{self._out.name}-texts"))
        with self._parquet.ParquetWriter(texts, schema(pictures=False)) as writer:
            for batch in self._parquet.ParquetFile(self._temporary).iter_batches(columns=["messages"]):
                writer.write_batch(batch.select(["messages"]).cast(schema(pictures=False)))
        os.replace(texts, self._temporary)


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
