"""What people filled into the table of an earlier review, so that writing it anew loses nothing.

Reads `<run>/review/pairs.csv` and `decisions-without-pair.csv` as they are; writes the second anew, with the rows
whose pair the run no longer has.
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

from docent.stages.curate.review_table import COLUMNS, harmless, read_table, unguarded
from docent.store import temporary_name

TABLE, WITHOUT_PAIR = "pairs.csv", "decisions-without-pair.csv"
FILLED = ("decision", "edited_question", "edited_answer", "note")
"""Columns for people; all others say what the run says."""


def carried_from(folder: Path) -> dict[str, dict[str, str]]:
    """Rows in which a person wrote something, by the id of their pair; cells as they are meant, without apostrophes.

    They are not checked here: a misspelt decision is carried like any other and named when it is applied.

    Raises:
        InputError: one of the files cannot be read, and writing anew would lose what is in it.
    """
    found: dict[str, dict[str, str]] = {}
    for name in (WITHOUT_PAIR, TABLE):
        path = folder / name
        if not path.is_file():
            continue
        for _, row in read_table(path):
            cells = {column: unguarded(row.get(column, "")) for column in COLUMNS}
            if any(cells[column] for column in FILLED):
                found[cells["id"]] = cells
    return found


def keep_without_pair(folder: Path, carried: dict[str, dict[str, str]], known: Collection[str]) -> int:
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
        table.writerows({column: harmless(value) for column, value in row.items()} for row in lost)
    made.replace(path)
    return len(lost)
