"""The gates of curate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docent.config import Curate, PipelineConfig
from docent.context import Context
from docent.records import Item, QAPair, Reject, Span, make_id
from docent.stage import run_shard
from docent.stages.curate import GATES, WARNINGS, judge
from docent.store import Artifact, load_json

WithStage = Callable[[str, Callable[[Context], Any]], None]
ITEM = Item(
    id=make_id("assemble", (), 1),
    name="block-12",
    text="The block has eight corners, weighs 1.5 kg and was cut in 1837.",
    source=Span(file="raw.csv", first_line=2, last_line=2),
    document_id="d",
    document="raw",
    images=(),
)


def pair(answer: str, question: str = "What is this?", temperature: float = 0.4, item: Item = ITEM) -> QAPair:
    return QAPair(
        id=make_id("generate-qa", (item.id,), temperature, question, answer),
        parents=(item.id,),
        item_id=item.id,
        item_name=item.name,
        question=question,
        answer=answer,
        question_type="visitor",
        language="English",
        temperature=temperature,
        index=0,
        teacher="m1",
        sources=(item.source,),
    )


@pytest.mark.parametrize(
    ("answer", "question", "reason"),
    [
        (" \n", "What is this?", "empty"),
        ("The block has corners.", "…?", "empty"),
        ("It is heavy.", "What is this?", "too short"),
        ("word " * 301, "What is this?", "too long"),
        ("The block was cut in 1838.", "When?", "unsupported number"),
        ("The block weighs 15 kg in all.", "How heavy?", "unsupported number"),
    ],
)
def test_each_gate_rejects_with_its_reason_and_names_the_pair(answer: str, question: str, reason: str) -> None:
    bad = pair(answer, question)
    found = judge(bad, ITEM, set(), Curate())
    assert isinstance(found, Reject)
    assert (found.reason, found.parents) == (reason, (bad.id,))
    assert found.detail.startswith("block-12: ") and len(found.raw) <= 2000


def test_numbers_of_the_text_in_other_words_and_of_the_name_are_supported() -> None:
    kept = judge(pair("Block 12 has 8 corners and weighs 1.50 kg."), ITEM, set(), Curate())
    assert isinstance(kept, QAPair) and kept.verdict == "pass"


def test_allowed_unsupported_numbers_are_let_through() -> None:
    assert isinstance(
        judge(pair("It was cut in 1838 they say."), ITEM, set(), Curate(max_unsupported_numbers=1)), QAPair
    )


def test_the_same_pair_is_kept_once_whatever_case_and_spacing() -> None:
    seen: set[tuple[str, str]] = set()
    first = judge(pair("The block has eight corners."), ITEM, seen, Curate())
    again = judge(pair("The  BLOCK has eight corners.", temperature=0.9), ITEM, seen, Curate())
    other = judge(pair("The block has eight corners.", "What else?"), ITEM, seen, Curate())
    assert isinstance(first, QAPair) and isinstance(other, QAPair)
    assert isinstance(again, Reject) and again.reason == "duplicate"


def test_a_question_that_names_the_exhibit_is_marked_not_rejected() -> None:
    found = judge(pair("The block has eight corners.", "What is Block 12?"), ITEM, set(), Curate())
    assert isinstance(found, QAPair)
    assert (found.verdict, found.reasons) == ("warn", ("question names the exhibit",))


def test_a_kept_pair_is_a_new_row_with_the_old_one_as_parent() -> None:
    old = pair("The block has eight corners.")
    new = judge(old, ITEM, set(), Curate())
    assert isinstance(new, QAPair) and new.id != old.id and new.parents == (old.id,)
    assert new.model_copy(update={"id": old.id, "parents": old.parents, "verdict": "unchecked"}) == old


def test_the_tables_are_in_plain_view() -> None:
    assert list(GATES) == ["empty", "too short", "too long", "duplicate", "unsupported number"]
    assert list(WARNINGS) == ["question names the exhibit"]


def test_the_stage_keeps_order_counts_reasons_and_refuses_pairs_of_unknown_items(
    run_dir: Path, tmp_path: Path, with_stage: WithStage, caplog: pytest.LogCaptureFixture
) -> None:
    config = PipelineConfig.model_validate(
        {
            "run": {"input_wait_s": 0},
            "ingest": {"sources": [{"kind": "exhibits-folder", "path": str(tmp_path / "source")}]},
            "assemble": {},
            "generate_qa": {"shards": 1},
            "curate": {},
        }
    )
    (tmp_path / "source").mkdir()
    good, bad = pair("The block has eight corners."), pair("The block has nine corners.")

    def pairs(_: Context) -> Iterator[QAPair]:
        yield from (good, bad, good)

    with_stage("ingest", lambda _: iter(()))
    with_stage("assemble", lambda _: iter([ITEM]))
    with_stage("generate-qa", pairs)
    assert [run_shard(config, u, run_dir) for u in ("ingest", "assemble", "generate-qa")] == [0, 0, 0]
    assert run_shard(config, "curate", run_dir) == 42, "two of three is more than the default half"
    assert "unsupported number" in caplog.text
    looser = config.model_copy(update={"curate": Curate(max_reject_rate=0.7)})
    assert run_shard(looser, "curate", run_dir) == 0
    success = load_json(run_dir / "curate" / "_SUCCESS.json")
    assert success is not None and success["reject_reasons"] == {"duplicate": 1, "unsupported number": 1}
    rows = list(Artifact("curate", run_dir / "curate" / success["folder"], success).rows(QAPair))
    assert [row.parents for row in rows] == [(good.id,)]
