"""`docent estimate` on a real run: what it says is what the stage then asks for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.museum import as_csv

from docent.config import load_config
from docent.llm.chat import ChatReply, ChatRequest
from docent.llm.client import ChatClient
from docent.llm.pace.estimate import tokens_of
from docent.stage import run_shard

TINY = Path(__file__).resolve().parents[2] / "samples/docent-tiny"
TRAINED = ("--set=build_dataset.name=museum", "--set=finetune.base_model=models/none")
PIPELINE = """
run: {name: test, input_wait_s: 0}
ingest:
  sources: [{kind: exhibits-csv, path: %s}]
assemble: {images_per_item: 6, test_images: 1, validation_images: 1}
generate_qa: {shards: 1, temperatures: [0.4, 0.9]}
"""


def docent(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "docent", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pipeline file and a run of it that has its items, and nothing more."""
    folder = tmp_path_factory.mktemp("museum")
    (folder / "pipeline.yaml").write_text(PIPELINE % as_csv(folder / "source", photos=4))
    done = docent("run", "--to", "assemble", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def estimated(folder: Path, *sets: str) -> dict[str, Any]:
    done = docent("estimate", "-o", "json", *(f"--set={one}" for one in sets), cwd=folder)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["teacher"]
    assert row["unit"] == "generate-qa"
    return dict(row)


def test_the_figures_are_what_the_stage_then_asks(assembled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = estimated(assembled)
    asked: list[ChatRequest] = []
    replied: list[ChatReply] = []

    class Recording(ChatClient):
        def ask(self, requests: Sequence[ChatRequest]) -> Iterator[ChatReply]:  # type: ignore[override]
            asked.extend(requests)
            with closing(super().ask(requests)) as replies:
                for reply in replies:
                    replied.append(reply)
                    yield reply

    monkeypatch.setattr("docent.stages.generate_qa.ChatClient", Recording)
    assert run_shard(load_config(assembled / "pipeline.yaml"), "generate-qa", assembled / "runs" / "test") == 0
    assert row["requests"] == len(asked) == 6
    chars = [sum(len(message.content) for message in request.messages) for request in asked]
    assert row["input_tokens"] == sum(map(tokens_of, chars))
    assert row["most_output_tokens"] == sum(request.max_tokens for request in asked)
    said = sum(tokens_of(len(reply.text)) for reply in replied)
    assert said / 4 < row["likely_output_tokens"] < row["most_output_tokens"]
    assert (row["likely_usd"], row["most_usd"], row["minutes"]) == (0, 0, None)


def test_money_and_time_follow_the_configuration(assembled: Path) -> None:
    priced = estimated(assembled, "llm.provider=openai", "llm.requests_per_minute=2")
    assert 0 < priced["likely_usd"] < priced["most_usd"]
    assert priced["minutes"] == 3.0
    own = estimated(assembled, "llm.provider=vllm", "llm.model=mine")
    assert (own["likely_usd"], own["most_usd"], own["minutes"]) == (None, None, None)
    assert own["requests"] == priced["requests"]


def test_the_table_says_what_is_not_known(assembled: Path) -> None:
    done = docent("estimate", "--set=llm.provider=vllm", cwd=assembled)
    assert done.returncode == 0
    assert "generate-qa" in done.stdout and done.stdout.count("unknown") == 3


def test_without_items_the_command_that_makes_them_is_named(assembled: Path) -> None:
    before = sorted(assembled.rglob("*"))
    done = docent("estimate", "--run", "another", cwd=assembled)
    assert done.returncode == 44
    assert "docent run --run another --to assemble" in done.stderr and "Traceback" not in done.stderr
    estimated(assembled)
    assert sorted(assembled.rglob("*")) == before


def test_approaches_need_neither_photos_nor_a_run(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(
        PIPELINE % "missing.csv" + "build_dataset: {}\nfinetune: {batch_size: 14, epochs: 3}\n"
    )
    done = docent("estimate", "--rows", "819", "-o", "json", f"--set=finetune.base_model={TINY}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["teacher"] is None and "missing.csv" in done.stderr
    assert [(name, one["steps"]) for name, one in shown["approaches"].items()] == [("lora", 177), ("full", 177)]


def test_without_a_base_model_the_requests_are_still_estimated(assembled: Path) -> None:
    done = docent("estimate", *TRAINED, "-o", "json", cwd=assembled)
    assert done.returncode == 0 and json.loads(done.stdout)["approaches"] is None
    assert "finetune.base_model" in done.stderr


def test_with_nothing_to_estimate_the_verb_fails(assembled: Path) -> None:
    done = docent("estimate", "--run", "another", *TRAINED, cwd=assembled)
    assert done.returncode == 44 and "finetune.base_model" in done.stderr
