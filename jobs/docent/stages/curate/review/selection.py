"""Select the pairs of a run for the review page if not all of them fit.

Pairs that a gate flagged come first, on up to half of the page; then a sample with equal shares of every question type
of every document. Hashes of ids decide the sample, so the same run always gives the same page.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, islice, zip_longest

from docent.text.repeats import hash_of

SEED = "review"
Drawn = tuple[int, int, str]
"""Hash, position in the run, id."""
Groups = dict[tuple[str, ...], list[Drawn]]


class Selection:
    """Collects the pairs of a run and selects some of them."""

    def __init__(self) -> None:
        self._groups: dict[bool, Groups] = {True: defaultdict(list), False: defaultdict(list)}
        self._number = 0

    def add(self, pair_id: str, flagged: bool, group: tuple[str, ...]) -> None:
        """Add a pair, in the order of the run.

        Args:
            pair_id: the pair's id.
            flagged: whether a gate rejected or marked the pair.
            group: the pair's group; the sample has equal shares of all groups.
        """
        self._groups[flagged][group].append((hash_of(SEED, pair_id), self._number, pair_id))
        self._number += 1

    def chosen(self, most: int) -> dict[str, tuple[bool, int]]:
        """Return the ids of at most `most` pairs, the most important first, each with its sort key on the page.

        If all pairs fit, the page shows them in the order of the run; otherwise flagged pairs come before the rest.
        """
        flagged, others = (list(_in_turn(self._groups[kind])) for kind in (True, False))
        room = max(most - len(others), (most + 1) // 2)
        picked = chain(((True, one) for one in flagged[:room]), ((False, one) for one in others))
        apart = self._number > most
        return {pair_id: (apart and not kind, position) for kind, (_, position, pair_id) in islice(picked, most)}


def _in_turn(groups: Groups) -> Iterator[Drawn]:
    """Yield the first pair of every group, then the second pairs, and so on."""
    drawn = sorted((sorted(members) for members in groups.values()), key=lambda members: members[0])
    for turn in zip_longest(*drawn):
        yield from (one for one in turn if one is not None)
