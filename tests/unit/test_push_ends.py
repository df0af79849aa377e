"""A process that pushes a complete data set and is killed: the launcher goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.tiny_manual import fill_manual
from tests.tiny_museum import sections

from docent.artifacts.pushed import is_open
from docent.config import PipelineConfig
from docent.context import Context
from docent.launcher.local.run import Launch
from docent.launcher.local.shards import Finished
from docent.spec import RunStates
from docent.stage import run_shard
from docent.store import Shard

BEFORE = ("ingest", "assemble", "generate-qa", "build-dataset")


class Killed:
    """A backend whose processes are killed; of the stages before, so that nothing takes long."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    @property
    def free(self) -> int:
        return 1

    def submit(self, unit: str, shard: Shard) -> None:
        self.begun.append(unit)

    def wait(self, timeout_s: float) -> list[Finished]:
        return [Finished(self.begun[-1], Shard(0, 1), 137, "killed")]

    def running(self) -> Iterator[tuple[str, Shard]]:
        return iter(())

    def cancel(self) -> None:
        pass


class Told:
    """What a view is told."""

    def __init__(self) -> None:
        self.failures: list[Finished] = []

    def started(self, unit: str, continuation: str) -> None:
        pass

    def finished(self, unit: str, seconds: float, rows: int) -> None:
        pass

    def failed(self, end: Finished) -> None:
        self.failures.append(end)

    def tick(self) -> None:
        pass


def test_a_push_whose_process_is_killed_fails_no_unit_and_is_still_to_be_done(
    tmp_path: Path, run_dir: Path, with_stage: Callable[[str, Callable[[Context], Any]], None]
) -> None:
    fill_manual(with_stage)
    for unit in BEFORE:
        assert run_shard(PipelineConfig.model_validate(sections(tmp_path)), unit, run_dir) == 0
    config = PipelineConfig.model_validate(sections(tmp_path, build_dataset={"push_to": "me/set"}))
    states, backend, told = RunStates(config, run_dir), Killed(), Told()
    Launch(states, list(BEFORE), backend, told, lambda: None).carry_out()
    assert backend.begun == ["build-dataset"], "a repository that is named later builds nothing again"
    assert told.failures == []
    assert is_open(config, run_dir, states.of("build-dataset").artifact)
