"""What a person sees while a run goes on: what a unit goes on from, how far it is, and how long the run still takes."""

from __future__ import annotations

import fcntl
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests import tiny_museum

from docent.config import PipelineConfig
from docent.context import Context
from docent.errors import InputError, TemporaryError
from docent.launcher.runs import display
from docent.launcher.runs.folder import status
from docent.launcher.runs.settings import store, write_attempt
from docent.launcher.runs.time_left import left, time_left
from docent.launcher.runs.unit_state import Phase, UnitState
from docent.launcher.verbs.output.status_text import picture, what_next
from docent.records import Document, Section, Span, make_id
from docent.spec import RunStates
from docent.stage import run_shard

WithStage = Callable[[str, Callable[[Context], Any]], None]
UNITS = ["ingest", "assess-images"]


@pytest.fixture
def begun(run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage) -> RunStates:
    """A run whose second unit says that it needs 150 seconds more."""
    section = Section(index=0, title="", text="text", source=Span(file="x.csv", first_line=1, last_line=1))
    row = Document(id=make_id("ingest", (), 1), kind="exhibit", name="vase", sections=(section,))
    with_stage("ingest", lambda ctx: iter([row]))
    assert run_shard(two_stages, "ingest", run_dir) == 0
    states = RunStates(two_stages, run_dir)
    said = {"done": 92, "total": 468, "rate_per_s": 2.5, "eta_s": 150, "spec": states.of("assess-images").spec}
    (run_dir / "assess-images").mkdir()
    for index in range(2):
        (run_dir / "assess-images" / f"progress-{index:05d}.json").write_text(json.dumps(said))
    return states


@pytest.fixture
def launched(begun: RunStates) -> Iterator[RunStates]:
    """The same, while a launcher works on it that was told to do the second unit alone."""
    write_attempt(begun.config, begun.run_dir, ["assess-images"])
    with (begun.run_dir / ".lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield begun


RESUMED = UnitState(Phase.RUNNING, progress={"done": 184, "total": 936}, continuation="resumes from step 90 of 468")


def test_lines_say_what_a_unit_goes_on_from_and_the_time_left(
    begun: RunStates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(display, "PLAIN_INTERVAL_S", 0.0)
    screen = io.StringIO()
    plain = display.RunDisplay(Console(file=screen, width=160), lambda: str(time_left(begun, UNITS, slots=2)))
    plain.show({"ingest": UnitState(Phase.RUNNING), "assess-images": RESUMED})
    said = screen.getvalue()
    assert "ingest             started\nassess-images      resumes from step 90 of 468\n" in said
    assert said.rstrip().endswith("about 2 min left in total")


def test_the_live_table_ends_with_the_unit_that_was_stopped(begun: RunStates) -> None:
    screen = io.StringIO()
    console = Console(file=screen, width=160, force_terminal=True)
    with display.RunDisplay(console, lambda: str(time_left(begun, UNITS, slots=1))) as live:
        live.show({"assess-images": RESUMED})
        assert "resumes from step 90 of 468" in screen.getvalue()
        assert "about 5 min left in total" in screen.getvalue()
    last = [line for line in screen.getvalue().splitlines() if "assess-images" in line][-1]
    assert "stopped" in last and "at 184 of 936" in last


def test_lines_are_said_once_per_change_and_none_of_what_was_complete_before() -> None:
    screen = io.StringIO()
    with display.RunDisplay(Console(file=screen, width=160), quiet=["ingest"]) as plain:
        plain.show({"ingest": UnitState(Phase.DONE, rows=3), "assess-images": UnitState(Phase.RUNNING)})
        plain.explain_failure(
            "assess-images", "shard 1 ended with exit code 200; attempt 2 of 4 starts in 10 s", "gone"
        )
        again = "shard 1 failed, attempt 2 of 4 starts in 10 s"
        plain.show({"assess-images": UnitState(Phase.RUNNING, cause=again)})
        plain.show({"assess-images": UnitState(Phase.RUNNING)})
        plain.show({"assess-images": UnitState(Phase.DONE, rows=1, rejected=2, wall_s=1.25)})
    lines = [" ".join(line.split()) for line in screen.getvalue().splitlines()]
    assert lines == [
        "assess-images started",
        "assess-images shard 1 ended with exit code 200; attempt 2 of 4 starts in 10 s",
        "gone",
        "assess-images done in 1.2 s, 1 row, 2 rejected",
    ]


def test_status_shows_the_time_left_while_a_launcher_works(launched: RunStates) -> None:
    screen = io.StringIO()
    Console(file=screen, width=160).print(picture(launched))
    assert "about 2 min left in total" in screen.getvalue()
    assert not list(what_next(launched))


def test_nothing_works_on_a_run_whose_launcher_is_gone(begun: RunStates) -> None:
    write_attempt(begun.config, begun.run_dir, UNITS)
    assert left(begun, slots=2) is None
    assert [line.phase for line in status(begun)] == ["done", "stopped"]
    again = f"{begun.run_dir}/pipeline.attempt.yaml --run test --data {begun.run_dir.parent}"
    assert list(what_next(begun)) == [f"next: docent run {again}"]


def test_the_next_command_is_one_for_the_shell_that_called(
    begun: RunStates, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    called = tmp_path / "tools" / "docent"
    called.parent.mkdir()
    called.touch()
    monkeypatch.setattr(sys, "argv", [str(called), "status"])
    store(begun.config, begun.run_dir)
    assert list(what_next(begun)) == [f"next: {called} run --run test --data {begun.run_dir.parent}"]


def test_a_run_on_this_machine_is_one_also_in_a_pod(begun: RunStates, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook in a cluster has runs of its own; only what a launcher told is about one on the cluster."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    store(begun.config, begun.run_dir)
    assert list(what_next(begun)) == [f"next: docent run --run test --data {begun.run_dir.parent}"]


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (TemporaryError("the endpoint is down"), []),
        (InputError("line 7 has no name"), ["fix the cause first; otherwise the same command fails again"]),
    ],
)
def test_the_cause_is_to_be_fixed_first_where_the_same_command_would_not_do(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage, error: Exception, advice: list[str]
) -> None:
    def failing(ctx: Context) -> Iterator[Any]:
        raise error
        yield

    with_stage("ingest", failing)
    run_shard(two_stages, "ingest", run_dir)
    store(two_stages, run_dir)
    said = list(what_next(RunStates(two_stages, run_dir)))
    assert said[0].startswith("ingest failed: ") and said[-1].startswith("next: ")
    assert [line for line in said if line.startswith("fix ")] == advice


def test_a_unit_waits_for_a_worker_only_where_nothing_else_is_known_of_it(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    def refused(ctx: Context) -> Iterator[Any]:
        raise InputError("line 7 has no name", "list.csv")
        yield

    def first() -> tuple[str, str]:
        line = status(RunStates(two_stages, run_dir, as_left=True))[0]
        return line.phase, line.note

    write_attempt(two_stages, run_dir, UNITS)
    with (run_dir / ".lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert first() == ("waiting", "ready, waiting for a free worker")
        with_stage("ingest", refused)
        run_shard(two_stages, "ingest", run_dir)
        assert two_stages.ingest is not None
        source = two_stages.ingest.sources[0].path
        (source / "fixed.txt").write_text("text")
        said = "inputs changed since it failed: line 7 has no name (list.csv) (exit code 42)"
        assert first() == ("waiting", said)
        (source / "fixed.txt").unlink()
        source.rmdir()
        phase, note = first()
        assert phase == "waiting" and note.startswith("cannot run: ")


def test_no_unit_waits_for_a_worker_after_a_failure(tmp_path: Path, run_dir: Path, with_stage: WithStage) -> None:
    """Of two trainings of the same data one failed: the launcher begins no other."""
    finetune = {"base_model": "some/model", "approaches": ["lora", "full"]}
    config = PipelineConfig.model_validate(tiny_museum.sections(tmp_path, finetune=finetune))
    tiny_museum.fill_upstream(with_stage)
    for unit in ("ingest", "assemble", "generate-qa", "build-dataset"):
        assert run_shard(config, unit, run_dir) == 0

    def refused(ctx: Context) -> Iterator[Any]:
        raise InputError("the data set is empty", "train.jsonl")
        yield

    def notes() -> dict[str, str]:
        return {line.unit: line.note for line in status(RunStates(config, run_dir, as_left=True))}

    with_stage("finetune", refused)
    write_attempt(config, run_dir, list(RunStates(config, run_dir).units))
    with (run_dir / ".lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert notes()["finetune-full"] == "ready, waiting for a free worker"
        assert run_shard(config, "finetune-lora", run_dir) == 42
        assert notes()["finetune-full"] == "not started because finetune-lora failed"


def test_a_unit_that_the_launch_is_not_about_does_not_wait(launched: RunStates) -> None:
    again = RunStates(launched.config.model_copy(update={"seed": 12}), launched.run_dir)
    assert [line.phase for line in status(again)] == ["to do", "waiting"]
