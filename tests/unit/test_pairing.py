"""Which pair meets which photo."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny_museum import image_row, item_row, pair_rows

from docent.records import Item, QAPair, Split
from docent.stages.build_dataset.splits.pairing import HELD_OUT, NO_PAIR, NO_PHOTO, Match, pair_items, train_pairs
from docent.stages.build_dataset.splits.sections import text_key

# Photos for training, validation and test of the 65 exhibits of the published table, with how many are split so.
PATTERNS = {
    (13, 1, 1): 54, (12, 2, 1): 2, (11, 2, 2): 4, (11, 3, 1): 1, (10, 4, 1): 1, (10, 3, 2): 1, (9, 3, 3): 2,
}  # fmt: skip
PUBLISHED: tuple[Split, ...] = ("train",) * 13 + ("validation",) + ("test",)


def item_of(name: str, splits: tuple[Split, ...]) -> Item:
    return item_row(name, [image_row(name, number) for number in range(len(splits))], splits)


def temperatures(matches: list[Match], split: str) -> list[float]:
    return [match.pair.temperature for match in matches if match.split == split]


@pytest.mark.feature("split-by-temperature")
@pytest.mark.feature("split-by-temperature")
def test_one_pair_per_photo_is_the_published_pairing() -> None:
    item = item_of("a", PUBLISHED)
    matches, unpaired = pair_items([item], pair_rows(item, 5), per_train_image=1)
    assert unpaired == []
    assert temperatures(matches, "test") == [0.4]
    assert temperatures(matches, "validation") == [0.4]
    assert temperatures(matches, "train") == [0.4] * 3 + [0.7] * 5 + [0.9] * 5
    assert len({match.pair.id for match in matches}) == 15
    assert [match.image.name for match in matches if match.split == "train"] == [f"a-{n}.jpg" for n in range(13)]


@pytest.mark.feature("split-by-temperature")
def test_65_exhibits_are_split_by_temperature_as_published() -> None:
    order: tuple[Split, ...] = ("train", "validation", "test")
    patterns = [pattern for pattern, count in PATTERNS.items() for _ in range(count)]
    slots = [tuple(s for s, photos in zip(order, pattern, strict=True) for _ in range(photos)) for pattern in patterns]
    items = [item_of(f"exhibit-{number}", splits) for number, splits in enumerate(slots)]
    matches, unpaired = pair_items(items, [pair for item in items for pair in pair_rows(item, 5)], per_train_image=1)
    assert (len(items), unpaired) == (65, [])
    assert len({match.pair.id for match in matches}) == len(matches) == 975
    counts = Counter((match.split, match.pair.temperature) for match in matches)
    assert counts == {
        ("test", 0.4): 74,
        ("validation", 0.4): 80,
        ("validation", 0.7): 2,
        ("train", 0.4): 171,
        ("train", 0.7): 323,
        ("train", 0.9): 325,
    }


def test_a_held_out_pair_is_only_tested_with() -> None:
    item = item_of("a", ("train", "test", "train"))
    pairs = [pair.model_copy(update={"held_out": pair.temperature == 0.9}) for pair in pair_rows(item, 2, (0.4, 0.9))]
    matches, unpaired = pair_items([item], pairs, per_train_image=4)
    assert {match.pair.held_out for match in matches if match.split == "test"} == {True}
    assert {match.pair.held_out for match in matches if match.split == "train"} == {False}
    assert [left.reason for left in unpaired] == [NO_PHOTO]


def test_a_pair_that_reads_like_a_held_out_one_of_a_section_is_not_trained_on() -> None:
    item = item_of("a", ("train",))
    pairs = pair_rows(item, 2, (0.4,))
    matches, unpaired = pair_items([item], pairs, 4, frozenset({text_key(pairs[0])}))
    assert [match.pair.id for match in matches] == [pairs[1].id]
    assert [(left.reason, left.row.id) for left in unpaired] == [(HELD_OUT, pairs[0].id)]


def test_equal_temperatures_keep_the_order_of_their_index() -> None:
    item = item_of("a", ("test", "test", "test"))
    matches, _ = pair_items([item], pair_rows(item, 3, (0.4,)), 1)
    assert [match.pair.index for match in matches] == [0, 1, 2]


def test_every_training_pair_is_used_equally_often_and_never_twice_on_a_photo() -> None:
    item = item_of("a", ("train",) * 11 + ("validation",) + ("test",) * 3)
    matches, _ = pair_items([item], pair_rows(item, 5), per_train_image=4)
    train = [match for match in matches if match.split == "train"]
    assert len(train) == 44
    assert set(Counter(match.pair.id for match in train).values()) == {4}
    assert len({(match.image.id, match.pair.id) for match in train}) == 44


def test_more_pairs_asked_for_than_there_are_gives_each_photo_all_of_them_once() -> None:
    pairs = pair_rows(item_of("a", ("train",)), 1)
    assert Counter(p.id for p in train_pairs(pairs, 5, 10)) == Counter(p.id for p in pairs)
    assert train_pairs([], 0, 4) == []


def test_too_few_pairs_serve_the_test_first_and_name_every_photo_left_out() -> None:
    item = item_of("a", ("train", "validation", "test", "test"))
    matches, unpaired = pair_items([item], pair_rows(item, 2, (0.4,)), 4)
    assert [(match.split, match.image.name) for match in matches] == [("test", "a-2.jpg"), ("test", "a-3.jpg")]
    assert [(u.reason, u.row.name) for u in unpaired if not isinstance(u.row, QAPair)] == [
        (NO_PAIR, "a-1.jpg"),
        (NO_PAIR, "a-0.jpg"),
    ]


def test_a_training_pair_that_reads_like_a_test_pair_of_another_item_is_dropped() -> None:
    first, second = item_of("a", ("train", "test")), item_of("b", ("train", "test"))
    pairs = [p.model_copy(update={"answer": "It is a form."}) for p in pair_rows(first, 1, (0.4,))]
    pairs += pair_rows(second, 2, (0.4,))
    pairs[-1] = pairs[-1].model_copy(update={"answer": " it IS a\nform. "})
    matches, unpaired = pair_items([first, second], pairs, 1)
    assert [u.row.id for u in unpaired if u.reason == HELD_OUT] == [pairs[-1].id]
    assert [match.split for match in matches] == ["test", "test"]


def test_pairs_of_unknown_items_are_not_used() -> None:
    item = item_of("a", ("train",))
    matches, unpaired = pair_items([item], pair_rows(item_of("b", ("train",))), 1)
    assert matches == []
    assert [u.reason for u in unpaired] == [NO_PAIR]


@pytest.mark.feature("split-by-temperature")
@given(
    photos=st.lists(st.sampled_from(("train", "validation", "test")), max_size=20),
    per_temperature=st.integers(0, 6),
    per_train_image=st.integers(1, 6),
)
def test_no_pair_is_ever_both_trained_on_and_tested(
    photos: list[Split], per_temperature: int, per_train_image: int
) -> None:
    item = item_of("a", tuple(photos))
    matches, unpaired = pair_items([item], pair_rows(item, per_temperature), per_train_image)
    trained = {match.pair.id for match in matches if match.split == "train"}
    assert not trained & {match.pair.id for match in matches if match.split != "train"}
    used = {match.image.id for match in matches} | {u.row.id for u in unpaired}
    assert used >= {planned.image.id for planned in item.images}
    order = [match.split for match in matches]
    assert order == sorted(order, key=("train", "validation", "test").index)


@pytest.mark.parametrize("per_train_image", [1, 4])
def test_the_order_in_which_pairs_arrive_does_not_matter(per_train_image: int) -> None:
    item = item_of("a", PUBLISHED)
    pairs = pair_rows(item, 5)
    assert pair_items([item], pairs, per_train_image) == pair_items([item], pairs[::-1], per_train_image)
