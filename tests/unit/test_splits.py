import random
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docent.config.stages import Assemble
from docent.errors import InputError
from docent.records import Document, ImageFile, ImageQuality, Section, Slots, Span, Split, make_id
from docent.vision.lineage import copy_name, copy_number, original_stem
from docent.vision.splits import SplitPlan, in_split_order, plan_document
from docent.vision.usable import Usable, find_usable


def document(name: str, photos: list[tuple[str, Split | None]], slots: Slots | None = None) -> Document:
    made = make_id("test", (), name)
    images = tuple(
        ImageFile(
            id=make_id("test", (made,), photo), parents=(made,), name=photo, unit="ingest", file=f"files/{photo}",
            sha256=f"{name} {photo}", width_px=9, height_px=9, group=make_id("lineage", (made,), original_stem(photo)),
            given_split=split,
        )
        for photo, split in photos
    )  # fmt: skip
    text = Section(index=0, title=name, text="A thing.", source=Span(file="a.csv", first_line=2, last_line=2))
    return Document(id=made, kind="exhibit", name=name, sections=(text,), images=images, given_slots=slots)


def originals(name: str, count: int) -> Document:
    return document(name, [(f"{name}-{k}.jpg", None) for k in range(count)])


def plan(one: Document, section: Assemble, seed: int = 7, shared: frozenset[str] = frozenset()) -> SplitPlan:
    return plan_document(one, Usable({one.id: one.images}, shared), section, seed)


def counts(made: SplitPlan) -> Counter[str]:
    return Counter([split for _, split in made.placed] + [copy.split for copy in made.copies])


def quality(image: ImageFile, bits: int, keep: bool = True) -> ImageQuality:
    return ImageQuality(
        id=f"q{image.id}", parents=(image.id,), image_id=image.id, keep=keep, width_px=9, height_px=9,
        resolution_score=0, color_std=0, brightness=0, sharpness=0, ahash=f"{bits:016x}", phash=f"{bits:016x}",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("photos", "expected"),
    [
        (14, {"train": 11, "validation": 1, "test": 3}),
        (5, {"train": 11, "validation": 1, "test": 3}),
        (4, {"train": 13, "validation": 1, "test": 1}),
        (3, {"train": 13, "validation": 1, "test": 1}),
        (2, {"train": 14, "test": 1}),
        (1, {"train": 15}),
        (20, {"train": 11, "validation": 1, "test": 3}),
    ],
)
def test_clean_holds_out_as_configured_and_less_where_there_are_few_photos(
    photos: int, expected: dict[str, int]
) -> None:
    made = plan(originals("cube", photos), Assemble())
    assert counts(made) == expected
    assert len(made.placed) == min(photos, 15)


@pytest.mark.feature("splits")
@settings(max_examples=200, deadline=None)
@given(
    copies_of=st.lists(st.integers(0, 4), min_size=1, max_size=8),
    tests=st.integers(0, 4),
    validations=st.integers(0, 3),
    seed=st.integers(0, 99),
    shared_share=st.floats(0, 1),
)
def test_clean_never_puts_derivatives_of_one_photo_on_two_sides(
    copies_of: list[int], tests: int, validations: int, seed: int, shared_share: float
) -> None:
    names = [f"p-{i}.jpg" for i in range(len(copies_of))]
    names += [f"p-{i}-aug{k}.jpg" for i, count in enumerate(copies_of) for k in range(count)]
    one = document("cube", [(name, None) for name in names])
    groups = sorted({image.group for image in one.images})
    shared = frozenset(random.Random(seed).sample(groups, int(shared_share * len(groups))))
    section = Assemble(test_images=tests, validation_images=validations)
    made = plan(one, section, seed, shared)
    sides: defaultdict[str, set[str]] = defaultdict(set)
    for image, split in made.placed:
        sides[image.group].add(split)
    for copy in made.copies:
        sides[copy.original.group].add(copy.split)
    assert all(len(splits) == 1 for splits in sides.values())
    assert all(sides[group] <= {"train"} for group in shared)
    assert any("train" in splits for splits in sides.values())
    assert sum(counts(made).values()) == max(15, counts(made)["test"] + counts(made)["validation"] + 1)
    assert len(made.placed) + len(made.unused) == len(names)
    every = [image.name for image, _ in made.placed] + [copy_name(c.original.name, c.number) for c in made.copies]
    assert len(every) == len(set(every))
    assert plan(one, section, seed, shared) == made


def test_which_photos_test_depends_on_the_seed_and_not_on_their_order() -> None:
    one = originals("cube", 14)
    turned = one.model_copy(update={"images": one.images[::-1]})

    def tested(of: Document, seed: int) -> set[str]:
        return {image.name for image, split in plan(of, Assemble(), seed).placed if split == "test"}

    assert tested(one, 7) == tested(turned, 7)
    assert len({frozenset(tested(one, seed)) for seed in range(20)}) > 10
    assert tested(one, 7) != {f"cube-{k}.jpg" for k in (11, 12, 13)}


def test_copies_are_spread_evenly_over_training_originals_and_never_made_of_copies() -> None:
    one = document("cube", [("a.jpg", None), ("a-aug0.jpg", None), ("a-aug7.jpg", None), ("b.jpg", None)])
    made = plan(one, Assemble(images_per_item=14, test_images=0, validation_images=0))
    per_base = Counter(copy.original.name for copy in made.copies)
    assert per_base == {"a.jpg": 5, "b.jpg": 5}
    assert [c.number for c in made.copies if c.original.name == "a.jpg"] == [8, 9, 10, 11, 12]
    assert [c.number for c in made.copies if c.original.name == "b.jpg"] == [0, 1, 2, 3, 4]


@pytest.mark.feature("splits")
def test_published_gives_13_1_1_with_originals_in_test() -> None:
    section = Assemble(split="published", test_images=1, validation_images=1)
    for photos in (1, 2, 3, 11, 15):
        made = plan(originals("cube", photos), section)
        assert counts(made) == {"train": 13, "validation": 1, "test": 1}
        assert all(copy.split != "test" for copy in made.copies)
        assert ("validation" in {copy.split for copy in made.copies}) == (photos == 1)
        assert not made.unused
    copied = Counter(copy.original.name for copy in plan(originals("cube", 2), section).copies)
    assert sorted(copied.values()) == [6, 7]


def test_published_says_which_photos_exceed_the_number_per_item() -> None:
    made = plan(originals("cube", 20), Assemble(split="published", test_images=1, validation_images=1))
    assert counts(made) == {"train": 13, "validation": 1, "test": 1}
    assert len(made.unused) == 5 and len(made.placed) == 15


def test_published_with_more_test_slots_than_photos_keeps_the_sum() -> None:
    made = plan(originals("cube", 1), Assemble(split="published"))
    assert counts(made) == {"train": 13, "validation": 1, "test": 1}


@pytest.mark.feature("splits")
def test_given_follows_the_columns_and_fills_absent_slots_except_of_test() -> None:
    photos: list[tuple[str, Split | None]] = [("a.jpg", "train"), ("b.jpg", "test")]
    one = document("cube", photos, Slots(train=4, validation=2, test=3))
    made = plan(one, Assemble(split="given"))
    assert counts(made) == {"train": 4, "validation": 2, "test": 1}
    assert {copy.original.name for copy in made.copies} == {"a.jpg", "b.jpg"}


def test_given_without_columns_names_the_exhibit() -> None:
    with pytest.raises(InputError, match="no splits to exhibit 'cube'"):
        plan(originals("cube", 3), Assemble(split="given"))


def test_a_photo_that_two_exhibits_share_only_trains() -> None:
    first, second = originals("cube", 6), originals("torus", 6)
    measured = [quality(image, 0x1111 * 3**k << 7) for k, image in enumerate((*first.images, *second.images))]
    same = first.images[2], second.images[4]
    measured = [
        q if q.image_id not in {i.id for i in same} else q.model_copy(update={"ahash": "f" * 16, "phash": "f" * 16})
        for q in measured
    ]
    measured[2] = measured[2].model_copy(update={"ahash": "f" * 15 + "e"})
    usable = find_usable([first, second], measured, 0.97)
    assert usable.shared == {same[0].group, same[1].group}
    for seed in range(30):
        for one in (first, second):
            placed = plan_document(one, usable, Assemble(), seed).placed
            assert all(split == "train" for image, split in placed if image in same)
            assert Counter(split for _, split in placed)["test"] == 3


def test_rejected_photos_are_neither_used_nor_compared() -> None:
    first, second = originals("cube", 2), originals("torus", 1)
    measured = [quality(first.images[0], 5), quality(first.images[1], 9, keep=False), quality(second.images[0], 9)]
    usable = find_usable([first, second], measured, 0.97)
    assert usable.by_document[first.id] == first.images[:1]
    assert not usable.shared


def test_without_assessment_every_photo_counts() -> None:
    one = originals("cube", 3)
    assert find_usable([one], []).by_document[one.id] == one.images


def test_a_document_without_photos_has_an_empty_plan() -> None:
    assert plan(originals("cube", 0), Assemble()) == SplitPlan(())


def test_splits_stand_in_one_order() -> None:
    one = originals("cube", 3)
    shuffled: list[tuple[ImageFile, Split]] = list(zip(one.images, ("test", "train", "validation"), strict=True))
    assert [split for _, split in in_split_order(shuffled)] == ["train", "validation", "test"]


@pytest.mark.parametrize(
    ("name", "stem", "number"),
    [
        ("gyroid-3.jpg", "gyroid-3", None),
        ("gyroid-3-aug7.jpg", "gyroid-3", 7),
        ("a.b-AUG12.JPEG", "a.b", 12),
        ("-aug1.jpg", "-aug1", None),
        ("auger-august.png", "auger-august", None),
    ],
)
def test_names_tell_copies_from_originals(name: str, stem: str, number: int | None) -> None:
    assert (original_stem(name), copy_number(name)) == (stem, number)


def test_a_copy_is_named_after_its_original() -> None:
    assert copy_name("north side.PNG", 4) == "north side-aug4.jpg"
