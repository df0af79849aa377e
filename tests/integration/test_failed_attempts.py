"""A failed attempt does not take over a run: its settings are stored once a unit succeeded with them, not before."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from docent.launcher.cli import docent
from docent.messages.suggested_commands import Invocation

PIPELINE = """
run: {name: guide, input_wait_s: 0}
ingest: {sources: [{kind: markdown, path: tools}]}
assemble: {}
generate_qa: {enabled: false}
"""
GOOD = "# Plane\n\nA plane smooths a board.\n\n# Saw\n\nA saw cuts a board in two.\n"


@contextmanager
def standing_in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def call(folder: Path, *arguments: str) -> Result:
    with standing_in(folder):
        return CliRunner().invoke(docent, arguments)


def phases(folder: Path, run: str) -> dict[str, str]:
    lines = json.loads(call(folder, "status", "--run", run, "-o", "json").output)
    return {line["unit"]: line["phase"] for line in lines}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a complete run `mine`, and a folder of sources that nothing can be read from."""
    folder = tmp_path_factory.mktemp("workshop")
    (folder / "pipeline.yaml").write_text(PIPELINE)
    (folder / "tools").mkdir()
    (folder / "tools" / "tools.md").write_text(GOOD)
    (folder / "typo").mkdir()
    made = call(folder, "run", "--run", "mine")
    assert made.exit_code == 0
    told = [line.split()[:2] for line in made.output.splitlines()]
    assert told.index(["ingest", "done"]) < told.index(["assemble", "started"])
    return folder


TYPO = "--set=ingest.sources.0.path=typo"


def test_a_failed_attempt_leaves_an_existing_run_as_it_was(workshop: Path) -> None:
    before = (workshop / "runs/mine/pipeline.resolved.yaml").read_bytes()
    failed = call(workshop, "run", "--run", "mine", TYPO)
    assert failed.exit_code != 0 and "are not stored with run mine" in failed.output
    assert (workshop / "runs/mine/pipeline.resolved.yaml").read_bytes() == before
    assert phases(workshop, "mine") == {"ingest": "done", "assemble": "done"}
    said = call(workshop, "status", "--run", "mine").output
    assert "the last attempt used other settings, which are not stored with run mine:\n  ingest failed: " in said
    assert '"action": "run"' in call(workshop, "plan", "--run", "mine", TYPO, "-o", "json").output
    assert "failed: " in call(workshop, "plan", "--run", "mine", TYPO, "-o", "json").output
    first = call(workshop, "run", "--run", "new", TYPO)
    assert first.exit_code != 0
    planned = call(workshop, "plan", "--run", "new")
    assert "failed: " in planned.output and "ready to start" not in planned.output
    assert "to run with them: docent run runs/new/pipeline.attempt.yaml --run new" in planned.output
    again = call(workshop, "run", "--run", "mine")
    assert again.exit_code == 0 and "nothing to do" in again.output
    assert "last attempt" not in call(workshop, "status", "--run", "mine").output


def test_warnings_of_a_plan_suggest_commands_with_the_file_that_it_has_read(
    workshop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(workshop, "run", "--run", "new", TYPO).exit_code != 0
    given: list[Invocation] = []
    monkeypatch.setattr("docent.launcher.verbs.preview.look_ahead", lambda *passed: given.append(passed[-1]))
    assert call(workshop, "plan", "--run", "new").exit_code == 0
    assert given[0].file == "runs/new/pipeline.attempt.yaml"


def test_a_plan_tells_the_command_for_the_shell_that_called_and_none_while_the_first_launch_works(
    workshop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    called = tmp_path / "docent"
    called.touch()
    monkeypatch.setattr(sys, "argv", [str(called), "plan"])
    assert call(workshop, "run", "--run", "first", TYPO).exit_code != 0
    expected = f"to run with them: {called} run runs/first/pipeline.attempt.yaml --run first\n"
    assert expected in call(workshop, "plan", "--run", "first").output
    with (workshop / "runs/first/.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        planned = call(workshop, "plan", "--run", "first")
    assert planned.exit_code == 0 and "failed: " in planned.output
    assert "last attempt" not in planned.output


def test_a_source_that_is_not_there_changes_nothing_either(workshop: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (workshop / "runs/mine").rglob("*.yaml")}
    assert call(workshop, "run", "--run", "mine", "--set=ingest.sources.0.path=nowhere").exit_code != 0
    assert {path: path.stat().st_mtime_ns for path in (workshop / "runs/mine").rglob("*.yaml")} == before
    assert "nothing to do" in call(workshop, "run", "--run", "mine").output


def test_a_first_attempt_that_fails_is_shown_and_can_be_tried_again_as_printed(workshop: Path) -> None:
    failed = call(workshop, "run", "--run", "new", TYPO)
    assert not (workshop / "runs/new/pipeline.resolved.yaml").exists()
    assert phases(workshop, "new") == {"ingest": "failed", "assemble": "to do"}
    said = call(workshop, "status", "--run", "new").output
    assert "docent logs ingest --run new" in said
    command = said.strip().splitlines()[-1].removeprefix("next: docent ")
    assert f"to run with them again: docent run --run new --set {TYPO.removeprefix('--set=')}" in failed.output
    (workshop / "typo" / "tools.md").write_text(GOOD)
    done = call(workshop, *shlex.split(command))
    assert done.exit_code == 0, done.output
    assert "path: typo" in (workshop / "runs/new/pipeline.resolved.yaml").read_text()
    assert not (workshop / "runs/new/pipeline.attempt.yaml").exists()
    (workshop / "typo" / "tools.md").unlink()


def test_without_a_stored_configuration_the_run_is_made_from_the_pipeline_file(workshop: Path) -> None:
    call(workshop, "run", "--run", "other", TYPO)
    done = call(workshop, "run", "--run", "other")
    assert done.exit_code == 0, done.output
    assert phases(workshop, "other") == {"ingest": "done", "assemble": "done"}


def test_settings_are_stored_once_a_unit_succeeded_with_them_although_a_later_one_fails(workshop: Path) -> None:
    (workshop / "more").mkdir()
    (workshop / "more" / "more.md").write_text(GOOD + "\n# Vice\n\nA vice holds a board.\n")
    nobody = (
        "llm.provider=vllm",
        "llm.base_url=http://127.0.0.1:9/v1",
        "llm.max_attempts=1",
        "kubernetes.max_retries=0",
    )
    sets = [f"--set={one}" for one in ("ingest.sources.0.path=more", "generate_qa.enabled=true", *nobody)]
    failed = call(workshop, "run", "--run", "later", *sets)
    assert failed.exit_code != 0 and "are not stored" not in failed.output
    assert "path: more" in (workshop / "runs/later/pipeline.resolved.yaml").read_text()
    assert not (workshop / "runs/later/pipeline.attempt.yaml").exists()
    assert phases(workshop, "later") == {"ingest": "done", "assemble": "done", "generate-qa": "failed"}


def test_status_names_where_the_rejected_files_are_listed(workshop: Path) -> None:
    (workshop / "mixed").mkdir()
    (workshop / "mixed" / "tools.md").write_text(GOOD)
    (workshop / "mixed" / "empty.md").write_text("")
    settings = ("--set=ingest.sources.0.path=mixed", "--set=ingest.max_reject_rate=1")
    made = call(workshop, "run", "--run", "mixed", *settings)
    assert made.exit_code == 0
    said = call(workshop, "status", "--run", "mixed").output
    (listed,) = [line for line in said.splitlines() if line.startswith("rejected by ingest: 1, listed in ")]
    (named,) = workshop.glob(listed.partition(" listed in ")[2])
    assert "empty.md" in named.read_text()


def test_a_reader_that_has_seen_enough_is_no_error(workshop: Path) -> None:
    command = f"{sys.executable} -m docent plan --run mine -o json | head -c 1"
    said = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], cwd=workshop, capture_output=True, text=True)
    assert said.stderr == "" and said.returncode in (0, 141)
