"""Plan which photo of an exhibit goes to which split, and which altered copies it takes to fill the quota.

Pure: `augment-images` asks which copies to make and `assemble` where everything goes, and both get the same answer.
The three ways (`assemble.split`) are the functions in PLANNERS. Photos that went to a split before stay there; others
are drawn by hashes of their content and the seed, so no name, no order of files and no number of shards enters.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from docent.config import Assemble
from docent.errors import InputError
from docent.records import SPLITS, Document, ImageFile, Split, make_id
from docent.vision.lineage import copy_number, original_stem
from docent.vision.usable import Usable

BEYOND = "photo beyond images_per_item"
TWO_SPLITS = "photo near-identical to photos of two splits"


@dataclass(frozen=True)
class Copy:
    """An altered copy to be made of `original`: its `-aug<number>` and where it goes."""

    original: ImageFile
    number: int
    split: Split

    @property
    def id(self) -> str:
        """Id of the row that `augment-images` writes for it."""
        return make_id("augment-images", (self.original.id,), self.number)


@dataclass(frozen=True)
class SplitPlan:
    """Where the photos of one document go.

    Attributes:
        placed: originals in the order of the source, with their split.
        copies: altered copies wanted.
        unused: photos that go to no split, and why: BEYOND or TWO_SPLITS.
    """

    placed: tuple[tuple[ImageFile, Split], ...]
    copies: tuple[Copy, ...] = ()
    unused: tuple[tuple[ImageFile, str], ...] = ()


def plan_document(document: Document, usable: Usable, section: Assemble, seed: int) -> SplitPlan:
    """Plan one document in the way that `assemble.split` names.

    Raises:
        InputError: `given` for a document whose source names no splits.
    """
    images = usable.by_document[document.id]
    if not images:
        return SplitPlan(())
    return PLANNERS[section.split](_Exhibit(document, images, usable, seed), section)


@dataclass(frozen=True)
class _Exhibit:
    document: Document
    images: tuple[ImageFile, ...]
    usable: Usable
    seed: int

    def drawn(self, groups: Iterable[str]) -> list[str]:
        """Order lineage groups by their content and the seed alone."""
        return sorted(groups, key=lambda group: make_id("draw", (), self.seed, group))

    def copies(self, of: Sequence[ImageFile], wanted: Mapping[Split, int]) -> tuple[Copy, ...]:
        """Plan copies spread evenly over `of`, in the order of the wanted splits."""
        bases = [image for image in of if copy_number(image.name) is None] or list(of)  # all, if there are only copies
        following = _next_numbers(self.document)
        copies: list[Copy] = []
        for split, count in wanted.items():
            for _ in range(max(count, 0) if bases else 0):
                base = bases[len(copies) % len(bases)]
                stem = original_stem(base.name)
                copies.append(Copy(base, following[stem], split))
                following[stem] += 1
        return tuple(copies)


def _clean(exhibit: _Exhibit, section: Assemble) -> SplitPlan:
    """Whole lineage groups to one split; copies of training photos only.

    A group that also occurs in another exhibit trains in both: it could not test either without being seen. What was
    assigned before stays, and its near-identical photos join it.
    """
    settled = exhibit.usable.settled
    images = [image for image in exhibit.images if image.id not in exhibit.usable.torn]
    held: dict[Split, set[str]] = {split: set() for split in SPLITS}
    for image in images:
        if image.id in settled:
            held[settled[image.id]].add(image.group)
    groups = dict.fromkeys(image.group for image in images if image.id not in settled)
    free = exhibit.drawn(group for group in groups if group not in exhibit.usable.shared)
    trains = bool(held["train"]) or len(free) < len(groups)
    spare = len(free) + len(held["test"]) + len(held["validation"]) - (not trains)
    tests, validations = _held_out(spare, section)
    most = len(free) - (not trains)
    tests = max(min(tests - len(held["test"]), most), 0)
    validations = max(min(validations - len(held["validation"]), most - tests), 0)
    split_of: dict[str, Split] = dict.fromkeys(groups, "train")
    split_of.update(dict.fromkeys(free[:tests], "test"))
    split_of.update(dict.fromkeys(free[tests : tests + validations], "validation"))
    placed = [(image, settled.get(image.id) or split_of[image.group]) for image in images]
    kept, unused = _capped(exhibit, placed, section.images_per_item)
    training = [image for image, split in kept if split == "train"]
    copies = exhibit.copies(training, {"train": section.images_per_item - len(kept)})
    torn = tuple((image, TWO_SPLITS) for image in exhibit.images if image.id in exhibit.usable.torn)
    return SplitPlan(kept, copies, (*unused, *torn))


def _held_out(spare: int, section: Assemble) -> tuple[int, int]:
    """Count groups for test and validation if `spare` may leave training: as configured, else 1 and 1, or 1 and 0."""
    tests, validations = section.test_images, section.validation_images
    if spare >= tests + validations:
        return tests, validations
    tests = min(tests, 1, spare)
    return tests, min(validations, 1, spare - tests)


Placed = tuple[tuple[ImageFile, Split], ...]
Unused = tuple[tuple[ImageFile, str], ...]


def _capped(exhibit: _Exhibit, placed: Sequence[tuple[ImageFile, Split]], most: int) -> tuple[Placed, Unused]:
    """Keep no more photos for training than `most` leaves, but one at least; those that trained before come first."""
    training = [image for image, split in placed if split == "train"]
    room = max(most - (len(placed) - len(training)), 1)
    first = {group: number for number, group in enumerate(exhibit.drawn({image.group for image in training}))}
    settled = exhibit.usable.settled
    chosen = sorted(training, key=lambda image: (image.id not in settled, first[image.group], image.sha256))[:room]
    kept = {image.id for image in chosen}
    used = tuple((image, split) for image, split in placed if split != "train" or image.id in kept)
    return used, tuple((image, BEYOND) for image in training if image.id not in kept)


def _published(exhibit: _Exhibit, section: Assemble) -> SplitPlan:
    """Originals to test first, then validation, then train; copies of any original fill train, then validation.

    Slots of test that no original fills go to train, so the sum stays and no altered copy tests, as in the published
    data. Copies share their original with a test photo: that leak is the published one, and is counted later.
    """
    settled = exhibit.usable.settled
    by_id = {image.id: image for image in exhibit.images}
    order = sorted(by_id, key=lambda one: make_id("draw", (), exhibit.seed, by_id[one].sha256))
    tests = min(section.test_images, section.images_per_item, len(order))
    validations = min(section.validation_images, section.images_per_item - tests)
    slots: dict[Split, int] = {
        "test": tests,
        "validation": validations,
        "train": max(section.images_per_item - tests - validations, 0),
    }
    split_of: dict[str, Split] = {}
    for split, count in slots.items():
        before = [one for one in order if settled.get(one) == split]
        new = [one for one in order if one not in settled and one not in split_of]
        split_of.update(dict.fromkeys([*before, *new][:count], split))
    placed = tuple((image, split_of[image.id]) for image in exhibit.images if image.id in split_of)
    filled = Counter(split_of.values())
    copies = exhibit.copies(exhibit.images, {split: slots[split] - filled[split] for split in ("train", "validation")})
    unused = tuple((image, BEYOND) for image in exhibit.images if image.id not in split_of)
    return SplitPlan(placed, copies, unused)


def _given(exhibit: _Exhibit, section: Assemble) -> SplitPlan:
    """Photos where the source puts them; absent ones of train and validation replaced by copies of any photo there is.

    A copy of a test photo in train leaks, and is counted later. An absent test photo stays absent.
    """
    slots = exhibit.document.given_slots
    if slots is None or any(image.given_split is None for image in exhibit.images):
        raise InputError(
            f"assemble.split is given, but the source of exhibit {exhibit.document.name!r} names no splits",
            exhibit.document.sections[0].source.file,
            "set assemble.split to clean, or use a CSV with train_images, validation_images and test_images",
        )
    listed = [(image, image.given_split) for image in exhibit.images if image.given_split is not None]
    placed, unused = _capped(exhibit, listed, section.images_per_item)
    present = Counter(split for _, split in placed)
    validations = slots.validation - present["validation"]
    room = section.images_per_item - len(placed) - max(validations, 0)
    wanted: dict[Split, int] = {"train": min(slots.train - present["train"], room), "validation": validations}
    return SplitPlan(placed, exhibit.copies(exhibit.images, wanted), unused)


PLANNERS: dict[str, Callable[[_Exhibit, Assemble], SplitPlan]] = {
    "clean": _clean,
    "published": _published,
    "given": _given,
}


def in_split_order(placed: Iterable[tuple[ImageFile, Split]]) -> list[tuple[ImageFile, Split]]:
    """Sort by train, validation, test; within a split the order stays."""
    return sorted(placed, key=lambda pair: SPLITS.index(pair[1]))


def _next_numbers(document: Document) -> defaultdict[str, int]:
    """Return for each original's stem the first number that no photo of the document has, used or not."""
    following: defaultdict[str, int] = defaultdict(int)
    for image in document.images:
        number = copy_number(image.name)
        if number is not None:
            stem = original_stem(image.name)
            following[stem] = max(following[stem], number + 1)
    return following
