"""Drive docent's chat client: journal on, replies checked against a schema if the job wants {question, answer} rows.

Run by scripts/bench/generate.py in docent's environment: `drive_docent.py JOB`. The key is in BENCH_KEY.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, overload

from pydantic import BaseModel
from work import MAX_TOKENS, Job

from docent.config.llm import Llm
from docent.llm.chat import ChatRequest, Image, Message
from docent.llm.client import ChatClient


class Pair(BaseModel):
    """One record."""

    question: str
    answer: str


class Requests(Sequence[ChatRequest]):
    """The job's requests, each built on access. Picture hashes come from an earlier stage."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.pictures = job.pictures() if job.images else []

    def __len__(self) -> int:
        return self.job.n

    @overload
    def __getitem__(self, index: int) -> ChatRequest: ...
    @overload
    def __getitem__(self, index: slice) -> list[ChatRequest]: ...
    def __getitem__(self, index: int | slice) -> ChatRequest | list[ChatRequest]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        images: tuple[Image, ...] = ()
        if self.pictures:
            picture = self.pictures[index]
            images = (Image(Path(picture["path"]), picture["sha256"], "image/png"),)
        message = Message("user", self.job.prompt(index), images)
        return ChatRequest((message,), 0.7, MAX_TOKENS, schema=Pair if self.job.structured else None)


def rows(job: Job) -> Iterator[dict[str, Any]]:
    """Return the rows that the client accepts."""
    llm = Llm(
        provider="openai",
        base_url=job.url,
        model="m",
        api_key_env="BENCH_KEY",
        max_in_flight=job.in_flight,
        # Where rows are compared, it finds out itself what the endpoint follows; else that is no part of the work.
        structured_output="auto" if job.wish else "json_schema",
    )
    with (
        ChatClient(llm, Path(job.folder) / "journal") as client,
        closing(client.ask(Requests(job))) as replies,
    ):
        for reply in replies:
            if reply.error or reply.problem:
                continue
            yield reply.value.model_dump() if reply.value is not None else {"text": reply.text}


job = Job.given()
job.write(rows(job))
