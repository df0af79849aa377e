"""Implement `docent convert dialogs`: convert the published table of exhibits and dialogs to three `metadata.csv`.

The pairs of an exhibit are assigned in order: one to each test picture, then to each validation picture, then to each
training picture. The tables have the format of the published ones. Since programs guess the types of their columns,
names that would be misread are reported.
"""

import csv
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from docent.convert.files import replacing
from docent.convert.published import COLUMNS, dialog, metadata_line
from docent.errors import InputError
from docent.llm.structure.dialogue import UnusableReplyError, parse_dialogue
from docent.records import SPLITS, Split

NAME, DIALOGS = "item_name", "synthetic_dialogs"
SPLIT_ORDER: tuple[Split, ...] = ("test", "validation", "train")
MAX_CELL_CHARS = 64 << 20
VISITOR = "[visitor]"
NOTHING = frozenset(
    ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA")
    + ("NULL", "NaN", "None", "n/a", "nan", "null")
)
"""Cells that `pandas.read_csv`, which `load_dataset` uses for tables, reads as empty."""
BOOLEANS = frozenset(("true", "false"))
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf", re.ASCII)


@dataclass
class Written:
    """Counts of rows and pictures, and warnings.

    Attributes:
        rows: number of rows of each split.
        pictures: number of pictures named in the table.
        missing: pictures that do not exist.
        unused: number of pairs without a picture.
        guessed: names that `load_dataset("imagefolder")` reads as numbers or as empty.
    """

    rows: dict[Split, int] = field(default_factory=lambda: dict.fromkeys(SPLITS, 0))
    pictures: int = 0
    missing: list[str] = field(default_factory=list)
    unused: int = 0
    guessed: list[str] = field(default_factory=list)


def convert(table: Path, out: Path, images: Path | None) -> Written:
    """Write `<out>/<split>/metadata.csv` for each split that is not empty; copy the pictures if their folder is given.

    Raises:
        InputError: the table cannot be read, or an exhibit has fewer pairs than pictures.
    """
    written = Written()
    rows: dict[Split, list[tuple[str, str, str]]] = {split: [] for split in SPLITS}
    for where, row in _rows(table):
        pairs = iter(_pairs(row, where))
        for split in SPLIT_ORDER:
            for image in _pictures(row, split, where):
                rows[split].append((row[NAME], image, dialog(*next(pairs))))
        written.unused += len(list(pairs))
    for split in SPLITS:
        if not rows[split]:
            (out / split / "metadata.csv").unlink(missing_ok=True)
            continue
        with replacing(out / split / "metadata.csv") as file:
            file.write(metadata_line(*COLUMNS).encode())
            for number, (item, image, cell) in enumerate(rows[split]):
                file.write(metadata_line(number, item, image, image, cell).encode())
        written.rows[split] = len(rows[split])
        guessed = _guessed([item for item, _, _ in rows[split]])
        written.guessed += [name for name in guessed if name not in written.guessed]
        written.pictures += len(rows[split])
        if images is not None:
            written.missing += _copied([image for _, image, _ in rows[split]], images, out / split)
    return written


def _rows(table: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield every row, with the file and the line number of its end."""
    if not table.is_file():
        raise InputError("no such file", str(table), "pass the CSV with the dialogs")
    csv.field_size_limit(MAX_CELL_CHARS)
    with table.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        wanted = (NAME, *(f"{split}_images" for split in SPLITS), DIALOGS)
        try:
            missing = [name for name in wanted if name not in (reader.fieldnames or ())]
            if missing:
                what = f"missing columns: {', '.join(missing)}"
                raise InputError(what, str(table), f"expected columns: {', '.join(wanted)}")
            for row in reader:
                yield f"{table}:{reader.line_num}", {name: row[name] or "" for name in wanted}
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"the table cannot be read: {error}", str(table), "save it as a CSV in UTF-8") from None


def _pictures(row: dict[str, str], split: Split, where: str) -> list[str]:
    """Return the file names of one split; refuse a name that leads outside the folder."""
    names = [name for line in row[f"{split}_images"].splitlines() if (name := line.strip())]
    for name in names:
        if "/" in name or "\\" in name or name in (".", "..") or "\0" in name:
            raise InputError(f"not a plain file name: {name[:80]!r}", where, "remove folders from picture names")
    return names


def _pairs(row: dict[str, str], where: str) -> list[tuple[str, str]]:
    number = row[DIALOGS].lower().count(VISITOR)
    pictures = sum(len(_pictures(row, split, where)) for split in SPLITS)
    try:
        pairs = parse_dialogue(row[DIALOGS], number)
    except UnusableReplyError as error:
        raise InputError(f"the dialogs cannot be parsed: {error}", where, "fix the cell") from None
    if len(pairs) < pictures:
        what = f"{row[NAME]} has {len(pairs)} pairs for {pictures} pictures"
        raise InputError(what, where, "remove pictures or add pairs")
    return pairs


def _guessed(names: list[str]) -> list[str]:
    """Return the names of a column that a type-guessing program reads as empty, numbers or booleans."""
    empty = [name for name in names if name in NOTHING]
    others = [name for name in names if name not in NOTHING]
    typed = others if all(map(_NUMBER.fullmatch, others)) or {name.lower() for name in others} <= BOOLEANS else []
    return [*empty, *typed]


def _copied(names: list[str], images: Path, folder: Path) -> list[str]:
    """Copy pictures from a folder, or from its subfolder for the split; return those that are missing."""
    missing = []
    for name in dict.fromkeys(names):
        source = next((path for path in (images / name, images / folder.name / name) if path.is_file()), None)
        if source is None:
            missing.append(f"{folder.name}/{name}")
        elif source.resolve() != (folder / name).resolve():  # pictures that are already there stay
            shutil.copyfile(source, folder / name)
    return missing
