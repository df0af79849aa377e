"""Paths that a run's files name: they stay in the run, whatever the files say."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docent.artifacts.confinement import OutsideRunError, inside
from docent.artifacts.listings import SUCCESS, Success, load_success
from docent.config import PipelineConfig
from docent.context import Context
from docent.errors import InputError
from docent.launcher.runs.garbage import Garbage, delete, find_garbage
from docent.records import Document, ImageFile, Section, Span
from docent.spec import RunStates
from docent.stage import run_shard
from docent.store import Artifact

WithStage = Callable[[str, Callable[[Context], Any]], None]


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "/etc/passwd", "../victim", "a/../../victim", "a//b", "a/", "a\0b", "./a", "x" * 256, "\ud800"],
)
def test_a_name_that_does_not_go_down_only_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutsideRunError, match="leads outside the run folder"):
        inside(tmp_path, name)


def test_links_are_followed_only_where_they_stay_inside(tmp_path: Path) -> None:
    folder = tmp_path / "unit"
    (folder / "files").mkdir(parents=True)
    (folder / "files" / "a.png").write_bytes(b"x")
    (folder / "alias").symlink_to("files")
    (folder / "away").symlink_to(tmp_path)
    (folder / "dead").symlink_to("/nowhere/at/all")
    (folder / "ring").symlink_to("ring")
    assert inside(folder, "alias/a.png").read_bytes() == b"x"
    for name in ("away/unit", "away", "dead"):
        with pytest.raises(OutsideRunError):
            inside(folder, name)
    assert not inside(folder, "not-there/yet").exists()


@pytest.fixture
def done(run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage) -> Path:
    """A run with one complete unit that lists a picture."""

    def rows(ctx: Context) -> Iterator[Any]:
        file = ctx.save(b"a picture", "png")
        (ctx.output_folder("model") / "w.bin").write_bytes(b"w")
        section = Section(index=0, title="", text="t", source=Span(file="a", first_line=1, last_line=1))
        image = ImageFile(
            id="i" * 16, name="a.png", unit="ingest", file=file, sha256="0" * 64, width_px=1, height_px=1, group="g"
        )
        yield Document(id="d" * 16, kind="exhibit", name="e", sections=(section,), images=(image,))

    with_stage("ingest", rows)
    assert run_shard(two_stages, "ingest", run_dir) == 0
    return run_dir / "ingest"


def forge(unit_dir: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the success file and keep it newer than all it lists."""
    path = unit_dir / SUCCESS
    success = json.loads(path.read_text())
    change(success)
    path.write_text(json.dumps(success))


FORGERIES: list[Callable[[dict[str, Any]], Any]] = [
    lambda s: s.update(folder="../../../victim"),
    lambda s: s.update(folder="."),
    lambda s: s.update(folder=""),
    lambda s: s.update(folder="/etc"),
    lambda s: s["files"][0].update(path="../../../victim/precious.txt"),
    lambda s: s["parts"][0].update(path="../../../../victim/precious.txt"),
    lambda s: s["markers"].append("../../../victim/precious.txt"),
    lambda s: s["files"].append({"path": "a\0b", "size": 1, "sha256": "0" * 64}),
]


@pytest.mark.parametrize("change", FORGERIES)
def test_a_success_file_that_names_what_lies_outside_counts_as_absent_and_gc_leaves_all(
    done: Path,
    two_stages: PipelineConfig,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    victim = tmp_path / "victim"
    (victim / "checkpoints").mkdir(parents=True)
    (victim / "precious.txt").write_text("precious")
    forge(done, change)
    before = {path for path in tmp_path.rglob("*") if not path.name.startswith("log-tail")}
    assert RunStates(two_stages, done.parent).of("ingest").artifact is None
    assert find_garbage(done.parent) == []
    assert {path for path in tmp_path.rglob("*") if not path.name.startswith("log-tail")} == before
    assert SUCCESS in caplog.text and "ignoring" in caplog.text


def test_gc_takes_links_away_and_not_what_they_lead_to(done: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    (victim / "old").mkdir(parents=True)
    (victim / "old" / "precious.txt").write_text("precious")
    folder = done / json.loads((done / SUCCESS).read_text())["folder"]
    (folder / "checkpoints").symlink_to(victim)
    (folder / "left").symlink_to(victim / "old" / "precious.txt")
    (done / "older").symlink_to(victim)
    (done.parent / "linked-unit").symlink_to(victim)
    os.utime(victim, (0, 0))
    found = find_garbage(done.parent)
    assert sorted(one.path.name for one in found) == ["checkpoints", "left"]
    assert all(one.size_bytes < 200 for one in found)
    delete(done.parent, found)
    assert (victim / "old" / "precious.txt").read_text() == "precious"
    assert not (folder / "checkpoints").is_symlink() and not (folder / "left").is_symlink()


def test_gc_takes_temporary_files_beside_the_success_file_too(done: Path) -> None:
    (done / ".progress-00000.json.host.7.abc.tmp").write_text("{")
    assert [one.path.name for one in find_garbage(done.parent)] == [".progress-00000.json.host.7.abc.tmp"]


def test_gc_refuses_what_no_longer_lies_below_the_run(tmp_path: Path) -> None:
    run_dir, victim = tmp_path / "run", tmp_path / "victim"
    (victim / "old").mkdir(parents=True)
    run_dir.mkdir()
    (run_dir / "unit").symlink_to(victim)
    for path in (run_dir / "unit" / "old", victim / "old", run_dir / ".."):
        with pytest.raises(OutsideRunError):
            delete(run_dir, [Garbage(path, 0, "")])
    assert (victim / "old").is_dir()


def test_a_folder_that_is_not_there_does_not_make_the_others_garbage(done: Path) -> None:
    folder = done / json.loads((done / SUCCESS).read_text())["folder"]
    folder.rename(done / "kept-by-hand")
    assert find_garbage(done.parent) == []


def test_outputs_behind_a_link_out_of_the_run_do_not_count(
    done: Path, two_stages: PipelineConfig, tmp_path: Path
) -> None:
    folder = done / json.loads((done / SUCCESS).read_text())["folder"]
    (folder / "files").rename(tmp_path / "elsewhere")
    (folder / "files").symlink_to(tmp_path / "elsewhere")
    assert RunStates(two_stages, done.parent).of("ingest").artifact is None
    with pytest.raises(OutsideRunError):
        Artifact("ingest", folder, Success.model_validate_json((done / SUCCESS).read_text())).file(
            next(iter(names(done)))
        )


def names(unit_dir: Path) -> Iterator[str]:
    return (entry["path"] for entry in json.loads((unit_dir / SUCCESS).read_text())["files"])


def test_a_row_that_names_a_unit_or_file_of_its_own_choice_is_refused(
    done: Path, two_stages: PipelineConfig, tmp_path: Path
) -> None:
    artifact = RunStates(two_stages, done.parent).of("ingest").artifact
    assert artifact is not None
    (row,) = artifact.rows(Document)
    inputs = {"ingest": artifact}
    ctx = Context(two_stages, None, done.parent, tmp_path, None, inputs, None)  # type: ignore[arg-type]
    assert ctx.image_path(row.images[0]).read_bytes() == b"a picture"
    for forged in ({"unit": "../../other"}, {"file": "../../../victim"}, {"file": "/etc/passwd"}):
        with pytest.raises(InputError):
            ctx.image_path(row.images[0].model_copy(update=forged))


def test_a_stage_does_not_write_through_a_link_out_of_the_run(
    run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "log-tail-00000.txt").write_text("precious")
    (run_dir / "ingest").symlink_to(victim)
    with_stage("ingest", lambda ctx: pytest.fail("it must not run"))
    assert run_shard(two_stages, "ingest", run_dir) == 42
    assert [path.name for path in victim.iterdir()] == ["log-tail-00000.txt"]
    assert (victim / "log-tail-00000.txt").read_text() == "precious"
    (run_dir / "ingest").unlink()
    (run_dir / "ingest").mkdir()
    (run_dir / "ingest" / "log-tail-00000.txt").symlink_to(victim / "log-tail-00000.txt")
    assert run_shard(two_stages, "ingest", run_dir) == 42
    assert (victim / "log-tail-00000.txt").read_text() == "precious"


def test_a_ring_of_links_and_a_path_of_thousands_of_characters_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    for name in ("one", "/".join(["folder"] * 1000)):
        with pytest.raises(OutsideRunError):
            inside(tmp_path, name)


def test_a_success_file_that_is_a_ring_of_links_counts_as_absent(tmp_path: Path) -> None:
    (tmp_path / "ingest").mkdir()
    (tmp_path / "ingest" / "_SUCCESS.json").symlink_to("_SUCCESS.json")
    assert load_success(tmp_path, "ingest") is None
