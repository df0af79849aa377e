"""What went to a split stays there while material is added, in memory and on disk."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tiny_museum import image_row, item_row, pair_rows

from docent.artifacts.recorded_splits import Recorded, RecordedSplit
from docent.config.stages import Assemble
from docent.records import Document, ImageFile, ImageQuality, Item, Section, Slots, Span, Split, make_id
from docent.stages.assemble import _assigned
from docent.stages.build_dataset.splits.pairing import NO_PHOTO, assigned, pair_items
from docent.vision.splits import BEYOND, TWO_SPLITS, SplitPlan, plan_document
from docent.vision.usable import find_usable

Photo = tuple[int, int]
"""What it shows, and which of the photos that show it."""
SECTION = Assemble(images_per_item=8, test_images=2, validation_images=1)


def exhibit(name: str, photos: list[Photo]) -> Document:
    made = make_id("test", (), name)
    images = []
    for shows, number in photos:
        sha256 = hashlib.sha256(f"{shows} {number}".encode()).hexdigest()
        images.append(
            ImageFile(
                id=make_id("test", (made,), sha256), parents=(made,), name=f"{shows}-{number}.jpg", unit="ingest",
                file="files/x.jpg", sha256=sha256, width_px=9, height_px=9, group=make_id("lineage", (), sha256),
            )
        )  # fmt: skip
    text = Section(index=0, title=name, text="A thing.", source=Span(file="a.csv", first_line=2, last_line=2))
    return Document(id=made, kind="exhibit", name=name, sections=(text,), images=tuple(images))


def measured(documents: list[Document]) -> list[ImageQuality]:
    """As `assess-images` does it: of photos of one exhibit that show the same, the first is kept."""
    rows = []
    for document in documents:
        first: dict[str, str] = {}
        for image in document.images:
            shows = image.name.split("-")[0]
            twin = first.setdefault(shows, image.id)
            bits = hashlib.sha256(shows.encode()).hexdigest()[:16]
            rows.append(
                ImageQuality(
                    id=f"q{image.id}", parents=(image.id,), image_id=image.id, keep=twin == image.id, width_px=9,
                    height_px=9, resolution_score=0, color_std=0, brightness=0, sharpness=0, ahash=bits, phash=bits,
                    duplicate_of=None if twin == image.id else twin,
                )
            )  # fmt: skip
    return rows


def planned(museum: dict[str, list[Photo]], recorded: Recorded) -> tuple[dict[str, SplitPlan], bytes]:
    documents = [exhibit(name, photos) for name, photos in museum.items()]
    quality = measured(documents)
    usable = find_usable(documents, quality, 0.97, recorded.earlier)
    plans = {document.id: plan_document(document, usable, SECTION, 7) for document in documents}
    return plans, recorded.continued(_assigned(documents, plans, quality))


def lines(data: bytes, material: int) -> Recorded:
    return Recorded(tuple(map(RecordedSplit.model_validate_json, data.splitlines())), "rule", str(material))


additions = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.integers(0, 3), st.booleans()), min_size=1, max_size=6
)


@pytest.mark.feature("splits")
@settings(max_examples=60, deadline=None)
@given(steps=st.lists(additions, min_size=1, max_size=4))
def test_added_photos_and_exhibits_move_no_photo_and_near_identical_ones_stay_together(
    steps: list[list[tuple[str, int, int, bool]]],
) -> None:
    museum: dict[str, list[Photo]] = {}
    data, known = b"", {}
    for material, step in enumerate(steps):
        for name, shows, number, is_first in step:
            photos = museum.setdefault(name, [])
            if (shows, number) not in photos:
                photos.insert(0 if is_first else len(photos), (shows, number))
        recorded = lines(data, material)
        plans, data = planned(museum, recorded)
        splits_of: defaultdict[str, set[Split]] = defaultdict(set)
        for plan in plans.values():
            for image, split in plan.placed:
                assert known.setdefault(image.sha256, split) == split
                splits_of[image.name.split("-")[0]].add(split)
        assert all(len(splits) == 1 for splits in splits_of.values())
        again = lines(data, material)
        assert again.digest == recorded.digest, "the stage would run again for what it wrote itself"
        assert planned(museum, again) == (plans, data)


def test_a_photo_that_joins_two_splits_is_left_out() -> None:
    tested, trained = exhibit("a", [(1, 0), (2, 0)]), exhibit("b", [(3, 0)])
    one, other = tested.images
    new = trained.images[0]
    rows = measured([tested, trained])
    rows = [row.model_copy(update={"ahash": "f" * 16, "phash": "f" * 16}) for row in rows]
    usable = find_usable([tested, trained], rows, 0.97, {one.sha256: "test", other.sha256: "train"})
    assert plan_document(trained, usable, SECTION, 7).unused == ((new, TWO_SPLITS),)
    assert dict((image.id, split) for image, split in plan_document(tested, usable, SECTION, 7).placed) == {
        one.id: "test",
        other.id: "train",
    }


@pytest.mark.parametrize("split", ["clean", "published", "given"])
def test_an_exhibit_with_many_photos_takes_no_more_than_images_per_item(split: str) -> None:
    many = exhibit("a", [(number, 0) for number in range(200)])
    given: tuple[Split, ...] = ("test", "validation", *("train",) * 198)
    images = tuple(i.model_copy(update={"given_split": s}) for i, s in zip(many.images, given, strict=True))
    many = many.model_copy(update={"images": images, "given_slots": Slots(train=198, validation=1, test=1)})
    section = Assemble.model_validate({"split": split, "images_per_item": 15, "test_images": 1})
    plan = plan_document(many, find_usable([many], []), section, 7)
    assert Counter(split for _, split in plan.placed) == {"train": 13, "validation": 1, "test": 1}
    assert not plan.copies
    assert Counter(reason for _, reason in plan.unused) == {BEYOND: 185}


def pairs_by_split(item: Item, pairs: int, recorded: Recorded) -> tuple[dict[str, set[str]], bytes]:
    matches, _ = pair_items([item], pair_rows(item, pairs), 4, earlier=recorded.earlier)
    found: dict[str, set[str]] = defaultdict(set)
    for match in matches:
        found[match.split].add(match.pair.answer)
    return found, recorded.continued(assigned(matches))


def cube(*splits: Split) -> Item:
    return item_row("cube", [image_row("cube", number) for number in range(len(splits))], splits)


def test_pairs_that_were_trained_on_never_test_though_test_photos_are_added() -> None:
    first, data = pairs_by_split(cube("train", "train", "test", "validation"), 2, lines(b"", 0))
    assert {split: len(found) for split, found in first.items()} == {"train": 4, "test": 1, "validation": 1}
    more = cube("train", "train", "test", "validation", "test", "test")
    second, data = pairs_by_split(more, 2, lines(data, 1))
    assert second == first
    third, data = pairs_by_split(more, 4, lines(data, 2))
    assert all(first[split] <= third[split] for split in first)
    assert len(third["test"]) == 3 and not third["test"] & first["train"]
    fewer = cube("train", "train", "test", "validation")
    matches, unpaired = pair_items([fewer], pair_rows(fewer, 4), 4, earlier=lines(data, 3).earlier)
    assert [left.reason for left in unpaired] == [NO_PHOTO] * 2
    assert all(match.pair.answer not in third["test"] for match in matches if match.split == "train")


def test_another_rule_assigns_anew_and_coming_back_finds_the_first_assignment() -> None:
    data = lines(b"", 0).continued([("a", "a.jpg", "test")])
    other = Recorded(lines(data, 1).lines, "other rule", "1")
    assert other.earlier == {}
    assert lines(other.continued([("a", "a.jpg", "train")]), 2).earlier == {"a": "test"}
    assert json.loads(data)["split"] == "test"


def test_a_photo_that_comes_back_after_another_took_its_place_finds_every_photo_where_it_was() -> None:
    photos = [(shows, 0) for shows in range(20)]
    plans, record = planned({"a": photos}, lines(b"", 1))
    before = {image.id: split for image, split in next(iter(plans.values())).placed}
    tested = next(image for image, split in next(iter(plans.values())).placed if split == "test")
    shown = int(tested.name.split("-")[0])
    _, record = planned({"a": [photo for photo in photos if photo[0] != shown]}, lines(record, 2))
    plans, again = planned({"a": photos}, lines(record, 1))
    assert {image.id: split for image, split in next(iter(plans.values())).placed} == before
    assert again == record, "and the record stays"


def test_going_back_to_earlier_settings_does_not_look_like_a_run_that_knew_less() -> None:
    _, first = planned({"a": [(0, 0), (1, 0), (2, 0), (3, 0)]}, lines(b"", 1))
    other = Recorded(lines(first, 1).lines, "other rule", "1").continued([("k", "k", "test")])
    assert lines(other, 1).digest != lines(first, 1).digest == ""


def test_a_photo_of_two_exhibits_has_the_split_that_is_held_out_more() -> None:
    made = lines(b"", 1).continued([("k", "k", "train"), ("k", "k", "test"), ("k", "k", "validation")])
    assert [line.split for line in lines(made, 2).lines] == ["test"]
