"""Find test pictures that are, or descend from, pictures in training or validation.

Two pictures are related if they share a lineage group (all derivatives of one photograph do), if they are the same file
byte for byte, or if a chain of such pictures connects them. A re-saved or cropped copy has other bytes: only the
perceptual hashes of assess-images can find it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from docent.artifacts.summaries import Leak
from docent.records import Split


@dataclass(frozen=True)
class Placed:
    """A picture and the split that it is in."""

    image: str
    item: str
    split: Split
    group: str
    sha256: str


def find_leaks(pictures: Iterable[Placed]) -> list[Leak]:
    """Return every leaked test picture once, in the order given, with the split of the related picture.

    If it has related pictures in both training and validation, the split is training.
    """
    placed = list(pictures)
    seen_in: tuple[Split, ...] = ("train", "validation")
    relatives = {split: _relatives(placed, split) for split in seen_in}
    leaks = []
    for picture in placed:
        seen = next((split for split, keys in relatives.items() if not keys.isdisjoint(_keys(picture))), None)
        if picture.split == "test" and seen:
            leaks.append(Leak(image=picture.image, item=picture.item, split=seen, group=picture.group))
    return leaks


def _keys(picture: Placed) -> set[str]:
    return {f"group {picture.group}", f"file {picture.sha256}"}


def _relatives(placed: list[Placed], split: Split) -> set[str]:
    """Return the keys (groups and files) of all pictures connected to a picture of the split by shared keys."""
    reached = set().union(*(_keys(picture) for picture in placed if picture.split == split))
    size = -1
    while size != len(reached):
        size = len(reached)
        for picture in placed:
            if not reached.isdisjoint(_keys(picture)):
                reached |= _keys(picture)
    return reached
