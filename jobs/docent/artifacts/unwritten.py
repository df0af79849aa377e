"""Pairs that a teacher was asked for and did not write, as `statistics.json` of stage `build-dataset` lists them.

Reads and writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any


def unwritten(statistics: Mapping[str, Any]) -> Counter[str]:
    """How many pairs of each question type are missing.

    Args:
        statistics: the content of `statistics.json`; {} where there is none.
    """
    missing: Counter[str] = Counter()
    for line in statistics.get("shortfall", ()):
        missing[str(line.get("question_type", ""))] += int(line.get("missing", 0))
    return missing
