"""Drive distilabel: one task with a batch of the maximum concurrency, otherwise default settings.

Run by scripts/bench/generate.py in its environment: `drive_distilabel.py JOB`. Structured rows go through instructor,
which asks for a tool call.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps.tasks import TextGeneration, TextGenerationWithImage
from pydantic import BaseModel
from work import MAX_TOKENS, Job


class Pair(BaseModel):
    """One record."""

    question: str
    answer: str


def dataset(job: Job) -> list[dict[str, str]]:
    """Return one row per record."""
    if not job.images:
        return [{"instruction": text} for text in job.prompts()]
    data = (base64.b64encode(Path(picture["path"]).read_bytes()).decode() for picture in job.pictures())
    return [{"instruction": text, "image": image} for text, image in zip(job.prompts(), data, strict=True)]


def rows(job: Job) -> Iterator[dict[str, Any]]:
    """Return the rows of distilabel's result."""
    with Pipeline(name="bench", cache_dir=job.folder) as pipeline:
        llm = OpenAILLM(
            model="m",
            base_url=job.url,
            api_key="bench",
            generation_kwargs={"max_new_tokens": MAX_TOKENS},
            structured_output={"schema": Pair} if job.structured else None,
        )
        if job.images:
            TextGenerationWithImage(llm=llm, image_type="base64", input_batch_size=job.in_flight)
        else:
            TextGeneration(llm=llm, input_batch_size=job.in_flight)
    result = pipeline.run(dataset=dataset(job), use_cache=False)
    for text in result["default"]["train"]["generation"]:
        if text is None:
            continue
        yield json.loads(text) if job.structured else {"text": text}


if __name__ == "__main__":
    job = Job.given()
    job.write(rows(job))
