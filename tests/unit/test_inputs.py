"""What a run reads, where it lies on the volume, and what must be sent there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from docent.config import PipelineConfig
from docent.errors import LauncherError
from docent.launcher.cluster.inputs import Input, gather, to_push
from docent.launcher.cluster.state import RunRecord


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a CSV museum, and photos elsewhere."""
    folder = tmp_path / "here"
    (folder / "museum" / "images").mkdir(parents=True)
    (folder / "museum" / "raw_data.csv").write_text("a,b\n")
    (folder / "museum" / "images" / "x.jpg").write_bytes(b"x")
    (tmp_path / "photos" / "vase").mkdir(parents=True)
    (tmp_path / "photos" / "vase" / "description.txt").write_text("A vase.")
    monkeypatch.chdir(folder)
    return folder


def config(path: object, run: str = "demo", kind: str = "exhibits-csv", **more: Any) -> PipelineConfig:
    source = {"kind": kind, "path": str(path), **more}
    return PipelineConfig.model_validate({"run": {"name": run}, "ingest": {"sources": [source]}})


def test_relative_paths_mean_the_same_on_the_volume() -> None:
    given = config("museum/raw_data.csv")
    rewritten, inputs = gather(given, {})
    assert rewritten is given
    assert [one.destination for one in inputs] == ["museum/raw_data.csv", "museum/images"]


def test_a_folder_elsewhere_goes_to_sources_under_its_digest(tmp_path: Path) -> None:
    rewritten, (photos,) = gather(config(tmp_path / "photos", kind="exhibits-folder"), {})
    assert photos.destination == f"sources/photos-{photos.digest[:8]}"
    assert rewritten.ingest and rewritten.ingest.sources[0].path.as_posix() == photos.destination
    (tmp_path / "photos" / "vase" / "description.txt").write_text("A better vase.")
    _, (changed,) = gather(config(tmp_path / "photos", kind="exhibits-folder"), {})
    assert changed.destination != photos.destination


def test_a_csv_elsewhere_keeps_its_suffix_and_finds_its_images(here: Path) -> None:
    rewritten, (table, images) = gather(config("../here/museum/raw_data.csv"), {})
    assert table.destination == f"sources/raw_data-{table.digest[:8]}.csv"
    assert rewritten.ingest
    (source,) = rewritten.ingest.sources
    assert source.path.as_posix() == table.destination
    assert source.images_folder and source.images_folder.as_posix() == images.destination


def test_a_base_model_elsewhere_stays_a_folder(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    data = config("museum/raw_data.csv").model_dump(mode="json", by_alias=True)
    given = {**data, "assemble": {}, "generate_qa": {}, "build_dataset": {}}
    given["finetune"] = {"base_model": str(tmp_path / "model"), "approaches": ["lora"]}
    rewritten, inputs = gather(PipelineConfig.model_validate(given), {})
    assert rewritten.finetune and rewritten.finetune.base_model == f"./{inputs[-1].destination}"
    assert [one.outwards for one in inputs] == [False, False, True], "a stranger's photos may link to secrets"


def test_what_is_on_the_volume_already_is_neither_sent_nor_looked_for() -> None:
    given = config("/data/photos", kind="exhibits-folder")
    assert gather(given, {}) == (given, ())


def test_what_is_nowhere_is_named_unless_it_was_brought_before() -> None:
    with pytest.raises(LauncherError, match="gone/raw_data.csv, gone/images") as missing:
        gather(config("gone/raw_data.csv"), {})
    assert missing.value.exit_code == 105
    _, inputs = gather(config("gone/raw_data.csv"), {"gone/raw_data.csv": "d1", "gone/images": "d2"})
    assert inputs == (Input(None, "gone/raw_data.csv", "d1"), Input(None, "gone/images", "d2"))
    assert to_push(inputs, "demo", {}, "v") == []


@pytest.mark.parametrize("name", ["demo", "cache"])
def test_inputs_cannot_lie_where_the_run_or_the_cache_is(here: Path, name: str) -> None:
    (here / "museum").rename(here / name)
    with pytest.raises(LauncherError) as refused:
        gather(config(f"{name}/raw_data.csv"), {})
    assert refused.value.exit_code == 105


def record(started: str, phase: Any = "done", **inputs: str) -> RunRecord:
    return RunRecord(run={"launch": 1, "started": started, "inputs": inputs, "volume": "v"}, launch=1, phase=phase)


def test_who_pushed_last_decides_what_is_on_the_volume() -> None:
    inputs = (Input(Path("a"), "a", "mine"), Input(Path("b"), "b", "same"))
    runs = {"demo": record("2026-01-01", a="mine", b="same"), "other": record("2026-01-02", a="theirs")}
    assert [one.destination for one in to_push(inputs, "demo", runs, "v")] == ["a"]
    runs["other"].run["started"] = "2025-12-31"
    assert to_push(inputs, "demo", runs, "v") == []
    assert len(to_push(inputs, "demo", runs, "a volume made anew")) == 2


def test_a_folder_that_was_sent_took_the_place_of_what_was_inside_it() -> None:
    inputs = (Input(Path("a/b"), "a/b", "mine"), Input(Path("ab"), "ab", "mine"))
    runs = {"demo": record("2026-01-01", **{"a/b": "mine", "ab": "mine"}), "other": record("2026-01-02", a="theirs")}
    assert [one.destination for one in to_push(inputs, "demo", runs, "v")] == ["a/b"]
    runs["other"].phase = "running"
    with pytest.raises(LauncherError, match="run other reads other content of a/b"):
        to_push(inputs, "demo", runs, "v")


def test_what_another_run_is_reading_is_not_replaced() -> None:
    inputs = (Input(Path("a"), "a", "mine"),)
    with pytest.raises(LauncherError, match="run other reads other content of a") as refused:
        to_push(inputs, "demo", {"other": record("2026-01-01", "running", a="theirs")}, "v")
    assert refused.value.exit_code == 105
    assert to_push(inputs, "demo", {"other": record("2026-01-01", "running", a="mine")}, "v") == []


@pytest.mark.parametrize(("where", "destination"), [("edits.csv", "edits.csv"), ("../edits.csv", "sources/edits-")])
def test_what_people_decided_about_pairs_is_sent_too(here: Path, where: str, destination: str) -> None:
    (here / where).write_text("id,decision\n")
    sections = {"assemble": {}, "generate_qa": {}, "curate": {"edits": where}}
    given = PipelineConfig.model_validate({**config("museum/raw_data.csv").model_dump(by_alias=True), **sections})
    rewritten, inputs = gather(given, {})
    sent = next(one for one in inputs if one.source == Path(where))
    assert sent.destination.startswith(destination) and not sent.outwards
    assert rewritten.curate and rewritten.curate.edits and rewritten.curate.edits.as_posix() == sent.destination
