"""Renamed and moved sources, and material that is added, move no photo and no pair to another split."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests import museum

from docent.artifacts.listings import RECORD
from docent.config import PipelineConfig
from docent.errors import InputError
from docent.records import Example, Item
from docent.spec import RunStates
from docent.stage import run_shard
from docent.store import Artifact

STAGES = ("ingest", "assess-images", "augment-images", "assemble", "generate-qa", "curate", "build-dataset")


def config(path: Path, kind: str) -> PipelineConfig:
    return PipelineConfig.model_validate(
        {
            "run": {"input_wait_s": 0},
            "ingest": {"sources": [{"kind": kind, "path": str(path)}]},
            **({"assess_images": {"shards": 1}, "augment_images": {"shards": 1}} if "exhibits" in kind else {}),
            "assemble": {"images_per_item": 6, "test_images": 2, "validation_images": 1},
            "generate_qa": {"shards": 1, "types": ["visitor" if "exhibits" in kind else "all"]},
            "curate": {},
            "build_dataset": {"test_share": 0.1, "validation_share": 0.1},
        }
    )


def run(made: PipelineConfig, run_dir: Path) -> dict[str, Artifact]:
    states = RunStates(made, run_dir)
    for name in states.units:
        assert run_shard(made, name, run_dir) == 0, name
    states = RunStates(made, run_dir)
    done = {name: artifact for name in states.units if (artifact := states.of(name).artifact)}
    assert len(done) == len(states.units)
    return done


def photos(done: dict[str, Artifact]) -> dict[str, str]:
    """Split of every photo that is no altered copy, by its content."""
    rows = done["assemble"].rows(Item)
    return {p.image.sha256: p.split for item in rows for p in item.images if not p.image.transforms}


def pairs(done: dict[str, Artifact]) -> dict[tuple[str, str, str], str]:
    """Split of every pair of the data set."""
    rows = done["build-dataset"].rows(Example)
    return {(row.item_name, row.question, row.answer): row.split for row in rows}


def assert_stays(before: dict[str, Artifact], after: dict[str, Artifact], all_of_them: bool = True) -> None:
    for splits in (photos, pairs):
        old, new = splits(before), splits(after)
        moved = {key: (old[key], new[key]) for key in old.keys() & new.keys() if old[key] != new[key]}
        assert not moved
        assert not all_of_them or old.keys() <= new.keys()
    assert json.loads(after["build-dataset"].file("audit.json").read_text())["leaks"] == 0


@pytest.mark.feature("splits")
def test_another_name_and_place_of_a_table_move_nothing_even_in_another_run(tmp_path: Path, run_dir: Path) -> None:
    table = museum.as_csv(tmp_path / "museum", photos=4)
    before = run(config(table, "exhibits-csv"), run_dir)
    other = shutil.copytree(tmp_path / "museum", tmp_path / "elsewhere" / "collection")
    moved = (other / "raw_data.csv").rename(other / "raw_data_v2.csv")
    again = tmp_path / "runs" / "again"
    again.mkdir()
    after = run(config(moved, "exhibits-csv"), again)
    assert photos(before) == photos(after) and pairs(before) == pairs(after)
    assert [row.id for row in before["build-dataset"].rows(Example)] == [
        row.id for row in after["build-dataset"].rows(Example)
    ]


@pytest.mark.feature("splits")
def test_a_museum_that_is_renamed_and_grows_keeps_every_photo_and_pair_in_its_split(
    tmp_path: Path, run_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = museum.as_folder(tmp_path / "museum", photos=3)
    first = run(config(folder, "exhibits-folder"), run_dir)
    assert set(photos(first).values()) == {"train", "validation", "test"}

    folder = folder.rename(tmp_path / "museum of forms")
    renamed = run(config(folder, "exhibits-folder"), run_dir)
    assert photos(renamed) == photos(first) and pairs(renamed) == pairs(first)

    for number in (0, 4, 5, 6, 7, 8):
        museum.photo("red-disc", number).save(folder / "red-disc" / f"a-{number}.jpg", quality=90)
    more_photos = run(config(folder, "exhibits-folder"), run_dir)
    assert_stays(first, more_photos, all_of_them=False)
    assert sum(split == "test" for split in photos(more_photos).values()) == 4

    for number in (0, 4, 5, 6, 7, 8):
        (folder / "red-disc" / f"a-{number}.jpg").rename(tmp_path / f"a-{number}.jpg")
    fewer = run(config(folder, "exhibits-folder"), run_dir)
    digests = [{name: unit.digest for name, unit in done.items()} for done in (fewer, renamed)]
    assert digests[0] == digests[1], "material that comes back gives the same rows, whatever came between"
    for number in (0, 4, 5, 6, 7, 8):
        (tmp_path / f"a-{number}.jpg").rename(folder / "red-disc" / f"a-{number}.jpg")

    described = folder / "blue-bar" / "description.txt"
    described.write_text("The blue bar is painted with a cobalt varnish.\n\n" + described.read_text())
    shutil.copytree(folder / "green-cross", folder / "a-cross")
    for path in (folder / "a-cross").glob("*.jpg"):
        path.unlink()
    for number in (20, 21, 22):
        museum.photo("green-cross", number).save(folder / "a-cross" / f"{number}.jpg", quality=90)
    more_text = run(config(folder, "exhibits-folder"), run_dir)
    assert_stays(more_photos, more_text, all_of_them=False)
    assert_stays(first, more_text, all_of_them=False)
    assert photos(first).keys() <= photos(more_text).keys()

    states = RunStates(config(folder, "exhibits-folder"), run_dir)
    assert all(states.of(name).artifact for name in states.units), "what a run recorded itself makes nothing run again"
    record = more_text["assemble"].file(RECORD)
    assert sum(1 for _ in record.open()) == len(photos(more_text))

    again = run_dir.parent / "again"
    again.mkdir()
    made = config(folder, "exhibits-folder")
    other = made.model_copy(update={"assemble": made.assemble.model_copy(update={"splits_of": run_dir.name})})
    assert photos(run(other, again)) == photos(more_text)
    assert all(RunStates(other, again).of(name).artifact for name in states.units)
    missing = made.model_copy(update={"assemble": made.assemble.model_copy(update={"splits_of": "nowhere"})})
    (again / "assemble" / "_SUCCESS.json").unlink()
    with pytest.raises(InputError, match=r"run nowhere \(assemble.splits_of\) has no splits"):
        RunStates(missing, again).of("assemble")

    record.write_bytes(record.read_bytes().replace(b"test", b"team"))
    assert RunStates(config(folder, "exhibits-folder"), run_dir).of("assemble").artifact is None
    assert "recorded splits are missing or damaged" in caplog.text


@pytest.mark.feature("splits")
def test_a_paragraph_before_the_first_heading_of_a_manual_moves_no_pair(tmp_path: Path, run_dir: Path) -> None:
    sections = [
        f"## Pump {n}\n\nThe pump number {n} delivers {n + 3} litres per minute. Clean the filter of pump {n} every "
        f"{n + 2} weeks.\n\nSwitch pump {n} off before the cover number {n + 20} is opened.\n"
        for n in range(2, 8)
    ]
    path = tmp_path / "manual.md"
    path.write_text("# Pumps\n\n" + "\n".join(sections))
    before = run(config(path, "markdown"), run_dir)
    assert len(set(pairs(before).values())) == 3
    path.unlink()
    path = tmp_path / "handbook.md"
    path.write_text("Read this first. The pumps weigh 12 kilograms.\n\n# Pumps\n\n" + "\n".join(sections))
    after = run(config(path, "markdown"), run_dir)
    old, new = pairs(before), pairs(after)
    shared = old.keys() & new.keys()
    assert len(shared) > len(old) / 2
    assert {key: old[key] for key in shared} == {key: new[key] for key in shared}
