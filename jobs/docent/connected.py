"""Group things that are connected by pairs (union-find with path halving). Reads and writes no files."""

from collections.abc import Hashable, Iterable
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)


def representatives(items: Iterable[Item], links: Iterable[tuple[Item, Item]]) -> dict[Item, Item]:
    """Return a representative for each item, the same for all items that links connect, directly or through others."""
    above = {item: item for item in items}

    def root_of(one: Item) -> Item:
        while above[one] != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    for one, other in links:
        above[root_of(one)] = root_of(other)
    return {item: root_of(item) for item in above}
