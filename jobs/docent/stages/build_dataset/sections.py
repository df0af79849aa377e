"""Which split a pair about a section goes to, decided over all pairs before the first row is written.

A million pairs take 17 bytes each here; the texts themselves are read again when the rows are made.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Set

from docent.records import ImageFile, QAPair, Split, canonical_json


def text_key(pair: QAPair) -> int:
    """A number that pairs share which read alike: case and white space do not matter."""
    text = [" ".join(part.casefold().split()) for part in (pair.question, pair.answer)]
    return _number(canonical_json(text))


def figures_of(pair: QAPair) -> tuple[ImageFile, ...]:
    """The pictures of a pair, each content once, in their order."""
    found: dict[str, ImageFile] = {}
    for image in pair.figures:
        found.setdefault(image.sha256, image)
    return tuple(found.values())


class SectionSplits:
    """Held-out types to test, a seeded share of the others to test and to validation, the rest to train.

    Turns of one conversation stay together. The same pairs give the same splits in any order.

    Args:
        seed: the run's.
        test_share: share of the pairs that are not of a held-out type.
        validation_share: share of the same.
    """

    def __init__(self, seed: int, test_share: float, validation_share: float) -> None:
        self._seed, self._test, self._validation = seed, test_share, validation_share
        self._keys, self._texts, self._held = array("Q"), array("Q"), bytearray()
        self._ends: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, pair: QAPair) -> None:
        """The next pair about a section."""
        what = [pair.item_id, pair.conversation] if pair.conversation else [pair.id]
        self._keys.append(_number(canonical_json([self._seed, *what])))
        self._texts.append(text_key(pair))
        self._held.append(pair.held_out)
        self._ends = None

    def split_of(self, position: int) -> Split:
        """The split of the pair that was added as number `position`."""
        if self._held[position]:
            return "test"
        test_end, validation_end = self._ends = self._ends or self._thresholds()
        key = self._keys[position]
        return "test" if key < test_end else "validation" if key < validation_end else "train"

    def text_of(self, position: int) -> int:
        """The text key of a pair."""
        return self._texts[position]

    def held_out_texts(self) -> set[int]:
        """Text keys of everything that is not trained on."""
        return {self._texts[n] for n in range(len(self)) if self.split_of(n) != "train"}

    def _thresholds(self) -> tuple[int, int]:
        """Keys below the first go to test, below the second to validation: exact shares of the distinct keys."""
        keys = sorted({key for key, held in zip(self._keys, self._held, strict=True) if not held})
        test = round(len(keys) * self._test)
        validation = min(len(keys), test + round(len(keys) * self._validation))
        ends = [*keys, 1 << 64]
        return ends[test], ends[validation]


def is_trained(split: Split, text: int, held_out: Set[int]) -> bool:
    """Whether a pair of `split` may be used: a training pair only where no held-out pair reads like it."""
    return split != "train" or text not in held_out


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
