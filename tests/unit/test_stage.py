"""The shell around every stage: commit, exit codes, gates, shards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from docent.artifacts.listings import SUCCESS
from docent.config import PipelineConfig
from docent.context import Context
from docent.errors import ConfigError, InputError, TemporaryError
from docent.ranks import peers
from docent.records import Document, ImageQuality, Reject, Section, Span, make_id
from docent.spec import RunStates
from docent.stage import run_shard
from docent.store import Shard

WithStage = Callable[[str, Callable[[Context], Any]], None]


def document(number: int) -> Document:
    span = Span(file="x.csv", first_line=number, last_line=number)
    section = Section(index=0, title="", text=f"text {number}", source=span)
    return Document(id=make_id("ingest", (), number), kind="exhibit", name=f"e{number}", sections=(section,))


def ten_documents(ctx: Context) -> Iterator[Any]:
    for number in ctx.mine(range(10)):
        if number == 3:
            yield Reject(reason="odd", raw="3")
        yield document(number)


def measured(ctx: Context) -> Iterator[Any]:
    for doc in ctx.mine(ctx.rows(Document)):
        yield ImageQuality(
            id=make_id("assess-images", (doc.id,)), parents=(doc.id,), image_id=doc.id, keep=True,
            width_px=1, height_px=1, resolution_score=0, color_std=0, brightness=0, sharpness=0, ahash="", phash="",
        )  # fmt: skip


def success(run_dir: Path, unit: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run_dir / unit / SUCCESS).read_text())
    return found


def test_rows_rejects_and_the_success_file_are_written_last_and_listed(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    with_stage("ingest", ten_documents)
    assert run_shard(two_stages, "ingest", run_dir) == 0
    done = success(run_dir, "ingest")
    assert (done["rows"], done["rejected"], done["reject_reasons"]) == (10, 1, {"odd": 1})
    folder = run_dir / "ingest" / done["folder"]
    written = {path.name for path in folder.iterdir()}
    assert written == {part["path"] for part in done["parts"] + done["rejects"]} | set(done["markers"])
    assert (run_dir / "ingest" / "latest").resolve() == folder.resolve()


@pytest.mark.parametrize("count", [1, 3, 4, 16])
def test_any_number_of_shards_gives_the_same_rows_and_the_same_digest(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage, count: int
) -> None:
    with_stage("ingest", ten_documents)
    for index in reversed(range(count)):
        assert run_shard(two_stages, "ingest", run_dir, Shard(index, count)) == 0
    artifact = RunStates(two_stages, run_dir).of("ingest").artifact
    assert artifact is not None
    assert [row.name for row in artifact.rows(Document)] == [f"e{n}" for n in range(10)]


def test_the_digest_does_not_depend_on_the_number_of_shards(
    tmp_path: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    with_stage("ingest", ten_documents)
    digests = set()
    for count in (1, 4):
        run_dir = tmp_path / str(count)
        for index in range(count):
            run_shard(two_stages, "ingest", run_dir, Shard(index, count))
        digests.add(success(run_dir, "ingest")["digest"])
    assert len(digests) == 1


def test_a_second_run_writes_nothing(run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage) -> None:
    with_stage("ingest", ten_documents)
    run_shard(two_stages, "ingest", run_dir)
    before = {path: path.stat().st_mtime_ns for path in (run_dir / "ingest").rglob("*.json*")}
    with_stage("ingest", lambda ctx: pytest.fail("ran again"))
    assert run_shard(two_stages, "ingest", run_dir) == 0
    assert {path: path.stat().st_mtime_ns for path in (run_dir / "ingest").rglob("*.json*")} == before


@pytest.mark.feature("kills")
def test_one_flipped_byte_reruns_that_shard_alone(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    with_stage("ingest", ten_documents)
    for index in range(2):
        run_shard(two_stages, "ingest", run_dir, Shard(index, 2))
    done = success(run_dir, "ingest")
    folder = run_dir / "ingest" / done["folder"]
    part = folder / done["parts"][1]["path"]
    good = part.read_bytes()
    part.write_bytes(good.replace(b"e9", b"eX"))
    later_ns = (run_dir / "ingest" / SUCCESS).stat().st_mtime_ns + 10**6
    os.utime(part, ns=(later_ns, later_ns))
    assert RunStates(two_stages, run_dir).of("ingest").artifact is None
    ran: list[int] = []
    with_stage("ingest", lambda ctx: (ran.append(ctx.shard.index), ten_documents(ctx))[1])
    for index in range(2):
        assert run_shard(two_stages, "ingest", run_dir, Shard(index, 2)) == 0
    assert ran == [1]
    assert part.read_bytes() == good
    assert success(run_dir, "ingest") == done


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("bad"), 42),
        (ConfigError("bad"), 43),
        (TemporaryError("bad"), 200),
        (OSError(28, "No space left on device"), 200),
        (ZeroDivisionError(), 1),
    ],
)
def test_each_error_ends_with_its_exit_code_and_commits_nothing(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage, error: Exception, code: int
) -> None:
    def fails(ctx: Context) -> Iterator[Any]:
        yield document(1)
        raise error

    with_stage("ingest", fails)
    assert run_shard(two_stages, "ingest", run_dir) == code
    assert not (run_dir / "ingest" / SUCCESS).exists()
    assert not list((run_dir / "ingest").rglob("shard-*.json"))
    assert not list((run_dir / "ingest").rglob("*.tmp"))


def test_an_input_that_is_not_complete_ends_with_44_and_names_it(
    run_dir: Path, two_stages: PipelineConfig, caplog: pytest.LogCaptureFixture
) -> None:
    assert run_shard(two_stages, "assess-images", run_dir) == 44
    assert "docent run --run test --to ingest" in caplog.text


def test_too_many_rejects_fail_the_stage_until_they_are_allowed(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage, caplog: pytest.LogCaptureFixture
) -> None:
    def mostly_bad(ctx: Context) -> Iterator[Any]:
        yield document(1)
        for _ in range(3):
            yield Reject(reason="torn", raw="?")

    with_stage("ingest", mostly_bad)
    assert run_shard(two_stages, "ingest", run_dir) == 42
    assert "3 x torn" in caplog.text and "ingest.max_reject_rate=" in caplog.text
    allowed = two_stages.model_copy(
        update={"ingest": two_stages.ingest.model_copy(update={"max_reject_rate": 1.0})}  # type: ignore[union-attr]
    )
    with_stage("ingest", lambda ctx: pytest.fail("nothing has to run again for that"))
    assert run_shard(allowed, "ingest", run_dir) == 0


def test_a_shard_with_bad_input_fails_the_stage_unless_a_gap_is_allowed(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    def second_is_bad(ctx: Context) -> Iterator[Any]:
        if ctx.shard.index == 1:
            raise InputError("unreadable", "b.csv")
        yield from measured(ctx)

    with_stage("ingest", ten_documents)
    with_stage("assess-images", second_is_bad)
    run_shard(two_stages, "ingest", run_dir)
    codes = [run_shard(two_stages, "assess-images", run_dir, Shard(i, 2)) for i in range(2)]
    assert codes == [0, 42]
    allowed = two_stages.model_copy(
        update={"assess_images": two_stages.assess_images.model_copy(update={"max_failed_shards": 1})}  # type: ignore[union-attr]
    )
    assert [run_shard(allowed, "assess-images", run_dir, Shard(i, 2)) for i in range(2)] == [0, 0]
    assert success(run_dir, "assess-images")["failed_shards"] == [1]


def test_a_dependent_reruns_only_when_the_digest_of_its_input_changed(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    with_stage("ingest", ten_documents)
    with_stage("assess-images", measured)
    run_shard(two_stages, "ingest", run_dir)
    for index in range(2):
        run_shard(two_stages, "assess-images", run_dir, Shard(index, 2))
    before = RunStates(two_stages, run_dir).of("assess-images").spec
    (run_dir / "ingest" / SUCCESS).unlink()
    for marker in (run_dir / "ingest").rglob("shard-*.json"):
        marker.unlink()
    run_shard(two_stages, "ingest", run_dir)
    states = RunStates(two_stages, run_dir)
    assert states.of("assess-images").spec == before and states.of("assess-images").artifact


def test_files_saved_twice_are_one_file_named_by_content(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    def saves(ctx: Context) -> Iterator[Any]:
        assert ctx.save(b"same", "bin") == ctx.save(b"same", "bin")
        (ctx.output_folder("model") / "w.bin").write_bytes(b"w")
        yield document(0)

    with_stage("ingest", saves)
    assert run_shard(two_stages, "ingest", run_dir) == 0
    names = [file["path"] for file in success(run_dir, "ingest")["files"]]
    assert len(names) == 2 and names[1] == "model/w.bin" and names[0].startswith("files/")
    assert not list(run_dir.rglob("*.tmp"))


def test_a_file_that_grows_is_there_whole_or_not_at_all(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    fails = [True]

    def grows(ctx: Context) -> Iterator[Any]:
        path = ctx.output_path("large.jsonl")
        assert path == ctx.output_path("large.jsonl")
        path.write_bytes(b"1\n" * 1000)
        yield document(0)
        if fails.pop():
            raise RuntimeError("half way")
        (ctx.output_folder("model") / "w.bin").write_bytes(b"w")

    with_stage("ingest", grows)
    assert run_shard(two_stages, "ingest", run_dir) == 1
    assert not list(run_dir.rglob("large.jsonl")) and not list(run_dir.rglob("*.tmp"))
    fails.append(False)
    assert run_shard(two_stages, "ingest", run_dir) == 0
    assert [file["path"] for file in success(run_dir, "ingest")["files"]] == ["large.jsonl", "model/w.bin"]
    assert success(run_dir, "ingest")["files"][0]["size"] == 2000
    assert not list(run_dir.rglob("*.tmp"))


def test_of_several_ranks_only_the_first_writes(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_files(ctx: Context) -> Iterator[Any]:
        ctx.save(b"a picture", "png")
        ctx.output_file("log.jsonl", str(peers.rank()).encode())
        (ctx.output_folder("model") / "weights").write_bytes(b"w")
        yield from ten_documents(ctx)

    def leave(error: object) -> None:
        assert error is None

    @contextmanager
    def alone() -> Iterator[None]:
        yield

    with_stage("ingest", with_files)
    monkeypatch.setattr(peers, "leave", leave)
    monkeypatch.setattr(peers, "together", alone)
    for name, value in {peers.FOLDER: str(tmp_path), "WORLD_SIZE": "2", "LOCAL_RANK": "0", "RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    run_shard(two_stages, "ingest", run_dir)
    assert [path for path in run_dir.rglob("*") if not path.is_dir()] == []
    monkeypatch.setenv("RANK", "0")
    run_shard(two_stages, "ingest", run_dir)
    written = [path for path in run_dir.rglob("*") if path.is_file()]
    monkeypatch.setenv("RANK", "1")
    run_shard(two_stages, "ingest", run_dir)
    assert [path for path in run_dir.rglob("*") if path.is_file()] == written
    assert next(run_dir.rglob("log.jsonl")).read_text() == "0"


STOPPED_WHILE_IMPORTING = """
import importlib.abc, os, signal, sys, time

class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "docent.config":
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.1)
            sys.exit("nobody heard it")

signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as the first process of a container has it
sys.meta_path.insert(0, Slow())
sys.argv = ["docent", "stage", "ingest", "--config", "pipeline.yaml", "--run-dir", "runs/demo"]
from docent.launcher.cli import main
main()
"""


def test_a_stopped_stage_closes_its_generator_before_it_ends(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    """A chat client inside it would otherwise not wait for replies in flight, which would be paid again."""
    closed = []

    def stopped(ctx: Context) -> Iterator[Any]:
        try:
            yield document(0)
            os.kill(os.getpid(), signal.SIGTERM)
            yield document(1)
        finally:
            closed.append(ctx.stop.is_set())

    with_stage("ingest", stopped)
    assert run_shard(two_stages, "ingest", run_dir) == 143
    assert closed == [True]


def test_sigterm_is_heard_while_modules_are_imported() -> None:
    result = subprocess.run(
        [sys.executable, "-c", STOPPED_WHILE_IMPORTING], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (143, "")
