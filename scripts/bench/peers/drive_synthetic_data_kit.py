"""Drive synthetic-data-kit: `create --type qa` over a text with one paragraph per record, plus one summary request.

Run by scripts/bench/generate.py in its environment: `drive_synthetic_data_kit.py JOB`. Its rows are always pairs, its
pause between batches is off, and the batch size is the maximum concurrency.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from work import MAX_TOKENS, Job

CHUNK_CHARS = 300


def config(job: Job) -> dict[str, Any]:
    """Return its default config, prompts included, with the endpoint's address."""
    shipped = Path(find_spec("synthetic_data_kit").origin).with_name("config.yaml")  # type: ignore[union-attr,arg-type]
    settings: dict[str, Any] = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    settings["llm"] = {"provider": "api-endpoint"}
    settings["api-endpoint"] |= {"api_base": job.url, "api_key": "bench", "model": "m", "sleep_time": 0}
    settings["generation"] |= {
        "batch_size": job.in_flight,
        "chunk_size": CHUNK_CHARS,
        "overlap": 0,
        "max_tokens": MAX_TOKENS,
    }
    return settings


def main(job: Job) -> int:
    """Write its input and config, run its command and collect its pairs."""
    folder = Path(job.folder)
    (folder / "told.txt").write_text("\n\n".join(job.prompts()), encoding="utf-8")
    (folder / "sdk.yaml").write_text(yaml.safe_dump(config(job)), encoding="utf-8")
    program = str(Path(sys.executable).parent / "synthetic-data-kit")
    sizes = ["-n", str(job.n), "--chunk-size", str(CHUNK_CHARS), "--chunk-overlap", "0"]
    create = [program, "-c", "sdk.yaml", "create", "told.txt", "--type", "qa", *sizes, "-o", "made"]
    code = subprocess.run(create, cwd=folder, check=False).returncode
    if code == 0:
        result = json.loads((folder / "made" / "told_qa_pairs.json").read_text(encoding="utf-8"))
        job.write({"question": pair["question"], "answer": pair["answer"]} for pair in result["qa_pairs"])
    return code


sys.exit(main(Job.given()))
