"""Failing runs in their own processes: the commands that they print name the run, and work as printed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.museum import as_folder
from tests.printed_commands import parsed, suggested

PIPELINE = """
run: {name: hall}
ingest: {sources: [{kind: exhibits-folder, path: museum}]}
assemble: {}
generate_qa: {}
"""


def docent(cwd: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"} | environ
    command = [sys.executable, "-m", "docent", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


def next_commands(done: subprocess.CompletedProcess[str]) -> list[list[str]]:
    """The commands on the `next:` lines of what was printed."""
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("  next:")]
    return [words for line in lines for words in suggested(line)]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a museum and a pipeline file."""
    as_folder(tmp_path / "museum", photos=3)
    (tmp_path / "pipeline.yaml").write_text(PIPELINE, encoding="utf-8")
    return tmp_path


def test_a_missing_key_is_said_before_any_unit_with_the_command_that_goes_on(desk: Path) -> None:
    asked = ["--run", "mine", "--set", "llm.provider=openai", "--set", "generate_qa.domain=old clocks"]
    done = docent(desk, "run", *asked)
    assert done.returncode == 3 and "OPENAI_API_KEY" in done.stderr and "started" not in done.stdout
    assert not (desk / "runs").exists()
    (words,) = next_commands(done)
    assert words == ["run", *asked]
    planned = docent(desk, "plan", *asked)
    assert planned.returncode == 3 and "generate-qa" in planned.stdout and "OPENAI_API_KEY" in planned.stderr
    looked = docent(desk, "doctor", "-o", "json", *asked)
    assert looked.returncode == 105 and "OPENAI_API_KEY" in looked.stdout
    # What needs no key is done without one.
    assert docent(desk, "run", *asked, "--to", "assemble").returncode == 0


def test_the_error_of_a_stage_names_the_run_its_file_and_its_settings_and_its_command_works(desk: Path) -> None:
    (desk / "museum" / "red-disc" / "red-disc-4.jpg").write_text("not a picture")
    (desk / "pipeline.yaml").rename(desk / "my hall.yaml")
    done = docent(desk, "run", "my hall.yaml", "--to", "ingest", "--set", "run.workers=1")
    assert done.returncode == 100
    (accept,) = next_commands(done)
    assert accept[:4] == ["run", "my hall.yaml", "--run", "hall"] and "run.workers=1" in accept
    said = docent(desk, "logs", "ingest", "--run", "hall")
    assert said.returncode == 0 and shlex.join(accept) in said.stdout
    again = docent(desk, *accept)
    assert again.returncode == 0, again.stderr
    assert "done in" in again.stdout and "4 rows" not in again.stdout


def test_verbs_about_a_run_that_is_not_there_name_it_and_those_that_are(desk: Path) -> None:
    assert docent(desk, "run", "--to", "ingest").returncode == 0
    for verb in (
        ["logs", "ingest", "--run", "nix"],
        ["review", "nix"],
    ):
        done = docent(desk, *verb)
        assert done.returncode == 102 and "run 'nix' does not exist (existing runs: hall)" in done.stderr
        (words,) = next_commands(done)
        assert parsed(words).params["run_name"] == "nix"
    done = docent(desk, "logs", "curate")
    assert next_commands(done) == [["status", "--run", "hall"]]


def test_an_interrupted_run_says_how_to_go_on_with_it(desk: Path) -> None:
    code = (
        "import sys, docent.launcher.local.run as r; from docent.launcher.cli import main\n"
        "def stop(*_): raise KeyboardInterrupt\n"
        "r.Scheduler.run = stop\n"
        "sys.argv = ['docent', 'run', '--run', 'mine', '--set', 'seed=3']; main()"
    )
    command = [sys.executable, "-X", "utf8", "-c", code]
    done = subprocess.run(command, cwd=desk, capture_output=True, text=True)
    assert done.returncode == 103 and "Traceback" not in done.stderr
    assert next_commands(done) == [["run", "--run", "mine", "--set", "seed=3"]]


def test_a_folder_of_a_set_that_is_not_there_is_to_be_corrected_in_the_set(desk: Path) -> None:
    done = docent(desk, "run", "--set", "ingest.sources.0.path=musuem")
    assert done.returncode == 100 and "correct --set ingest.sources.0.path" in done.stderr
    assert "pipeline file" not in done.stderr


@pytest.mark.parametrize(("place", "suggested"), [("../elsewhere", "{folder}/docent"), ("bin", "bin/docent")])
def test_docent_is_suggested_as_it_can_be_called(desk: Path, place: str, suggested: str) -> None:
    folder = (desk / place).resolve()
    folder.mkdir()
    (folder / "docent").write_text("from docent.launcher.cli import main\nmain()\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, folder / "docent", "status", "--run", "nix"], cwd=desk,
        env={**os.environ, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
    )  # fmt: skip
    assert f"{suggested.format(folder=folder)} run --run nix" in done.stderr
