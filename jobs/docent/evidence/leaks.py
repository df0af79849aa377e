"""Leak count: which test pictures descend from, or are, pictures that the model was allowed to see.

Reads nothing but what it is given. Two pictures belong together when they share a lineage group (all derivatives of
one photograph do) or are the same file byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from docent.records import Split


@dataclass(frozen=True)
class Placed:
    """A picture and the split it ended up in."""

    image: str
    item: str
    split: Split
    group: str
    sha256: str


@dataclass(frozen=True)
class Leak:
    """A test picture with a relative in another split.

    Attributes:
        split: where the relative is; training before validation.
        group: lineage group of the test picture.
    """

    image: str
    item: str
    split: Split
    group: str


def find_leaks(pictures: Iterable[Placed]) -> list[Leak]:
    """Every leaking test picture once, in the order given."""
    placed = list(pictures)
    seen: dict[str, Split] = {}
    for split in ("validation", "train"):
        for picture in placed:
            if picture.split == split:
                seen[f"group {picture.group}"] = seen[f"file {picture.sha256}"] = picture.split
    leaks = []
    for picture in placed:
        split_seen = seen.get(f"group {picture.group}") or seen.get(f"file {picture.sha256}")
        if picture.split == "test" and split_seen:
            leaks.append(Leak(picture.image, picture.item, split_seen, picture.group))
    return leaks
