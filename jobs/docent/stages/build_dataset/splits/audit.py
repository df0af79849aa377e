"""Measure the overlap of test and training: pictures by lineage and bytes, answers by text and by sentence.

Rows arrive one by one; only a hash of each text is kept, so that a million rows fit into memory.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Set

from docent.artifacts.summaries import LeakAudit
from docent.evidence.leaks import Placed, find_leaks
from docent.records import Example, Split
from docent.stages.build_dataset.splits.pairing import Match
from docent.text.repeats import hash_of
from docent.text.sentences import plain, split_sentences


class Overlap:
    """Counts answers that are both in training and in test.

    Args:
        tested: ids of the items that have test rows; sentences about other items are ignored.
    """

    def __init__(self, tested: Set[str]) -> None:
        self._tested = tested
        self._trained, self._test = array("Q"), array("Q")
        self._trained_sentences = array("Q")
        self._test_sentences: list[array[int]] = []

    def add(self, row: Example) -> None:
        """Add the next row of the data set."""
        if row.split == "validation":
            return
        trains = row.split == "train"
        (self._trained if trains else self._test).append(hash_of(row.answer))
        if row.item_id in self._tested:
            hashes = array("Q", {hash_of(row.item_id, plain(s)) for s in split_sentences(row.answer)})
            if trains:
                self._trained_sentences.extend(hashes)
            else:
                self._test_sentences.append(hashes)

    def answers(self) -> int:
        """Return how many test answers are also training answers."""
        tested = set(self._test)
        shared = {number for number in self._trained if number in tested}
        return sum(number in shared for number in self._test)

    def of_training_sentences(self) -> int:
        """Return how many test answers consist only of sentences from training answers of the same item.

        Case and accents are ignored.
        """
        known = self._known()
        return sum(bool(hashes) and known.issuperset(hashes) for hashes in self._test_sentences)

    def with_training_sentences(self) -> int:
        """Return how many test answers have at least one sentence from training answers of the same item."""
        known = self._known()
        return sum(not known.isdisjoint(hashes) for hashes in self._test_sentences)

    def _known(self) -> set[int]:
        """Return the hashes of test sentences that are also in training answers of the same item."""
        wanted = {number for hashes in self._test_sentences for number in hashes}
        return {number for number in self._trained_sentences if number in wanted}


def audit(matches: Iterable[Match], names: dict[str, str], overlap: Overlap) -> LeakAudit:
    """Return the content of `audit.json`. Figures may be in several splits, so only photos count as leaks."""
    placed = {
        match.image.id: Placed(
            names[match.image.id], match.item.name, match.split, match.image.group, match.image.sha256
        )
        for match in matches
    }
    leaks = find_leaks(placed.values())
    return LeakAudit(
        leaks=len(leaks),
        test_images=sum(picture.split == "test" for picture in placed.values()),
        leaked=tuple(leaks),
        test_answers_also_in_train=overlap.answers(),
        test_answers_of_training_sentences=overlap.of_training_sentences(),
        test_answers_with_training_sentences=overlap.with_training_sentences(),
    )


def shown_twice(pictures: Mapping[Split, Set[str]], figures: Set[str]) -> dict[str, int]:
    """Count the figures of documents that rows show, and those that are in several splits.

    Args:
        pictures: paths of the pictures of each split.
        figures: file names of the figures.
    """
    shown = Counter(
        name for paths in pictures.values() for path in paths if (name := path.rpartition("/")[2]) in figures
    )
    return {"figures": len(shown), "figures_in_several_splits": sum(splits > 1 for splits in shown.values())}
