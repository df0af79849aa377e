"""Which question-answer pair meets which photo: pure functions over rows.

The pairs of an item are used up in the order of their temperature: the most literal to test, then validation, the
rest to training. Test and validation photos get one pair each, as published; a training photo gets several.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from docent.records import ImageFile, Item, QAPair, Split
from docent.stages.build_dataset.sections import text_key

NO_PAIR = "no pair left for photo"
HELD_OUT = "same question and answer as a held-out pair"
NO_PHOTO = "held-out pair without a photo to test with"


@dataclass(frozen=True)
class Match:
    """One row of the data set before it has a number and a file name."""

    split: Split
    item: Item
    image: ImageFile
    pair: QAPair


@dataclass(frozen=True)
class Unpaired:
    """A photo or a pair that no row of the data set uses, and why."""

    reason: str
    item: Item
    row: ImageFile | QAPair


def pair_items(
    items: Sequence[Item], pairs: Iterable[QAPair], per_train_image: int, held_out_texts: Set[int] = frozenset()
) -> tuple[list[Match], list[Unpaired]]:
    """All rows in the order train, validation, test (inside a split: item, photo, pair), and what was left out.

    No pair of a held-out row is trained on, and none that reads like one, whichever item it belongs to.

    Args:
        held_out_texts: text keys of what else is not trained on, such as the held-out pairs of sections.
    """
    by_item: dict[str, list[QAPair]] = {item.id: [] for item in items}
    for pair in pairs:
        if pair.item_id in by_item:
            by_item[pair.item_id].append(pair)
    matches: list[Match] = []
    unpaired: list[Unpaired] = []
    left: dict[str, list[QAPair]] = {}
    for item in items:
        ordered = sorted(by_item[item.id], key=lambda pair: (not pair.held_out, pair.temperature, pair.index))
        held_out, missed = _hold_out(item, ordered)
        matches += held_out
        unpaired += missed
        left[item.id] = ordered[len(held_out) :]
    texts = {text_key(match.pair) for match in matches} | held_out_texts
    for item in items:
        unused = {pair.id: _why_unused(pair, texts) for pair in left[item.id]}
        usable = [pair for pair in left[item.id] if not unused[pair.id]]
        unpaired += [Unpaired(unused[pair.id], item, pair) for pair in left[item.id] if unused[pair.id]]
        images = images_of(item, "train")
        matches += [
            Match("train", item, image, pair)
            for position, image in enumerate(images)
            for pair in train_pairs(usable, position, per_train_image)
        ]
        if not usable:
            unpaired += [Unpaired(NO_PAIR, item, image) for image in images]
    ordered_splits: tuple[Split, ...] = ("train", "validation", "test")
    return [match for split in ordered_splits for match in matches if match.split == split], unpaired


def train_pairs(pairs: Sequence[QAPair], position: int, per_image: int) -> list[QAPair]:
    """The pairs of the training photo at `position`: the next ones around the circle, so that all are used equally."""
    number = min(per_image, len(pairs))
    return [pairs[(position * number + k) % len(pairs)] for k in range(number)]


def images_of(item: Item, split: Split) -> list[ImageFile]:
    """The item's photos of one split, as planned."""
    return [planned.image for planned in item.images if planned.split == split]


def _hold_out(item: Item, pairs: Sequence[QAPair]) -> tuple[list[Match], list[Unpaired]]:
    """One pair for each test photo, then for each validation photo, as far as they last."""
    splits: tuple[Split, ...] = ("test", "validation")
    slots = [(split, image) for split in splits for image in images_of(item, split)]
    matches = [Match(split, item, image, pair) for (split, image), pair in zip(slots, pairs, strict=False)]
    return matches, [Unpaired(NO_PAIR, item, image) for _, image in slots[len(matches) :]]


def _why_unused(pair: QAPair, held_out_texts: Set[int]) -> str:
    """Why a pair cannot be trained on; "" when it can."""
    if pair.held_out:
        return NO_PHOTO
    return HELD_OUT if text_key(pair) in held_out_texts else ""
