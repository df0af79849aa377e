"""Drive NVIDIA NeMo Data Designer: one column from a seed column, concurrency raised, otherwise default settings.

Run by scripts/bench/generate.py in its environment: `drive_data_designer.py JOB`. Its metrics port is closed, so that
runs do not collide on it. Pictures are in the seed as base64, the way it accepts local ones.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import data_designer.config as dd
import pandas as pd
from data_designer.interface import DataDesigner
from pydantic import BaseModel
from work import MAX_TOKENS, Job


class Pair(BaseModel):
    """One record."""

    question: str
    answer: str


def seed(job: Job) -> pd.DataFrame:
    """Return one row per record."""
    columns: dict[str, list[str]] = {"told": job.prompts()}
    if job.images:
        columns["picture"] = [base64.b64encode(Path(p["path"]).read_bytes()).decode() for p in job.pictures()]
    return pd.DataFrame(columns)


def builder(job: Job) -> dd.DataDesignerConfigBuilder:
    """Return the dataset's configuration."""
    inference = dd.ChatCompletionInferenceParams(max_parallel_requests=job.in_flight, max_tokens=MAX_TOKENS)
    model = dd.ModelConfig(alias="teacher", model="m", provider="local", inference_parameters=inference)
    config = dd.DataDesignerConfigBuilder(model_configs=[model])
    config.with_seed_dataset(dd.DataFrameSeedSource(df=seed(job)))
    column: dict[str, Any] = {"name": "made", "model_alias": "teacher", "prompt": "{{ told }}"}
    if job.images:
        column["multi_modal_context"] = [
            dd.ImageContext(
                column_name="picture", data_type=dd.ModalityDataType.BASE64, image_format=dd.ImageFormat.PNG
            )
        ]
    if job.structured:
        config.add_column(dd.LLMStructuredColumnConfig(output_format=Pair, **column))
    else:
        config.add_column(dd.LLMTextColumnConfig(**column))
    return config


def rows(job: Job) -> Iterator[dict[str, Any]]:
    """Return the rows of Data Designer's result."""
    provider = dd.ModelProvider(name="local", endpoint=job.url, provider_type="openai", api_key="bench")
    designer = DataDesigner(artifact_path=Path(job.folder) / "artifacts", model_providers=[provider])
    designer.set_run_config(dd.RunConfig(otel_metrics_port=None))
    result = designer.create(builder(job), num_records=job.n, dataset_name="bench")
    for cell in result.load_dataset()["made"]:
        yield {"question": cell["question"], "answer": cell["answer"]} if job.structured else {"text": cell}


if __name__ == "__main__":
    job = Job.given()
    job.write(rows(job))
