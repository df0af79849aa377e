"""The arms that look an answer up: which photo is nearest, and which of its stored answers is given."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from docent.records import Example
from docent.stages.answer.looked_up import (
    color_histograms,
    cosine,
    intersection,
    most_frequent_answer,
    stored_answer,
)
from docent.stages.answer.questions import answer_row, batched
from docent.store import Shard


def example(number: int, question: str = "What is this?", answer: str = "A cube.", row_id: str = "") -> Example:
    return Example(
        id=row_id or f"{number:016x}",
        split="train",
        data_id=number,
        item_id="i",
        item_name="cube",
        image_name=f"{number}.jpg",
        files=(f"images/train/{number}.jpg",),
        group="g",
        question=question,
        answer=answer,
        temperature=0.9,
        teacher="offline-extractive",
        question_type="visitor",
        language="English",
        sources=(),
    )


def picture(color: str, background: str = "white", side_px: int = 60) -> Image.Image:
    image = Image.new("RGB", (side_px, side_px), background)
    quarter = side_px // 4
    ImageDraw.Draw(image).rectangle((quarter, quarter, 3 * quarter, 3 * quarter), fill=color)
    return image


def test_same_question_wins_over_any_other_row() -> None:
    rows = [example(0, "What is this made of?"), example(1, " what IS this? "), example(2, "What is this?")]
    assert stored_answer(rows, "What is this?") is rows[1]


def test_question_with_most_words_in_common_comes_next() -> None:
    rows = [example(0, "How tall is it?"), example(1, "Who made this object?"), example(2, "Who made it and when?")]
    assert stored_answer(rows, "Who made this?") is rows[1]


def test_first_row_answers_where_no_question_is_like_it() -> None:
    rows = [example(0, "How tall?"), example(1, "Who made it?")]
    assert stored_answer(rows, "Beschreibe das bitte!") is rows[0]
    assert stored_answer(rows, "") is rows[0]


def test_most_frequent_answer_wins_and_ties_go_to_the_smallest_id_whatever_the_order() -> None:
    rows = [example(0, answer="b", row_id="3"), example(1, answer="a", row_id="2"), example(2, answer="c", row_id="1")]
    assert most_frequent_answer(rows) == most_frequent_answer(rows[::-1]) == "c"
    assert most_frequent_answer([*rows, example(3, answer="a", row_id="9")]) == "a"


def test_colour_finds_the_object_of_the_same_colour_at_another_size() -> None:
    train = color_histograms([picture("red"), picture("green"), picture("blue")])
    asked = color_histograms([picture("blue", side_px=200), picture("red", "#f0f0f0")])
    assert intersection(asked, train).argmax(axis=1).tolist() == [2, 0]


def test_histograms_are_shares_and_a_picture_is_most_like_itself() -> None:
    found = color_histograms([picture("red"), picture("#7f0000", "#101010"), Image.new("L", (30, 90), 200)])
    assert found.shape == (3, 512)
    assert np.allclose(found.sum(axis=1), 1)
    assert np.allclose(np.diag(intersection(found, found)), 1)
    assert intersection(found, found)[0, 1] < 0.1


def test_the_edge_of_a_photo_does_not_count() -> None:
    plain, framed = picture("red"), picture("red")
    ImageDraw.Draw(framed).rectangle((0, 0, 59, 59), outline="blue", width=6)
    a, b = color_histograms([plain, framed])
    assert np.allclose(a, b, atol=0.05)


def test_cosine_of_unit_vectors() -> None:
    a = np.eye(3, dtype=np.float32)
    assert (cosine(a[:2], a) == a[:2]).all()


@pytest.mark.parametrize("shards", [1, 2, 3, 7])
def test_shards_divide_whole_batches(shards: int) -> None:
    tests = [example(number) for number in range(23)]
    batches = batched(tests, 5)
    assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3]
    blocks = [batches[Shard(index, shards).block(len(batches))] for index in range(shards)]
    assert [batch for block in blocks for batch in block] == batches
    assert [row for batch in batches for row in batch] == tests


def test_answer_of_white_space_is_empty_and_keeps_its_lineage() -> None:
    row = answer_row("lora", example(1), " \n", checkpoint_id="c" * 16)
    assert (row.answer, row.status, row.parents) == ("", "empty", (f"{1:016x}", "c" * 16))
    assert answer_row("base", example(1), " A cube. ").answer == "A cube."
    assert answer_row("base", example(1), "A\x00 \x1b[31mred\r\n\tcube\x85.").answer == "A [31mred\n\tcube."
    assert answer_row("base", example(1), "\x00\x07").status == "empty"
    assert answer_row("base", example(1), "x").id != answer_row("blind", example(1), "x").id
