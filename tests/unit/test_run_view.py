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

from docent.config import PipelineConfig
from docent.context import Context
from docent.launcher import view
from docent.launcher.settings import store, write_attempt
from docent.launcher.state import left, status
from docent.launcher.verbs.status_text import picture, what_next
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


def test_lines_say_what_a_unit_goes_on_from_and_the_time_left(
    begun: RunStates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "PLAIN_INTERVAL_S", 0.0)
    screen = io.StringIO()
    plain = view.PlainView(begun, Console(file=screen, width=160), UNITS, slots=2)
    plain.started("ingest", "")
    plain.started("assess-images", "resumes from step 90 of 468")
    plain.tick()
    said = screen.getvalue()
    assert "ingest             started\nassess-images      resumes from step 90 of 468\n" in said
    assert said.rstrip().endswith("about 2 min left in all")


def test_the_live_table_ends_with_the_time_left(begun: RunStates) -> None:
    screen = io.StringIO()
    with view.LiveView(begun, Console(file=screen, width=160, force_terminal=True), UNITS, slots=1) as live:
        live.started("assess-images", "resumes from step 90 of 468")
        live.tick()
        live.live.refresh()
        assert "resumes from step 90 of 468" in screen.getvalue()
        assert "about 5 min left in all" in screen.getvalue()
    last = [line for line in screen.getvalue().splitlines() if "assess-images" in line][-1]
    assert "stopped" in last and "at 184 of 936" in last


def test_status_shows_the_time_left_while_a_launcher_works(launched: RunStates) -> None:
    screen = io.StringIO()
    Console(file=screen, width=160).print(picture(launched))
    assert "about 2 min left in all" in screen.getvalue()
    assert not list(what_next(launched))


def test_nothing_works_on_a_run_whose_launcher_is_gone(begun: RunStates) -> None:
    write_attempt(begun.config, begun.run_dir, UNITS)
    assert left(begun) is None
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


def test_a_unit_that_the_launch_is_not_about_does_not_wait(launched: RunStates) -> None:
    again = RunStates(launched.config.model_copy(update={"seed": 12}), launched.run_dir)
    assert [line.phase for line in status(again)] == ["to do", "waiting"]
