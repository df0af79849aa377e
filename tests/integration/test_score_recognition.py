"""score through the real shell and encoder: what the headline metric says of answers that any photo could get."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docent.artifacts.listings import Success
from docent.artifacts.side_files import load_json
from docent.config import PipelineConfig
from docent.context import Context
from docent.records import Answer, Example, Item, Score, Span, Split, make_id
from docent.stage import run_shard
from docent.store import Artifact

WithStage = Callable[[str, Callable[[Context], Any]], None]

MUSEUM = Path(__file__).resolve().parents[2] / "samples/museum/raw_data.csv"
ARMS = ("lora", "base", "constant")
# What a model that knows no exhibit sees; the nearest training answer by the encoder is often of the right one.
SEEN = {
    "borromean-rings": "three metal rings that are linked", "cube": "a box with six square sides",
    "double-cone": "an hourglass", "torus": "a doughnut", "klein-bottle": "a glass vessel with a handle",
    "menger-sponge": "a block full of square holes", "tetrahedron": "a small pyramid", "trefoil-knot": "a rope",
    "stella-octangula": "a star with points", "truncated-icosahedron": "a football", "mobius-strip": "a twisted band",
}  # fmt: skip


def museum() -> dict[str, str]:
    with MUSEUM.open(encoding="utf-8-sig", newline="") as file:
        return {row["item_name"]: row["description"] for row in csv.DictReader(file)}


TEXTS = museum()


def salad(seed: int) -> str:
    return " ".join(random.Random(seed).choices(" ".join(TEXTS.values()).split(), k=25))


def example(name: str, split: Split, data_id: int, answer: str) -> Example:
    return Example(
        id=make_id("build-dataset", (), name, split, data_id), split=split, data_id=data_id, item_id=f"id of {name}",
        item_name=name, image_name=f"{name}.jpg", files=(f"images/{split}/{name}.jpg",), question="What is this?",
        answer=answer, temperature=0.4, teacher="offline-extractive", question_type="visitor", language="en",
        sources=(),
    )  # fmt: skip


def reference(name: str) -> str:
    return f"This is the {name.replace('-', ' ')}. {TEXTS[name].split('. ')[1]}."


def examples(names: list[str]) -> Iterator[Example]:
    for number, name in enumerate(names):
        yield example(name, "train", number, TEXTS[name].split(". ")[0] + ".")
        yield example(name, "test", number, reference(name))


def score(
    tmp_path: Path, run_dir: Path, with_stage: WithStage, names: list[str], said: Callable[[str, Example], str]
) -> Artifact:
    """Run score over one test question per exhibit, answered by `said(arm, example)`."""

    def items(ctx: Context) -> Iterator[Item]:
        span = Span(file="raw.csv", first_line=1, last_line=1)
        for name in names:
            spoken = name.replace("-", " ")
            yield Item(id=f"id of {name}", name=name, spoken_name=spoken, text=TEXTS[name], source=span,
                       document_id="d", document="raw")  # fmt: skip

    def answers(ctx: Context) -> Iterator[Answer]:
        for row in ctx.rows(Example):
            if row.split == "test":
                yield Answer(
                    id=make_id("answer", (row.id,), ctx.unit.part), parents=(row.id,), arm=ctx.unit.part,
                    example_id=row.id, item_id=row.item_id, item_name=row.item_name, image_name=row.image_name,
                    question=row.question, answer=said(ctx.unit.part, row), reference=row.answer,
                )  # fmt: skip

    for stage in ("ingest", "generate-qa", "finetune"):
        with_stage(stage, lambda ctx: iter(()))
    with_stage("assemble", items)
    with_stage("build-dataset", lambda ctx: examples(names))
    with_stage("answer", answers)
    for folder in ("source", "model"):
        (tmp_path / folder).mkdir()
    config = PipelineConfig.model_validate(
        {
            "run": {"input_wait_s": 0},
            "ingest": {"sources": [{"kind": "exhibits-folder", "path": str(tmp_path / "source")}]},
            "assemble": {},
            "generate_qa": {"shards": 1},
            "build_dataset": {},
            "finetune": {"base_model": str(tmp_path / "model"), "approaches": ["lora"]},
            "answer": {"arms": ["base", "constant"]},
            "score": {"bootstrap_draws": 500},
        }
    )
    before = ("ingest", "assemble", "generate-qa", "build-dataset", "finetune-lora")
    for unit in (*before, *(f"answer-{arm}" for arm in ARMS), "score"):
        assert run_shard(config, unit, run_dir) == 0, unit
    success = load_json(run_dir / "score" / "_SUCCESS.json")
    assert success is not None
    return Artifact("score", run_dir / "score" / success["folder"], Success.model_validate(success))


@pytest.mark.feature("metrics")
def test_answers_that_recognise_nothing_are_not_right_although_their_nearest_neighbour_is(
    tmp_path: Path, run_dir: Path, with_stage: WithStage
) -> None:
    def said(arm: str, row: Example) -> str:
        if arm == "constant":
            return salad(row.data_id)
        return row.answer if arm == "lora" else f"The picture shows {SEEN.get(row.item_name, 'a shiny thing')}."

    made = score(tmp_path, run_dir, with_stage, list(TEXTS), said)
    summary = json.loads(made.file("summary.json").read_text(encoding="utf-8"))
    right = {arm: metrics["exhibit_accuracy"] for arm, metrics in summary["arms"].items()}
    assert summary["chance"] == 0.05 == 1 / len(TEXTS)
    assert right["lora"]["mean"] == summary["ceiling"]["exhibit_accuracy"]["mean"] == 1
    assert right["base"]["mean"] <= summary["chance"] and right["constant"]["mean"] <= summary["chance"]
    assert all(low <= summary["chance"] <= high for low, high in (right["base"]["ci"], right["constant"]["ci"]))
    assert summary["arms"]["base"]["nearest_exhibit"]["mean"] > 2 * summary["chance"]
    header = made.file("scores.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert header[4:6] == ["exhibit_accuracy", "nearest_exhibit"]


def test_with_one_exhibit_there_is_no_share_of_right_exhibits(
    tmp_path: Path, run_dir: Path, with_stage: WithStage
) -> None:
    made = score(tmp_path, run_dir, with_stage, ["torus"], lambda arm, row: row.answer if arm == "lora" else "A ring.")
    assert all(not {"exhibit_accuracy", "nearest_exhibit"} & row.metrics.keys() for row in made.rows(Score))
    summary = json.loads(made.file("summary.json").read_text(encoding="utf-8"))
    assert set(summary["arms"]["lora"]) == {"semantic_distance", "length_ratio"}
    assert summary["comparisons"][0]["metric"] == "semantic_distance"
    (note,) = summary["notes"]
    assert "no test of significance" in note
