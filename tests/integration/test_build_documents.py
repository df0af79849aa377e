"""build-dataset on documents: sections, figures, exports, statistics, through the real shell."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.tiny_manual import PAIRS, SECTIONS, fill_manual, pair, pairs
from tests.tiny_museum import sections

from docent.artifacts.listings import Success
from docent.artifacts.side_files import load_json
from docent.config import PipelineConfig
from docent.context import Context
from docent.convert.validate import validate
from docent.launcher.runs.trace import lines, trace
from docent.records import Example, Item, QAPair, Reject
from docent.spec import RunStates
from docent.stage import run_shard
from docent.store import Artifact

WithStage = Callable[[str, Callable[[Context], Any]], None]
TINY = Path(__file__).parents[2] / "samples" / "docent-tiny"
UNITS = ("ingest", "assemble", "generate-qa", "curate", "build-dataset")


def build(tmp_path: Path, run_dir: Path, curate: bool = False, seed: int = 7, **settings: Any) -> Artifact:
    more: dict[str, Any] = {"curate": {}} if curate else {}
    config = PipelineConfig.model_validate(sections(tmp_path, seed=seed, build_dataset=settings, **more))
    for unit in UNITS:
        if unit != "curate" or curate:
            assert run_shard(config, unit, run_dir) == 0
    success = load_json(run_dir / "build-dataset" / "_SUCCESS.json")
    assert success is not None
    return Artifact("build-dataset", run_dir / "build-dataset" / success["folder"], Success.model_validate(success))


@pytest.fixture
def built(tmp_path: Path, run_dir: Path, with_stage: WithStage) -> Artifact:
    fill_manual(with_stage)
    return build(tmp_path, run_dir, validation_share=0.1, per_document=True)


def rows_of(built: Artifact, split: str = "") -> list[Example]:
    return [row for row in built.rows(Example) if split in ("", row.split)]


def read(built: Artifact, name: str) -> Any:
    return json.loads(built.file(name).read_text(encoding="utf-8"))


def chat(built: Artifact, split: str) -> list[list[dict[str, Any]]]:
    text = built.file(f"chat-{split}.jsonl").read_text(encoding="utf-8-sig")
    return [json.loads(line)["messages"] for line in text.splitlines()]


def test_every_pair_is_one_row_and_held_out_types_are_only_tested_with(built: Artifact) -> None:
    rows = rows_of(built)
    assert len(rows) == SECTIONS * PAIRS
    assert {row.question_type for row in rows_of(built, "test")} == {"section_summary"}
    assert len(rows_of(built, "test")) == SECTIONS
    assert "section_summary" not in {row.question_type for row in rows if row.split != "test"}
    # of the other pairs 8 x 4 keys, the two turns of a conversation being one; about 10 % of them
    assert len({(r.item_id, r.conversation) if r.conversation else r.id for r in rows_of(built, "validation")}) == 4
    for split in ("train", "validation", "test"):
        assert [row.data_id for row in rows_of(built, split)] == list(range(len(rows_of(built, split))))


def test_the_turns_of_a_conversation_are_in_one_split(tmp_path: Path, run_dir: Path, with_stage: WithStage) -> None:
    fill_manual(with_stage, titles=[f"Pump {n}" for n in range(8)])
    built = build(tmp_path, run_dir, validation_share=0.3, test_share=0.3)
    splits: dict[str, set[str]] = {}
    for row in rows_of(built):
        if row.conversation:
            splits.setdefault(row.item_id, set()).add(row.split)
    assert len(splits) == 8 * SECTIONS
    assert set(map(len, splits.values())) == {1}
    assert {next(iter(found)) for found in splits.values()} == {"train", "validation", "test"}


@pytest.mark.feature("run-statistics")
def test_shares_are_met_about_and_another_seed_chooses_others(
    tmp_path: Path, run_dir: Path, with_stage: WithStage
) -> None:
    fill_manual(with_stage, titles=[f"Pump {n}" for n in range(5)])
    with_stage(
        "generate-qa",
        lambda ctx: (pair(item, n) for item in ctx.rows(Item) for n in range(1, 6)),
    )
    first = build(tmp_path, run_dir, validation_share=0.1, test_share=0.2)
    assert Counter(row.split for row in first.rows(Example)) == {"train": 70, "test": 23, "validation": 7}
    other = build(tmp_path, run_dir, seed=8, validation_share=0.1, test_share=0.2)
    assert 12 <= len(rows_of(other, "test")) <= 28
    assert {row.question for row in rows_of(other, "test")} != {row.question for row in rows_of(first, "test")}


def test_a_training_pair_that_reads_like_a_held_out_one_is_left_out(
    tmp_path: Path, run_dir: Path, with_stage: WithStage
) -> None:
    fill_manual(with_stage)

    def generate(ctx: Context) -> Any:
        for item in ctx.rows(Item):
            summary, *others = pairs(item)
            text = {"question": f" {summary.question.upper()}", "answer": summary.answer.replace(" ", "\n")}
            yield from (summary, others[0].model_copy(update=text), *others[1:])

    with_stage("generate-qa", generate)
    built = build(tmp_path, run_dir, validation_share=0.0)
    rejects: list[Reject] = list(built.rejects())
    assert [reject.reason for reject in rejects] == ["same question and answer as a held-out pair"] * SECTIONS
    assert len(rows_of(built)) == SECTIONS * (PAIRS - 1)
    assert read(built, "statistics.json")["rejected"]["build-dataset"] == {rejects[0].reason: SECTIONS}


@pytest.mark.feature("figures-in-prompts")
def test_pictures_come_in_their_order_each_once_and_text_rows_have_none(built: Artifact) -> None:
    shown = {(row.item_name, row.question.split()[3]): row.files for row in rows_of(built) if row.files}
    names = {key: [re.sub("-[0-9a-f]{8}", "", Path(file).name) for file in files] for key, files in shown.items()}
    assert names == {
        ("Pump: Part 1", "1"): ["inlet.jpg"],
        ("Pump: Part 1", "2"): ["inlet.jpg"],
        ("Pump: Part 2", "1"): ["inlet.jpg"],
        ("Pump: Part 2", "2"): ["inlet.jpg", "outlet.jpg"],
    }
    for row in rows_of(built):
        assert len(row.parents) == 1 + len(row.files)
        assert all(file.startswith(f"images/{row.split}/") and built.file(file).is_file() for file in row.files)


@pytest.mark.feature("conversation-json")
def test_conversations_hold_text_before_pictures_and_where_they_came_from(built: Artifact) -> None:
    found = [one for split in ("train", "validation", "test") for one in read(built, f"conversations-{split}.json")]
    assert sum(len(one["messages"]) // 2 for one in found) == SECTIONS * PAIRS
    assert set(found[0]) == {"messages", "question_type", "difficulty", "conversation", "source"}
    two = next(one for one in found if len(one["messages"][0]["content"]) == 3)
    asked, said = two["messages"]
    assert [part["type"] for part in asked["content"]] == ["text", "image_url", "image_url"]
    assert asked["content"][1]["image_url"]["detail"] == "auto"
    assert (built.folder / asked["content"][2]["image_url"]["url"]).is_file()
    assert [part["type"] for part in said["content"]] == ["text"]
    assert two["source"] == [{"file": "manual.md", "first_line": 20, "last_line": 28}]
    both = [one for one in found if one["question_type"] == "conversation"]
    assert [len(one["messages"]) for one in both] == [4] * SECTIONS


@pytest.mark.feature("files-per-document")
def test_every_document_has_its_two_files_and_together_they_hold_all_pairs(
    tmp_path: Path, run_dir: Path, with_stage: WithStage
) -> None:
    titles = ("Pump", "pump", "../../../etc/cron", "Übersicht | 1")
    fill_manual(with_stage, titles)
    built = build(tmp_path, run_dir, per_document=True)
    files = sorted((built.folder / "documents").iterdir())
    assert len(files) == 2 * len(titles)
    assert all(re.fullmatch(r"(train|eval)-[\w.-]+\.json", file.name) for file in files)
    assert not any(re.search(r"\d{4}-\d\d-\d\d", file.name) for file in files)
    held = [one for file in files for one in json.loads(file.read_text(encoding="utf-8"))]
    asked = Counter(m["content"][0]["text"] for one in held for m in one["messages"] if m["role"] == "user")
    assert asked == Counter(row.question for row in rows_of(built))
    trained = {row.question for row in rows_of(built, "train")}
    for file in files:
        inside = {one["messages"][0]["content"][0]["text"] for one in json.loads(file.read_text(encoding="utf-8"))}
        assert bool(inside & trained) == file.name.startswith("train-")
    assert validate(built.folder / "documents").good, "pictures are found from the folder of the files"


@pytest.mark.feature("run-statistics")
def test_statistics_equal_the_files(tmp_path: Path, run_dir: Path, with_stage: WithStage) -> None:
    fill_manual(with_stage, titles=("Pump", "Valve"))
    real: Callable[[Context], Any] = lambda ctx: (  # noqa: E731
        pair for item in ctx.rows(Item) for pair in pairs(item)
    )

    def generate(ctx: Context) -> Any:
        yield from real(ctx)
        for why, number in (("reply not usable", 3), ("no related section", 1)):
            yield Reject(reason=why, raw="", question_type="multi_hop", missing=number)

    def check(ctx: Context) -> Any:
        for one in ctx.rows(QAPair):
            if one.index == 4:
                yield Reject(reason="too short", raw="", parents=(one.id,))
            else:
                yield one.model_copy(update={"id": f"c{one.id}"[:16], "parents": (one.id,)})

    with_stage("generate-qa", generate)
    with_stage("curate", check)
    built = build(tmp_path, run_dir, curate=True, validation_share=0.1)
    found, rows = read(built, "statistics.json"), rows_of(built)
    assert (found["made"], found["kept"], found["rows"]) == (
        2 * SECTIONS * PAIRS,
        2 * SECTIONS * (PAIRS - 1),
        len(rows),
    )
    for key, name in (("by_type", "question_type"), ("by_difficulty", "difficulty"), ("by_language", "language")):
        counts = {line[name]: (line["train"], line["validation"], line["test"]) for line in found[key] if line["rows"]}
        assert counts == {
            value: tuple(sum(getattr(r, name) == value and r.split == s for r in rows) for s in counts_of())
            for value in {getattr(row, name) for row in rows}
        }
    assert {line["section"]: line["rows"] for line in found["by_section"]} == Counter(row.item_name for row in rows)
    assert [(line["document"], line["rows"]) for line in found["by_document"]] == [("Pump", 36), ("Valve", 36)]
    assert found["rejected"] == {
        "generate-qa": {"no related section": 1, "reply not usable": 1},
        "curate": {"too short": 2 * SECTIONS},
        "build-dataset": {},
    }
    assert found["rejected_by_type"] == {"factual_recall": {"too short": 2 * SECTIONS}}
    assert {(line["reason"], line["missing"]) for line in found["shortfall"]} == {
        ("no related section", 1),
        ("reply not usable", 3),
    }
    planned = {line["question_type"]: (line["planned"], line["made"]) for line in found["by_type"]}
    assert planned["multi_hop"] == (4, 0), "a type of which nothing came is there, too"
    assert planned["conversation"] == (16, 16)
    card = built.file("README.md").read_text(encoding="utf-8")
    assert "- `multi_hop`: 4" in card
    assert "| curate | too short | 8 |" in card
    for split in counts_of():
        lines_in = sum(len(messages) // 2 for messages in chat(built, split))
        assert lines_in == found[split] == len(rows_of(built, split))


def counts_of() -> tuple[str, str, str]:
    return ("train", "validation", "test")


@pytest.mark.feature("fine-tuning-jsonl")
def test_chat_has_one_pair_per_line_but_keeps_conversations_together(built: Artifact) -> None:
    lengths = Counter(len(m) for split in counts_of() for m in chat(built, split))
    assert lengths == {2: SECTIONS * (PAIRS - 2), 4: SECTIONS}
    assert all(isinstance(message["content"], list) for m in chat(built, "test") for message in m)


@pytest.mark.feature("fine-tuning-jsonl", "reasoning")
def test_chat_packs_items_shuffles_with_a_seed_and_says_what_it_is_told(
    tmp_path: Path, run_dir: Path, with_stage: WithStage
) -> None:
    fill_manual(with_stage, titles=("Pump", "Valve", "Tap"))
    plain = build(tmp_path, run_dir, chat_turns="multi", validation_share=0.0)
    settings = {"chat_turns": "multi", "validation_share": 0.0, "chat_bom": True, "system_prompt": "Be brief."}
    dressed = build(tmp_path, run_dir, chat_shuffle=True, reasoning="think", **settings)
    assert len(chat(plain, "train")) == 3 * SECTIONS
    assert {len(messages) for messages in chat(plain, "train")} == {2 * (PAIRS - 1)}
    assert dressed.file("chat-train.jsonl").read_bytes().startswith(b"\xef\xbb\xbf{")
    assert dressed.file("chat-train.jsonl").read_bytes().endswith(b"}\n")
    said = chat(dressed, "train")
    assert {messages[0]["content"][0]["text"] for messages in said} == {"Be brief."}
    questions = [messages[1]["content"] for messages in said]
    before = [messages[0]["content"] for messages in chat(plain, "train")]
    assert sorted(map(str, questions)) == sorted(map(str, before))
    assert questions != before
    texts = [m["content"][0].get("text", "") for messages in said for m in messages]
    answer = next(text for text in texts if "think" in text)
    assert answer.startswith("<think>\nLook it up.\n\nSay it.\n</think>\n\nIt is number 3")
    assert re.sub(r"(?s)^<think>.*?</think>\s*", "", answer).startswith("It is number 3 of")
    assert all("think" not in str(m["content"]) for messages in chat(plain, "train") for m in messages)
    again = build(tmp_path, run_dir.parent / "again", chat_shuffle=True, reasoning="think", **settings)
    assert again.digest == dressed.digest


@pytest.mark.feature("chat-jsonl")
def test_hugging_face_loads_text_rows_and_rows_with_several_pictures(built: Artifact) -> None:
    import datasets

    saved = datasets.load_from_disk(str(built.folder / "hf"))
    assert {split: len(saved[split]) for split in saved} == {s: len(rows_of(built, s)) for s in counts_of()}
    names = ["images", "data_id", "item_name", "question_type", "difficulty", "conversation", "dialog", "source"]
    assert list(saved["train"].features) == names
    for split in counts_of():
        for got, row in zip(saved[split], rows_of(built, split), strict=True):
            assert [picture.size for picture in got["images"]] == [(40, 40)] * len(row.files)
            messages = json.loads(got["dialog"])["messages"]
            content = messages[-2]["content"]
            assert got["conversation"] == row.conversation
            assert len(messages) == (4 if "number 9" in row.question else 2), "the second turn carries the first"
            assert [part["type"] for part in content] == ["image"] * len(row.files) + ["text"]
            assert got["source"][0]["first_line"] == row.sources[0].first_line
    assert str(built.folder.parents[2]) not in (built.folder / "hf" / "train" / "state.json").read_text()


@pytest.mark.feature("dataset-dict")
def test_metadata_names_every_picture_of_a_row_and_only_splits_that_have_some(built: Artifact, tmp_path: Path) -> None:
    import datasets

    pictured = {row.split for row in rows_of(built) if row.files}
    tables = {path.parent.name for path in (built.folder / "images").rglob("metadata.parquet")}
    assert tables == pictured == {path.stem.rpartition("-")[2] for path in built.folder.glob("metadata-*.csv")}
    folder = datasets.load_dataset(
        "imagefolder", data_dir=str(built.folder / "images"), cache_dir=str(tmp_path / "cache")
    )
    assert sum(map(len, folder.values())) == sum(len(row.files) for row in rows_of(built))
    assert validate(built.folder).good


def test_exhibits_and_sections_make_one_data_set(tmp_path: Path, run_dir: Path, with_stage: WithStage) -> None:
    fill_manual(with_stage, exhibits=True)
    built = build(tmp_path, run_dir, validation_share=0.1)
    rows = rows_of(built)
    assert sum(row.item_name in ("red-cube", "green-ball", "blue-cone") for row in rows) == 42
    assert len(rows) == 42 + SECTIONS * PAIRS
    for split in counts_of():
        assert [row.data_id for row in rows_of(built, split)] == list(range(len(rows_of(built, split))))
    assert read(built, "audit.json")["leaks"] == 0
    card = built.file("README.md").read_text(encoding="utf-8")
    assert "photos of 3 exhibits" in card
    assert "4 sections of 1 document," in card
    assert validate(built.folder).good


def test_a_missing_figure_stops_the_stage_with_one_message(
    tmp_path: Path, run_dir: Path, with_stage: WithStage, caplog: pytest.LogCaptureFixture
) -> None:
    fill_manual(with_stage)

    def generate(ctx: Context) -> Any:
        for item in ctx.rows(Item):
            for one in pairs(item):
                lost = tuple(image.model_copy(update={"file": "files/lost.jpg"}) for image in one.figures)
                yield one.model_copy(update={"figures": lost})

    with_stage("generate-qa", generate)
    config = PipelineConfig.model_validate(sections(tmp_path))
    for unit in ("ingest", "assemble", "generate-qa"):
        assert run_shard(config, unit, run_dir) == 0
    assert run_shard(config, "build-dataset", run_dir) == 42
    assert "ingest has no file files/lost.jpg" in caplog.text
    left = [path.name for path in (run_dir / "build-dataset").rglob("*") if path.name.endswith(".tmp")]
    assert left == [], "what was half written is gone"


def test_a_row_traces_to_its_lines_and_its_figure_to_the_document(
    tmp_path: Path, run_dir: Path, with_stage: WithStage
) -> None:
    fill_manual(with_stage)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "manual.md").write_text("# Pump\n")
    built = build(tmp_path, run_dir)
    config = PipelineConfig.model_validate(sections(tmp_path))
    row = next(row for row in rows_of(built) if len(row.files) == 2)
    found = trace(RunStates(config, run_dir, as_left=True), row.id)
    said = "\n".join(lines(found, config))
    assert f"{tmp_path / 'source' / 'manual.md'}:20-28" in said
    assert "Part 2 turns 2 times." in said
    assert "Part 1 turns" not in said, "other sections of the document are not its source"
    assert all(parent in found for parent in row.parents), "pair and figures"
    assert {hit.unit for hit in found.values()} == {"build-dataset", "generate-qa", "assemble", "ingest"}


@pytest.mark.parametrize(("unit", "rows"), [("finetune-lora", 32), ("answer-constant", 36)])
def test_a_model_that_looks_at_pictures_says_that_rows_have_none(
    tmp_path: Path, run_dir: Path, with_stage: WithStage, caplog: pytest.LogCaptureFixture, unit: str, rows: int
) -> None:
    fill_manual(with_stage)
    build(tmp_path, run_dir)
    more: dict[str, Any] = {"finetune": {"approaches": ["lora"], "base_model": str(TINY)}}
    more["answer"] = {"arms": ["constant"]}
    config = PipelineConfig.model_validate(sections(tmp_path, build_dataset={}, **more))
    assert run_shard(config, unit, run_dir) == 42
    assert f"the data set has {rows} rows without a picture" in caplog.text
    assert "Traceback" not in caplog.text


def test_the_report_of_documents_is_made(tmp_path: Path, run_dir: Path, with_stage: WithStage) -> None:
    fill_manual(with_stage)
    build(tmp_path, run_dir)
    config = PipelineConfig.model_validate(sections(tmp_path, build_dataset={}, report={}))
    assert run_shard(config, "report", run_dir) == 0
    assert (run_dir / "report" / "latest" / "index.html").stat().st_size > 1000


def test_card_lets_no_title_become_markup(tmp_path: Path, run_dir: Path, with_stage: WithStage) -> None:
    title = "x | y `z`\n# Heading ![p](http://tracker.example/p.png) <script>"
    fill_manual(with_stage, titles=[title])
    built = build(tmp_path, run_dir, name="A *set* [link](http://x.example)", license="cc-by-4.0")
    card = built.file("README.md").read_text(encoding="utf-8")
    assert "\n# A \\*set\\* \\[link\\](http://x.example)\n" in card
    assert "| `x \\| y 'z' # Heading ![p](http://tracker.example/p.png) <script>` | 40 |" in card
    assert card.count("\n# ") == 1
    head = card.split("---")[1]
    assert 'license: "cc-by-4.0"' in head


def test_the_same_pairs_give_the_same_bytes_in_every_run(
    built: Artifact, tmp_path: Path, with_stage: WithStage
) -> None:
    again = build(tmp_path, tmp_path / "runs" / "again", validation_share=0.1, per_document=True)
    assert again.digest == built.digest


def test_an_answer_of_the_test_stands_in_no_other_split(tmp_path: Path, run_dir: Path, with_stage: WithStage) -> None:
    fill_manual(with_stage)

    def generate(ctx: Context) -> Any:
        for item in ctx.rows(Item):
            summary, second, third, *others = pairs(item)
            yield from (summary, second.model_copy(update={"answer": f"{summary.answer.upper()} "}))
            yield from (third.model_copy(update={"question": summary.question}), *others)

    with_stage("generate-qa", generate)
    built = build(tmp_path, run_dir, validation_share=0.4)
    assert Counter(reject.reason for reject in built.rejects()) == {
        "same answer as a held-out pair": SECTIONS,
        "same question as a held-out pair": SECTIONS,
    }
    tested = {row.answer.casefold() for row in rows_of(built, "test")}
    assert not tested & {row.answer.casefold().strip() for row in rows_of(built) if row.split != "test"}
    assert read(built, "audit.json")["test_answers_also_in_train"] == 0


def test_the_card_counts_figures_that_stand_in_several_splits(built: Artifact) -> None:
    splits: dict[str, set[str]] = {}
    for row in rows_of(built):
        for file in row.files:
            splits.setdefault(Path(file).name, set()).add(row.split)
    several = sum(len(found) > 1 for found in splits.values())
    found = read(built, "audit.json")
    assert (found["figures"], found["figures_in_several_splits"]) == (len(splits), several)
    card = built.file("README.md").read_text(encoding="utf-8")
    assert f"{several} of {len(splits)} figures {'stands' if several == 1 else 'stand'} in several splits" in card


@pytest.mark.parametrize("lost", [8, 9])
def test_a_conversation_ends_before_its_gap(tmp_path: Path, run_dir: Path, with_stage: WithStage, lost: int) -> None:
    fill_manual(with_stage)

    def generate(ctx: Context) -> Any:
        for item in ctx.rows(Item):
            *others, turn = pairs(item)
            yield from (
                *others,
                turn,
                turn.model_copy(update={"id": f"x{turn.id}"[:16], "index": 10, "answer": "And?"}),
            )

    def check(ctx: Context) -> Any:
        for one in ctx.rows(QAPair):
            if one.index == lost:
                yield Reject(reason="too short", raw="", parents=(one.id,))
            else:
                yield one

    with_stage("generate-qa", generate)
    with_stage("curate", check)
    built = build(tmp_path, run_dir, curate=True, validation_share=0.0)
    assert Counter(reject.reason for reject in built.rejects()) == {
        "its conversation has a gap": SECTIONS * (10 - lost)
    }
    turns = Counter(row.conversation for row in rows_of(built) if row.conversation)
    assert sum(turns.values()) == SECTIONS * (lost - 8)


@pytest.mark.parametrize(
    ("given", "told"), [("Apache-2.0", "apache-2.0"), ("CC-BY-SA-4.0", "cc-by-sa-4.0"), ("House Rules", "House Rules")]
)
def test_the_head_of_the_card_is_what_the_hub_reads(
    tmp_path: Path, run_dir: Path, with_stage: WithStage, given: str, told: str
) -> None:
    fill_manual(with_stage)
    built = build(tmp_path, run_dir, license=given)
    head = yaml.safe_load(built.file("README.md").read_text(encoding="utf-8").split("---")[1])
    assert (head["license"], head["language"]) == (told, ["en"])
