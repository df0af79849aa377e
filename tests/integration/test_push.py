"""A data set on its way to a hub, from the stage and from the launcher: processes of docent against a hub's process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.hub_process import KEY, behave, running_hub, stats
from tests.tiny_manual import fill_manual
from tests.tiny_museum import sections

from docent.config import PipelineConfig
from docent.context import Context
from docent.stage import run_shard

WithStage = Callable[[str, Callable[[Context], Any]], None]
STAGE = ("stage", "build-dataset", "--config", "{file}", "--run-dir", "{run}")


@pytest.fixture
def hub() -> Iterator[str]:
    with running_hub() as address:
        yield address


class Run:
    """A run whose stages before build-dataset are done."""

    def __init__(self, tmp_path: Path, run_dir: Path, **settings: Any) -> None:
        plan = sections(tmp_path, build_dataset={"push_to": "me/set", "token_env": "MY_HUB_TOKEN", **settings})
        plan["run"]["name"] = run_dir.name
        config = PipelineConfig.model_validate(plan)
        for unit in ("ingest", "assemble", "generate-qa"):
            assert run_shard(config, unit, run_dir) == 0
        self.home, self.folder, self.file = tmp_path, run_dir, tmp_path / f"{run_dir.name}.yaml"
        self.file.write_text(yaml.safe_dump(plan))

    def docent(self, hub: str, *arguments: str, token: str | None = KEY) -> tuple[int, str]:
        """Exit code and what was said."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        environ |= {"HF_ENDPOINT": hub, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(self.home / "hf")}
        environ |= {"NO_PROXY": "127.0.0.1", **({"MY_HUB_TOKEN": token} if token else {})}
        words = [word.format(file=self.file, run=self.folder) for word in arguments]
        command = [sys.executable, "-m", "docent", *words]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
        return done.returncode, done.stdout + done.stderr

    @property
    def push(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "build-dataset" / "push.json").read_text())
        return found


@pytest.mark.feature("hub-push")
def test_a_push_makes_the_repository_once_and_commits_only_what_changed(
    tmp_path: Path, run_dir: Path, with_stage: WithStage, hub: str
) -> None:
    fill_manual(with_stage)
    code, said = Run(tmp_path, run_dir, per_document=True, name="Before").docent(hub, *STAGE)
    assert code == 0, said
    assert "me/set" in stats(hub)["repos"], said
    before = stats(hub)["repos"]["me/set"]
    assert before["private"]
    assert any(name.startswith("documents/") for name in before["files"])

    second = Run(tmp_path, run_dir.parent / "second")
    code, said = second.docent(hub, *STAGE)
    assert code == 0, said
    there = stats(hub)["repos"]["me/set"]
    built = second.folder / "build-dataset" / "latest"
    made = {p.relative_to(built).as_posix() for p in built.rglob("*") if p.is_file()}
    noted = {name for name in made if not name.startswith(("part-", "shard-", "rejects-"))}
    assert set(there["files"]) == noted | {".docent.json"}
    card = there["files"]["README.md"]["text"]
    assert 'license: "other"' in card
    assert "path: hf/train/*.arrow" in card

    code, said = Run(tmp_path, run_dir.parent / "third").docent(hub, *STAGE)
    assert code == 0, said
    assert stats(hub)["repos"]["me/set"]["commits"] == there["commits"], "nothing changed, nothing was committed"
    assert KEY not in said


@pytest.mark.feature("hub-push")
def test_a_push_that_fails_keeps_the_data_set_and_only_the_push_is_tried_again(
    tmp_path: Path, run_dir: Path, with_stage: WithStage, hub: str
) -> None:
    fill_manual(with_stage)
    run = Run(tmp_path, run_dir)
    code, said = run.docent(hub, *STAGE, token="hf_wrong")
    success = (run_dir / "build-dataset" / "_SUCCESS.json").read_bytes()
    assert (code, "hf_wrong" in said, "Traceback" in said) == (0, False, False), said
    assert "the data set is complete, but was not pushed to me/set: the hub returned HTTP 401" in said
    assert "the hub returned HTTP 401" in run.push["reason"] and run.push["commit"] == ""

    behave(hub, faults=[{"at": "commit", "status": 403, "error": "Private repository storage limit reached"}])
    data = ("--run", run_dir.name, "--data", str(run_dir.parent))
    code, said = run.docent(hub, "run", "{file}", *data, "--only", "build-dataset")
    assert code == 0, said
    assert "data set not pushed to me/set: the hub returned HTTP 403: Private repository storage limit reached" in said
    again = next(line for line in said.splitlines() if line.startswith("  next: "))
    assert all(word in again for word in ("docent run", f"--data {run_dir.parent}", "--only build-dataset")), again
    code, said = run.docent(hub, "plan", "{file}", *data)
    assert code == 0 and "40 rows, to be pushed" in said, said
    code, said = run.docent(hub, "status", *data)
    assert "data set not pushed to me/set: the hub returned HTTP 403" in said, said

    code, said = run.docent(hub, "run", "{file}", *data, "--only", "build-dataset")
    assert code == 0 and "data set pushed to me/set" in said, said
    assert (run_dir / "build-dataset" / "_SUCCESS.json").read_bytes() == success, "it was not built again"
    code, said = run.docent(hub, "run", "{file}", *data, "--only", "build-dataset")
    assert "nothing to do: 1 unit complete" in said
    assert stats(hub)["repos"]["me/set"]["commits"] == 1


def test_everything_that_would_stop_a_push_is_said_at_once_before_the_work(
    tmp_path: Path, run_dir: Path, with_stage: WithStage, hub: str
) -> None:
    fill_manual(with_stage)
    run = Run(tmp_path, run_dir, license="CC BY 4.0 International", push_to="them/set")
    behave(hub, account={"name": "me", "auth": {"accessToken": {"role": "read"}}})
    data = ("--run", run_dir.name, "--data", str(run_dir.parent))
    for verb in (("plan", "{file}", *data), ("run", "{file}", *data)):
        code, said = run.docent(hub, *verb)
        assert code == 3, said
        assert "the hub does not accept the licence 'CC BY 4.0 International'" in said
        assert "--set build_dataset.license=other" in said
        assert "the token in MY_HUB_TOKEN is read-only" in said
        assert "belongs to me, who is not a member of them" in said and "push_to=me/set" in said
    assert not (run_dir / "build-dataset").exists()
