"""Compare perceptual hashes: which pictures are the same photograph, saved, scaled or re-encoded differently.

Two hashes must agree, because one of 64 bits takes different things on a plain ground for the same: among the 74
published test photos the average hash alone joins two pairs of different exhibits (seed-facts 1.7).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations

from docent.records import ImageQuality

BITS = 64


def similarity(hash_a: str, hash_b: str) -> float:
    """Share of equal bits of two 64-bit hashes written as 16 hex digits, 0-1."""
    return 1 - (int(hash_a, 16) ^ int(hash_b, 16)).bit_count() / BITS


def near_identical(a: ImageQuality, b: ImageQuality, least_similarity: float) -> bool:
    """Whether both hashes of two pictures agree in at least this share of bits; never for a picture without hashes."""
    if not (a.ahash and a.phash and b.ahash and b.phash):
        return False
    return similarity(a.ahash, b.ahash) >= least_similarity and similarity(a.phash, b.phash) >= least_similarity


def near_identical_pairs(
    measured: Iterable[ImageQuality], least_similarity: float
) -> Iterator[tuple[ImageQuality, ImageQuality]]:
    """Every near-identical pair, each once, without comparing all with all.

    Two hashes that differ in at most d bits agree in at least one of d + 1 pieces, so only pictures that share a piece
    of the perceptual hash are compared (Manku, Jain, Das Sarma 2007).
    """
    hashed = [quality for quality in measured if quality.phash]
    pieces = int((1 - least_similarity) * BITS + 1e-9) + 1
    cuts = [BITS * i // pieces for i in range(pieces + 1)]
    buckets: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for index, quality in enumerate(hashed):
        bits = int(quality.phash, 16)
        for piece, (low, high) in enumerate(zip(cuts, cuts[1:], strict=False)):
            buckets[piece, (bits >> low) & ((1 << (high - low)) - 1)].append(index)
    seen: set[tuple[int, int]] = set()
    for members in buckets.values():
        for pair in combinations(members, 2):
            if pair not in seen:
                seen.add(pair)
                if near_identical(hashed[pair[0]], hashed[pair[1]], least_similarity):
                    yield hashed[pair[0]], hashed[pair[1]]
