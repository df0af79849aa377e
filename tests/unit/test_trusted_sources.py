"""A stage trusts the `_SUCCESS.json` of what it reads; only ingest and the launcher look at raw sources."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docent.artifacts.listings import SUCCESS
from docent.config import PipelineConfig, dump_config
from docent.context import Context
from docent.source_files import digests, hash_index
from docent.spec import RunStates
from docent.stage import run_shard

WithStage = Callable[[str, Callable[[Context], Any]], None]
WATCHED = """
import sys
import threading
from pathlib import Path
source = sys.argv.pop(1)
sys.addaudithook(lambda event, args: event == "open" and str(args[0]).startswith(source) and print("opened", args[0]))
from docent.launcher.cli import main
main()
"""


@pytest.fixture
def museum(tmp_path: Path) -> Path:
    """One exhibit with a description and no photo."""
    folder = tmp_path / "museum"
    (folder / "jar").mkdir(parents=True)
    (folder / "jar" / "description.txt").write_text("A red jar, 30 cm high.")
    return folder


@pytest.fixture
def config(museum: Path) -> PipelineConfig:
    """Two stages that read the museum."""
    source = {"kind": "exhibits-folder", "path": str(museum)}
    ingest = {"sources": [source], "max_reject_rate": 1.0}
    return PipelineConfig.model_validate({"run": {"input_wait_s": 0}, "ingest": ingest, "assess_images": {"shards": 1}})


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of source files in the order in which they are hashed; files written just now count as settled."""
    names: list[str] = []
    real = digests.hash_file
    monkeypatch.setattr(digests, "hash_file", lambda path: (names.append(path.name), real(path))[1])
    monkeypatch.setattr(hash_index, "DOUBTFUL_NS", 0)
    monkeypatch.setattr(hash_index, "WORTH_FILES", 1)
    return names


def test_a_stage_after_ingest_needs_no_source(config: PipelineConfig, museum: Path, run_dir: Path) -> None:
    assert run_shard(config, "ingest", run_dir) == 0
    shutil.rmtree(museum)
    assert run_shard(config, "assess-images", run_dir) == 0


def test_a_stage_after_ingest_opens_no_source(config: PipelineConfig, museum: Path, run_dir: Path) -> None:
    file = run_dir.parent / "pipeline.yaml"
    file.write_text(dump_config(config))
    opened = {}
    for unit in ("ingest", "assess-images"):
        command = ["stage", unit, "--config", str(file), "--run-dir", str(run_dir)]
        child = [sys.executable, "-c", WATCHED, str(museum), *command]
        done = subprocess.run(child, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        opened[unit] = done.stdout.count("opened")
    assert opened["ingest"] and not opened["assess-images"]


def test_a_changed_source_is_noticed_by_the_launcher_and_not_by_later_stages(
    config: PipelineConfig, museum: Path, run_dir: Path
) -> None:
    assert run_shard(config, "ingest", run_dir) == 0
    (museum / "jar" / "description.txt").write_text("A green jar, 99 cm high.")
    assert run_shard(config, "assess-images", run_dir) == 0
    assert RunStates(config, run_dir).of("ingest").artifact is None
    assert RunStates(config, run_dir, stage_unit="assess-images").of("assess-images").artifact is not None


def test_ingest_of_another_configuration_is_not_trusted(config: PipelineConfig, run_dir: Path) -> None:
    assert run_shard(config, "ingest", run_dir) == 0
    assert run_shard(config.model_copy(update={"seed": 99}), "assess-images", run_dir) == 44


def test_a_run_of_an_earlier_version_is_read(config: PipelineConfig, run_dir: Path) -> None:
    assert run_shard(config, "ingest", run_dir) == 0
    success = json.loads((run_dir / "ingest" / SUCCESS).read_text())
    del success["sources"]
    (run_dir / "ingest" / SUCCESS).write_text(json.dumps(success))
    assert run_shard(config, "assess-images", run_dir) == 0


def test_what_a_person_edited_is_looked_at_by_curate_alone(
    config: PipelineConfig, run_dir: Path, with_stage: WithStage
) -> None:
    edits = run_dir.parent / "edits.csv"
    edits.write_text("id,decision\n")
    sections: dict[str, Any] = {
        "assemble": {},
        "generate_qa": {"shards": 1},
        "curate": {"edits": str(edits)},
        "build_dataset": {},
    }
    whole = PipelineConfig.model_validate({**config.model_dump(by_alias=True, mode="json"), **sections})
    units = ("ingest", "assess-images", "assemble", "generate-qa", "curate", "build-dataset")
    for unit in units:
        with_stage(unit, lambda ctx: iter(()))
    assert [run_shard(whole, unit, run_dir) for unit in units[:-1]] == [0] * 5
    edits.unlink()
    assert run_shard(whole, "build-dataset", run_dir) == 0


def test_runs_of_one_data_folder_hash_a_source_once(config: PipelineConfig, run_dir: Path, hashed: list[str]) -> None:
    spec = RunStates(config, run_dir, stage_unit="ingest").of("ingest").spec
    assert hashed == ["description.txt"]
    for name in ("test", "other"):
        assert RunStates(config, run_dir.parent / name).of("ingest").spec == spec
        assert RunStates(config, run_dir.parent / name, stage_unit="ingest").of("ingest").spec == spec
    assert hashed == ["description.txt"]
    assert RunStates(config, run_dir, verify=True).of("ingest").spec == spec
    assert len(hashed) == 2
    shutil.rmtree(run_dir.parent / "cache")
    assert RunStates(config, run_dir).of("ingest").spec == spec
    assert len(hashed) == 3


def test_a_cache_that_cannot_be_written_only_costs_time(
    config: PipelineConfig, run_dir: Path, hashed: list[str]
) -> None:
    (run_dir.parent / "cache").write_text("no folder")
    assert run_shard(config, "ingest", run_dir) == 0
    assert run_shard(config, "assess-images", run_dir) == 0
    assert RunStates(config, run_dir).of("ingest").artifact is not None


def test_shards_of_a_unit_take_turns_at_hashing(museum: Path, tmp_path: Path) -> None:
    hashing = threading.Event()

    def second_shard() -> None:
        with hash_index.one_at_a_time(tmp_path / "cache", [museum]):
            hashing.set()

    other = threading.Thread(target=second_shard)
    with hash_index.one_at_a_time(tmp_path / "cache", [museum]):
        other.start()
        assert not hashing.wait(0.2)
    assert hashing.wait(10)
    other.join()
