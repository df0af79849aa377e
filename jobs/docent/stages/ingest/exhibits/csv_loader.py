"""Load source kind `exhibits-csv`: one exhibit per row, with one column of photo file names per split.

The columns are named as in the MuseQuest table: item_id, item_name, link, train_images, validation_images,
test_images, description. A name, a description and one image column are required; an id distinguishes exhibits with
the same name; other columns are ignored.
"""

import difflib
from collections.abc import Iterator
from pathlib import Path

from docent.config.sources import Source
from docent.errors import InputError
from docent.messages.printing import printable
from docent.records import SPLITS, Reject, Slots
from docent.stages.ingest.exhibits.names import ID_COLUMNS, usable_id, with_spoken_names
from docent.stages.ingest.exhibits.photo_lists import HOW_TO_LIST, is_unclear, photo_names
from docent.stages.ingest.sources import Exhibit, ListedPhoto, check_exhibit, read_at_most, shorten
from docent.stages.ingest.tables.cell_html import readable_html
from docent.stages.ingest.tables.csv_files import (
    NO_ROWS,
    EncodingError,
    find_header,
    open_csv,
    problem_of,
    without_empty_end,
)
from docent.stages.ingest.tables.csv_records import MAX_CSV_BYTES, Record, RecordError, cell_line, cell_spans

NAME, DESCRIPTION = "item_name", "description"
IMAGE_COLUMNS = {f"{split}_images": split for split in SPLITS}


def list_exhibits(source: Source) -> list[Exhibit | Reject]:
    """Return every row of the CSV as an exhibit, or as a reject if it is not usable; open no photo.

    Raises:
        InputError: the file is not a CSV with the required columns, its encoding is unknown, or the images folder is
            missing.
    """
    folder = source.images_folder
    if folder is None or not folder.is_dir():
        raise InputError("the images folder of the CSV is not a folder", str(folder), "correct ingest.sources.N.images")
    header, below = find_header(_records(source), source.path.name, (NAME, DESCRIPTION))
    if header is None:
        raise InputError("the CSV is empty", str(source.path), _needed())
    names = without_empty_end(header.cells, 1)
    columns = _columns(source.path, names)
    exhibits = [_exhibit(source, folder, columns, record, len(names)) for record in below]
    if not exhibits:
        detail = f"only the names of its columns: {shorten(', '.join(names))}"
        return [Reject(reason=NO_ROWS, raw=printable(source.path.name), detail=detail)]
    return with_spoken_names(exhibits)


def _records(source: Source) -> Iterator[Record]:
    """Yield the rows of the file."""
    path = source.path
    if not path.is_file():
        raise InputError("the CSV is not a file", str(path), "set ingest.sources.N.path to the CSV file")
    if (data := read_at_most(path, MAX_CSV_BYTES)) is None:
        raise InputError(f"the CSV is larger than {MAX_CSV_BYTES} bytes", str(path), "split it into several sources")
    try:
        yield from open_csv(data, path.name, "encoding of the source", source.encoding)
    except EncodingError as error:
        what = f"cannot determine the encoding of the CSV: {error}"
        raise InputError(what, str(path), "set ingest.sources.N.encoding, or save the file as CSV UTF-8") from None
    except RecordError as error:
        what = f"the CSV cannot be read: {error.what}"
        raise InputError(what, f"{path}:{error.line}", "correct the quotes on or above this line") from None


def _columns(path: Path, header: list[str]) -> dict[str, int]:
    """Return the position of each known column."""
    names = [cell.strip().lower() for cell in header]
    known = (NAME, DESCRIPTION, *IMAGE_COLUMNS, *ID_COLUMNS)
    columns = {name: names.index(name) for name in known if name in names}
    missing = [name for name in (NAME, DESCRIPTION) if name not in columns]
    if not any(name in columns for name in IMAGE_COLUMNS):
        missing.append(" or ".join(IMAGE_COLUMNS))
    if missing:
        raise InputError(
            f"missing columns: {', '.join(missing)}; found: {shorten(', '.join(names)) or 'none'}",
            str(path),
            _suggestion(names, missing),
        )
    for name in columns:
        if names.count(name) > 1 and name not in ID_COLUMNS:
            raise InputError(f"column {name} appears {names.count(name)} times", str(path), "keep only one of them")
    return columns


def _suggestion(names: list[str], missing: list[str]) -> str:
    if len(names) == 1 and NAME in names[0]:
        return "separate the columns with commas, semicolons, tabs or |"
    unknown = [name for name in names if name not in (NAME, DESCRIPTION, *IMAGE_COLUMNS)]
    wanted = [name for entry in missing for name in entry.split(" or ")]
    renames = [f"{near[0]} to {name}" for name in wanted if (near := difflib.get_close_matches(name, unknown, 1, 0.5))]
    return f"rename {', '.join(renames)}" if renames else _needed()


def _needed() -> str:
    return f"the first line must name the columns {NAME}, {DESCRIPTION} and at least one of {', '.join(IMAGE_COLUMNS)}"


def _exhibit(source: Source, folder: Path, columns: dict[str, int], record: Record, width: int) -> Exhibit | Reject:
    cells = without_empty_end(record.cells, width)
    if problem := problem_of(record, cells, width, printable(source.path.name)):
        return problem
    name = readable_html(cells[columns[NAME]].strip())
    text = readable_html(cells[columns[DESCRIPTION]].strip())
    if reject := check_exhibit(name, text, f"{printable(source.path.name)} line {record.first_line}"):
        return reject
    photos = tuple(_photos(source, folder, columns, record))
    ids = (usable_id(cells[columns[column]]) for column in ID_COLUMNS if column in columns)
    per_split = {split: len({p.name for p in photos if p.split == split}) for split in SPLITS}
    return Exhibit(
        source=source,
        name=name,
        text=text,
        span=cell_spans(source.path.name, record)[columns[DESCRIPTION]],
        root=folder,
        folder=folder,
        photos=photos,
        slots=Slots(**per_split),
        item_id=next(filter(None, ids), ""),
    )


def _photos(source: Source, folder: Path, columns: dict[str, int], record: Record) -> Iterator[ListedPhoto]:
    """Yield the photos in the image columns, in the order of SPLITS, each with its line."""
    for column, split in IMAGE_COLUMNS.items():
        if column in columns:
            first_line = cell_line(record, columns[column])
            cell = record.cells[columns[column]]
            names = list(photo_names(cell, folder))
            hint = f"; {HOW_TO_LIST}" if is_unclear(cell, names, folder) else ""
            for name, offset in names:
                yield ListedPhoto(name, f"{printable(source.path.name)} line {first_line + offset}{hint}", split)
