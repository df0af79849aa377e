"""Find repeats among millions of question-answer pairs in little memory: exact ones by hash, near ones by MinHash.

A near repeat has nearly the same words and word pairs, with equal weight for question and answer, and exactly the same
numbers, units, negations, opposites and names (text/numbers/decisive.py) in the same order:
`Turn it left, then right` does not repeat `Turn it right, then left`. The index holds 128 bytes per pair, and a table
whose slots keep the latest pairs, so that recall is complete for neighbouring pairs and high for all (benchmarks.md).
rensa and numpy are imported only when needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docent.text.numbers.decisive import decisive_of
from docent.text.terms import terms_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PERMUTATIONS = 128
SEED = 42
BLOCK_ROWS = 1 << 16
SMALLEST_TABLE = 1 << 12
RECALL = 0.999
"""Share of repeats exactly at the threshold that bands must find in expectation."""
_SPREAD = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class Sketch:
    """The parts of one pair that are compared.

    Attributes:
        signature: one byte of each of the PERMUTATIONS minima.
        kind: hash of the words and numbers that must not differ, in their order.
        facts: hash of the same in any order, without possible names at the beginning of a sentence; rewordings must
            agree in it.
    """

    signature: NDArray[np.uint8]
    kind: int
    facts: int


def hash_of(*parts: str) -> int:
    """Return a 64-bit hash of texts, which is the same on every machine."""
    digest = hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def sketch_of(question: str, answer: str, scope: str = "") -> Sketch:
    """Return the sketch of a pair; pairs of different scopes are never repeats of each other."""
    import numpy as np
    from rensa import RMinHash

    question_terms, answer_terms = terms_of(question), terms_of(answer)
    weight = max(1, len(answer_terms)) / max(1, len(question_terms))
    shingles = _weighted("q", question_terms, round(weight)) + _weighted("a", answer_terms, round(1 / weight))
    minima = RMinHash(PERMUTATIONS, SEED)
    minima.update(shingles)
    signature = np.array(minima.digest(), dtype=np.uint32).astype(np.uint8)
    both = decisive_of(question), decisive_of(answer)
    kind = hash_of(scope, *(part for one in both for part in (*one.ordered, "", *one.names, "", *one.beginnings, "")))
    names = {name for one in both for name in one.names}
    facts = hash_of(scope, *sorted(term for one in both for term in one.ordered), "", *sorted(names))
    return Sketch(signature, kind, facts)


def _weighted(side: str, terms: Sequence[str], copies: int) -> list[str]:
    """Return words and word pairs, repeated until they have the same weight as the other side."""
    shingles = [*terms, *(f"{a} {b}" for a, b in zip(terms, terms[1:], strict=False))]
    return [f"{side}{copy} {shingle}" for copy in range(max(1, copies)) for shingle in shingles]


class NearRepeats:
    """Index that finds near repeats of pairs added before."""

    def __init__(self, similarity: float) -> None:
        """Create an empty index; pairs with at least this estimated Jaccard similarity are repeats."""
        self._similarity = similarity
        self._rows_per_band = next(r for r in (8, 4, 2, 1) if _recall(similarity, r) >= RECALL or r == 1)
        self._bands = PERMUTATIONS // self._rows_per_band
        self._blocks: list[NDArray[np.uint8]] = []
        self._kinds: list[NDArray[np.uint64]] = []
        self._count = 0
        self._lay_table(SMALLEST_TABLE)

    def __len__(self) -> int:
        return self._count

    def repeats(self, sketch: Sketch) -> bool:
        """Return whether a pair added before is nearly the same."""
        import numpy as np

        places = self._places(sketch.signature[None, :], np.array([sketch.kind], dtype=np.uint64))[0]
        for row in set((self._table[self._all_bands, places] - 1).tolist()) - {-1}:
            block, at = divmod(row, BLOCK_ROWS)
            if int(self._kinds[block][at]) != sketch.kind:
                continue
            same = int(np.count_nonzero(self._blocks[block][at] == sketch.signature)) / PERMUTATIONS
            if (same - 1 / 256) / (1 - 1 / 256) >= self._similarity:
                return True
        return False

    def add(self, sketch: Sketch) -> None:
        """Add a pair that was kept."""
        import numpy as np

        block, at = divmod(self._count, BLOCK_ROWS)
        if at == 0:
            self._blocks.append(np.zeros((BLOCK_ROWS, PERMUTATIONS), dtype=np.uint8))
            self._kinds.append(np.zeros(BLOCK_ROWS, dtype=np.uint64))
        self._blocks[block][at] = sketch.signature
        self._kinds[block][at] = sketch.kind
        self._count += 1
        if 2 * self._count > self._table.shape[1]:
            self._lay_table(2 * self._table.shape[1])
        else:
            self._enter(block, at, at + 1)

    def _lay_table(self, slots: int) -> None:
        """Build the table with this many slots per band from all pairs; a later pair replaces an earlier one."""
        import numpy as np

        self._shift = np.uint64(64 - (slots.bit_length() - 1))
        self._all_bands = np.arange(self._bands)
        self._table: NDArray[Any] = np.zeros((self._bands, slots), dtype=np.int32)
        for block in range(len(self._blocks)):
            self._enter(block, 0, min(BLOCK_ROWS, self._count - block * BLOCK_ROWS))

    def _enter(self, block: int, first: int, end: int) -> None:
        import numpy as np

        places = self._places(self._blocks[block][first:end], self._kinds[block][first:end])
        numbers = np.arange(block * BLOCK_ROWS + first + 1, block * BLOCK_ROWS + end + 1, dtype=np.int32)
        for band in range(self._bands):
            np.maximum.at(self._table[band], places[:, band], numbers)

    def _places(self, signatures: NDArray[np.uint8], kinds: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the slot of every band of every signature."""
        import numpy as np

        keys = np.ascontiguousarray(signatures).view(f"<u{self._rows_per_band}").astype(np.uint64)
        mixed = (keys ^ kinds[:, None]) * np.uint64(_SPREAD)
        mixed ^= mixed >> np.uint64(29)
        places: NDArray[np.int64] = (mixed * np.uint64(_SPREAD) >> self._shift).astype(np.int64)
        return places


def _recall(similarity: float, rows_per_band: int) -> float:
    """Return the expected share of repeats at the threshold that share at least one band."""
    return float(1 - (1 - similarity**rows_per_band) ** (PERMUTATIONS // rows_per_band))
