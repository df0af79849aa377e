"""What `docent status` and `docent plan` say of units that failed, stopped, run, or rejected rows."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import tiny_museum

from docent.artifacts.attempt import Failure, write_failure
from docent.artifacts.listings import SUCCESS
from docent.config import PipelineConfig
from docent.context import Context
from docent.errors import InputError
from docent.launcher.plan import plan
from docent.launcher.runs.folder import status, unit_state
from docent.launcher.runs.unit_state import StatusLine
from docent.records import Document, Reject, Section, Span, make_id
from docent.spec import RunStates
from docent.stage import run_shard
from docent.store import Shard

WithStage = Callable[[str, Callable[[Context], Any]], None]


def document(number: int) -> Document:
    span = Span(file="list.csv", first_line=number, last_line=number)
    section = Section(index=0, title="", text=f"text {number}", source=span)
    return Document(id=make_id("ingest", (), number), kind="exhibit", name=f"vase {number}", sections=(section,))


def seen(config: PipelineConfig, run_dir: Path, unit: str = "ingest") -> StatusLine:
    """The line of one unit, as another process that looks now would get it."""
    lines = {line.unit: line for line in status(RunStates(config, run_dir, as_left=True))}
    return lines[unit]


def why(config: PipelineConfig, run_dir: Path, unit: str = "ingest") -> str:
    return next(line.why for line in plan(RunStates(config, run_dir)) if line.unit == unit)


def asked_to_stop(ctx: Context) -> Iterator[Any]:
    ctx.progress.update(92, 468)
    ctx.stop.set()
    yield document(0)


def refused(ctx: Context) -> Iterator[Any]:
    yield document(0)
    raise InputError("line 7 has no name", "list.csv", "fill the column, then: docent run")


def test_a_unit_that_was_asked_to_stop_says_where_it_stopped(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    with_stage("ingest", asked_to_stop)
    assert run_shard(two_stages, "ingest", run_dir) == 143
    line = seen(two_stages, run_dir)
    said = "stopped at 92 of 468; starts over"
    assert (line.phase, line.note, line.done, line.total) == ("stopped", said, 92, 468)
    assert why(two_stages, run_dir) == said
    assert seen(two_stages, run_dir, "assess-images").note == "after ingest"


def test_a_unit_runs_while_its_process_lives_and_has_stopped_once_that_is_killed(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    reader, writer = os.pipe()

    def endless(ctx: Context) -> Iterator[Any]:
        ctx.progress.update(92, 468)
        ctx.progress.write()
        os.write(writer, b"x")
        signal.pause()
        yield document(0)

    with_stage("ingest", endless)
    if not (child := os.fork()):
        os._exit(run_shard(two_stages, "ingest", run_dir))
    try:
        assert os.read(reader, 1) == b"x"
        line = seen(two_stages, run_dir)
        assert line.phase == "running" and line.note.startswith("92 of 468")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert seen(two_stages, run_dir).note == "stopped at 92 of 468; starts over"


def test_a_unit_that_was_killed_before_its_first_row_was_begun(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    with_stage("ingest", lambda ctx: os.kill(os.getpid(), signal.SIGKILL))
    if not (child := os.fork()):
        os._exit(run_shard(two_stages, "ingest", run_dir))
    os.waitpid(child, 0)
    line = seen(two_stages, run_dir)
    assert (line.phase, line.note) == ("stopped", "stopped before its first row; starts over")


def test_a_failure_is_told_with_its_cause_and_exit_code_until_an_attempt_succeeds(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    with_stage("ingest", refused)
    assert run_shard(two_stages, "ingest", run_dir) == 42
    line = seen(two_stages, run_dir)
    assert (line.phase, line.note, line.exit_code) == ("failed", "line 7 has no name (list.csv) (exit code 42)", 42)
    assert line.next_step == "fill the column, then: docent run --run test"
    assert why(two_stages, run_dir) == "failed: line 7 has no name (list.csv) (exit code 42)"
    assert seen(two_stages, run_dir, "assess-images").note == "after ingest, which failed"
    with_stage("ingest", asked_to_stop)
    run_shard(two_stages, "ingest", run_dir)
    assert seen(two_stages, run_dir).phase == "stopped"
    with_stage("ingest", lambda ctx: iter([document(0)]))
    assert run_shard(two_stages, "ingest", run_dir) == 0
    assert seen(two_stages, run_dir).phase == "done"


def test_a_failure_of_other_settings_is_not_shown_and_one_of_other_sources_is_told_apart(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    with_stage("ingest", refused)
    run_shard(two_stages, "ingest", run_dir)
    other = seen(two_stages.model_copy(update={"seed": 11}), run_dir)
    assert (other.phase, other.note) == ("to do", "ready to start")
    assert two_stages.ingest is not None
    (two_stages.ingest.sources[0].path / "fixed.txt").write_text("text")
    line = seen(two_stages, run_dir)
    assert line.phase == "to do"
    assert line.note == "inputs changed since it failed: line 7 has no name (list.csv) (exit code 42)"


def test_a_gate_that_fails_after_every_shard_was_written_is_a_failure(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    rows = [Reject(reason="photo not found", raw="x"), Reject(reason="photo not found", raw="y"), document(0)]
    with_stage("ingest", lambda ctx: iter(rows))
    for _ in range(2):  # the second attempt finds the shard written, and fails at the gate alone
        assert run_shard(two_stages, "ingest", run_dir) == 42
        line = seen(two_stages, run_dir)
        assert line.phase == "failed" and "rejected 2 of 3" in line.note and "2 x photo not found" in line.note
        assert "continues" not in line.note
        assert "--set ingest.max_reject_rate=" in line.next_step


def test_a_bug_is_a_failure_and_secrets_are_not_written_down(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSEUM_API_KEY", "quite-a-secret-value")

    def broken(ctx: Context) -> Iterator[Any]:
        raise KeyError("quite-a-secret-value")

    with_stage("ingest", broken)
    assert run_shard(two_stages, "ingest", run_dir) == 1
    assert seen(two_stages, run_dir).note == "KeyError: '***' (exit code 1)"
    assert "quite-a-secret" not in (run_dir / "ingest" / "failed-00000.json").read_text()


def test_one_failed_shard_of_two_fails_the_unit_and_the_other_is_kept(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    with_stage("ingest", lambda ctx: iter([document(0)]))
    with_stage("assess-images", lambda ctx: refused(ctx) if ctx.shard.index else iter([]))
    for unit, shard in (("ingest", Shard()), ("assess-images", Shard(0, 2)), ("assess-images", Shard(1, 2))):
        run_shard(two_stages, unit, run_dir, shard)
    line = seen(two_stages, run_dir, "assess-images")
    assert line.note == "line 7 has no name (list.csv) (exit code 42); continues with 1 of 2 shards complete"


def test_rejected_rows_of_a_complete_unit_are_counted(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    with_stage("ingest", lambda ctx: iter([Reject(reason="odd", raw="3"), document(0), document(1)]))
    assert run_shard(two_stages, "ingest", run_dir) == 0
    line = seen(two_stages, run_dir)
    assert (line.phase, line.rejected, line.note) == ("done", 1, "1 rejected: 1 x odd")
    assert why(two_stages, run_dir) == "2 rows, 1 rejected"


def test_a_damaged_output_is_not_taken_for_a_stopped_attempt(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    with_stage("ingest", lambda ctx: iter([document(0)]))
    run_shard(two_stages, "ingest", run_dir)
    done = json.loads((run_dir / "ingest" / SUCCESS).read_text())
    (run_dir / "ingest" / done["folder"] / done["parts"][0]["path"]).unlink()
    line = seen(two_stages, run_dir)
    assert (line.phase, line.note) == ("to do", "an output was damaged")


def test_a_source_that_is_gone_is_said_in_the_table(tmp_path: Path, run_dir: Path, two_stages: PipelineConfig) -> None:
    (tmp_path / "source").rmdir()
    assert "cannot run: the input of ingest does not exist" in seen(two_stages, run_dir).note
    assert seen(two_stages, run_dir, "assess-images").note == "after ingest"


@pytest.mark.parametrize("text", ["", "[]", '{"index": 0}', '{"index": -1, "exit_code": 42}', "\x00" * 9])
def test_a_torn_or_forged_failure_counts_as_none(run_dir: Path, two_stages: PipelineConfig, text: str) -> None:
    (run_dir / "ingest").mkdir()
    (run_dir / "ingest" / "failed-00000.json").write_text(text)
    assert seen(two_stages, run_dir).phase == "to do"


def test_a_cause_cannot_steer_the_terminal(run_dir: Path, two_stages: PipelineConfig) -> None:
    plans = RunStates(two_stages, run_dir).plans
    cause = "bad \x1b[2J name\nnext"
    failure = Failure(index=0, plan=plans["ingest"], spec="", exit_code=42, cause=cause, next_step="")
    write_failure(run_dir, "ingest", failure)
    assert seen(two_stages, run_dir).note == r"bad \x1b[2J name\nnext (exit code 42)"


def test_a_training_goes_on_from_its_newest_whole_checkpoint(
    tmp_path: Path, run_dir: Path, with_stage: WithStage
) -> None:
    settings = tiny_museum.sections(
        tmp_path, finetune={"base_model": "some/model", "approaches": [{"name": "lora", "is": "lora"}]}
    )
    config = PipelineConfig.model_validate(settings)
    tiny_museum.fill_upstream(with_stage)

    def interrupted(ctx: Context) -> Iterator[Any]:
        for step in (60, 90):
            (ctx.folder / "checkpoints" / f"step-{step:06d}").mkdir(parents=True)
            (ctx.folder / "checkpoints" / f"step-{step:06d}" / "manifest.json").write_text('{"step": 1}')
        (ctx.folder / "checkpoints" / "step-000120").mkdir()  # torn: without its manifest
        ctx.progress.update(92, 468)
        ctx.stop.set()
        yield document(0)

    with_stage("finetune", interrupted)
    units = ("ingest", "assemble", "generate-qa", "build-dataset", "finetune-lora")
    assert [run_shard(config, unit, run_dir) for unit in units] == [0, 0, 0, 0, 143]
    line = seen(config, run_dir, "finetune-lora")
    assert (line.phase, line.note) == ("stopped", "stopped at 92 of 468; resumes from step 90 of 468")
    assert unit_state(RunStates(config, run_dir), "finetune-lora").continuation == "resumes from step 90 of 468"


def test_a_training_that_was_stopped_says_once_that_it_has_nothing_to_go_on_from(
    tmp_path: Path, run_dir: Path, with_stage: WithStage
) -> None:
    settings = tiny_museum.sections(
        tmp_path, finetune={"base_model": "some/model", "approaches": [{"name": "lora", "is": "lora"}]}
    )
    config = PipelineConfig.model_validate(settings)
    tiny_museum.fill_upstream(with_stage)
    for unit in ("ingest", "assemble", "generate-qa", "build-dataset"):
        assert run_shard(config, unit, run_dir) == 0

    def stopped(total: int) -> Callable[[Context], Any]:
        def train(ctx: Context) -> Iterator[Any]:
            if total:
                ctx.progress.update(3, total)
            ctx.stop.set()
            yield document(0)

        return train

    with_stage("finetune", stopped(0))
    assert run_shard(config, "finetune-lora", run_dir) == 143
    assert seen(config, run_dir, "finetune-lora").note == "stopped before its first step; starts over"
    with_stage("finetune", stopped(468))
    assert run_shard(config, "finetune-lora", run_dir) == 143
    said = "stopped at 3 of 468, before its first checkpoint; starts over"
    assert seen(config, run_dir, "finetune-lora").note == said
    assert why(config, run_dir, "finetune-lora") == said


def test_a_unit_waits_for_what_is_complete_last_or_for_the_failure_in_its_way(
    tmp_path: Path, run_dir: Path, with_stage: WithStage
) -> None:
    approaches = [{"name": "lora", "is": "lora"}]
    later = {"finetune": {"base_model": "some/model", "approaches": approaches}, "answer": {}, "score": {}}
    config = PipelineConfig.model_validate(tiny_museum.sections(tmp_path, **later, report={}))
    notes = {line.unit: line.note for line in status(RunStates(config, run_dir, as_left=True))}
    assert notes["ingest"] == "ready to start"
    assert notes["assemble"] == "after ingest" and notes["build-dataset"] == "after generate-qa"
    assert notes["finetune-lora"] == "after build-dataset"
    assert notes["answer-lora"] == "after finetune-lora"
    answers = sum(name.startswith("answer-") for name in notes)
    assert answers > 3 and notes["score"] == f"after {answers} units of answer"
    assert notes["report"] == "after score"
    assert {line.unit: line.why for line in plan(RunStates(config, run_dir))} == notes
    with_stage("ingest", refused)
    assert run_shard(config, "ingest", run_dir) == 42
    lines = status(RunStates(config, run_dir, as_left=True))
    assert {line.note for line in lines[1:]} == {"after ingest, which failed"}
