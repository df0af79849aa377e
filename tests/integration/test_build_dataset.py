"""build-dataset on real photos and through the real shell."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.tiny_museum import COLORS, fill_upstream, item_row, pair_rows, sections

from docent.artifacts.listings import Success
from docent.artifacts.side_files import load_json
from docent.config import PipelineConfig
from docent.context import Context
from docent.records import Document, Example, Item, QAPair, Reject, Split
from docent.stage import run_shard
from docent.stages.build_dataset.splits.audit import Overlap
from docent.store import Artifact

WithStage = Callable[[str, Callable[[Context], Any]], None]


def build(config: PipelineConfig, run_dir: Path) -> Artifact:
    for unit in ("ingest", "assemble", "generate-qa", "build-dataset"):
        assert run_shard(config, unit, run_dir) == 0
    success = load_json(run_dir / "build-dataset" / "_SUCCESS.json")
    assert success is not None
    return Artifact("build-dataset", run_dir / "build-dataset" / success["folder"], Success.model_validate(success))


@pytest.fixture
def built(tmp_path: Path, run_dir: Path, with_stage: WithStage) -> Artifact:
    fill_upstream(with_stage)
    return build(PipelineConfig.model_validate(sections(tmp_path)), run_dir)


def test_rows_come_by_split_and_are_numbered_inside_it(built: Artifact) -> None:
    rows = list(built.rows(Example))
    assert [row.split for row in rows] == ["train"] * 36 + ["validation"] * 3 + ["test"] * 3
    for split in ("train", "validation", "test"):
        inside = [row for row in rows if row.split == split]
        assert [row.data_id for row in inside] == list(range(len(inside)))
    assert {row.temperature for row in rows if row.split == "test"} == {0.4}


def test_every_row_names_a_photo_that_is_an_output_with_the_bytes_of_the_original(built: Artifact) -> None:
    originals = {hashlib.sha256(p.read_bytes()).hexdigest() for p in built.folder.parents[1].glob("ingest/*/files/*")}
    for row in built.rows(Example):
        assert row.file == f"images/{row.split}/{row.image_name}"
        assert hashlib.sha256(built.file(row.file).read_bytes()).hexdigest() in originals


@pytest.mark.feature("dialog-json", "dataset-dict")
def test_metadata_csv_and_chat_files_hold_what_the_rows_say(built: Artifact) -> None:
    rows = [row for row in built.rows(Example) if row.split == "train"]
    with built.file("metadata-train.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [line["file_name"] for line in table] == [row.file for row in rows]
    said = [json.loads(line["dialog"])["messages"][1]["content"][0]["text"] for line in table]
    assert said == [row.answer for row in rows]
    chat = [json.loads(line) for line in built.file("chat-train.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["messages"][1]["content"][0]["text"] for line in chat] == said
    assert all([part["type"] for part in line["messages"][0]["content"]] == ["image", "text"] for line in chat)
    assert all((built.folder / line["images"][0]).is_file() for line in chat)


@pytest.mark.feature("chat-jsonl")
def test_hugging_face_loads_both_forms_and_sees_the_same_photos(built: Artifact, tmp_path: Path) -> None:
    import datasets

    saved = datasets.load_from_disk(str(built.folder / "hf"))
    assert {split: len(saved[split]) for split in saved} == {"train": 36, "validation": 3, "test": 3}
    assert str(saved["train"].features["image"]).startswith("Image")
    assert saved["train"].features["data_id"].dtype == "int64"
    row = next(iter(built.rows(Example)))
    first = saved["train"][0]
    assert (first["image"].size, first["image_name"]) == ((40, 40), row.image_name)
    folder = datasets.load_dataset(
        "imagefolder", data_dir=str(built.folder / "images"), cache_dir=str(tmp_path / "cache")
    )
    assert len(folder["test"]) == 3
    assert folder["test"][0]["dialog"] == saved["test"][0]["dialog"]


def test_another_process_writes_the_same_bytes(built: Artifact, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from docent.store import read_rows; from docent.records import Example\n"
        "from docent.convert.published import save_dataset_dict\n"
        "rows = [r for part in sys.argv[3:] for r in read_rows(Path(part), Example)]\n"
        "save_dataset_dict(rows, Path(sys.argv[1]) / 'images', Path(sys.argv[2]))\n"
    )
    again = tmp_path / "again"
    parts = [str(built.folder / part.path) for part in built.success.parts]
    subprocess.run([sys.executable, "-c", script, str(built.folder), str(again), *parts], check=True)  # noqa: S603
    files = {p.relative_to(again).as_posix(): p.read_bytes() for p in again.rglob("*") if p.is_file()}
    assert files == {name: (built.folder / "hf" / name).read_bytes() for name in files}
    assert sum(output.path.startswith("hf/") for output in built.success.files) == len(files)


def test_no_output_names_a_folder_of_this_machine(built: Artifact) -> None:
    for output in built.success.files:
        assert str(built.folder.parents[2]).encode() not in (built.folder / output.path).read_bytes()


def test_card_and_audit_say_that_nothing_leaks(built: Artifact) -> None:
    audit = json.loads(built.file("audit.json").read_text(encoding="utf-8"))
    assert audit == {
        "leaks": 0,
        "test_images": 3,
        "leaked": [],
        "test_answers_also_in_train": 0,
        "test_answers_of_training_sentences": 0,
        "test_answers_with_training_sentences": 0,
    }
    card = built.file("README.md").read_text(encoding="utf-8")
    assert "| train | 36 | 9 | 3 |" in card
    assert "offline-extractive" in card
    assert "0 of 3 test photos descend from, or are the same file as, a photo in training or validation" in card
    assert "found only by the hashes of `assess-images`" in card


def test_a_derivative_in_training_is_counted_as_a_leak(tmp_path: Path, run_dir: Path, with_stage: WithStage) -> None:
    fill_upstream(with_stage)

    def assemble(ctx: Context) -> Any:
        for document in ctx.rows(Document):
            group = "one-photo" if document.name == "red-cube" else ""
            images = [i.model_copy(update={"group": group or i.group}) for i in document.images]
            yield item_row(document.name, images)

    with_stage("assemble", assemble)
    built = build(PipelineConfig.model_validate(sections(tmp_path)), run_dir)
    audit = json.loads(built.file("audit.json").read_text(encoding="utf-8"))
    assert audit["leaks"] == 1
    assert audit["leaked"] == [{"image": "red-cube-4.jpg", "item": "red-cube", "split": "train", "group": "one-photo"}]


def test_test_answers_made_of_training_sentences_are_counted() -> None:
    def row(number: int, split: Split, item: str, answer: str) -> Example:
        return Example(
            id=str(number),
            split=split,
            data_id=number,
            item_id=item,
            item_name=item,
            image_name="a.jpg",
            files=(f"images/{split}/a.jpg",),
            group="g",
            question="What?",
            answer=answer,
            temperature=0.4,
            teacher="t",
            question_type="visitor",
            language="English",
            sources=(),
        )

    said = [
        ("train", "cube", "It is a Möbius cube. It has six faces."),
        ("train", "cube", "It was cast in brass."),
        ("train", "ball", "It is round."),
        ("test", "cube", "It was cast in brass.  It is a mobius cube."),  # in another order, from two answers
        ("test", "cube", "It has six faces. It is new."),  # one sentence is new
        ("test", "cube", "It is round."),  # of another exhibit
        ("test", "ball", "It is round."),
        ("test", "cone", "It is round."),  # never trained on
    ]
    rows = [row(number, split, item, answer) for number, (split, item, answer) in enumerate(said)]  # type: ignore[arg-type]
    overlap = Overlap({"cube", "ball", "cone"})
    for one in rows:
        overlap.add(one)
    assert overlap.of_training_sentences() == 2


def test_an_item_without_pairs_is_left_out_photo_by_photo(tmp_path: Path, run_dir: Path, with_stage: WithStage) -> None:
    fill_upstream(with_stage)
    asked = [name for name in COLORS if name != "blue-cone"]
    with_stage(
        "generate-qa",
        lambda ctx: (p for item in ctx.rows(Item) if item.name in asked for p in pair_rows(item)),
    )
    built = build(PipelineConfig.model_validate(sections(tmp_path)), run_dir)
    rejects: list[Reject] = list(built.rejects())
    assert [(r.reason, r.detail) for r in rejects] == [("no pair left for photo", "blue-cone")] * 5
    assert {row.item_name for row in built.rows(Example)} == set(asked)


def test_pairs_come_from_curate_where_it_ran(tmp_path: Path, run_dir: Path, with_stage: WithStage) -> None:
    fill_upstream(with_stage)
    with_stage("curate", lambda ctx: (p for p in ctx.rows(QAPair) if p.index < 2))
    config = PipelineConfig.model_validate(sections(tmp_path, curate={}))
    for unit in ("ingest", "assemble", "generate-qa", "curate"):
        assert run_shard(config, unit, run_dir) == 0
    built = build(config, run_dir)
    assert all("number 2" not in row.answer for row in built.rows(Example))


def test_no_pair_at_all_is_one_clear_message(
    tmp_path: Path, run_dir: Path, with_stage: WithStage, caplog: pytest.LogCaptureFixture
) -> None:
    fill_upstream(with_stage)
    with_stage("generate-qa", lambda ctx: iter(()))
    config = PipelineConfig.model_validate(sections(tmp_path))
    for unit in ("ingest", "assemble", "generate-qa"):
        assert run_shard(config, unit, run_dir) == 0
    assert run_shard(config, "build-dataset", run_dir) == 42
    assert "no pair can be used (0 pairs, 3 items)" in caplog.text
    assert "Traceback" not in caplog.text
