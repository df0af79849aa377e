"""Find which photos of a run may be used, which of them are near-identical, and which were assigned to a split before.

Works on rows of `ingest` and `assess-images`; compares hashes; reads no files.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from docent.connected import representatives
from docent.records import Document, ImageFile, ImageQuality, Split
from docent.vision.hashes import HashIndex


@dataclass(frozen=True)
class Usable:
    """The photos of a run that may be used.

    Attributes:
        by_document: kept photos by document id, in the order of the source.
        shared: lineage groups with the same or a near-identical photo in another document.
        settled: split by image id, for images assigned before and for images near-identical to one of those.
        torn: ids of new images that are near-identical to images of two splits.
    """

    by_document: dict[str, tuple[ImageFile, ...]]
    shared: frozenset[str] = frozenset()
    settled: Mapping[str, Split] = field(default_factory=dict)
    torn: frozenset[str] = frozenset()


def find_usable(
    documents: Sequence[Document],
    measured: Sequence[ImageQuality],
    least_similarity: float = 1.0,
    recorded: Mapping[str, Split] | None = None,
) -> Usable:
    """Return the kept photos of each document, the groups shared between documents, and earlier assignments.

    Args:
        documents: all documents of the run, not only those of a shard.
        measured: rows of `assess-images`; without any, every photo counts as kept.
        least_similarity: smallest share of equal hash bits for two photos to count as the same.
        recorded: split of earlier photos, by the SHA-256 of their bytes.
    """
    dropped = {quality.image_id for quality in measured if not quality.keep}
    by_document = {d.id: tuple(image for image in d.images if image.id not in dropped) for d in documents}
    home = {image.id: (d.id, image.group) for d in documents for image in by_document[d.id]}
    kept = [quality for quality in measured if quality.image_id in home and quality.phash]
    alike = list(_near_identical(kept, least_similarity))
    shared = {home[one][1] for pair in alike if home[pair[0]][0] != home[pair[1]][0] for one in pair}
    in_documents: defaultdict[str, set[str]] = defaultdict(set)
    for document_id, group in home.values():
        in_documents[group].add(document_id)
    shared |= {group for group, homes in in_documents.items() if len(homes) > 1}
    images = {image.id: image for d in documents for image in d.images}
    links = [*alike, *((q.image_id, q.duplicate_of) for q in measured if q.duplicate_of)]
    settled, torn = _settled(images, links, recorded or {})
    return Usable(by_document, frozenset(shared), settled, torn)


def _near_identical(kept: Sequence[ImageQuality], least_similarity: float) -> Iterator[tuple[str, str]]:
    """Yield pairs of image ids that connect every photo to every near-identical one, directly or through others.

    Photos with equal hashes and colours are looked up once, so that a logo in every exhibit costs no more than one
    photo.
    """
    classes: defaultdict[tuple[str, str, str], list[ImageQuality]] = defaultdict(list)
    for quality in kept:
        classes[quality.ahash, quality.phash, quality.colors].append(quality)
    alike = list(classes.values())
    index = HashIndex(least_similarity)
    for same in alike:
        for one, other in zip(same, same[1:], strict=False):
            yield one.image_id, other.image_id
        for position in index.matches(same[0]).tolist():
            yield same[0].image_id, alike[position][0].image_id
            yield same[0].image_id, alike[position][-1].image_id  # may be in another exhibit than the first
        index.add(same[0])


def _settled(
    images: Mapping[str, ImageFile], links: Sequence[tuple[str, str]], recorded: Mapping[str, Split]
) -> tuple[dict[str, Split], frozenset[str]]:
    """Return the split of images assigned before or near-identical to one, and new images near two splits."""
    settled = {image.id: recorded[image.sha256] for image in images.values() if image.sha256 in recorded}
    if not settled:
        return {}, frozenset()
    first: dict[str, str] = {}
    of_group = ((image.id, first.setdefault(image.group, image.id)) for image in images.values())
    root = representatives(images, [*links, *of_group])
    splits: defaultdict[str, set[Split]] = defaultdict(set)
    for image_id, split in settled.items():
        splits[root[image_id]].add(split)
    torn = set()
    for image_id in images:
        joined = splits.get(root[image_id], set())
        if image_id not in settled and len(joined) > 1:
            torn.add(image_id)
        elif image_id not in settled and joined:
            settled[image_id] = next(iter(joined))
    return settled, frozenset(torn)
