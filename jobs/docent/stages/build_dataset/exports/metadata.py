"""Write the metadata of pictures: `metadata.parquet` next to them for programs, `metadata-<split>.csv` for people.

`load_dataset("imagefolder")` guesses the types of a CSV (`007` becomes 7, `NA` becomes null) and of JSONL (`2024-01-01`
becomes a timestamp), whereas a Parquet file declares its columns as text. It rejects a folder with two metadata files,
so the CSV is outside of `images/`. docent never reads any of these files back.
"""

from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from docent.convert.published import COLUMNS, answer_text, dialog, metadata_line
from docent.records import Example
from docent.text.encodings.spreadsheet import guarded

BATCH_ROWS = 1000


class Metadata:
    """Writes the metadata of one split row by row, if it has pictures; equal rows give equal bytes.

    A row with several pictures gets one entry per picture; a row without a picture gets none.

    Args:
        folder: the folder of the split's pictures.
        table_path: returns the path of the CSV; called with the first picture.
        think: whether answers include their reasoning.
    """

    def __init__(self, folder: Path, table_path: Callable[[], Path], think: bool = False) -> None:
        self._folder, self._table_path, self._think = folder, table_path, think
        self._rows: list[dict[str, Any]] = []
        self._writer: Any = None
        self._table: IO[str] | None = None

    def add(self, row: Example) -> None:
        """Add the next row of the data set."""
        for file in row.files:
            table = self._table or self._open()
            name = file.rpartition("/")[2]
            conversation = dialog(row.question, answer_text(row, self._think), len(row.files))
            self._rows.append(dict(zip(COLUMNS, (row.data_id, row.item_name, name, name, conversation), strict=True)))
            table.write(metadata_line(row.data_id, *map(guarded, (row.item_name, name, file, conversation))))
            if len(self._rows) >= BATCH_ROWS:
                self._write()

    def close(self) -> None:
        """Write what is pending and close both files."""
        if self._table:
            self._write()
            self._writer.close()
            self._table.close()

    def _open(self) -> IO[str]:
        import pyarrow
        from pyarrow import parquet

        self._folder.mkdir(exist_ok=True)
        fields = [(name, pyarrow.int64() if name == "data_id" else pyarrow.string()) for name in COLUMNS]
        self._writer = parquet.ParquetWriter(self._folder / "metadata.parquet", pyarrow.schema(fields))
        self._table = self._table_path().open("w", encoding="utf-8", newline="")
        self._table.write(metadata_line(*COLUMNS))
        return self._table

    def _write(self) -> None:
        import pyarrow

        if self._rows:
            self._writer.write_table(pyarrow.Table.from_pylist(self._rows, schema=self._writer.schema))
            self._rows = []
