"""Assign pairs about sections to splits by hashes of their text, independently of other pairs and file names.

Each pair needs 17 bytes of memory; texts are read again when the rows are built.
"""

import hashlib
from array import array

from docent.records import ImageFile, QAPair, Split, canonical_json


def text_key(pair: QAPair) -> int:
    """Return a hash that is equal for pairs with equal text, ignoring case and white space."""
    text = [" ".join(part.casefold().split()) for part in (pair.question, pair.answer)]
    return _number(canonical_json(text))


def figures_of(pair: QAPair) -> tuple[ImageFile, ...]:
    """Return the pictures of a pair in order; pictures with the same content only once."""
    figures: dict[str, ImageFile] = {}
    for image in pair.figures:
        figures.setdefault(image.sha256, image)
    return tuple(figures.values())


class SectionSplits:
    """Assigns held-out types to test, random shares of the other pairs to test and validation, the rest to train.

    The hash of a pair's question and answer gives its position between 0 and 1, which decides its split. The shares are
    therefore met only on average, and a few pairs may deviate from them, but no pair moves when others are added. All
    turns of a conversation are in the split of its first turn.

    Args:
        seed: seed of the run.
        test_share: share of test pairs among the pairs whose type is not held out.
        validation_share: share of validation pairs among the same pairs.
    """

    def __init__(self, seed: int, test_share: float, validation_share: float) -> None:
        self._seed = seed
        self._test_end = test_share * (1 << 64)
        self._validation_end = min(test_share + validation_share, 1.0) * (1 << 64)
        self._conversations, self._texts, self._held = array("Q"), array("Q"), bytearray()
        self._first: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, pair: QAPair) -> None:
        """Add the next pair about a section."""
        text = text_key(pair)
        conversation = _number(canonical_json([pair.item_id, pair.conversation])) if pair.conversation else 0
        if conversation:
            turn = (pair.index, text)
            self._first[conversation] = min(turn, self._first.get(conversation, turn))
        self._conversations.append(conversation)
        self._texts.append(text)
        self._held.append(pair.held_out)

    def split_of(self, position: int) -> Split:
        """Return the split of the pair that was added at `position`, from 0."""
        if self._held[position]:
            return "test"
        conversation = self._conversations[position]
        text = self._first[conversation][1] if conversation else self._texts[position]
        place = _number(canonical_json([self._seed, text]))
        return "test" if place < self._test_end else "validation" if place < self._validation_end else "train"

    def text_of(self, position: int) -> int:
        """Return the text key of the pair that was added at `position`."""
        return self._texts[position]

    def held_out_texts(self) -> set[int]:
        """Return the text keys of all pairs that are not trained on."""
        return {self._texts[n] for n in range(len(self)) if self.split_of(n) != "train"}


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
