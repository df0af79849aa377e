"""Sources that change while a stage reads them: nothing is committed, whatever they are like afterwards."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from docent.artifacts.listings import SUCCESS
from docent.config import PipelineConfig
from docent.context import Context
from docent.source_files import digests as inputs
from docent.source_files import hash_index as source_hashes
from docent.source_files.digests import take_snapshot
from docent.source_files.walk import SOURCE_HASHES
from docent.spec import RunStates
from docent.stage import run_shard
from docent.stages.ingest import run as read_sources
from docent.store import Shard

WithStage = Callable[[str, Callable[[Context], Any]], None]


@pytest.fixture
def museum(tmp_path: Path) -> Path:
    """Two exhibits with a photo each."""
    folder = tmp_path / "museum"
    for name, colour in (("jar", "red"), ("vase", "blue")):
        (folder / name).mkdir(parents=True)
        (folder / name / "description.txt").write_text(f"A {colour} {name}, 30 cm high.")
        Image.new("RGB", (64, 48), colour).save(folder / name / "front.png")
    return folder


@pytest.fixture
def config(museum: Path) -> PipelineConfig:
    """A run that reads the museum."""
    source = {"kind": "exhibits-folder", "path": str(museum)}
    run = {"input_wait_s": 0}
    return PipelineConfig.model_validate({"run": run, "ingest": {"sources": [source], "max_reject_rate": 1.0}})


def photo_away(museum: Path) -> Callable[[], Any]:
    photo, aside = museum / "vase" / "front.png", museum.parent / "aside.png"
    photo.rename(aside)
    return lambda: aside.rename(photo)


def photo_different(museum: Path) -> Callable[[], Any]:
    photo, aside = museum / "vase" / "front.png", museum.parent / "aside.png"
    shutil.copy2(photo, aside)
    times = photo.stat()
    photo.write_bytes(bytes(times.st_size))

    def back() -> None:
        photo.write_bytes(aside.read_bytes())
        os.utime(photo, ns=(times.st_atime_ns, times.st_mtime_ns))

    return back


def folder_away(museum: Path) -> Callable[[], Any]:
    (museum / "vase").rename(museum.parent / "aside")
    return lambda: (museum.parent / "aside").rename(museum / "vase")


def source_away(museum: Path) -> Callable[[], Any]:
    museum.rename(museum.parent / "aside")
    return lambda: (museum.parent / "aside").rename(museum)


def text_different(museum: Path) -> Callable[[], Any]:
    text = museum / "jar" / "description.txt"
    before = text.read_text()
    text.write_text("A green jar, 99 cm high.")
    return lambda: text.write_text(before)


def photo_added(museum: Path) -> Callable[[], Any]:
    shutil.copy2(museum / "jar" / "front.png", museum / "jar" / "back.png")
    return (museum / "jar" / "back.png").unlink


def photo_unreadable(museum: Path) -> Callable[[], Any]:
    photo = museum / "vase" / "front.png"
    photo.chmod(0)
    return lambda: photo.chmod(0o644)


DISTURBANCES = [photo_away, photo_different, folder_away, source_away, text_different, photo_added, photo_unreadable]


@pytest.mark.parametrize("disturb", DISTURBANCES)
@pytest.mark.parametrize("comes_back", [True, False])
def test_what_is_away_or_different_for_a_moment_is_never_committed(
    config: PipelineConfig,
    museum: Path,
    run_dir: Path,
    with_stage: WithStage,
    disturb: Callable[[Path], Callable[[], Any]],
    comes_back: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    restore: list[Callable[[], Any]] = []

    def disturbed(ctx: Context) -> Iterator[Any]:
        restore.append(disturb(museum))
        try:
            yield from read_sources(ctx)
        finally:
            if comes_back:
                restore.pop()()

    with_stage("ingest", disturbed)
    assert run_shard(config, "ingest", run_dir) == 200
    assert "changed while ingest was reading them" in caplog.text and str(museum) in caplog.text
    assert not (run_dir / "ingest" / SUCCESS).exists()
    assert not [*run_dir.rglob("shard-*"), *run_dir.rglob("part-*"), *run_dir.rglob("*.tmp")]
    if restore:
        restore.pop()()
    with_stage("ingest", read_sources)
    assert run_shard(config, "ingest", run_dir) == 0
    done = json.loads((run_dir / "ingest" / SUCCESS).read_text())
    assert (done["rows"], done["rejected"], len(done["files"])) == (2, 0, 3)  # two photos and sources.json


def test_reading_and_other_inode_numbers_change_nothing(
    config: PipelineConfig, museum: Path, run_dir: Path, with_stage: WithStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = inputs.Stamp.of
    shift = [0]
    monkeypatch.setattr(inputs.Stamp, "of", lambda found: real(found)._replace(inode=found.st_ino + shift[0]))

    def renumbered(ctx: Context) -> Iterator[Any]:
        yield from read_sources(ctx)
        shift[0] = 1

    with_stage("ingest", renumbered)
    assert run_shard(config, "ingest", run_dir) == 0


def test_decisions_that_change_while_they_are_read_are_not_committed(
    tmp_path: Path, run_dir: Path, config: PipelineConfig, with_stage: WithStage
) -> None:
    edits = tmp_path / "edits.csv"
    edits.write_text("id,decision\n")
    sections = {"assemble": {}, "generate_qa": {}, "curate": {"edits": str(edits)}}
    whole = PipelineConfig.model_validate({**config.model_dump(by_alias=True), **sections})
    for stage in ("assemble", "generate-qa"):
        with_stage(stage, lambda ctx: iter(()))
    for stage in ("ingest", "assemble", "generate-qa"):
        assert run_shard(whole, stage, run_dir, Shard(0, 1)) == 0

    def edited(ctx: Context) -> Iterator[Any]:
        yield from ()
        edits.write_text("id,decision\nabc,reject\n")

    with_stage("curate", edited)
    assert run_shard(whole, "curate", run_dir) == 200
    with_stage("curate", lambda ctx: iter(()))
    assert run_shard(whole, "curate", run_dir) == 0


@pytest.mark.parametrize(("changes", "code"), [(True, 200), (False, 1)])
def test_whatever_a_half_written_source_leads_to_is_temporary(
    config: PipelineConfig, museum: Path, run_dir: Path, with_stage: WithStage, changes: bool, code: int
) -> None:
    def torn(ctx: Context) -> Iterator[Any]:
        yield from ()
        if changes:
            (museum / "jar" / "front.png").write_bytes(b"half")
        raise ZeroDivisionError

    with_stage("ingest", torn)
    assert run_shard(config, "ingest", run_dir) == code


def test_a_run_inside_its_own_source_commits(
    museum: Path, with_stage: WithStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(museum)
    source = {"kind": "exhibits-folder", "path": "."}
    config = PipelineConfig.model_validate({"ingest": {"sources": [source]}})
    run_dir = Path("runs/demo")
    assert run_shard(config, "ingest", run_dir) == 0
    before = RunStates(config, run_dir).of("ingest")
    assert before.artifact and before.artifact.success.rows == 2
    with_stage("ingest", lambda ctx: pytest.fail("nothing changed"))
    assert run_shard(config, "ingest", run_dir) == 0


def test_a_file_is_hashed_again_only_where_its_stamp_changed(
    config: PipelineConfig, museum: Path, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_hashes, "DOUBTFUL_NS", 0)
    monkeypatch.setattr(source_hashes, "WORTH_FILES", 1)
    index = run_dir.parent / "cache" / SOURCE_HASHES
    hashed: list[str] = []
    real = inputs.hash_file
    monkeypatch.setattr(inputs, "hash_file", lambda path: (hashed.append(path.name), real(path))[1])
    states = RunStates(config, run_dir)
    spec = states.of("ingest").spec
    states.keep_source_hashes()
    assert len(hashed) == 4 and len(list(index.glob("*.json"))) == 1
    hashed.clear()
    assert RunStates(config, run_dir).of("ingest").spec == spec and hashed == []
    assert RunStates(config, run_dir, verify=True).of("ingest").spec == spec and len(hashed) == 4
    hashed.clear()
    photo = museum / "jar" / "front.png"
    times = photo.stat()
    photo.write_bytes(photo.read_bytes()[::-1])
    os.utime(photo, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert RunStates(config, run_dir).of("ingest").spec != spec and hashed == ["front.png"]


def test_whoever_waits_for_a_unit_sees_it_complete_although_the_sources_changed_before_it_began(
    config: PipelineConfig, museum: Path, run_dir: Path
) -> None:
    waiting = RunStates(config, run_dir)
    before = waiting.of("ingest").spec
    (museum / "jar" / "description.txt").write_text("A green jar, 99 cm high.")
    assert run_shard(config, "ingest", run_dir) == 0
    state = waiting.of("ingest")
    assert state.artifact is not None and state.spec != before
    (museum / "jar" / "description.txt").write_text("A blue jar, 98 cm high.")
    os.utime(run_dir / "ingest" / SUCCESS, (2**33, 2**33))  # a clock that is years ahead
    assert RunStates(config, run_dir).of("ingest").artifact is None


def test_a_link_that_leads_elsewhere_for_a_moment_is_noticed(museum: Path, tmp_path: Path) -> None:
    link, other = tmp_path / "current", tmp_path / "other"
    other.mkdir()
    link.symlink_to(museum)
    snapshot = take_snapshot((link,))
    assert inputs.changes_since(snapshot, tmp_path / "runs" / "demo") == []
    for target in (other, museum):
        link.unlink()
        link.symlink_to(target)
    assert inputs.changes_since(snapshot, tmp_path / "runs" / "demo")


def test_weights_behind_links_of_a_cache_are_looked_at_too(tmp_path: Path) -> None:
    blobs, model = tmp_path / "cache" / "blobs", tmp_path / "cache" / "snapshots" / "main"
    blobs.mkdir(parents=True)
    model.mkdir(parents=True)
    (blobs / "abc").write_bytes(b"weights")
    (model / "model.safetensors").symlink_to("../../blobs/abc")
    snapshot = take_snapshot((model,), outwards=True)
    assert inputs.changes_since(snapshot, tmp_path / "runs" / "demo") == []
    (blobs / "abc").write_bytes(b"WEIGHTS")
    (change,) = inputs.changes_since(snapshot, tmp_path / "runs" / "demo")
    assert "model.safetensors" in change
    assert take_snapshot((model,), outwards=True).digest != snapshot.digest


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"files": []}', '{"files": {"a": 1, "b": [1, 2, 3, 4, "x"], "c": [1, 2, 3, 4, null]}}']
)
def test_known_hashes_that_make_no_sense_are_left_out(run_dir: Path, text: str) -> None:
    cache, source = run_dir.parent / "cache", run_dir.parent / "museum"
    source_hashes._index_of(cache, source).parent.mkdir(parents=True)
    source_hashes._index_of(cache, source).write_text(text)
    assert source_hashes.read_hashes(cache, [source]) == {}


def test_a_file_that_grows_while_it_is_hashed_is_temporary(museum: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    from docent.errors import TemporaryError

    real = hashlib.file_digest

    def growing(file: Any, name: str) -> Any:
        found = real(file, name)
        with (museum / "jar" / "description.txt").open("a") as text:
            text.write("more")
        return found

    monkeypatch.setattr(hashlib, "file_digest", growing)
    with pytest.raises(TemporaryError, match="changed while docent was hashing it"):
        take_snapshot((museum / "jar",))
