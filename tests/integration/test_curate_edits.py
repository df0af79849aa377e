"""What people decide about pairs: the CSV of `docent review`, read back through `curate.edits`."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.test_curate import ITEM, pair

from docent.artifacts.listings import Success
from docent.artifacts.side_files import load_json
from docent.config import PipelineConfig
from docent.config.stages import Curate
from docent.context import Context
from docent.errors import InputError
from docent.records import QAPair, Reject, make_id
from docent.stage import run_shard
from docent.stages.curate.review.edits import NOT_APPROVED, REJECTED, Edits, read_edits
from docent.stages.curate.review.table import COLUMNS
from docent.store import Artifact
from docent.text.encodings.spreadsheet import guarded

WithStage = Callable[[str, Callable[[Context], Any]], None]
PAIRS = (
    pair("The block has eight corners."),
    pair("It was cut in 1837.", "When was it cut?"),
    pair("The block was cut by Otto Brandt.", "Who cut it?"),
    pair("It is 5 cm wide.", "How wide is it?"),
    pair("The block weighs 1.5 kg.", "How heavy is it?"),
)


def table(path: Path, rows: dict[int, dict[str, str]]) -> Path:
    """The CSV of `docent review` with decisions on some of PAIRS, by their position."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    for number, one in enumerate(PAIRS):
        shown = {"id": one.id, "item": one.item_name, "question": one.question, "answer": one.answer}
        decided = {name: guarded(value) for name, value in rows.get(number, {}).items()}
        writer.writerow(shown | decided)
    path.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
    return path


@pytest.fixture
def curated(run_dir: Path, tmp_path: Path, with_stage: WithStage) -> Callable[..., tuple[list[QAPair], dict[str, str]]]:
    """Run curate over PAIRS; kept rows, and the reason of each rejected one by the id of its parent."""
    (tmp_path / "source").mkdir()
    config = PipelineConfig.model_validate(
        {
            "run": {"input_wait_s": 0},
            "ingest": {"sources": [{"kind": "exhibits-folder", "path": str(tmp_path / "source")}]},
            "assemble": {},
            "generate_qa": {"shards": 1},
        }
    )
    with_stage("ingest", lambda _: iter(()))
    with_stage("assemble", lambda _: iter([ITEM]))
    with_stage("generate-qa", lambda _: iter(PAIRS))

    def run(code: int = 0, **section: Any) -> tuple[list[QAPair], dict[str, str]]:
        judged = config.model_copy(update={"curate": Curate(**{"max_reject_rate": 1, **section})})
        assert [run_shard(judged, u, run_dir) for u in ("ingest", "assemble", "generate-qa")] == [0, 0, 0]
        assert run_shard(judged, "curate", run_dir) == code
        if code:
            return [], {}
        success = load_json(run_dir / "curate" / "_SUCCESS.json")
        assert success is not None
        artifact = Artifact("curate", run_dir / "curate" / success["folder"], Success.model_validate(success))
        return list(artifact.rows(QAPair)), {r.parents[0]: r.reason for r in artifact.rejects()}

    return run


def test_decisions_become_rows_with_parents_and_rejects_with_reasons(
    curated: Callable[..., tuple[list[QAPair], dict[str, str]]], tmp_path: Path
) -> None:
    decisions = {
        0: {"decision": "approve"},
        1: {"decision": "reject", "note": "dull"},
        2: {"decision": "Edit", "edited_answer": "Anna Kirchner cut it."},
        3: {"decision": "edit", "edited_answer": "It is 7 cm wide.", "edited_question": "How wide?"},
    }
    rows, rejects = curated(edits=table(tmp_path / "pairs.csv", decisions))
    assert [(row.parents, row.reviewed, row.verdict) for row in rows] == [
        ((PAIRS[0].id,), "approved", "pass"),
        ((PAIRS[2].id,), "edited", "pass"),
        ((PAIRS[3].id,), "edited", "warn"),
        ((PAIRS[4].id,), "", "pass"),
    ]
    edited = rows[1]
    assert (edited.question, edited.answer) == ("Who cut it?", "Anna Kirchner cut it.")
    assert edited.id == make_id("curate", (PAIRS[2].id,), "edit", edited.question, edited.answer)
    assert "unsupported number" in rows[2].reasons, "a person wins, and the row says over what"
    assert rejects == {PAIRS[1].id: REJECTED}


def test_an_edited_pair_is_kept_unless_it_is_empty_or_there_already(
    curated: Callable[..., tuple[list[QAPair], dict[str, str]]], tmp_path: Path
) -> None:
    again = {"decision": "edit", "edited_question": PAIRS[0].question, "edited_answer": PAIRS[0].answer}
    decisions = {
        1: {"decision": "edit", "edited_answer": "No 7."},
        2: again,
        3: {"decision": "edit", "edited_question": "How wide is it, I cannot answer that?", "edited_answer": "Nobody"},
        4: {"decision": "edit", "edited_answer": "?!"},
    }
    rows, rejects = curated(edits=table(tmp_path / "pairs.csv", decisions))
    assert rejects == {PAIRS[2].id: "duplicate", PAIRS[4].id: "empty"}
    reasons = {row.parents[0]: row.reasons for row in rows if row.reviewed}
    assert reasons.keys() == {PAIRS[1].id, PAIRS[3].id}
    assert {"too short", "unsupported number"} <= set(reasons[PAIRS[1].id])


def test_an_approval_overrules_a_gate_and_the_row_says_which(
    curated: Callable[..., tuple[list[QAPair], dict[str, str]]], tmp_path: Path
) -> None:
    rows, rejects = curated(edits=table(tmp_path / "pairs.csv", {2: {"decision": "approve"}}))
    kept = next(row for row in rows if row.parents == (PAIRS[2].id,))
    assert (kept.verdict, kept.reasons, kept.reviewed) == ("warn", ("unsupported name",), "approved")
    assert rejects == {}


def test_with_require_approval_only_decided_pairs_are_kept(
    curated: Callable[..., tuple[list[QAPair], dict[str, str]]], tmp_path: Path
) -> None:
    edits = table(tmp_path / "pairs.csv", {4: {"decision": "approve"}})
    rows, rejects = curated(edits=edits, require_approval=True, max_reject_rate=0.5)  # unread pairs fail no run
    assert [row.parents for row in rows] == [(PAIRS[4].id,)]
    assert set(rejects.values()) == {NOT_APPROVED} and len(rejects) == 4


def test_what_a_spreadsheet_would_compute_comes_back_as_it_was(tmp_path: Path) -> None:
    text = "=1+1 is what stands there"
    path = table(tmp_path / "pairs.csv", {0: {"decision": "edit", "edited_answer": text, "note": "-no"}})
    assert f"'{text}" in path.read_text(encoding="utf-8-sig")
    edit = read_edits(path)[PAIRS[0].id]
    assert (edit.answer, edit.note) == (text, "-no")
    quoted = table(tmp_path / "other.csv", {0: {"decision": "edit", "edited_answer": "'tis so"}})
    assert read_edits(quoted)[PAIRS[0].id].answer == "'tis so"


def test_all_problems_of_a_file_are_named_at_once_with_their_lines(
    curated: Callable[..., tuple[list[QAPair], dict[str, str]]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = table(
        tmp_path / "pairs.csv",
        {
            0: {"decision": "yes"},
            1: {"decision": "edit"},
            2: {"decision": "approve", "edited_answer": "Anna Kirchner cut it."},
            3: {"id": "12", "decision": "reject"},
            4: {"id": PAIRS[0].id, "decision": "reject"},
        },
    )
    curated(code=42, edits=path)
    for problem in (
        "line 2: decision 'yes' is not one of approve, reject, edit",
        "line 3: decision is edit, but edited_question and edited_answer are empty",
        "line 4: edited text, but decision is approve",
        "line 5: id '12' is not the id of a pair",
        "line 6: the decision contradicts line 2, which is about the same pair",
    ):
        assert problem in caplog.text


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"id,decision\n", "missing columns: edited_question, edited_answer"),
        (b"", "missing columns"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00" * 99, "not a text file: save the sheet as CSV"),
        (b"id,decision\n\x81\x8d\x00\xff\x01\x02", "not a text file: save the sheet as CSV"),
        (b'id,decision,edited_question,edited_answer\n"open,approve,,\n', "not a valid CSV"),
        (b"id,decision,edited_question,edited_answer\n" + b"a" * 300_000, "not a valid CSV"),
        (None, "does not exist"),
    ],
)
def test_a_file_that_is_no_such_table_is_one_clear_error(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "pairs.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=problem):
        read_edits(path)


@pytest.mark.parametrize(
    ("encoding", "delimiter", "answer"),
    [
        ("utf-8", ";", "Größe: 5 cm; 7 cm, 9 cm"),
        ("cp1252", ";", "Größe: 5 cm\n7 cm"),
        ("utf-16", "\t", "그것은 1837년에 만들어졌다, 아마"),
        ("cp949", ",", "그것은 1837년에 만들어졌다, 아마"),
        ("utf-8-sig", "\t", "5 cm,\t7 cm"),
    ],
)
def test_what_spreadsheets_save_is_read(tmp_path: Path, encoding: str, delimiter: str, answer: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["id", "question", "decision", "edited_question", "edited_answer", "note"])
    writer.writerow([PAIRS[0].id, "What, and; where?", "edit", "", answer, ""])
    writer.writerow([PAIRS[1].id, "When?", "approve", "", "", ""])
    path = tmp_path / "pairs.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    edits = read_edits(path)
    assert [edit.decision for edit in edits.values()] == ["edit", "approve"]
    assert edits[PAIRS[0].id].answer == answer


def test_decisions_about_pairs_of_another_run_are_said(
    curated: Callable[..., tuple[list[QAPair], dict[str, str]]],
    tmp_path: Path,
    run_dir: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("WARNING")
    approved = {"decision": "approve"}
    path = table(tmp_path / "pairs.csv", {0: {"id": "0" * 16, "decision": "reject"}, 1: approved, 2: approved})
    rows, _ = curated(edits=path)
    assert len(rows) == 5
    assert "1 decisions refer to pairs that do not exist: lines 2" in caplog.text
    said = {"matched": 2, "unmatched": 1, "approved": 2, "edited": 0, "rejected": 0}
    assert load_json(run_dir / "curate" / "latest" / "review.json") == said


@pytest.mark.parametrize(
    "decided", [{"decision": "reject"}, {"decision": "edit", "edited_answer": "It has eight corners and six faces."}]
)
def test_a_repeat_of_what_people_rejected_or_edited_goes_with_it(tmp_path: Path, decided: dict[str, str]) -> None:
    edits = Edits(table(tmp_path / "pairs.csv", {0: decided}))
    repeat = PAIRS[0].model_copy(update={"id": "f" * 16, "question_type": "fact_based"})
    first, second = edits.apply(PAIRS[0], False), edits.apply(repeat, False)
    assert isinstance(first, Reject) == (decided["decision"] == "reject")
    assert isinstance(second, Reject) and second.reason == REJECTED and "the same words as line 2" in second.detail
    other = repeat.model_copy(update={"answer": "The block has six faces."})
    assert edits.apply(other, False) == other
