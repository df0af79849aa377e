"""Names of runs: wherever one is taken it can lead nowhere but to a folder of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from docent.config import load_config
from docent.config.run_names import is_run_name
from docent.errors import ConfigError, LauncherError, PipelineError
from docent.launcher.cli import docent

BAD_NAMES = ["../x", "a/b", "/tmp/x", "..", ".", "", "UPPER", "a" * 17, "-a", "a-", "a b", "a\nb", "a\x1b[2J", "é"]
VERBS = [
    ["run", "--run"],
    ["plan", "--run"],
    ["render", "--run"],
    ["diff", "--run"],
    ["estimate", "--run"],
    ["doctor", "--run"],
    ["status", "--run"],
    ["logs", "ingest", "--run"],
    ["trace", "abcdef", "--run"],
    ["open", "--run"],
    ["retry", "--run"],
    ["cancel", "--run"],
    ["wait", "--run"],
    ["gc", "--yes", "--run"],
    ["push", ".", "--run"],
    ["pull", "x", "--run"],
    ["review"],
]


def call(*arguments: str) -> Result:
    return CliRunner().invoke(docent, list(arguments))


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_every_verb_refuses_a_name_that_is_none_before_it_does_anything(
    verb: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pipeline.yaml").write_text("ingest: {sources: [{kind: txt, path: a.txt}]}\n")
    (tmp_path / "a.txt").write_text("text")
    before = sorted(tmp_path.rglob("*"))
    for name in BAD_NAMES:
        found = call(*verb, *(["--", name] if verb == ["review"] else [name]))
        assert found.exit_code == 2, (name, found.output)
        assert "a run name has 1 to 16 characters" in found.output
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_pipeline_file_cannot_give_such_a_name_either(name: str, tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(json.dumps({"run": {"name": name}}))
    with pytest.raises(ConfigError, match="a run name has 1 to 16 characters"):
        load_config(path, environ={})
    path.write_text("{}")
    with pytest.raises(ConfigError):
        load_config(path, environ={"DOCENT_RUN__NAME": json.dumps(name)})
    assert not is_run_name(name)


def test_the_run_worked_on_last_is_never_a_folder_with_another_name(tmp_path: Path) -> None:
    for name in ("good", "No Run"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".lock").touch()
    os.utime(tmp_path / "good" / ".lock", (1, 1))
    (tmp_path / "dead").mkdir()
    (tmp_path / "dead" / ".lock").symlink_to("nowhere")
    found = call("status", "--data", str(tmp_path))
    assert isinstance(found.exception, LauncherError) and "'good'" in str(found.exception)


@pytest.mark.parametrize("text", ["", "[]", "{", "run: 7", "\x00", "ingest: {sources: 3}", "a: &a [*a]"])
@pytest.mark.parametrize("verb", [["status"], ["trace", "abcdef"]], ids=["status", "trace"])
def test_a_torn_or_foreign_configuration_is_one_message(verb: list[str], text: str, tmp_path: Path) -> None:
    run_dir = tmp_path / "demo"
    run_dir.mkdir()
    (run_dir / "pipeline.resolved.yaml").write_text(text)
    found = call(*verb, "--run", "demo", "--data", str(tmp_path))
    if found.exit_code != 0:  # an empty configuration has no units, and an empty table
        assert isinstance(found.exception, PipelineError), found.exception
        assert found.exception.exit_code in (102, 105)
        assert found.exception.next_step


@pytest.mark.parametrize("path", ["/", "/proc/self", "/nowhere/at/all"])
def test_doctor_names_a_source_that_cannot_be_one(path: str, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(json.dumps({"ingest": {"sources": [{"kind": "markdown", "path": path}]}}))
    found = call("doctor", str(file), "--data", str(tmp_path), "-o", "json")
    assert [check["level"] for check in json.loads(found.output) if check["name"] == "source"] == ["missing"]
    assert found.exit_code == 105


def test_a_run_folder_that_is_a_file_or_a_link_to_nothing_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "dead").symlink_to("nowhere")
    for name in ("file", "dead", "absent"):
        for verb in (["status"], ["trace", "abcdef"], ["gc"], ["open"], ["logs", "ingest"]):
            found = call(*verb, "--run", name, "--data", str(tmp_path))
            assert isinstance(found.exception, LauncherError | SystemExit), (name, verb, found.exception)
            assert getattr(found.exception, "exit_code", 102) == 102


def test_logs_and_reports_behind_links_out_of_the_run_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a secret")
    unit = tmp_path / "demo" / "ingest"
    unit.mkdir(parents=True)
    (unit / "log-tail-00000.txt").symlink_to(tmp_path / "secret")
    (tmp_path / "demo" / "report").mkdir()
    (tmp_path / "demo" / "report" / "latest").symlink_to(tmp_path)
    (tmp_path / "index.html").write_text("a secret")
    for verb in (["logs", "ingest"], ["logs", "../demo/ingest"], ["open"]):
        found = call(*verb, "--run", "demo", "--data", str(tmp_path))
        assert "a secret" not in found.output
        assert isinstance(found.exception, PipelineError)


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_a_lock_that_is_no_plain_file_is_refused(kind: str, tmp_path: Path) -> None:
    run_dir, victim = tmp_path / "demo", tmp_path / "victim"
    run_dir.mkdir()
    if kind == "link":
        (run_dir / ".lock").symlink_to(victim)
    else:
        (run_dir / ".lock").mkdir()
    found = call("gc", "--run", "demo", "--data", str(tmp_path))
    assert isinstance(found.exception, LauncherError), found.exception
    assert found.exception.exit_code == 105 and not victim.exists()


def test_a_pipe_in_the_place_of_the_lock_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    os.mkfifo(tmp_path / "demo" / ".lock")
    (tmp_path / "demo" / "pipeline.resolved.yaml").write_text("{}")
    for verb in ("gc", "status"):
        assert call(verb, "--run", "demo", "--data", str(tmp_path)).exit_code == 0
