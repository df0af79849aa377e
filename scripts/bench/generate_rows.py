"""Count what a system has made: rows, different ones, whole ones, and those that were cut and kept all the same.

Reads `rows.jsonl` of a run; writes nothing; `generate.py` is what runs. The endpoint's answers begin with a mark that
follows from the request and have one length, so a row that is lost, doubled, mixed up or cut is seen in itself.
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
    """Rows of one run.

    Attributes:
        rows: all; unique: with different marks; valid: different ones that are whole; cut: kept although cut short.
    """

    rows: int = 0
    unique: int = 0
    valid: int = 0
    cut: int = 0


def mark_of(row: dict[str, Any], structured: bool) -> str:
    """The mark of a row's request; "" where it has none, or question and answer belong to different ones."""
    if not structured and "text" in row:
        found = MARK.match(str(row["text"]))
        return found.group() if found else ""
    question, answer = row.get("question"), row.get("answer")
    if not isinstance(question, str) or not isinstance(answer, str):
        return ""
    found = MARK.match(answer)
    return found.group() if found and found.group() in question else ""


def count(path: Path, structured: bool, answer_bytes: int) -> Counted:
    """Count a file of rows; no file is no rows.

    Args:
        path: the file.
        structured: only {question, answer} is valid; otherwise a text is as well.
        answer_bytes: length of a whole answer. A system may strip white space from its end.
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
