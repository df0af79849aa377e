"""Which split a pair about a section goes to, and what is trained on."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny_manual import pair
from tests.tiny_museum import image_row, item_row

from docent.records import Item, QAPair, make_id
from docent.stages.build_dataset.splits.sections import SectionSplits, figures_of, text_key

SECTION = item_row("Pump", [], ()).model_copy(update={"kind": "section"})


def pair_of(number: int, conversation: str = "", held_out: bool = False) -> QAPair:
    item: Item = SECTION
    ids = {"id": make_id("curate", (), number), "conversation": conversation, "held_out": held_out}
    return pair(item, number).model_copy(update=ids)


def splits_of(pairs: list[QAPair], seed: int = 7, test: float = 0.0, validation: float = 0.0) -> dict[str, str]:
    splits = SectionSplits(seed, test, validation)
    for one in pairs:
        splits.add(one)
    return {one.id: splits.split_of(number) for number, one in enumerate(pairs)}


@given(
    count=st.integers(0, 60),
    test=st.floats(0, 0.99),
    validation=st.floats(0, 0.99),
    seed=st.integers(0, 5),
    held=st.sets(st.integers(0, 59)),
)
def test_no_pair_moves_when_others_come_or_stand_in_another_order(
    count: int, test: float, validation: float, seed: int, held: set[int]
) -> None:
    pairs = [pair_of(number, held_out=number in held) for number in range(count)]
    found = splits_of(pairs, seed, test, validation)
    mixed = random.Random(seed).sample(pairs, count)
    assert splits_of(mixed, seed, test, validation) == found
    assert all(found[one.id] == "test" for one in pairs if one.held_out)
    fewer = mixed[: count // 2]
    assert splits_of(fewer, seed, test, validation) == {one.id: found[one.id] for one in fewer}


def test_the_shares_are_met_on_average() -> None:
    found = Counter(splits_of([pair_of(number) for number in range(2000)], test=0.2, validation=0.1).values())
    assert abs(found["test"] - 400) < 80 and abs(found["validation"] - 200) < 60


def test_turns_of_one_conversation_stay_together() -> None:
    pairs = [pair_of(number, conversation=str(number // 4)) for number in range(80)]
    found = splits_of(pairs, test=0.3, validation=0.3)
    by_conversation = [{found[one.id] for one in pairs[start : start + 4]} for start in range(0, 80, 4)]
    assert {len(splits) for splits in by_conversation} == {1}
    assert {split for splits in by_conversation for split in splits} == {"train", "validation", "test"}


def test_what_is_held_out_is_recognised_by_its_text() -> None:
    held, free = pair_of(0, held_out=True), pair_of(1)
    same = free.model_copy(update={"question": f" {held.question.upper()} ", "answer": f"{held.answer}\n"})
    splits = SectionSplits(7, 0.0, 0.0)
    for one in (held, same, free):
        splits.add(one)
    texts = splits.held_out_texts()
    assert [splits.split_of(n) for n in range(3)] == ["test", "train", "train"]
    assert [splits.text_of(n) in texts for n in range(3)] == [True, True, False]
    moved = held.model_copy(update={"question": held.answer, "answer": held.question})
    assert text_key(moved) != text_key(held), "a question is not an answer"


@pytest.mark.feature("figures-in-prompts")
def test_a_picture_counts_once_and_the_order_stays() -> None:
    a, b = image_row("a", 1), image_row("b", 1)
    again = a.model_copy(update={"id": "other", "name": "copy.jpg"})
    assert figures_of(pair(SECTION, 2, ()).model_copy(update={"figures": (a, b, again, b)})) == (a, b)
