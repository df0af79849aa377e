"""A data set on its way to a hub: the real client against a hub in a second process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import CommitOperationAdd, HfApi
from tests.tiny_manual import fill_manual
from tests.tiny_museum import sections

from docent.config import BuildDataset, PipelineConfig
from docent.context import Context
from docent.errors import ConfigError
from docent.stage import run_shard
from docent.stages.build_dataset.push import check

WithStage = Callable[[str, Callable[[Context], Any]], None]
HUB = Path(__file__).parents[1] / "fixtures" / "hub.py"
KEY = "hf_test"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def hub() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, str(HUB)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()


def stats(hub: str) -> dict[str, Any]:
    with _DIRECT.open(f"{hub}/stats", timeout=10) as reply:
        found: dict[str, Any] = json.load(reply)
    return found


def push(tmp_path: Path, run_dir: Path, hub: str, token: str | None = KEY, **settings: Any) -> tuple[int, str]:
    """Exit code and what was said by build-dataset in a process of its own."""
    plan = sections(tmp_path, build_dataset={"push_to": "me/set", "token_env": "MY_HUB_TOKEN", **settings})
    config = PipelineConfig.model_validate(plan)
    for unit in ("ingest", "assemble", "generate-qa"):
        assert run_shard(config, unit, run_dir) == 0
    file = tmp_path / "pipeline.yaml"
    file.write_text(yaml.safe_dump(plan))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environ |= {"HF_ENDPOINT": hub, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "hf"), "NO_PROXY": "127.0.0.1"}
    if token:
        environ["MY_HUB_TOKEN"] = token
    command = [
        sys.executable,
        "-m",
        "docent",
        "stage",
        "build-dataset",
        "--config",
        str(file),
        "--run-dir",
        str(run_dir),
    ]
    command += ["--run-dir", str(run_dir)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
    return done.returncode, done.stdout + done.stderr


@pytest.mark.feature("F45")
def test_a_push_makes_the_repository_once_and_commits_only_what_changed(
    tmp_path: Path, run_dir: Path, with_stage: WithStage, hub: str
) -> None:
    fill_manual(with_stage)
    code, said = push(tmp_path, run_dir, hub, per_document=True, name="Before")
    assert code == 0, said
    before = stats(hub)["repos"]["me/set"]
    assert before["private"]
    assert any(name.startswith("documents/") for name in before["files"])

    code, said = push(tmp_path, run_dir.parent / "second", hub)
    assert code == 0, said
    second = stats(hub)["repos"]["me/set"]
    built = run_dir.parent / "second" / "build-dataset" / "latest"
    made = {p.relative_to(built).as_posix() for p in built.rglob("*") if p.is_file()}
    assert set(second["files"]) == {name for name in made if not name.startswith(("part-", "shard-"))}
    card = second["files"]["README.md"]["text"]
    assert 'license: "other"' in card
    assert "path: hf/train/*.arrow" in card

    code, said = push(tmp_path, run_dir.parent / "third", hub)
    assert code == 0, said
    assert stats(hub)["repos"]["me/set"]["commits"] == 2, "nothing changed, nothing was committed"
    assert KEY not in said


@pytest.mark.feature("F45")
def test_a_refused_token_and_a_hub_that_is_away_are_one_clear_message_each(
    tmp_path: Path, run_dir: Path, with_stage: WithStage, hub: str
) -> None:
    fill_manual(with_stage)
    code, said = push(tmp_path, run_dir, hub, token="hf_wrong")
    assert (code, "hf_wrong" in said, "Traceback" in said) == (43, False, False)
    assert "the hub refuses the token for me/set (HTTP 401)" in said
    code, said = push(tmp_path, run_dir, "http://127.0.0.1:9")
    assert code == 200, said
    assert "the hub cannot be reached" in said
    assert stats(hub)["repos"] == {}
    assert not (run_dir / "build-dataset" / "_SUCCESS.json").exists()


def test_a_repository_with_files_of_others_is_left_alone(
    tmp_path: Path, run_dir: Path, with_stage: WithStage, hub: str
) -> None:
    api = HfApi(endpoint=hub, token=KEY)
    api.create_repo("me/set", repo_type="dataset")
    theirs = CommitOperationAdd(path_in_repo="images/holiday.txt", path_or_fileobj=b"mine")
    api.create_commit("me/set", [theirs], commit_message="Mine", repo_type="dataset")
    fill_manual(with_stage)
    code, said = push(tmp_path, run_dir, hub)
    assert code == 43 and "holds files that are not of docent (1), such as images/holiday.txt" in said
    assert list(stats(hub)["repos"]["me/set"]["files"]) == ["images/holiday.txt"]


def test_no_token_and_an_impossible_name_are_found_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_HUB_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="there is no token for the hub"):
        check(BuildDataset(push_to="me/set", token_env="MY_HUB_TOKEN"))
    monkeypatch.setenv("MY_HUB_TOKEN", KEY)
    check(BuildDataset(push_to="me/set", token_env="MY_HUB_TOKEN"))
    for name in ("not a name", "../x", "a/b/c"):
        with pytest.raises(ConfigError, match="not the name of a repository"):
            check(BuildDataset(push_to=name, token_env="MY_HUB_TOKEN"))
