"""Drive bespokelabs curator with raised limits, otherwise default settings; rich's live display is off to help it.

Run by scripts/bench/generate.py in curator's environment: `drive_curator.py JOB`. If the endpoint sends rate-limit
headers, curator reads them itself. The token counts need an encoding that tiktoken would download; litellm, a
dependency of curator, ships a copy of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from work import Job

os.environ["TIKTOKEN_CACHE_DIR"] = str(
    Path(find_spec("litellm").origin).parent / "litellm_core_utils" / "tokenizers"  # type: ignore[union-attr,arg-type]
)

from bespokelabs import curator  # noqa: E402
from pydantic import BaseModel  # noqa: E402


class Pair(BaseModel):
    """One record."""

    question: str
    answer: str


class Pictured(curator.LLM):
    """Prompts with a picture that curator reads from its file."""

    def prompt(self, row: dict[str, str]) -> tuple[str, Any]:
        """Return the text and the picture."""
        return row["text"], curator.types.Image(url=row["path"])

    def parse(self, row: dict[str, str], response: str) -> dict[str, str]:
        """Return the row to keep."""
        return {"response": response}


def rows(job: Job) -> Iterator[dict[str, Any]]:
    """Return the rows of curator's result."""
    params: dict[str, Any] = {
        "base_url": job.url,
        "api_key": "bench",
        "max_concurrent_requests": job.in_flight,
        "max_tokens_per_minute": 10**12,
        "require_all_responses": False,
    }
    if not job.tells_limits:
        params["max_requests_per_minute"] = 10**7
    settings: dict[str, Any] = {"model_name": "m", "backend": "openai", "backend_params": params}
    if job.images:
        pictures = zip(job.prompts(), job.pictures(), strict=True)
        result = Pictured(**settings)([{"text": text, "path": picture["path"]} for text, picture in pictures])
    elif job.structured:
        result = curator.LLM(response_format=Pair, **settings)(job.prompts())
    else:
        result = curator.LLM(**settings)(job.prompts())
    for row in result.dataset:
        if job.structured:
            yield {"question": row["question"], "answer": row["answer"]}
        elif row["response"] is not None:
            yield {"text": row["response"]}


job = Job.given()
job.write(rows(job))
