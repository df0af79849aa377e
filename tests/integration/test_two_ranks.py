"""DDP and FSDP over two processes compute what one process computes; one launch serves all tests here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_museum import fill_upstream, replaced_stages, sections
from tests.tiny_training import ROWS, STEPS, save_tiny_training, trainer_of
from tests.two_ranks import CASES, MICRO_BATCH_ROWS, measured

from docent.config import PipelineConfig, dump_config
from docent.models.loading import load_tuned
from docent.ranks.peers import FOLDER
from docent.stage import run_shard
from docent.stages.finetune.snapshots import trained
from docent.stages.finetune.strategy import SingleProcess

UNIT = "finetune-full-fsdp"
pytestmark = pytest.mark.feature("ddp-and-fsdp")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_training(tmp_path_factory.mktemp("two-ranks"))


@pytest.fixture(scope="module")
def two(folder: Path) -> dict[str, Any]:
    """What two processes found."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port = opened.getsockname()[1]
    ranks = []
    for rank in range(2):
        environ = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "RANK": str(rank)}
        environ |= {"LOCAL_RANK": str(rank), FOLDER: str(folder), "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.two_ranks", str(folder)]
        ranks.append(
            subprocess.Popen(
                command, env={**os.environ, **environ}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
    outputs = [rank.communicate(timeout=180)[0] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], outputs
    found: dict[str, Any] = torch.load(folder / "found.pt", weights_only=True)
    return found


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, folder: Path, two: dict[str, Any]) -> tuple[str, Any, Any]:
    """An approach, what two processes found, and what one finds."""
    kind = request.param
    return kind, two[kind], measured(folder, folder / "one" / kind, kind, SingleProcess())


def test_losses_and_gradients_are_those_of_one_process(case: tuple[str, Any, Any]) -> None:
    _, two, one = case
    assert ROWS % 2, "the last row of a batch leaves one process without a row"
    assert len(two["losses"]) == STEPS
    assert two["losses"] == pytest.approx(one["losses"], rel=2e-6)
    assert two["validation"] == [pytest.approx(pair, rel=2e-6) for pair in one["validation"]]
    assert two["gradients"].keys() == one["gradients"].keys()
    for name, gradient in one["gradients"].items():
        assert torch.allclose(two["gradients"][name], gradient, rtol=0, atol=2e-5), name


def test_the_weights_are_those_of_one_process_and_tied_ones_stay_tied(case: tuple[str, Any, Any]) -> None:
    kind, two, one = case
    assert two["tied"] and one["tied"]
    assert two["weights"].keys() == one["weights"].keys()
    for name, weight in one["weights"].items():
        assert torch.allclose(two["weights"][name], weight, rtol=0, atol=1e-4), name
    share = two["parameters"] / one["parameters"]
    assert share == (1 if kind == "lora-ddp" else pytest.approx(0.5, abs=0.02)), (
        "FSDP keeps half of them in each process"
    )


def test_an_infinite_gradient_of_one_process_is_skipped_by_both(case: tuple[str, Any, Any]) -> None:
    assert case[1]["skipped"] == [[2], [2]]


def test_adapters_begin_alike_and_dropout_differs(case: tuple[str, Any, Any]) -> None:
    _, two, _ = case
    assert two["adapted"][0] == two["adapted"][1]
    assert two["draws"][0] != two["draws"][1]


def test_the_stage_publishes_the_model_of_one_process(tmp_path: Path) -> None:
    """`docent stage` starts two ranks itself; FSDP's parts become one model that loads like any other."""
    base = save_tiny_training(tmp_path) / "tiny"
    run_dir = tmp_path / "runs" / "test"
    run_dir.mkdir(parents=True)
    section = {"base_model": str(base), "batch_size": 7, "max_steps": 4, "evaluations": 2, "approaches": ["full-fsdp"]}
    config = PipelineConfig.model_validate(sections(tmp_path, finetune=section))
    with pytest.MonkeyPatch.context() as patch:
        fill_upstream(replaced_stages(patch))
        for unit in ("ingest", "assemble", "generate-qa", "build-dataset"):
            assert run_shard(config, unit, run_dir) == 0
    (tmp_path / "pipeline.yaml").write_text(dump_config(config), encoding="utf-8")
    command = [sys.executable, "-m", "docent", "stage", UNIT, "--config", "pipeline.yaml", "--run-dir", str(run_dir)]
    environ = {"PET_NPROC_PER_NODE": "2", "PET_LOCAL_ADDR": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(
        command, env={**os.environ, **environ}, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr
    folder, *_ = run_dir.glob(f"{UNIT}/*/model")
    two, _ = load_tuned(str(base), folder.resolve())
    (run_dir / UNIT).rename(tmp_path / "two")
    assert run_shard(config, UNIT, run_dir) == 0, "the same approach in one process"
    one, _ = load_tuned(str(base), next(iter(run_dir.glob(f"{UNIT}/*/model"))))
    whole = dict(one.named_parameters())
    for name, parameter in two.named_parameters():
        assert torch.allclose(parameter, whole[name], rtol=0, atol=1e-4), name
    assert two.lm_head.weight is two.get_input_embeddings().weight


def test_two_processes_that_are_resumed_repeat_every_number(case: tuple[str, Any, Any]) -> None:
    assert case[1]["repeats"]


def test_a_training_of_two_processes_is_resumed_by_one(case: tuple[str, Any, Any], folder: Path) -> None:
    kind, two, one = case
    assert two["stopped"] == f"stopped after step 1 of {STEPS}"
    trainer = trainer_of(folder, folder / "stopped" / kind, MICRO_BATCH_ROWS, kind=kind)
    state = trainer.train(threading.Event(), lambda *_: None)
    assert [row["loss"] for row in state.log] == pytest.approx(one["losses"], rel=2e-6)
    for name, weight in trained(trainer.model).items():
        assert torch.allclose(weight, one["weights"][name], rtol=0, atol=1e-4), name
