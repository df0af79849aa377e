"""Compare perceptual hashes, to find copies of a photograph that were saved, scaled or re-encoded differently.

Reads and writes no files. Two hashes must agree, because a single one of 64 bits confuses different objects on a plain
background: among the 74 published test photos, the average hash alone matches two pairs of different exhibits. Both
hashes are computed from the grey picture, so the colours must agree as well.
"""

from array import array

import numpy as np
import numpy.typing as npt

from docent.records import ImageQuality

BITS = 64
MAX_COLOR_DISTANCE = 14.0
"""Largest distance between the colour fields of two pictures (Cb and Cr, 0-255). Measured on 60 photos of the sample
museum: as JPEG of quality 10, WebP, AVIF or GIF, halved, cropped by 2 %, 20 % brighter, or 6 % warmer, at most 12.8.
With channels swapped or the hue rotated, half are above 14 at 30 degrees, nearly all at 60; as grey, 12.1 to 60."""
_COLOR_BYTES = 32


class HashIndex:
    """Index of pictures that finds near-identical ones without comparing all pairs.

    Two pictures are near-identical if both hashes agree in a share of their bits, and the colours agree. The result is
    the same as if all pairs were compared.

    Two hashes that differ in at most d bits agree in at least one of d + 1 pieces, so only pictures that share a piece
    of the perceptual hash are compared (Manku, Jain, Das Sarma 2007), all pictures with the same piece at once.

    Args:
        least_similarity: smallest share of equal hash bits for two pictures to count as the same.
    """

    def __init__(self, least_similarity: float) -> None:
        self._most_bits = max(bits for bits in range(BITS + 1) if bits == 0 or 1 - bits / BITS >= least_similarity)
        pieces = self._most_bits + 1
        cuts = [BITS * i // pieces for i in range(pieces + 1)]
        self._pieces = [(low, (1 << (high - low)) - 1) for low, high in zip(cuts, cuts[1:], strict=False)]
        self._buckets: dict[tuple[int, int], array[int]] = {}
        self._ahashes, self._phashes = array("Q"), array("Q")
        self._colors = bytearray()
        self._has_colors = bytearray()

    def __len__(self) -> int:
        return len(self._phashes)

    def add(self, quality: ImageQuality) -> int:
        """Add a picture that has hashes; return its position, which is 0 for the first."""
        position = len(self)
        phash = int(quality.phash, 16)
        for key in self._keys(phash):
            self._buckets.setdefault(key, array("Q")).append(position)
        self._phashes.append(phash)
        self._ahashes.append(int(quality.ahash, 16))
        self._colors += bytes.fromhex(quality.colors) if quality.colors else bytes(_COLOR_BYTES)
        self._has_colors.append(bool(quality.colors))
        return position

    def matches(self, quality: ImageQuality) -> npt.NDArray[np.uint64]:
        """Return the positions of all pictures added so far that are near-identical to this one, in order."""
        if not (quality.ahash and quality.phash):
            return np.empty(0, np.uint64)
        ahash, phash = int(quality.ahash, 16), int(quality.phash, 16)
        positions = []
        for key in self._keys(phash):
            if (bucket := self._buckets.get(key)) is not None:
                near = self._near(np.frombuffer(bucket, np.uint64), ahash, phash)
                positions.append(self._of_same_color(near, quality.colors))
        return np.unique(np.concatenate(positions)) if positions else np.empty(0, np.uint64)

    def first_match(self, quality: ImageQuality) -> int | None:
        """Return the first of `matches`, or None if there is none."""
        positions = self.matches(quality)
        return int(positions[0]) if positions.size else None

    def _keys(self, phash: int) -> list[tuple[int, int]]:
        return [(piece, (phash >> low) & mask) for piece, (low, mask) in enumerate(self._pieces)]

    def _near(self, candidates: npt.NDArray[np.uint64], ahash: int, phash: int) -> npt.NDArray[np.uint64]:
        for hashes, own in ((self._phashes, phash), (self._ahashes, ahash)):
            differing = np.frombuffer(hashes, np.uint64)[candidates] ^ np.uint64(own)
            candidates = candidates[np.bitwise_count(differing) <= self._most_bits]
        return candidates

    def _of_same_color(self, candidates: npt.NDArray[np.uint64], colors: str) -> npt.NDArray[np.uint64]:
        if not colors or not candidates.size:
            return candidates
        # Field by field: most candidates with different colours are ruled out by the first field.
        fields = np.frombuffer(self._colors, np.uint8).reshape(-1, _COLOR_BYTES)
        known = np.frombuffer(self._has_colors, np.uint8)[candidates] != 0
        unknown, candidates = candidates[~known], candidates[known]
        for at, (cb, cr) in enumerate(zip(*[iter(bytes.fromhex(colors))] * 2, strict=True)):
            if not candidates.size:
                break
            field = fields[candidates, 2 * at : 2 * at + 2].astype(np.int32)
            squares = (field[:, 0] - cb) ** 2 + (field[:, 1] - cr) ** 2
            candidates = candidates[squares <= MAX_COLOR_DISTANCE**2]
        return np.concatenate([unknown, candidates])
