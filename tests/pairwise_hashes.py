"""Compare pictures by their hashes one with one: what `docent.vision.hashes.HashIndex` must find among many."""

from __future__ import annotations

import math

from docent.records import ImageQuality
from docent.vision.hashes import BITS, MAX_COLOR_DISTANCE


def similarity(hash_a: str, hash_b: str) -> float:
    """Return the share of equal bits of two 64-bit hashes written as 16 hex digits, 0-1."""
    return 1 - (int(hash_a, 16) ^ int(hash_b, 16)).bit_count() / BITS


def color_distance(colors_a: str, colors_b: str) -> float:
    """Return the largest distance between the colours of a field, as `ImageQuality.colors` has them; 0 if unknown."""
    if not (colors_a and colors_b):
        return 0.0
    a, b = bytes.fromhex(colors_a), bytes.fromhex(colors_b)
    squares = [(x - y) ** 2 for x, y in zip(a, b, strict=True)]
    return math.sqrt(max(cb + cr for cb, cr in zip(squares[::2], squares[1::2], strict=True)))


def near_identical(a: ImageQuality, b: ImageQuality, least_similarity: float) -> bool:
    """Tell whether both hashes agree in this share of bits, and the colours; never for a picture without hashes."""
    if not (a.ahash and a.phash and b.ahash and b.phash):
        return False
    hashes_agree = min(similarity(a.ahash, b.ahash), similarity(a.phash, b.phash)) >= least_similarity
    return hashes_agree and color_distance(a.colors, b.colors) <= MAX_COLOR_DISTANCE
