"""The gates of curate."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docent.artifacts.listings import Success
from docent.artifacts.side_files import load_json
from docent.config import PipelineConfig
from docent.config.stages import Curate
from docent.context import Context
from docent.records import Figure, Item, QAPair, Reject, Span, make_id
from docent.stage import run_shard
from docent.stages.curate import GateSet
from docent.stages.curate.gates.cases import Case
from docent.stages.curate.gates.duplicates import Kept
from docent.stages.curate.gates.gates import GATES, WARNINGS, judge
from docent.stages.curate.gates.sources import Source, item_text
from docent.store import Artifact

WithStage = Callable[[str, Callable[[Context], Any]], None]


def item_of(name: str, text: str, kind: str = "exhibit", line: int = 2, **more: Any) -> Item:
    values = {"kind": kind, "name": name, "text": text, "document_id": "d", "document": "raw", **more}
    span = Span(file="raw.csv", first_line=line, last_line=line + text.count("\n"))
    return Item(id=make_id("assemble", (), name, line), source=span, **values)


ITEM = item_of(
    "block-12",
    "The block has eight corners, weighs 1.5 kg and was cut in 1837 by Anna Kirchner in Northern Italy. "
    "It is 5 cm wide, and 1,500 people saw it. Its six square faces are blue. "
    "A diagonal of 8.66 cm runs through it.",
)
MANUAL = item_of("Plinth: Setting up", "Lift the cover, then open three bolts with a 12 mm key.", "section", 40)


def pair(answer: str, question: str = "What is this?", kind: str = "visitor", item: Item = ITEM, **more: Any) -> QAPair:
    values: dict[str, Any] = {"temperature": 0.4, "language": "English", "sources": (item.source,), **more}
    return QAPair(
        id=make_id("generate-qa", (item.id,), values["temperature"], question, answer, kind),
        parents=(item.id,),
        item_id=item.id,
        item_name=item.name,
        question=question,
        answer=answer,
        question_type=kind,
        index=0,
        teacher="m1",
        **values,
    )


def verdicts(*pairs: QAPair, section: Curate | None = None, items: tuple[Item, ...] = (ITEM, MANUAL)) -> list[Any]:
    return list(GateSet(section or Curate(), items).judge(list(pairs)))


def verdict(one: QAPair, section: Curate | None = None, items: tuple[Item, ...] = (ITEM, MANUAL)) -> Any:
    return verdicts(one, section=section, items=items)[0]


@pytest.mark.parametrize(
    ("answer", "question", "kind", "reason"),
    [
        (" \n", "What is this?", "visitor", "empty"),
        ("The block has corners.", "…?", "visitor", "empty"),
        ("The text does not mention who made the block.", "Who made it?", "visitor", "refusal"),
        ("As an AI language model I cannot see the block.", "Who made it?", "visitor", "refusal"),
        ("Der Text enthält keine Angaben zum Block.", "Wer?", "visitor", "refusal"),
        ("죄송합니다. 본문에는 언급되어 있지 않습니다.", "?누구", "visitor", "refusal"),
        ("文中没有提到这一点。", "谁做的？", "visitor", "refusal"),
        ("[Guide]: The block has eight corners.", "What is this?", "visitor", "format"),
        ('{"question": "What?", "answer": "The block."}', "What is this?", "visitor", "format"),
        ("```\nThe block has eight corners.\n```", "What is this?", "visitor", "format"),
        ("The block has eight corners.</think>", "What is this?", "visitor", "format"),
        ("What has eight corners?", "What has eight corners?", "visitor", "format"),
        ("It is heavy.", "What is this?", "visitor", "too short"),
        ("word " * 301, "What is this?", "visitor", "too long"),
        ("Der Block hat acht Ecken und ist sehr schwer.", "What is this?", "visitor", "wrong language"),
        ("The block was cut in 1838.", "When?", "visitor", "unsupported number"),
        ("The block weighs 15 kg in all.", "How heavy?", "visitor", "unsupported number"),
        ("The block is 5 m wide, they say.", "How wide?", "visitor", "unsupported number"),
        ("Its diagonal is about 9 cm long.", "How long?", "visitor", "unsupported number"),
        ("Its diagonal is about 8.6 cm long.", "How long?", "visitor", "unsupported number"),
        ("The block has eight square faces.", "How many?", "visitor", "unsupported number"),
        ("The block was cut by Otto Brandt.", "Who cut it?", "visitor", "unsupported name"),
        ("Otto Brandt cut the block in 1837.", "Who cut it?", "visitor", "unsupported name"),
        ("Nobody knows; perhaps wandering merchants carried similar treasures.", "Why?", "visitor", "unanswerable"),
        ("The block has eight corners.", "Which orchestra plays waltzes there?", "fact_based", "unanswerable"),
    ],
)
def test_each_gate_rejects_with_its_reason_and_names_the_pair(
    answer: str, question: str, kind: str, reason: str
) -> None:
    bad = pair(answer, question, kind)
    found = verdict(bad)
    assert isinstance(found, Reject)
    assert (found.reason, found.parents) == (reason, (bad.id,)), found.detail
    assert found.detail.startswith("block-12: ") and len(found.raw) <= 2000


@pytest.mark.parametrize(
    "answer",
    [
        "Block 12 has 8 corners and weighs 1.50 kg.",
        "It is 5 centimetres wide, and 1500 people saw it.",
        "Kirchner's block was cut in 1837; all of its corners are blue.",
        "There are three reasons: 1) it has eight corners, 2) it is blue, 3) it weighs 1.5 kg.",
        "1. The block is blue.\n2. It weighs 1.5 kg.\n3. It was cut in Italy.",
        "The Italian block has six square faces.",
        "Its diagonal is about 8.7 cm long.",
        "No: the block cannot float, it weighs 1.5 kg.",
    ],
)
def test_what_the_source_says_in_other_words_passes(answer: str) -> None:
    kept = verdict(pair(answer))
    assert isinstance(kept, QAPair) and kept.verdict == "pass", kept


@pytest.mark.parametrize(
    ("kind", "answer", "kept"),
    [("short_answer", "Eight", True), ("boolean", "True", True), ("long_answer", "Eight", False)],
)
def test_how_short_an_answer_may_be_depends_on_its_type(kind: str, answer: str, kept: bool) -> None:
    assert isinstance(verdict(pair(answer, "How many corners has the block?", kind)), QAPair) is kept


def test_an_answer_without_spaces_between_words_is_not_too_short() -> None:
    item = item_of("立方体", "这个立方体有八个顶点和十二条边，由木头制成。", "section")
    kept = verdict(
        pair("这个立方体有八个顶点和十二条边。", "它是什么？", "long_answer", item, language="zh"), items=(item,)
    )
    assert isinstance(kept, QAPair)


def test_a_question_that_supposes_a_number_vouches_for_it() -> None:
    supposed = pair("False. It is 5 cm wide, not 7 cm.", "True or false: the block is 7 cm wide.", "boolean")
    asked = pair("It is 7 cm wide, not 5 cm wide.", "Is the block 7 cm wide?", "fact_based")
    found = verdicts(supposed, asked)
    assert isinstance(found[0], QAPair)
    assert isinstance(found[1], Reject) and found[1].reason == "unsupported number"


def test_allowed_unsupported_numbers_and_names_are_let_through() -> None:
    loose = Curate(max_unsupported_numbers=1, max_unsupported_names=2)
    assert isinstance(verdict(pair("It was cut in 1838 they say."), loose), QAPair)
    assert isinstance(verdict(pair("The block was cut by Otto Brandt."), loose), QAPair)


def test_names_and_words_are_not_compared_across_languages() -> None:
    text = (
        "Die Brücke über die Elbe wurde im Jahr 1837 von den Bürgern der Stadt gebaut und später von der Gemeinde "
        "verbreitert, damit auch die Wagen der Bauern sie bei Hochwasser benutzen konnten."
    )
    item = item_of("brücke", text, "section")
    kept = pair("The Bridge of the Citizens was built in 1837.", "When was it built?", "fact_based", item)
    wrong = pair("The Bridge of the Citizens was built in 1838.", "When was it built?", "fact_based", item)
    found = verdicts(kept, wrong, items=(item,))
    assert isinstance(found[0], QAPair)
    assert isinstance(found[1], Reject) and found[1].reason == "unsupported number"


def test_the_source_of_a_pair_is_every_section_it_was_written_from_with_figures_described() -> None:
    figure = Figure(token="{{FIGURE_1}}", caption="The lid", description="A lid with 17 holes.")
    first = item_of("A: one", "The box is red. {{FIGURE_1}}", "section", 1, figures=(figure,))
    second = item_of("A: two", "The rope is 23 m long.", "section", 9)
    third = item_of("B: one", "The box weighs 31 kg.", "section", 9, document_id="other")
    both = pair("The red box has a rope of 23 m and a lid with 17 holes.", "?What", "summary", first)
    alone = both.model_copy(update={"sources": (first.source,)})
    both = both.model_copy(update={"sources": (first.source, second.source)})
    elsewhere = pair("The red box weighs 31 kg.", "?What", "summary", first)
    elsewhere = elsewhere.model_copy(update={"sources": (first.source, third.source)})
    found = [verdict(one, items=(first, second, third)) for one in (both, alone, elsewhere)]
    assert isinstance(found[0], QAPair)
    assert isinstance(found[1], Reject) and found[1].detail == "A: one: 23"
    assert isinstance(found[2], Reject) and found[2].detail == "A: one: 31", "same lines of another document"


@pytest.mark.parametrize(
    ("question", "answer", "kind", "warning"),
    [
        ("What is Block 12?", "The block has eight corners.", "visitor", "question names the exhibit"),
        ("The corners of the block", "The block has eight corners.", "fact_based", "not a question"),
        ("Why do 90 people like the block?", "The block has eight corners.", "fact_based", "number in the question"),
        ("Why?", "The block seems enchanting, whimsical; corners glow blue.", "visitor", "low support"),
        (
            "Why is the block so heavy?",
            "The block has eight corners, weighs 1.5 kg and was cut in 1837 by Anna Kirchner",
            "inference",
            "not in own words",
        ),
    ],
)
def test_each_warning_marks_and_does_not_reject(question: str, answer: str, kind: str, warning: str) -> None:
    found = verdict(pair(answer, question, kind))
    assert isinstance(found, QAPair), found
    assert (found.verdict, found.reasons) == ("warn", (warning,))


def test_a_question_that_names_its_section_is_as_it_should_be() -> None:
    found = verdict(
        pair("Open three bolts with a 12 mm key.", "What does Plinth: Setting up need?", "fact_based", MANUAL)
    )
    assert isinstance(found, QAPair) and found.reasons == ()


def test_a_kept_pair_is_a_new_row_with_the_old_one_as_parent() -> None:
    old = pair("The block has eight corners.")
    new = verdict(old)
    assert isinstance(new, QAPair) and new.id != old.id and new.parents == (old.id,)
    assert new.model_copy(update={"id": old.id, "parents": old.parents, "verdict": "unchecked"}) == old


def test_the_tables_are_in_plain_view() -> None:
    assert list(GATES) == [
        *("empty", "refusal", "format", "too short", "too long", "wrong language"),
        *("duplicate", "near duplicate", "embedding duplicate", "asked of another section"),
        *("unsupported number", "unsupported name", "unanswerable", "round trip"),
    ]
    assert list(WARNINGS) == [
        *("question names the exhibit", "not a question", "number in the question", "low support", "not in own words"),
    ]


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
    strict = config.model_copy(update={"curate": Curate(max_reject_rate=0.4)})
    assert run_shard(strict, "curate", run_dir) == 42, "one of two, for a repeat does not count"
    assert "unsupported number" in caplog.text
    assert run_shard(config, "curate", run_dir) == 0
    success = load_json(run_dir / "curate" / "_SUCCESS.json")
    assert success is not None and success["reject_reasons"] == {"duplicate": 1, "unsupported number": 1}
    artifact = Artifact("curate", run_dir / "curate" / success["folder"], Success.model_validate(success))
    assert [row.parents for row in artifact.rows(QAPair)] == [(good.id,)]
    funnel = json.loads(artifact.file("funnel.json").read_text())
    assert (funnel["in"], funnel["kept"], funnel["passed"]) == (3, 1, 1)
    assert funnel["types"]["visitor"]["rejected"] == {"duplicate": 1, "unsupported number": 1}
    diversity = json.loads(artifact.file("diversity.json").read_text())
    assert diversity["pairs"] == 1 and diversity["counts"]["type"] == {"visitor": 1}
    with_stage("generate-qa", lambda _: iter([good.model_copy(update={"item_id": "0" * 16})]))
    other = config.model_copy(update={"seed": 8})
    assert [run_shard(other, u, run_dir) for u in ("ingest", "assemble", "generate-qa", "curate")] == [0, 0, 0, 42]
    assert "refers to an unknown item" in caplog.text


def test_one_question_has_its_answer_in_one_section_of_a_document() -> None:
    first = item_of("Plinth: Intake", "The intake lies 40 cm below the surface of the lake.", "section", 1)
    second = item_of("Plinth: Intake", "The strainer of the intake is cleaned every week.", "section", 9)
    other = item_of("Lid: Intake", "The strainer of the intake is cleaned every week.", "section", 9, document_id="e")
    asked, kept = "What are the main points of “Intake”?", Kept(Curate())

    def judged(item: Item, answer: str, question: str = asked, **more: Any) -> QAPair | Reject:
        made = pair(answer, question, "summarization", item, **more)
        return judge(Case(made, Source((item_text(item),)), kept, Curate()))

    assert isinstance(judged(first, "The intake lies 40 cm below the surface of the lake."), QAPair)
    again = judged(second, "The strainer of the intake is cleaned every week.")
    assert isinstance(again, Reject) and again.reason == "asked of another section"
    assert isinstance(judged(first, "It lies 40 cm below the lake's surface."), QAPair), "told in other words"
    assert isinstance(judged(other, "The strainer of the intake is cleaned every week."), QAPair)
    turn = judged(second, "The strainer is cleaned every week.", conversation="c")
    assert isinstance(turn, QAPair), "a turn belongs to its conversation"


def test_numbers_and_words_of_any_length_are_judged_in_bounded_time() -> None:
    digits, letters = "7" * 4000, "x" * 300_000
    item = item_of("long", f"The code is {digits}.{digits} and the key is {letters} as printed.", "section")
    told = pair(f"The code is {digits}.7 and the key is {letters}.", "What is the code?", "fact_based", item)
    lied = pair(f"The code is {digits}.9 and the key is {letters}.", "What is the code?", "fact_based", item)
    found = verdicts(told, lied, items=(item,))
    assert [type(one) for one in found] == [Reject, Reject]
    assert found[1].reason == "unsupported number"
