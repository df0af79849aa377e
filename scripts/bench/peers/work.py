"""Define the job that every driver in this folder receives, and write its rows.

Reads the job (JSON, the first argument) and `images.jsonl` of the job's image folder; writes `rows.jsonl` into the
job's folder. Uses only the standard library, because it runs in each peer's environment.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILLER = (
    "it stands behind glass in the long room of the second floor, between a clock and the model of a ship, "
    "and its label tells who made it, of what, in which year and for whom it was meant"
)
WISH = ", answer in JSON with the keys question and answer"
MAX_TOKENS = 512


@dataclass(frozen=True)
class Job:
    """One run of one system.

    Attributes:
        url: address of the endpoint, including /v1.
        n: number of records.
        in_flight: maximum number of requests at the same time.
        structured: whether rows are {question, answer}; otherwise they are free text.
        wish: whether the prompt asks for JSON too.
        tells_limits: whether the endpoint sends its limits as headers.
        folder: folder for the system's output.
        images: folder with one picture per record, or "" if there are no pictures.
    """

    url: str
    n: int
    in_flight: int
    folder: str
    structured: bool = False
    wish: bool = False
    tells_limits: bool = False
    images: str = ""

    @classmethod
    def given(cls) -> Job:
        """Return the job given on the command line."""
        return cls(**json.loads(sys.argv[1]))

    def prompt(self, index: int) -> str:
        """Return the text of one record: all have the same length, all differ, one sentence each."""
        return f"Object {index:07d} of the collection: {FILLER}{WISH if self.wish else ''}."

    def prompts(self) -> list[str]:
        """Return all prompts."""
        return [self.prompt(index) for index in range(self.n)]

    def pictures(self) -> list[dict[str, str]]:
        """Return `path` and `sha256` of every record's picture."""
        lines = (Path(self.images) / "images.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines[: self.n]]

    def write(self, rows: Iterable[dict[str, Any]]) -> None:
        """Write the results, one row per line: {"text"} or {"question", "answer"}."""
        with (Path(self.folder) / "rows.jsonl").open("w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row) + "\n")
