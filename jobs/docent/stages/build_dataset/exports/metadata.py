"""Write the metadata of pictures: `metadata.parquet` next to them for programs, `metadata-<split>.csv` for people.

`load_dataset("imagefolder")` guesses the types of a CSV (`007` becomes 7, `NA` becomes null) and of JSONL (`2024-01-01`
becomes a timestamp), whereas a Parquet file declares its columns as text. It rejects a folder with two metadata files,
so the CSV is outside of `images/`. docent never reads any of these files back.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from docent.convert.published import COLUMNS, answer_text, dialog, metadata_line
from docent.records import Example, Split
from docent.text.encodings.spreadsheet import guarded

BATCH_ROWS = 1000


class MetadataFiles:
    """Writes the metadata of every split that has pictures, row by row; equal rows give equal bytes.

    A row with several pictures gets one entry per picture; a row without a picture gets none.

    Args:
        folder: the folder that contains a folder of pictures per split.
        table_path: returns the path of a split's CSV.
        think: whether answers include their reasoning.
    """

    def __init__(self, folder: Path, table_path: Callable[[Split], Path], think: bool = False) -> None:
        self._folder, self._table_path, self._think = folder, table_path, think
        self._splits: dict[Split, _Split] = {}

    def add(self, row: Example) -> None:
        """Add the next row of the data set."""
        for file in row.files:
            if row.split not in self._splits:
                place = self._folder / row.split / "metadata.parquet"
                self._splits[row.split] = _Split(place, self._table_path(row.split))
            name = file.rpartition("/")[2]
            said = dialog(row.question, answer_text(row, self._think), len(row.files))
            self._splits[row.split].add((row.data_id, row.item_name, name, name, said), file)

    def close(self) -> None:
        """Write what is pending and close the files."""
        for files in self._splits.values():
            files.close()


class _Split:
    """Writes the Parquet file and the CSV of one split."""

    def __init__(self, place: Path, table: Path) -> None:
        import pyarrow
        from pyarrow import parquet

        place.parent.mkdir(exist_ok=True)
        fields = [(name, pyarrow.int64() if name == "data_id" else pyarrow.string()) for name in COLUMNS]
        self._writer = parquet.ParquetWriter(place, pyarrow.schema(fields))
        self._rows: list[dict[str, Any]] = []
        self._table: IO[str] = table.open("w", encoding="utf-8", newline="")
        self._table.write(metadata_line(*COLUMNS))

    def add(self, cells: tuple[int, str, str, str, str], file: str) -> None:
        """Add the next entry; `file` is the path of the picture, relative to the CSV."""
        self._rows.append(dict(zip(COLUMNS, cells, strict=True)))
        number, item, name, _, said = cells
        self._table.write(metadata_line(number, *map(guarded, (item, name, file, said))))
        if len(self._rows) >= BATCH_ROWS:
            self._write()

    def close(self) -> None:
        """Write what is pending and close both files."""
        self._write()
        self._writer.close()
        self._table.close()

    def _write(self) -> None:
        import pyarrow

        if self._rows:
            self._writer.write_table(pyarrow.Table.from_pylist(self._rows, schema=self._writer.schema))
            self._rows = []
