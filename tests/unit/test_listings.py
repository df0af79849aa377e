"""Success files and markers that are torn, forged or of another version: absent, with a warning, never a traceback."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docent.artifacts.durable import write_durably
from docent.artifacts.listings import SUCCESS, OutputFile, intact
from docent.artifacts.side_files import load_json
from docent.config import PipelineConfig
from docent.context import Context
from docent.launcher.plan import plan
from docent.launcher.runs.folder import status
from docent.launcher.runs.progress import describe, read_progress
from docent.launcher.runs.trust import trust_copied
from docent.records import Document, Section, Span
from docent.spec import RunStates
from docent.stage import run_shard
from docent.store import Shard

WithStage = Callable[[str, Callable[[Context], Any]], None]
NONSENSE: tuple[Any, ...] = (None, -1, "x", [], {}, [{}], 1.5, True, "../../x", [1], {"a": -1})


def rows(ctx: Context) -> Iterator[Any]:
    for number in ctx.mine(range(4)):
        span = Span(file="a", first_line=1, last_line=1)
        section = Section(index=0, title="", text="t", source=span)
        yield Document(id=f"{number:016}", kind="exhibit", name=f"e{number}", sections=(section,))


@pytest.fixture
def done(run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage) -> Path:
    """A run with one complete unit of two shards."""
    with_stage("ingest", rows)
    for index in range(2):
        assert run_shard(two_stages, "ingest", run_dir, Shard(index, 2)) == 0
    return run_dir


def files_of(run_dir: Path) -> list[Path]:
    folder = (run_dir / "ingest" / "latest").resolve()
    return [run_dir / "ingest" / SUCCESS, *sorted(folder.glob("shard-*.json"))]


def test_keys_that_lack_or_have_other_types_make_the_file_count_as_absent(
    done: Path, two_stages: PipelineConfig, caplog: pytest.LogCaptureFixture
) -> None:
    good = {path: path.read_bytes() for path in files_of(done)}
    for path in files_of(done)[:2]:
        whole = json.loads(good[path])
        needed = set(whole) - {"stage", "cpu_seconds", "versions"}
        for key in sorted(needed):
            path.write_text(json.dumps({name: value for name, value in whole.items() if name != key}))
            look(done, two_stages)
            for value in NONSENSE:
                path.write_text(json.dumps({**whole, key: value}))
                look(done, two_stages)
        path.write_bytes(good[path])
    assert "ignoring" in caplog.text
    assert RunStates(two_stages, done).of("ingest").artifact is not None


def look(run_dir: Path, config: PipelineConfig) -> None:
    """What every reader of a run does first; none of it may raise."""
    states = RunStates(config, run_dir, as_left=True)
    plan(states)
    for line in status(states):
        assert line.phase in ("done", "to do", "waiting")
    if artifact := states.of("ingest").artifact:
        assert artifact.seconds >= 0 and artifact.usd is None and isinstance(artifact.rejected_because, str)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", "{", '{"schema": 1}', "[" * 100_000, "1" * 5000, "\xff", '{"schema": NaN}'],
    ids=range(10),
)
def test_a_torn_success_file_is_made_anew_from_the_markers(
    done: Path, two_stages: PipelineConfig, with_stage: WithStage, text: str
) -> None:
    path = done / "ingest" / SUCCESS
    good = path.read_bytes()
    path.write_bytes(text.encode("latin-1"))
    look(done, two_stages)
    with_stage("ingest", lambda ctx: pytest.fail("its shards are there"))
    assert run_shard(two_stages, "ingest", done, Shard(0, 2)) == 0
    assert path.read_bytes() == good


def test_a_pipe_or_folder_in_the_place_of_a_file_does_not_block(done: Path, two_stages: PipelineConfig) -> None:
    path = done / "ingest" / SUCCESS
    path.unlink()
    os.mkfifo(path)
    look(done, two_stages)
    assert load_json(path) is None
    path.unlink()
    path.mkdir()
    look(done, two_stages)
    assert load_json(path) is None


def test_a_marker_of_another_shard_does_not_stand_for_this_one(
    done: Path, two_stages: PipelineConfig, with_stage: WithStage
) -> None:
    first, second = files_of(done)[1:]
    want = (done / "ingest" / SUCCESS).read_bytes()
    shutil.copyfile(first, second)
    (done / "ingest" / SUCCESS).unlink()
    with_stage("ingest", rows)
    assert run_shard(two_stages, "ingest", done, Shard(1, 2)) == 0
    assert (done / "ingest" / SUCCESS).read_bytes() == want


def listed(folder: Path, data: bytes = b"one\ntwo\n") -> tuple[Path, Path, list[dict[str, Any]]]:
    file, marker = folder / "rows.jsonl", folder / "marker.json"
    write_durably(file, data)
    outputs = [OutputFile.of(folder, file)]
    write_durably(marker, b"{}")
    return file, marker, outputs


def test_a_file_swapped_for_one_of_equal_size_and_time_is_noticed(tmp_path: Path) -> None:
    file, marker, outputs = listed(tmp_path)
    times = file.stat()
    other = tmp_path / "other"
    other.write_bytes(b"one\ntwx\n")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    os.replace(other, file)
    assert file.stat().st_mtime_ns == times.st_mtime_ns < marker.stat().st_mtime_ns
    assert not intact(tmp_path, marker, outputs)


def test_a_copy_that_keeps_times_still_counts(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    _, _, outputs = listed(tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    assert intact(tmp_path / "there", tmp_path / "there" / "marker.json", outputs)


def test_a_large_copy_is_hashed_once_and_then_trusted(
    done: Path, two_stages: PipelineConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from docent.artifacts import listings
    from docent.launcher.runs import trust

    part = next((done / "ingest").glob("*/part-00000-*"))
    os.utime(part, ns=(part.stat().st_atime_ns, part.stat().st_mtime_ns))  # a newer ctime, as after a copy
    artifact = RunStates(two_stages, done).of("ingest").artifact
    assert artifact is not None
    trust_copied(done, artifact)
    hashed: list[Path] = []
    real = listings.sha256_of
    monkeypatch.setattr(listings, "sha256_of", lambda path: (hashed.append(path), real(path))[1])
    assert RunStates(two_stages, done).of("ingest").artifact and hashed, "small files are no reason to write"
    hashed.clear()
    monkeypatch.setattr(trust, "WORTH_BYTES", 0)
    before = (done / "ingest" / SUCCESS).stat()
    trust_copied(done, artifact)
    after = (done / "ingest" / SUCCESS).stat()
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)
    assert after.st_ctime_ns > before.st_ctime_ns


def test_a_damaged_copy_is_not_trusted(done: Path, two_stages: PipelineConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    from docent.launcher.runs import trust

    artifact = RunStates(two_stages, done).of("ingest").artifact
    assert artifact is not None
    part = next((done / "ingest").glob("*/part-00000-*"))
    times = part.stat()
    part.write_bytes(part.read_bytes().replace(b"e0", b"eX"))
    os.utime(part, ns=(times.st_atime_ns, times.st_mtime_ns))
    monkeypatch.setattr(trust, "WORTH_BYTES", 0)
    trust_copied(done, artifact)
    assert RunStates(two_stages, done).of("ingest").artifact is None


@pytest.mark.parametrize(
    "text",
    ["[1]", "{}", '{"done": "x", "total": null, "rate_per_s": {}, "eta_s": [], "message": 3}', "{" * 9000]
    + ['{"done": 1e400, "total": ' + "9" * 400 + ', "rate_per_s": -5, "eta_s": NaN, "message": "\\u001b[2J"}'],
)
def test_progress_that_makes_no_sense_is_left_out(tmp_path: Path, text: str) -> None:
    (tmp_path / "unit").mkdir()
    (tmp_path / "unit" / "progress-00000.json").write_text(text)
    good = {"done": 2, "total": 4, "rate_per_s": 1.0, "eta_s": 2.0, "message": "half"}
    (tmp_path / "unit" / "progress-00001.json").write_text(json.dumps(good))
    assert describe(read_progress(tmp_path, "unit")) == "2 of 4, 1/s, 2 s to go, half"
