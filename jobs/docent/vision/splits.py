"""Plan which photo of an exhibit goes to which split, and which altered copies are needed to fill the quota.

Reads and writes no files: `augment-images` computes the plan to know which copies to make, and `assemble` to place all
pictures; both get the same plan. The three ways (`assemble.split`) are the functions in PLANNERS. Photos assigned in an
earlier run keep their split; others are drawn by hashes of their content and the seed, so that the plan does not depend
on names, the order of files or the number of shards.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from docent.config.stages import Assemble
from docent.errors import InputError
from docent.records import SPLITS, Document, ImageFile, Split, make_id
from docent.vision.lineage import copy_number, original_stem
from docent.vision.usable import Usable

BEYOND = "photo beyond images_per_item"
TWO_SPLITS = "photo near-identical to photos of two splits"


@dataclass(frozen=True)
class Copy:
    """An altered copy to be made of `original`: the number in its name (`-aug<number>`), and its split."""

    original: ImageFile
    number: int
    split: Split

    @property
    def id(self) -> str:
        """Return the id of the row that `augment-images` writes for it."""
        return make_id("augment-images", (self.original.id,), self.number)


@dataclass(frozen=True)
class SplitPlan:
    """Split of each photo of one document.

    Attributes:
        placed: originals with their split, in the order of the source.
        copies: altered copies to be made.
        unused: photos without a split, each with the reason: BEYOND or TWO_SPLITS.
    """

    placed: tuple[tuple[ImageFile, Split], ...]
    copies: tuple[Copy, ...] = ()
    unused: tuple[tuple[ImageFile, str], ...] = ()


def plan_document(document: Document, usable: Usable, section: Assemble, seed: int) -> SplitPlan:
    """Return the plan of one document by the method set in `assemble.split`.

    Raises:
        InputError: the method is `given`, but the document's source assigns no splits.
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
        """Return lineage groups in an order that depends only on their content and the seed."""
        return sorted(groups, key=lambda group: make_id("draw", (), self.seed, group))

    def copies(self, of: Sequence[ImageFile], wanted: Mapping[Split, int]) -> tuple[Copy, ...]:
        """Return copies spread evenly over the originals in `of`, in the order of the wanted splits."""
        bases = [image for image in of if copy_number(image.name) is None] or list(of)  # all, if all are copies
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
    """Assign complete lineage groups to one split each; plan copies of training photos only.

    A group that also occurs in another exhibit is for training in both, as a test with it would use a seen photo.
    Photos assigned before keep their split, and near-identical photos join them.
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
    """Return the numbers of test and validation groups if `spare` may leave training: as configured, or else fewer."""
    tests, validations = section.test_images, section.validation_images
    if spare >= tests + validations:
        return tests, validations
    tests = min(tests, 1, spare)
    return tests, min(validations, 1, spare - tests)


Placed = tuple[tuple[ImageFile, Split], ...]
Unused = tuple[tuple[ImageFile, str], ...]


def _capped(exhibit: _Exhibit, placed: Sequence[tuple[ImageFile, Split]], most: int) -> tuple[Placed, Unused]:
    """Limit the photos to `most` by dropping training photos, new ones first, but keep one; return kept and dropped."""
    training = [image for image, split in placed if split == "train"]
    room = max(most - (len(placed) - len(training)), 1)
    first = {group: number for number, group in enumerate(exhibit.drawn({image.group for image in training}))}
    settled = exhibit.usable.settled
    chosen = sorted(training, key=lambda image: (image.id not in settled, first[image.group], image.sha256))[:room]
    kept = {image.id for image in chosen}
    used = tuple((image, split) for image, split in placed if split != "train" or image.id in kept)
    return used, tuple((image, BEYOND) for image in training if image.id not in kept)


def _published(exhibit: _Exhibit, section: Assemble) -> SplitPlan:
    """Assign originals to test first, then validation, then train; fill train, then validation, with copies of any.

    Test slots that no original fills go to train, so that the total stays the same and no altered copy is in test, as
    in the MuseQuest data set. Copies may share their original with a test photo; that leak is part of the method, and
    is counted later.
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
    """Assign photos as in the source; replace missing ones of train and validation by copies of any present photo.

    A copy of a test photo in train is a leak, and is counted later. A missing test photo is not replaced.
    """
    slots = exhibit.document.given_slots
    if slots is None or any(image.given_split is None for image in exhibit.images):
        raise InputError(
            f"assemble.split is `given`, but the source assigns no splits to exhibit {exhibit.document.name!r}",
            exhibit.document.sections[0].source.file,
            "set assemble.split to clean, or use a CSV with columns train_images, validation_images and test_images",
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
    """Return the photos sorted by train, validation, test; within a split the order stays the same."""
    return sorted(placed, key=lambda pair: SPLITS.index(pair[1]))


def _next_numbers(document: Document) -> defaultdict[str, int]:
    """Return, by original stem, the first copy number above those of all photos in the document, used or not."""
    following: defaultdict[str, int] = defaultdict(int)
    for image in document.images:
        number = copy_number(image.name)
        if number is not None:
            stem = original_stem(image.name)
            following[stem] = max(following[stem], number + 1)
    return following
