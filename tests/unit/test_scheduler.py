"""The scheduler over a backend that is a script: in which order units start, and what becomes of those that end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests import tiny_museum

from docent.config import PipelineConfig
from docent.context import Context
from docent.launcher.cluster.controller.backend import ClusterBackend
from docent.launcher.local.backend import LocalBackend
from docent.launcher.runs.unit_state import Phase, UnitState
from docent.launcher.schedule import Scheduler
from docent.spec import RunStates
from docent.stage import run_shard

WithStage = Callable[[str, Callable[[Context], Any]], None]
UPSTREAM = ["ingest", "assemble", "generate-qa", "build-dataset"]
TRAININGS = ["finetune-lora", "finetune-full"]
FINETUNE = {"base_model": "some/model", "approaches": ["lora", "full"]}


class ScriptedBackend:
    """Does the work of a unit at once, unless the script has other ends for it."""

    def __init__(self, states: RunStates, **script: list[UnitState]) -> None:
        self.states, self.script = states, {name.replace("_", "-"): ends for name, ends in script.items()}
        self.submitted: list[str] = []
        self.there: set[str] = set()
        self.cancelled: list[str] = []
        self._running: list[str] = []

    def submit(self, unit: str, attach_only: bool) -> UnitState:
        if attach_only and unit not in self.there:
            return UnitState()
        self.submitted.append(unit)
        self._running.append(unit)
        return UnitState(Phase.RUNNING, job=f"job-{unit}")

    def wait(self, timeout_s: float) -> Mapping[str, UnitState]:
        reports = {unit: self._report(unit) for unit in self._running}
        self._running = [unit for unit in self._running if reports[unit].phase is Phase.RUNNING]
        return reports

    def _report(self, unit: str) -> UnitState:
        if self.script.get(unit):
            return self.script[unit].pop(0)
        run_shard(self.states.config, unit, self.states.run_dir)
        return UnitState(Phase.DONE, job=f"job-{unit}", retries=1)

    def logs(self, unit: str) -> str:
        return f"log of {unit}"

    def cancel(self) -> None:
        self.cancelled, self._running = self._running, []


@pytest.fixture
def states(tmp_path: Path, run_dir: Path, with_stage: WithStage) -> RunStates:
    tiny_museum.fill_upstream(with_stage)
    with_stage("finetune", lambda ctx: iter([]))
    return RunStates(PipelineConfig.model_validate(tiny_museum.sections(tmp_path, finetune=FINETUNE)), run_dir)


def schedule(states: RunStates, backend: ScriptedBackend, **more: Any) -> Scheduler:
    published: list[dict[str, Phase]] = []
    scheduler = Scheduler(
        states,
        list(states.units),
        backend,
        lambda units: published.append({name: unit.phase for name, unit in units.items()}),
        **more,
    )
    scheduler.run()
    assert published[-1] == {name: unit.phase for name, unit in scheduler.units.items()}
    return scheduler


def test_units_start_in_order_and_their_states_tell_of_their_output(states: RunStates) -> None:
    backend = ScriptedBackend(states)
    scheduler = schedule(states, backend)
    assert backend.submitted == [*UPSTREAM, *TRAININGS] and scheduler.failed == []
    ingest = scheduler.units["ingest"]
    assert (ingest.phase, ingest.job, ingest.retries, ingest.log) == ("done", "job-ingest", 1, "log of ingest")
    assert ingest.rows and ingest.digest and ingest.spec
    again = ScriptedBackend(states)
    second = schedule(states, again, earlier=scheduler.units)
    assert again.submitted == [] and second.units["ingest"] == ingest


def test_nothing_new_starts_after_a_failure_and_what_runs_goes_on(states: RunStates) -> None:
    running, failed = UnitState(Phase.RUNNING), UnitState(Phase.FAILED, cause="bad row", exit_code=42)
    backend = ScriptedBackend(states, finetune_lora=[failed], finetune_full=[running, running])
    scheduler = schedule(states, backend)
    assert scheduler.failed == ["finetune-lora"]
    lora = scheduler.units["finetune-lora"]
    assert (lora.phase, lora.cause, lora.log) == ("failed", "bad row", "log of finetune-lora")
    assert scheduler.units["finetune-full"].phase == "done" and not backend.cancelled


def test_a_wrong_configuration_stops_the_others(states: RunStates) -> None:
    failed = UnitState(Phase.FAILED, cause="no key", exit_code=43)
    backend = ScriptedBackend(states, finetune_lora=[failed], finetune_full=[UnitState(Phase.RUNNING)] * 9)
    scheduler = schedule(states, backend)
    assert backend.cancelled == ["finetune-full"]
    full = scheduler.units["finetune-full"]
    assert (full.phase, full.cause) == ("waiting", "stopped because finetune-lora failed")


def test_a_unit_that_was_stopped_starts_again(states: RunStates) -> None:
    backend = ScriptedBackend(states, ingest=[UnitState(Phase.STOPPED, cause="job-ingest was deleted")])
    assert schedule(states, backend).failed == []
    assert backend.submitted[:3] == ["ingest", "ingest", "assemble"]


def test_what_works_already_is_followed_before_anything_new_starts(states: RunStates) -> None:
    for unit in UPSTREAM:
        run_shard(states.config, unit, states.run_dir)
    failed = UnitState(Phase.FAILED, cause="bad row", exit_code=42)
    backend = ScriptedBackend(states, finetune_full=[failed])
    backend.there = {"finetune-full"}
    assert schedule(states, backend).failed == ["finetune-full"]
    assert backend.submitted == ["finetune-full"]


@pytest.mark.parametrize("grace_s", [0.0, 30.0])
def test_work_that_ends_well_without_an_output_is_a_failure_once_the_grace_is_over(
    states: RunStates, grace_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = []

    def late(timeout_s: float) -> Mapping[str, UnitState]:
        passes.append(timeout_s)
        if len(passes) == 3:  # as a network file system shows it
            run_shard(states.config, "ingest", states.run_dir)
        return {"ingest": UnitState(Phase.DONE)} if len(passes) == 1 else {}

    backend = ScriptedBackend(states)
    monkeypatch.setattr(backend, "wait", late)
    scheduler = Scheduler(states, ["ingest"], backend, lambda units: None, grace_s)
    scheduler.run()
    ingest = scheduler.units["ingest"]
    if grace_s:
        assert ingest.phase == "done" and len(passes) == 3
    else:
        assert (ingest.phase, ingest.cause) == ("failed", "exited 0 without writing _SUCCESS.json")


def test_a_source_that_is_missing_fails_its_unit(states: RunStates) -> None:
    assert states.config.ingest is not None
    states.config.ingest.sources[0].path.rmdir()
    backend = ScriptedBackend(states)
    scheduler = schedule(states, backend)
    assert scheduler.failed == ["ingest"] and backend.submitted == []
    assert "the input of ingest does not exist" in scheduler.units["ingest"].cause


@pytest.mark.parametrize("backend", [LocalBackend, ClusterBackend])
def test_every_backend_offers_the_four_operations(backend: type) -> None:
    assert all(callable(getattr(backend, operation)) for operation in ("submit", "wait", "logs", "cancel"))
