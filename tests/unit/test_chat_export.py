"""Conversations: what is packed together, what the lines hold, and the files they are in."""

from __future__ import annotations

import json
import random
from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docent.convert.files import reorder_lines, shuffled
from docent.convert.published import answer_text, dialog
from docent.records import Example, Span
from docent.stages.build_dataset.exports import chat, lines
from docent.stages.build_dataset.exports.chat import Packer, chat_line, conversation
from docent.stages.build_dataset.exports.json_list import JsonList


def row(number: int, item: str = "i", conversation: str = "", image: str = "", **more: object) -> Example:
    values = {
        "id": str(number),
        "split": "train",
        "data_id": number,
        "item_id": item,
        "item_name": item,
        "image_name": image,
        "files": (f"images/train/{image}",) if image else (),
        "question": f"Q{number}?",
        "answer": f"A{number}.",
        "temperature": 0.0,
        "teacher": "t",
        "question_type": "inference",
        "difficulty": "medium",
        "language": "English",
        "sources": (Span(file="a.pdf", first_line=3, last_line=4, page=2),),
        "conversation": conversation,
        **more,
    }
    return Example.model_validate(values)


def packed(rows: list[Example], whole: bool, exhibits: set[str] | None = None) -> list[list[str]]:
    found: list[list[Example]] = []
    packer = Packer(found.append, whole, exhibits or set())
    for one in rows:
        packer.add(one)
    packer.flush()
    return [[one.id for one in done] for done in found]


@pytest.mark.feature("fine-tuning-jsonl")
def test_single_keeps_conversations_and_multi_keeps_items_together() -> None:
    rows = [row(0), row(1, conversation="c"), row(2, conversation="c"), row(3), row(4, "j"), row(5, "j")]
    assert packed(rows, whole=False) == [["0"], ["1", "2"], ["3"], ["4"], ["5"]]
    assert packed(rows, whole=True) == [["0", "1", "2", "3"], ["4", "5"]]


def test_conversations_of_different_items_with_one_name_are_two() -> None:
    assert packed([row(0, "i", "c"), row(1, "j", "c")], whole=False) == [["0"], ["1"]]


def test_a_conversation_about_an_exhibit_is_about_one_photo() -> None:
    rows = [row(0, image="a.jpg"), row(1, image="a.jpg"), row(2, image="b.jpg")]
    assert packed(rows, whole=True, exhibits={"i"}) == [["0", "1"], ["2"]]
    assert packed(rows, whole=True) == [["0", "1", "2"]]


def test_a_conversation_does_not_grow_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "MAX_TURNS", 3)
    assert packed([row(n) for n in range(7)], whole=True) == [["0", "1", "2"], ["3", "4", "5"], ["6"]]


@pytest.mark.feature("conversation-json", "dialog-json")
@given(
    question=st.text(st.characters(exclude_categories=["Cs"])), answer=st.text(st.characters(exclude_categories=["Cs"]))
)
def test_any_text_survives_and_stays_on_its_line(question: str, answer: str) -> None:
    one = row(0, question=question, answer=answer, image="a.jpg")
    line = chat_line([one], "S")
    assert line.count("\n") == 1
    messages = json.loads(line)["messages"]
    assert [m["role"] for m in messages] == ["system", "user", "assistant"]
    assert (messages[1]["content"][1]["text"], messages[2]["content"][0]["text"]) == (question, answer)
    made = conversation([one])
    assert [message["content"][0]["text"] for message in made["messages"]] == [question, answer]
    assert made["source"] == [{"file": "a.pdf", "first_line": 3, "last_line": 4, "page": 2}]
    for pictures in (0, 1, 3):
        content = json.loads(dialog(question, answer, pictures))["messages"][0]["content"]
        assert [part["type"] for part in content] == ["image"] * pictures + ["text"]
        assert content[-1]["text"] == question


@pytest.mark.feature("reasoning")
def test_reasoning_is_a_block_that_no_step_can_end() -> None:
    one = row(0, reasoning=("First </think> look.", "<THINK>Then say."))
    assert answer_text(one, think=False) == "A0."
    text = answer_text(one, think=True)
    assert text.startswith("<think>\n")
    assert text.count("</think>") == 1
    assert text.partition("</think>\n\n")[2] == "A0."
    assert answer_text(row(0), think=True) == "A0."


@given(
    said=st.lists(st.binary(max_size=9).map(lambda b: b.replace(b"\n", b" ") + b"\n")),
    seed=st.integers(),
    bom=st.booleans(),
)
def test_lines_shuffled_on_disk_are_the_same_lines(
    tmp_path_factory: pytest.TempPathFactory, said: list[bytes], seed: int, bom: bool
) -> None:
    path = tmp_path_factory.mktemp("lines") / ".chat.tmp"
    head = chat.BOM if bom else b""
    path.write_bytes(head + b"".join(said))
    starts = array("Q", (len(head) + sum(map(len, said[:n])) for n in range(len(said))))
    reorder_lines(path, starts, shuffled(len(starts), random.Random(seed)))
    expected = list(said)
    random.Random(seed).shuffle(expected)
    assert path.read_bytes() == head + b"".join(expected)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_list_on_disk_grows_over_pauses(tmp_path: Path, count: int) -> None:
    made = JsonList(lambda: tmp_path / "a.json")
    for number in range(count):
        made.add({"n": number, "text": "Möbius\u2028"})
        made.pause()
    made.close()
    assert (tmp_path / "a.json").exists() == bool(count), "nothing is written where nothing came"
    if not count:
        return
    found = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert found == [{"n": n, "text": "Möbius\u2028"} for n in range(count)]


@pytest.mark.feature("fine-tuning-jsonl")
def test_every_content_is_a_list_of_parts_and_every_image_part_has_its_entry() -> None:
    rows = [row(0, image="a.jpg"), row(1), row(2, image="b.jpg")]
    made = json.loads(chat_line(rows, "S", think=True))
    parts = [part for message in made["messages"] for part in message["content"]]
    assert {tuple(sorted(part)) for part in parts} == {("text", "type"), ("type",)}
    assert made["images"] == ["images/train/a.jpg", "images/train/b.jpg"]
    assert [part["type"] for part in parts].count("image") == 2
    assert json.loads(chat_line([row(0)]))["images"] == []
    assert "images" not in json.loads(chat_line([row(0)], pictured=False))
    assert all(isinstance(message["content"], list) for message in conversation(rows)["messages"])


@pytest.mark.parametrize("seed", [None, 3])
def test_a_conversation_with_a_picture_comes_first_where_none_would_be_met_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int | None
) -> None:
    texts, last = [b"a\n", b"b\n", b"c\n", b"d\n"], b"picture\n"

    def written(place: Path, typed_bytes: int) -> list[bytes]:
        monkeypatch.setattr(lines, "TYPED_BYTES", typed_bytes)
        file = lines.LineFile(lambda: place, b"head")
        for line in (*texts, last):
            file.add(line, typed=line == last)
        file.close(None if seed is None else random.Random(seed))
        return place.read_bytes().removeprefix(b"head").splitlines(keepends=True)

    usual, moved = written(tmp_path / "a", 100), written(tmp_path / "b", 3)
    assert moved == [last, *(line for line in usual if line != last)]
    assert (usual == [*texts, last]) == (seed is None)
    untyped = lines.LineFile(lambda: tmp_path / "c")
    for line in texts:
        untyped.add(line, typed=False)
    untyped.close(None)
    assert (tmp_path / "c").read_bytes() == b"".join(texts)
