"""Keep the entries of people in the table of an earlier review when the table is written again.

Reads `<run>/review/pairs.csv`, `edits.csv` (the decisions that were applied) and `decisions-without-pair.csv`. Rewrites
the last one with the decisions whose pair the run no longer has, and stores applied decisions in `edits.csv`.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from docent.artifacts.durable import write_durably
from docent.stages.curate.review.table import COLUMNS, new_table, read_table
from docent.text.encodings.spreadsheet import guarded, unguarded

TABLE, APPLIED, BEFORE = "pairs.csv", "edits.csv", "edits-before.csv"
WITHOUT_PAIR = "decisions-without-pair.csv"
FILLED = ("decision", "edited_question", "edited_answer", "note")
"""Columns that people fill in; docent fills all others."""


def read_decisions(folder: Path) -> dict[str, dict[str, str]]:
    """Return the rows that a person filled in, by pair id, with guarding apostrophes stripped.

    If there are two decisions about a pair, the one in the file that was changed last applies. Decisions are not
    checked here: invalid ones are kept, too, and reported when they are applied.

    Raises:
        InputError: a file cannot be read; writing it again would lose its content.
    """
    decisions: dict[str, dict[str, str]] = {}
    existing = [path for name in (TABLE, APPLIED) if (path := folder / name).is_file()]
    newest_last = sorted(existing, key=lambda path: path.stat().st_mtime_ns)
    lost = folder / WITHOUT_PAIR
    for path in (*([lost] if lost.is_file() else []), *newest_last):
        for _, row in read_table(path):
            cells = {column: unguarded(row.get(column, "")) for column in COLUMNS}
            if any(cells[column] for column in FILLED):
                before = decisions.get(cells["id"], cells)
                chosen = cells if cells["decision"] else before
                decisions[cells["id"]] = {**chosen, "note": cells["note"] or before["note"]}
    return decisions


def keep_without_pair(folder: Path, decisions: Mapping[str, Mapping[str, str]], known: Collection[str]) -> None:
    """Write the decisions whose pair is unknown to a separate file, if there are any."""
    lost = [row for pair_id, row in decisions.items() if pair_id not in known]
    path = folder / WITHOUT_PAIR
    if not lost:
        path.unlink(missing_ok=True)
        return
    with new_table(path) as table:
        table.writerows({column: guarded(value) for column, value in row.items()} for row in lost)


def store(path: Path, folder: Path) -> int:
    """Copy a checked file of decisions to `edits.csv` in the folder.

    Returns:
        How many decisions of the previous file are missing in this one; if any, it is kept as `edits-before.csv`.
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
