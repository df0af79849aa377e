"""`docent logs` of a unit in several shards says which shard each part is of."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

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
