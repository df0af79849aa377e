"""Count the rows of a system: all, distinct, complete, and truncated rows that were kept.

Reads `rows.jsonl` of a run; writes no files; used by `generate.py`. The endpoint's answers start with a mark derived
from the request and have a fixed length, so a lost, duplicated, mixed-up or truncated row is visible in the row itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARK = re.compile(r"[0-9a-f]{16}")


@dataclass
class Counted:
    """Row counts of one run.

    Attributes:
        rows: number of all rows.
        unique: number of distinct marks.
        valid: number of distinct marks of complete rows.
        cut: number of truncated rows that were kept.
    """

    rows: int = 0
    unique: int = 0
    valid: int = 0
    cut: int = 0


def mark_of(row: dict[str, Any], structured: bool) -> str:
    """Return the mark of a row's request; "" if it has none, or if question and answer have different marks."""
    if not structured and "text" in row:
        match = MARK.match(str(row["text"]))
        return match.group() if match else ""
    question, answer = row.get("question"), row.get("answer")
    if not isinstance(question, str) or not isinstance(answer, str):
        return ""
    match = MARK.match(answer)
    return match.group() if match and match.group() in question else ""


def count(path: Path, structured: bool, answer_bytes: int) -> Counted:
    """Count the rows of a file; a missing file has none.

    Args:
        path: the file.
        structured: whether only {question, answer} is valid; otherwise a text is valid too.
        answer_bytes: length of a complete answer. A system may strip white space from its end.
    """
    counted, seen, whole = Counted(), set[str](), set[str]()
    if not path.exists():
        return counted
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                row = json.loads(line)
            except ValueError:
                continue  # the last line of a run that was ended
            counted.rows += 1
            text = str(row.get("answer", row.get("text", "")))
            cut = len(text) < answer_bytes - 1
            counted.cut += cut
            if mark := mark_of(row, structured):
                seen.add(mark)
                if not cut:
                    whole.add(mark)
    counted.unique, counted.valid = len(seen), len(whole)
    return counted
