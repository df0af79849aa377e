"""`docent gc` names trained models, asks about them separately, and deletes none only because of --yes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from docent.artifacts.listings import SUCCESS
from docent.launcher.cli import docent
from docent.launcher.runs.garbage import find_garbage
from docent.launcher.verbs import invocation
from docent.messages.suggested_commands import CALLED_AS, as_text

OLD, UNFINISHED, NEW = "0a0a0a0a0a", "0b0b0b0b0b", "0c0c0c0c0c"
MAY_3 = 1_777_766_400  # 2026-05-03


def succeed(unit: Path, folder: str) -> None:
    success = {
        "schema": 1,
        "stage": "finetune",
        "unit": unit.name,
        "spec": f"{folder:0<64}",
        "folder": folder,
        "digest": "0" * 64,
    }
    success |= {"rows": 0, "rejected": 0, "reject_reasons": {}, "failed_shards": []}
    success |= {"parts": [], "rejects": [], "files": [], "markers": []}
    (unit / folder).mkdir(parents=True, exist_ok=True)
    (unit / SUCCESS).write_text(json.dumps(success))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder of runs: run `mine` has an old model, a training that was given up, and an old answer."""
    unit = tmp_path / "mine" / "finetune-lora"
    (unit / OLD / "model").mkdir(parents=True)
    (unit / OLD / "model" / "adapter_model.safetensors").write_bytes(b"x" * 3_000_000)
    row = {"approach": "lora", "step": 312, "validation_loss": 0.8125}
    (unit / OLD / "part-00000-of-00001-01234567.jsonl").write_text(json.dumps(row) + "\n")
    checkpoint = unit / UNFINISHED / "checkpoints" / "step-000090"
    checkpoint.mkdir(parents=True)
    (checkpoint / "manifest.json").write_text(json.dumps({"step": 90, "best_loss": 1.25}))
    answers = tmp_path / "mine" / "answer-lora"
    (answers / OLD).mkdir(parents=True)
    for folder in (unit / OLD, unit / UNFINISHED, answers / OLD):
        for place, _, _ in os.walk(folder):
            os.utime(place, (MAY_3, MAY_3))
    for done in (unit, answers):
        succeed(done, NEW)
    return tmp_path


def gc(runs: Path, *arguments: str) -> Result:
    return CliRunner().invoke(docent, ["gc", "--run", "mine", "--data", str(runs), *arguments])


def folders(runs: Path) -> set[str]:
    return {f"{p.parent.name}/{p.name}" for unit in (runs / "mine").iterdir() if unit.is_dir() for p in unit.iterdir()}


MODELS = {f"finetune-lora/{OLD}", f"finetune-lora/{UNFINISHED}"}


def test_a_trained_model_is_named_by_unit_size_date_and_loss(runs: Path) -> None:
    said = {garbage.path.name: garbage.model for garbage in find_garbage(runs / "mine") if garbage.model}
    assert said[OLD] == "trained model of finetune-lora, 2026-05-03, best at step 312, validation loss 0.812"
    assert said[UNFINISHED] == "unfinished training of finetune-lora at step 90, 2026-05-03, validation loss 1.250"
    listed = gc(runs, "--yes").output
    assert listed.startswith(f"run mine ({runs}/mine):\n")
    assert f"3.0 MB  {runs}/mine/finetune-lora/{OLD}  (trained model of finetune-lora, 2026-05-03" in listed


def test_yes_alone_keeps_trained_models_and_says_how_to_delete_them(runs: Path) -> None:
    done = gc(runs, "--yes")
    assert done.exit_code == 0
    assert f"kept: 2 trained models; to delete: docent gc --run mine --data {runs} --models --yes\n" in done.output
    assert folders(runs) >= MODELS and f"answer-lora/{OLD}" not in folders(runs)
    again = gc(runs)  # without a terminal there is nothing left to ask about
    assert again.exit_code == 0 and "kept: 2 trained models" in again.output
    assert gc(runs, "--models", "--yes").exit_code == 0
    assert gc(runs).output == f"nothing to delete in run mine ({runs}/mine)\n"
    assert not folders(runs) & MODELS and f"finetune-lora/{NEW}" in folders(runs)


def test_the_command_that_deletes_models_is_one_for_the_shell_that_called(
    runs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As docent was called, with the run's name and folder; in the pod of a run on a cluster as the launcher told."""
    called = tmp_path_factory.mktemp("tools") / "docent"
    called.touch()
    monkeypatch.setattr(sys, "argv", [str(called), "gc"])
    assert f"to delete: {called} gc --run mine --data {runs} --models --yes\n" in gc(runs, "--yes").output
    told = invocation.of_run_on_cluster("mine", "lab")
    monkeypatch.setenv(CALLED_AS, as_text(told))
    monkeypatch.setattr(sys, "argv", ["/usr/bin/docent", "gc"])
    expected = f"to delete: {called} gc --run mine --backend kubernetes --namespace lab --models --yes\n"
    assert expected in gc(runs, "--yes").output


def test_a_model_that_no_success_file_lists_is_a_trained_model_too(runs: Path) -> None:
    (runs / "mine" / "finetune-lora" / NEW / "model").mkdir()
    assert "kept: 3 trained models" in gc(runs, "--yes").output
    assert (runs / "mine" / "finetune-lora" / NEW / "model").is_dir()


def test_without_a_terminal_and_without_yes_nothing_is_deleted(runs: Path) -> None:
    before = folders(runs)
    for arguments in ([], ["--models"]):
        done = gc(runs, *arguments)
        assert getattr(done.exception, "exit_code", None) == 2
        assert f"finetune-lora/{OLD}" in done.output and folders(runs) == before


def test_on_a_terminal_trained_models_are_a_question_of_their_own(runs: Path) -> None:
    command = [sys.executable, "-m", "docent", "gc", "--run", "mine", "--data", str(runs)]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        os.write(ours, b"y\nn\n")
        said = process.communicate()[0].decode()
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0, said
    assert said.index("delete 1 path that contains no trained model?") < said.index(
        "delete the 2 trained models listed above?"
    )
    assert folders(runs) >= MODELS and f"answer-lora/{OLD}" not in folders(runs)
