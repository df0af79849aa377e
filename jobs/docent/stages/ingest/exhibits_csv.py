"""Loader `exhibits-csv`: one exhibit per row, file names of its photos one per line in a cell for each split.

The columns are those of the published MuseQuest table: item_id, item_name, link, train_images, validation_images,
test_images, description. Needed are a name, a description and one image column; others are ignored.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path

from docent.config import Source
from docent.errors import InputError
from docent.records import SPLITS, Reject, Slots
from docent.stages.ingest.csv_records import MAX_CSV_BYTES, Record, RecordError, cell_line, cell_span, read_records
from docent.stages.ingest.sources import Exhibit, ListedPhoto, check_exhibit, shorten

NAME, DESCRIPTION = "item_name", "description"
IMAGE_COLUMNS = {f"{split}_images": split for split in SPLITS}


def list_exhibits(source: Source) -> list[Exhibit | Reject]:
    """Every row of the CSV as an exhibit, or as a reject where it cannot be one; opens no photo.

    Raises:
        InputError: the file is no UTF-8 CSV with the needed columns, or there is no images folder.
    """
    folder = source.images_folder
    if folder is None or not folder.is_dir():
        raise InputError("the CSV's images folder is not a folder", str(folder), "set ingest.sources.N.images")
    records = _records(source.path)
    header = next(records, None)
    if header is None:
        raise InputError("the CSV is empty", str(source.path), _needed())
    columns = _columns(source.path, header.cells)
    return [
        _exhibit(source, folder, columns, record, len(header.cells))
        for record in records
        if any(cell.strip() for cell in record.cells)
    ]


def _records(path: Path) -> Iterator[Record]:
    """The rows of the file, read as UTF-8 with or without a byte order mark."""
    if not path.is_file():
        raise InputError("the CSV is not a file", str(path), "set ingest.sources.N.path to the CSV itself")
    if path.stat().st_size > MAX_CSV_BYTES:
        raise InputError(f"the CSV has more than {MAX_CSV_BYTES} bytes", str(path), "divide it into several sources")
    with path.open(encoding="utf-8-sig", newline="") as lines:
        try:
            yield from read_records(lines)
        except RecordError as error:
            if error.byte:
                what = f"the CSV is not UTF-8: byte {error.byte} after line {error.line}"
                raise InputError(what, str(path), "save it as CSV UTF-8") from None
            what = f"the CSV cannot be read: {error.what}"
            raise InputError(what, f"{path}:{error.line}", "mend the quotes") from None


def _columns(path: Path, header: list[str]) -> dict[str, int]:
    """Position of each known column."""
    names = [cell.strip().lower() for cell in header]
    columns = {name: names.index(name) for name in (NAME, DESCRIPTION, *IMAGE_COLUMNS) if name in names}
    missing = [name for name in (NAME, DESCRIPTION) if name not in columns]
    if not any(name in columns for name in IMAGE_COLUMNS):
        missing.append(" or ".join(IMAGE_COLUMNS))
    if missing:
        raise InputError(
            f"columns are missing: {', '.join(missing)}; found: {shorten(', '.join(names)) or 'none'}",
            str(path),
            _suggestion(names, missing),
        )
    for name in columns:
        if names.count(name) > 1:
            raise InputError(f"column {name} stands there {names.count(name)} times", str(path), "keep one of them")
    return columns


def _suggestion(names: list[str], missing: list[str]) -> str:
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        return "separate the columns by commas"
    unknown = [name for name in names if name not in (NAME, DESCRIPTION, *IMAGE_COLUMNS)]
    wanted = [name for entry in missing for name in entry.split(" or ")]
    renames = [f"{near[0]} to {name}" for name in wanted if (near := difflib.get_close_matches(name, unknown, 1, 0.5))]
    return f"rename {', '.join(renames)}" if renames else _needed()


def _needed() -> str:
    return f"its first line must name {NAME}, {DESCRIPTION} and one or more of {', '.join(IMAGE_COLUMNS)}"


def _exhibit(source: Source, folder: Path, columns: dict[str, int], record: Record, width: int) -> Exhibit | Reject:
    cells = record.cells
    where = f"{source.path.name} line {record.first_line}"
    if len(cells) != width:
        detail = f"{where}: {len(cells)} cells under {width} columns; is a quote missing?"
        return Reject(reason="row has another number of cells", raw=shorten(",".join(cells)), detail=detail)
    name = cells[columns[NAME]].strip()
    text = cells[columns[DESCRIPTION]].strip()
    if reject := check_exhibit(name, text, where):
        return reject
    photos = tuple(_photos(source, columns, record))
    per_split = {split: len({p.name for p in photos if p.split == split}) for split in SPLITS}
    return Exhibit(
        source=source,
        name=name,
        text=text,
        span=cell_span(source.path.name, record, columns[DESCRIPTION]),
        root=folder,
        folder=folder,
        photos=photos,
        slots=Slots(**per_split),
    )


def _photos(source: Source, columns: dict[str, int], record: Record) -> Iterator[ListedPhoto]:
    """The names in the image columns, in the order of SPLITS, each with the line it stands on."""
    for column, split in IMAGE_COLUMNS.items():
        if column in columns:
            first_line = cell_line(record, columns[column])
            for offset, line in enumerate(re.split(r"\r\n|\r|\n", record.cells[columns[column]])):
                if name := line.strip():
                    yield ListedPhoto(name, f"{source.path.name} line {first_line + offset}", split)
