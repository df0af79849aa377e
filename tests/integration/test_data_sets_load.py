"""A data set loads in every way that its card names, with all rows; a split without rows has no files at all."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from tests.tiny_manual import PAIRS, fill_manual, pair, span
from tests.tiny_museum import fill_upstream, item_row, photo, sections

from docent.artifacts.listings import Success
from docent.artifacts.side_files import load_json
from docent.config import PipelineConfig
from docent.context import Context
from docent.launcher.verbs.convert import convert
from docent.records import Document, Example, Item, QAPair
from docent.stage import run_shard
from docent.stages.build_dataset.exports.versions import NEWEST_DATASETS, OLDEST_DATASETS
from docent.store import Artifact

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "prove"))

from loaded_rows import loaded_rows  # noqa: E402 - lies in scripts/prove

WithStage = Callable[[str, Callable[[Context], Any]], None]


def build(tmp_path: Path, run_dir: Path, **settings: Any) -> Artifact:
    config = PipelineConfig.model_validate(sections(tmp_path, build_dataset=settings))
    for unit in ("ingest", "assemble", "generate-qa", "build-dataset"):
        assert run_shard(config, unit, run_dir) == 0
    success = load_json(run_dir / "build-dataset" / "_SUCCESS.json")
    assert success is not None
    return Artifact("build-dataset", run_dir / "build-dataset" / success["folder"], Success.model_validate(success))


def two_photos(with_stage: WithStage) -> None:
    """Exhibits of two photos, which leaves no photo for validation."""
    fill_upstream(with_stage)
    with_stage(
        "assemble",
        lambda ctx: (item_row(d.name, d.images[:2], ("train", "test")) for d in ctx.rows(Document)),
    )


def by_split(rows: list[str]) -> dict[str, int]:
    return dict(Counter(rows))


@pytest.mark.feature("dialog-json", "dataset-dict", "chat-jsonl")
@pytest.mark.parametrize("fill", [fill_upstream, two_photos], ids=["museum", "two photos"])
def test_every_way_gives_the_rows_of_a_museum(
    tmp_path: Path, run_dir: Path, with_stage: WithStage, fill: Callable[[WithStage], None]
) -> None:
    fill(with_stage)
    built = build(tmp_path, run_dir)
    rows = by_split([row.split for row in built.rows(Example)])
    found = loaded_rows(built.folder, tmp_path / "cache")
    assert found == dict.fromkeys(("card", "hf", "imagefolder", "chat"), rows)


@pytest.mark.feature("conversation-json", "fine-tuning-jsonl")
def test_every_way_gives_the_rows_of_a_manual(tmp_path: Path, run_dir: Path, with_stage: WithStage) -> None:
    fill_manual(with_stage)
    built = build(tmp_path, run_dir, validation_share=0.1, system_prompt="Be brief.")
    rows = list(built.rows(Example))
    found = loaded_rows(built.folder, tmp_path / "cache")
    turns = {(row.split, row.item_id, row.conversation or row.id) for row in rows}
    conversations = by_split([split for split, *_ in turns])
    assert found == {
        "card": by_split([row.split for row in rows]),
        "hf": by_split([row.split for row in rows]),
        "imagefolder": by_split([row.split for row in rows for _ in row.files]),
        "chat": conversations,
        "conversations": conversations,
    }


@pytest.mark.feature("conversation-json", "fine-tuning-jsonl")
@pytest.mark.parametrize("only", ["pictures", "pages"])
def test_every_way_gives_the_rows_of_a_manual_whose_test_pairs_alone_have_pictures_or_pages(
    tmp_path: Path, run_dir: Path, with_stage: WithStage, only: str
) -> None:
    def pairs(ctx: Context) -> Iterator[QAPair]:
        for item in ctx.rows(Item):
            figures = tuple(figure.image for figure in item.figures if figure.image)
            for number in range(PAIRS):
                made = pair(item, number)
                more = {"figures": figures} if only == "pictures" else {"sources": (span(1, page=2),)}
                yield made.model_copy(update=more) if made.held_out else made

    fill_manual(with_stage)
    with_stage("generate-qa", pairs)
    built = build(tmp_path, run_dir, validation_share=0.1)
    rows = list(built.rows(Example))
    assert bool(sum(len(row.files) for row in rows)) == (only == "pictures")
    assert not [row for row in rows if row.split != "test" and (row.files or row.sources[0].page)]
    found = loaded_rows(built.folder, tmp_path / "cache")
    turns = {(row.split, row.item_id, row.conversation or row.id) for row in rows}
    conversations = by_split([split for split, *_ in turns])
    everything = by_split([row.split for row in rows])
    wanted = {"card": everything, "hf": everything, "chat": conversations, "conversations": conversations}
    pictures = {"imagefolder": by_split([row.split for row in rows for _ in row.files])}
    assert found == wanted | (pictures if only == "pictures" else {})


def test_the_data_sets_of_two_runs_in_folders_of_one_name_are_told_apart(
    tmp_path: Path, run_dir: Path, with_stage: WithStage
) -> None:
    import datasets

    for title, run in (("Pump", run_dir), ("Winch", run_dir.parent / "other")):
        fill_manual(with_stage, titles=(title,))
        build(tmp_path, run, name=title)
        latest = run / "build-dataset" / "latest"
        found = datasets.load_dataset(str(latest), cache_dir=str(tmp_path / "cache"))
        assert {name.partition(":")[0] for split in found.values() for name in split["item_name"]} == {title}


def test_a_split_without_rows_has_no_file_and_no_place_on_the_card(
    tmp_path: Path, run_dir: Path, with_stage: WithStage
) -> None:
    two_photos(with_stage)
    built = build(tmp_path, run_dir, chat_bom=True)
    files = {output.path for output in built.success.files}
    assert not [name for name in files if "validation" in name]
    assert not (built.folder / "images" / "validation").exists()
    assert {"chat-train.jsonl", "chat-test.jsonl", "metadata-train.csv", "images/test/metadata.parquet"} <= files
    card = built.file("README.md").read_text(encoding="utf-8")
    (config,) = yaml.safe_load(card.split("---")[1])["configs"]
    assert [(one["split"], one["path"]) for one in config["data_files"]] == [
        ("train", "hf/train/*.arrow"),
        ("test", "hf/test/*.arrow"),
    ]
    assert "Without rows, and so without files: validation." in card
    assert f"Loads with `datasets` {OLDEST_DATASETS} or later; tried with {OLDEST_DATASETS} and" in card
    assert version("datasets").split(".")[:2] == NEWEST_DATASETS.split(".")[:2], "run scripts/prove/old_datasets.py"


def test_a_manual_without_held_out_pairs_has_no_file_of_the_empty_splits(
    tmp_path: Path, run_dir: Path, with_stage: WithStage
) -> None:
    fill_manual(with_stage)
    built = build(tmp_path, run_dir, validation_share=0.0, per_document=True)
    files = {output.path for output in built.success.files}
    assert {"conversations-train.json", "chat-train.jsonl", "hf/dataset_dict.json"} <= files
    assert not [name for name in files if "validation" in name]
    assert all(json.loads(built.file(name).read_text()) for name in files if name.startswith(("conv", "documents/")))


def test_published_tables_of_a_museum_without_validation_photos_load_too(tmp_path: Path) -> None:
    import datasets

    table, images, out = tmp_path / "table.csv", tmp_path / "photos", tmp_path / "out"
    images.mkdir()
    for number in range(2):
        (images / f"{number}.jpg").write_bytes(photo((90, 90, 90), number))
    columns = ("item_name", "train_images", "validation_images", "test_images", "synthetic_dialogs")
    said = "[Visitor]: What is it?\n[Guide]: A lamp.\n[Visitor]: How old?\n[Guide]: Old."
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, ("lamp", "0.jpg", "", "1.jpg", said)])
    (out / "validation").mkdir(parents=True)
    (out / "validation" / "metadata.csv").write_text("file_name\n")  # of an earlier table
    done = CliRunner().invoke(convert, ["dialogs", str(table), str(out), "--images", str(images)])
    assert done.exit_code == 0, done.output
    assert not (out / "validation" / "metadata.csv").exists()
    found = datasets.load_dataset("imagefolder", data_dir=str(out), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in found.items()} == {"train": 1, "test": 1}
