"""bespokelabs curator. Its limits are raised, all else is as it comes; rich's live display is off, which helps it.

Run by scripts/bench/generate.py in curator's environment: `drive_curator.py JOB`. Where the endpoint tells its rate in
headers, curator is left to read it. The token counts need an encoding that tiktoken would download: litellm, which
curator brings, has a copy of it.
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
    """What one record is."""

    question: str
    answer: str


class Pictured(curator.LLM):
    """Prompts with a picture that curator reads from its file."""

    def prompt(self, row: dict[str, str]) -> tuple[str, Any]:
        """The text and the picture."""
        return row["text"], curator.types.Image(url=row["path"])

    def parse(self, row: dict[str, str], response: str) -> dict[str, str]:
        """The row that is kept."""
        return {"response": response}


def rows(job: Job) -> Iterator[dict[str, Any]]:
    """What curator hands back."""
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
