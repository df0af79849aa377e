"""Ask a teacher for pairs through the chat client and write the rows: the process that chat_kills.py kills.

    python scripts/prove/chat_asker.py '{"n": 100, "llm": {...}, "journal": "PATH", "rows": "PATH"}'

The rows file gets its final name once it is complete. Exits with docent's exit code on a docent error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import overload

from pydantic import BaseModel

from docent.config.llm import Llm
from docent.errors import PipelineError
from docent.llm.chat import ChatRequest, Message
from docent.llm.client import ChatClient

MAX_TOKENS = 300


class Pair(BaseModel):
    """One requested pair."""

    question: str
    answer: str


class Questions(Sequence[ChatRequest]):
    """A sequence of n requests, each built on access."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    @overload
    def __getitem__(self, index: int) -> ChatRequest: ...

    @overload
    def __getitem__(self, index: slice) -> Questions: ...

    def __getitem__(self, index: int | slice) -> ChatRequest | Questions:
        if isinstance(index, slice):
            raise TypeError("only looked at by index")
        if not 0 <= index < self.count:
            raise IndexError(index)
        return ChatRequest(
            (Message("user", f"One question and its answer, number {index}."),), 0.4, MAX_TOKENS, schema=Pair
        )


def main() -> int:
    """Ask for all rows."""
    job = json.loads(sys.argv[1])
    rows, unfinished = Path(job["rows"]), Path(job["rows"] + ".part")
    try:
        with ChatClient(Llm.model_validate(job["llm"]), Path(job["journal"]), environ={"NO_KEY": "none"}) as client:
            with unfinished.open("w", encoding="utf-8") as file, closing(client.ask(Questions(job["n"]))) as replies:
                for index, reply in enumerate(replies):
                    value = reply.value.model_dump() if reply.value else None
                    file.write(json.dumps([index, value, reply.problem or reply.error]) + "\n")
    except PipelineError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    unfinished.rename(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
