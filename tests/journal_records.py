"""What stands in a journal, read without docent's own reader: for tests and proofs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any


def records(journal: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """The last record of each try; whole lines only, for a process may be writing the last one."""
    tries: dict[tuple[str, int], dict[str, Any]] = {}
    for path in sorted(journal.glob("*.jsonl")):
        for line in path.read_bytes().splitlines(keepends=True):
            fields = json.loads(line) if line.endswith(b"\n") and line.strip() else {}
            if "key" in fields:
                known = tries.get((fields["writer"], fields["number"]), {})
                if "state" in fields or not known:
                    tries[fields["writer"], fields["number"]] = fields
    return tries


def states(journal: Path) -> Counter[str]:
    """How many tries are in each state."""
    return Counter(fields.get("state", "begun") for fields in records(journal).values())


def rewrite(journal: Path, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    """Change every record, or leave it out with None, as somebody with an editor would."""
    for path in sorted(journal.glob("*.jsonl")):
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        kept = [changed for fields in lines if (changed := change(fields) if "key" in fields else fields) is not None]
        path.write_text("".join(json.dumps(fields) + "\n" for fields in kept))
