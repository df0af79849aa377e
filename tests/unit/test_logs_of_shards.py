"""`docent logs` of a unit in several shards says which shard each part is of."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from docent.errors import LauncherError
from docent.launcher.cli import docent


def logs(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(docent, ["logs", "generate-qa", "--run", "hall", "--data", str(data), *arguments])


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    unit = tmp_path / "hall" / "generate-qa"
    unit.mkdir(parents=True)
    (unit / "log-tail-00000.txt").write_text("the first half\n")
    (unit / "log-tail-00010.txt").write_text("the second half\n")
    return tmp_path


def test_each_part_stands_under_the_number_that_index_takes(runs: Path) -> None:
    shown = logs(runs).output.splitlines()
    assert shown == ["--- generate-qa, shard 0", "the first half", "--- generate-qa, shard 10", "the second half"]
    assert logs(runs, "--index", "10").output == "the second half\n"


def test_a_unit_of_one_shard_has_no_headings(runs: Path) -> None:
    (runs / "hall" / "generate-qa" / "log-tail-00010.txt").unlink()
    assert logs(runs).output == "the first half\n"


@pytest.fixture
def trainings(tmp_path: Path) -> Path:
    for unit in ("finetune-lora", "finetune-full", "score"):
        (tmp_path / "hall" / unit).mkdir(parents=True)
        (tmp_path / "hall" / unit / "log-tail-00000.txt").write_text(f"what {unit} said\n")
    return tmp_path


def of_hall(data: Path, unit: str) -> Result:
    return CliRunner().invoke(docent, ["logs", unit, "--run", "hall", "--data", str(data)])


@pytest.mark.parametrize("given", ["finetune", "finetune-", "fine"])
def test_a_stage_of_several_units_has_the_logs_of_all_of_them(trainings: Path, given: str) -> None:
    assert of_hall(trainings, given).output.splitlines() == [
        "--- finetune-full, shard 0", "what finetune-full said", "--- finetune-lora, shard 0", "what finetune-lora said"
    ]  # fmt: skip
    assert of_hall(trainings, "finetune-lora").output == "what finetune-lora said\n"


@pytest.mark.parametrize(
    ("given", "command"), [("finetume-lora", "logs finetune-lora"), ("zzz", "status"), ("", "status")]
)
def test_a_unit_without_a_log_is_answered_with_those_that_have_one(trainings: Path, given: str, command: str) -> None:
    error = of_hall(trainings, given).exception
    assert isinstance(error, LauncherError) and error.exit_code == 102
    assert error.what.endswith("units with a log: finetune-full, finetune-lora, score")
    assert error.next_step == f"docent {command} --run hall --data {trainings}"


@pytest.mark.parametrize("given", ["../hall/score", "/etc", "score/../score", "."])
def test_a_name_that_leads_elsewhere_is_no_unit(trainings: Path, given: str) -> None:
    assert isinstance(of_hall(trainings, given).exception, LauncherError)
