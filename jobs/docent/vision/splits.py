"""Which photo of an exhibit goes to which split, and which altered copies it takes to fill the quota.

Pure: `augment-images` asks which copies to make and `assemble` where everything goes, and both get the same answer.
The three ways (`assemble.split`) are the functions in PLANNERS. Choices are by hashes of ids and the seed, so no order
of files and no number of shards enters.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from docent.config import Assemble
from docent.errors import InputError
from docent.records import SPLITS, Document, ImageFile, ImageQuality, Split, make_id
from docent.vision.hashes import HashIndex
from docent.vision.lineage import copy_number, original_stem


@dataclass(frozen=True)
class Usable:
    """The photos of a run that may be used.

    Attributes:
        by_document: kept photos of each document id, in the order of the source.
        shared: lineage groups with a near-identical photo in another document.
    """

    by_document: dict[str, tuple[ImageFile, ...]]
    shared: frozenset[str] = frozenset()


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
class Plan:
    """Where the photos of one document go.

    Attributes:
        placed: originals in the order of the source, with their split.
        copies: altered copies wanted.
        unused: photos beyond `images_per_item`, in `published` only.
    """

    placed: tuple[tuple[ImageFile, Split], ...]
    copies: tuple[Copy, ...] = ()
    unused: tuple[ImageFile, ...] = ()


def find_usable(
    documents: Sequence[Document], measured: Sequence[ImageQuality], least_similarity: float = 1.0
) -> Usable:
    """Kept photos of each document, and the groups that also occur in another document.

    Args:
        documents: all documents of the run, not only those of a shard.
        measured: rows of `assess-images`; without any, every photo counts as kept and none as shared.
        least_similarity: share of hash bits from which two photos count as the same.
    """
    dropped = {quality.image_id for quality in measured if not quality.keep}
    by_document = {d.id: tuple(image for image in d.images if image.id not in dropped) for d in documents}
    home = {image.id: (d.id, image.group) for d in documents for image in by_document[d.id]}
    kept = [quality for quality in measured if quality.image_id in home and quality.phash]
    return Usable(by_document, _shared_groups(kept, home, least_similarity))


def _shared_groups(
    kept: Sequence[ImageQuality], home: Mapping[str, tuple[str, str]], least_similarity: float
) -> frozenset[str]:
    """Groups with a near-identical photo in another document.

    Photos with equal hashes and colours are looked up once: a logo in every exhibit costs no more than one photo.

    Args:
        home: document id and group of each image id.
    """
    alike: defaultdict[tuple[str, str, str], list[ImageQuality]] = defaultdict(list)
    for quality in kept:
        alike[quality.ahash, quality.phash, quality.colors].append(quality)
    classes = list(alike.values())
    documents = [{home[quality.image_id][0] for quality in found} for found in classes]
    index = HashIndex(least_similarity)
    shared = {position for position, held in enumerate(documents) if len(held) > 1}
    for position, found in enumerate(classes):
        for other in index.matches(found[0]).tolist():
            if len(documents[position] | documents[other]) > 1:
                shared.update((position, other))
        index.add(found[0])
    return frozenset(home[quality.image_id][1] for position in shared for quality in classes[position])


def plan_document(document: Document, usable: Usable, section: Assemble, seed: int) -> Plan:
    """The plan of one document, in the way that `assemble.split` names.

    Raises:
        InputError: `given` for a document whose source names no splits.
    """
    images = usable.by_document[document.id]
    if not images:
        return Plan(())
    return PLANNERS[section.split](_Exhibit(document, images, usable.shared, seed), section)


@dataclass(frozen=True)
class _Exhibit:
    document: Document
    images: tuple[ImageFile, ...]
    shared: frozenset[str]
    seed: int

    def drawn(self, ids: Iterable[str]) -> list[str]:
        """The ids in an order that depends on them, the document and the seed alone."""
        return sorted(ids, key=lambda one: make_id("draw", (self.document.id,), self.seed, one))

    def copies(self, of: Sequence[ImageFile], wanted: Mapping[Split, int]) -> tuple[Copy, ...]:
        """Copies spread evenly over `of`, in the order of the wanted splits."""
        bases = _originals(of)
        following = _next_numbers(self.document)
        made: list[Copy] = []
        for split, count in wanted.items():
            for _ in range(max(count, 0) if bases else 0):
                base = bases[len(made) % len(bases)]
                stem = original_stem(base.name)
                made.append(Copy(base, following[stem], split))
                following[stem] += 1
        return tuple(made)


def _clean(exhibit: _Exhibit, section: Assemble) -> Plan:
    """Whole lineage groups to one split; copies of training photos only.

    A group that also occurs in another exhibit trains in both: it could not test either without being seen.
    """
    groups: defaultdict[str, list[ImageFile]] = defaultdict(list)
    for image in exhibit.images:
        groups[image.group].append(image)
    free = exhibit.drawn(group for group in groups if group not in exhibit.shared)
    tests, validations = _held_out(len(free) - (len(free) == len(groups)), section)
    split_of: dict[str, Split] = dict.fromkeys(groups, "train")
    split_of.update(dict.fromkeys(free[:tests], "test"))
    split_of.update(dict.fromkeys(free[tests : tests + validations], "validation"))
    placed = tuple((image, split_of[image.group]) for image in exhibit.images)
    training = [image for image, split in placed if split == "train"]
    copies = exhibit.copies(training, {"train": section.images_per_item - len(exhibit.images)})
    return Plan(placed, copies)


def _held_out(spare: int, section: Assemble) -> tuple[int, int]:
    """Groups for test and for validation when `spare` may leave training: as configured, else 1 and 1, else 1 and 0."""
    tests, validations = section.test_images, section.validation_images
    if spare >= tests + validations:
        return tests, validations
    tests = min(tests, 1, spare)
    return tests, min(validations, 1, spare - tests)


def _published(exhibit: _Exhibit, section: Assemble) -> Plan:
    """Originals to test first, then validation, then train; copies of any original fill train, then validation.

    Slots of test that no original fills go to train, so the sum stays and no altered copy tests, as in the published
    data. Copies share their original with a test photo: that leak is the published one, and is counted later.
    """
    by_id = {image.id: image for image in exhibit.images}
    order = exhibit.drawn(by_id)
    tests = min(section.test_images, section.images_per_item, len(order))
    validations = min(section.validation_images, section.images_per_item - tests)
    slots: dict[Split, int] = {
        "test": tests,
        "validation": validations,
        "train": max(section.images_per_item - tests - validations, 0),
    }
    split_of: dict[str, Split] = {}
    for split, count in slots.items():
        split_of.update(dict.fromkeys(order[len(split_of) : len(split_of) + count], split))
    placed = tuple((image, split_of[image.id]) for image in exhibit.images if image.id in split_of)
    filled = Counter(split_of.values())
    copies = exhibit.copies(exhibit.images, {split: slots[split] - filled[split] for split in ("train", "validation")})
    unused = tuple(image for image in exhibit.images if image.id not in split_of)
    return Plan(placed, copies, unused)


def _given(exhibit: _Exhibit, section: Assemble) -> Plan:
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
    placed = tuple((image, image.given_split) for image in exhibit.images if image.given_split is not None)
    present = Counter(split for _, split in placed)
    wanted: dict[Split, int] = {
        "train": slots.train - present["train"],
        "validation": slots.validation - present["validation"],
    }
    return Plan(placed, exhibit.copies(exhibit.images, wanted))


PLANNERS: dict[str, Callable[[_Exhibit, Assemble], Plan]] = {
    "clean": _clean,
    "published": _published,
    "given": _given,
}


def in_split_order(placed: Iterable[tuple[ImageFile, Split]]) -> list[tuple[ImageFile, Split]]:
    """Train, validation, test; within a split the order stays."""
    return sorted(placed, key=lambda pair: SPLITS.index(pair[1]))


def _originals(images: Sequence[ImageFile]) -> list[ImageFile]:
    """The photos that are not copies by their name; all, where there are only copies."""
    return [image for image in images if copy_number(image.name) is None] or list(images)


def _next_numbers(document: Document) -> defaultdict[str, int]:
    """For each original's stem the first number that no photo of the document has, used or not."""
    following: defaultdict[str, int] = defaultdict(int)
    for image in document.images:
        number = copy_number(image.name)
        if number is not None:
            stem = original_stem(image.name)
            following[stem] = max(following[stem], number + 1)
    return following
