"""Match question-answer pairs with photos: pure functions over rows.

The pairs of an item are assigned in the order of their temperature: the lowest go to test, the next to validation, the
rest to training. Every test and validation photo gets one pair, as in the published method; a training photo gets
several. A pair that an earlier run assigned to a split stays in it, whatever photos and pairs were added since.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from docent.records import ImageFile, Item, QAPair, Split, make_id
from docent.stages.build_dataset.splits.sections import text_key

NO_PAIR = "no pair left for photo"
HELD_OUT = "same question and answer as a held-out pair"
NO_PHOTO = "held-out pair without a photo to test with"


@dataclass(frozen=True)
class Match:
    """A future row of the data set, without its number and file name."""

    split: Split
    item: Item
    image: ImageFile
    pair: QAPair


@dataclass(frozen=True)
class Unpaired:
    """A photo or a pair that is in no row of the data set, and why."""

    reason: str
    item: Item
    row: ImageFile | QAPair


def pair_key(item: Item, pair: QAPair) -> str:
    """Return the key under which a pair's split is recorded: a hash of exhibit name, question and answer."""
    return make_id("pair", (), item.name, text_key(pair))


def pair_items(
    items: Sequence[Item],
    pairs: Iterable[QAPair],
    per_train_image: int,
    held_out_texts: Set[int] = frozenset(),
    earlier: Mapping[str, Split] | None = None,
) -> tuple[list[Match], list[Unpaired]]:
    """Return all rows in the order train, validation, test (then item, photo, pair), and unused photos and pairs.

    A held-out pair, or a pair of any item with the same text, is never trained on.

    Args:
        held_out_texts: text keys of further pairs that must not be trained on, such as held-out pairs about sections.
        earlier: splits that earlier runs assigned, by `pair_key`.
    """
    earlier = earlier or {}
    by_item: dict[str, list[QAPair]] = {item.id: [] for item in items}
    for pair in pairs:
        if pair.item_id in by_item:
            by_item[pair.item_id].append(pair)
    matches: list[Match] = []
    unpaired: list[Unpaired] = []
    left: dict[str, list[QAPair]] = {}
    no_longer_tested: set[str] = set()
    for item in items:
        ordered = sorted(by_item[item.id], key=lambda pair: (not pair.held_out, pair.temperature, pair.index))
        before = {pair.id: split for pair in ordered if (split := earlier.get(pair_key(item, pair)))} if earlier else {}
        held_out, missed = _hold_out(item, ordered, before)
        matches += held_out
        unpaired += missed
        used = {match.pair.id for match in held_out}
        left[item.id] = [pair for pair in ordered if pair.id not in used]
        no_longer_tested |= {one for one, split in before.items() if split != "train"} - used
    texts = {text_key(match.pair) for match in matches} | held_out_texts
    for item in items:
        unused = {pair.id: _why_unused(pair, texts, no_longer_tested) for pair in left[item.id]}
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


def assigned(matches: Iterable[Match]) -> Iterator[tuple[str, str, Split]]:
    """Return the key, exhibit and split of every pair that became a row."""
    return ((pair_key(match.item, match.pair), match.item.name, match.split) for match in matches)


def train_pairs(pairs: Sequence[QAPair], position: int, per_image: int) -> list[QAPair]:
    """Return the pairs of the training photo at `position`, taken round-robin so that all are used equally."""
    number = min(per_image, len(pairs))
    return [pairs[(position * number + k) % len(pairs)] for k in range(number)]


def images_of(item: Item, split: Split) -> list[ImageFile]:
    """Return the item's photos that were planned for a split."""
    return [planned.image for planned in item.images if planned.split == split]


def _hold_out(item: Item, pairs: Sequence[QAPair], before: Mapping[str, Split]) -> tuple[list[Match], list[Unpaired]]:
    """Assign one pair to each test photo, then to each validation photo, until no pair is left.

    Pairs that an earlier run assigned to the split come first; if there are not enough new pairs, photos share these.
    A pair that was trained on is never held out.
    """
    splits: tuple[Split, ...] = ("test", "validation")
    matches: list[Match] = []
    missed: list[Unpaired] = []
    new = [pair for pair in pairs if pair.id not in before]
    for split in splits:
        photos = images_of(item, split)
        own = [pair for pair in pairs if before.get(pair.id) == split]
        needed = max(len(photos) - len(own), 0)
        chosen, new = [*own, *new[:needed]], new[needed:]
        for number, image in enumerate(photos):
            if number < len(chosen) or own:
                matches.append(Match(split, item, image, chosen[number % len(chosen)]))
            else:
                missed.append(Unpaired(NO_PAIR, item, image))
    return matches, missed


def _why_unused(pair: QAPair, held_out_texts: Set[int], no_longer_tested: Set[str]) -> str:
    """Return why a pair cannot be trained on, or "" if it can."""
    if pair.held_out or pair.id in no_longer_tested:
        return NO_PHOTO
    return HELD_OUT if text_key(pair) in held_out_texts else ""
