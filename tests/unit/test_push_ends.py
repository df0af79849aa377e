"""A process that pushes a complete data set and is killed: the launcher goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.tiny_manual import fill_manual
from tests.tiny_museum import sections

from docent.artifacts.pushed import is_left, is_open
from docent.config import PipelineConfig
from docent.context import Context
from docent.launcher.local.backend import LocalBackend
from docent.launcher.local.failures import ShardEnd
from docent.launcher.schedule import Scheduler
from docent.spec import RunStates
from docent.stage import run_shard
from docent.store import Shard

BEFORE = ("ingest", "assemble", "generate-qa", "build-dataset")


class Killed(LocalBackend):
    """A backend whose processes are killed; of the stages before, so that nothing takes long."""

    def __init__(self, states: RunStates) -> None:
        self.failures: list[ShardEnd] = []
        super().__init__(states, Path("/none"), lambda end, then: self.failures.append(end))
        self.begun: list[str] = []

    def _start(self, unit: str, shard: Shard) -> None:
        self.begun.append(unit)
        self._settle(ShardEnd(unit, shard, 137, "killed"))


def test_a_push_whose_process_is_killed_fails_no_unit_and_is_still_to_be_done(
    tmp_path: Path, run_dir: Path, with_stage: Callable[[str, Callable[[Context], Any]], None]
) -> None:
    fill_manual(with_stage)
    for unit in BEFORE:
        assert run_shard(PipelineConfig.model_validate(sections(tmp_path)), unit, run_dir) == 0
    config = PipelineConfig.model_validate(sections(tmp_path, build_dataset={"push_to": "me/set"}))
    states = RunStates(config, run_dir)
    backend = Killed(states)
    scheduler = Scheduler(
        states, list(BEFORE), backend, lambda units: None, must_run=lambda name: is_left(states, name)
    )
    scheduler.run()
    assert backend.begun == ["build-dataset"], "a repository that is named later builds nothing again"
    assert backend.failures == scheduler.failed == []
    assert is_open(config, run_dir, states.of("build-dataset").artifact)
