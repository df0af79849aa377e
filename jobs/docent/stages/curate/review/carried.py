"""What people filled into the table of an earlier review, so that writing it anew loses nothing.

Reads `<run>/review/pairs.csv`, `edits.csv` (what was applied) and `decisions-without-pair.csv`; writes the last anew,
with the rows whose pair the run no longer has, and puts applied decisions into `edits.csv`.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from pathlib import Path

from docent.stages.curate.review.table import COLUMNS, read_table
from docent.store import temporary_name, write_durably
from docent.text.encodings.spreadsheet import guarded, unguarded

TABLE, APPLIED, BEFORE = "pairs.csv", "edits.csv", "edits-before.csv"
WITHOUT_PAIR = "decisions-without-pair.csv"
FILLED = ("decision", "edited_question", "edited_answer", "note")
"""Columns for people; all others say what the run says."""


def carried_from(folder: Path) -> dict[str, dict[str, str]]:
    """Rows in which a person wrote something, by the id of their pair; cells as they are meant, without apostrophes.

    Of two decisions about a pair that of the file changed last counts. They are not checked here: a misspelt one is
    carried like any other and named when it is applied.

    Raises:
        InputError: one of the files cannot be read, and writing anew would lose what is in it.
    """
    found: dict[str, dict[str, str]] = {}
    newest_last = sorted(_there(folder, TABLE, APPLIED), key=lambda path: path.stat().st_mtime_ns)
    for path in (*_there(folder, WITHOUT_PAIR), *newest_last):
        for _, row in read_table(path):
            cells = {column: unguarded(row.get(column, "")) for column in COLUMNS}
            if any(cells[column] for column in FILLED):
                before = found.get(cells["id"], cells)
                chosen = cells if cells["decision"] else before
                found[cells["id"]] = {**chosen, "note": cells["note"] or before["note"]}
    return found


def _there(folder: Path, *names: str) -> list[Path]:
    return [folder / name for name in names if (folder / name).is_file()]


def keep_without_pair(folder: Path, carried: Mapping[str, Mapping[str, str]], known: Collection[str]) -> int:
    """Write the rows whose pair is not known to a file of their own; how many there are. No row, no file."""
    lost = [row for pair_id, row in carried.items() if pair_id not in known]
    path = folder / WITHOUT_PAIR
    if not lost:
        path.unlink(missing_ok=True)
        return 0
    made = temporary_name(path)
    with made.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows({column: guarded(value) for column, value in row.items()} for row in lost)
    made.replace(path)
    return len(lost)


def store(path: Path, folder: Path) -> int:
    """Copy a checked file of decisions to `edits.csv` of the folder.

    Returns:
        How many decisions of the file that was there before are not in this one; it then stays as `edits-before.csv`.
    """
    data, target = path.read_bytes(), folder / APPLIED
    folder.mkdir(parents=True, exist_ok=True)
    left_out = 0
    if target.is_file() and (former := target.read_bytes()) != data:
        decided = {row["id"] for _, row in read_table(path) if row["decision"]}
        left_out = sum(bool(row["decision"]) and row["id"] not in decided for _, row in read_table(target))
        if left_out:
            write_durably(folder / BEFORE, former)
    write_durably(target, data)
    return left_out
