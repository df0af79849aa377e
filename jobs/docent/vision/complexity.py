"""Tell a figure that shows something from a plain one, by three numbers; pure, numpy only, no files.

Laplacian and Canny give the values of OpenCV (`Laplacian(grey, CV_64F).var()`, `Canny(grey, 100, 200)`), which a test
compares; it weighs 150 MB, and the image of `ingest` needs nothing else of it. Entropy is that of the three colours'
histograms, summed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

# A larger picture is measured on a reduced copy, which bounds memory; no figure of a page has more to show.
MAX_PIXELS = 16_000_000
CANNY_LOW, CANNY_HIGH = 100, 200
# Tangent of 22.5 degrees times 2^15, as OpenCV rounds it.
_TAN_22 = 13573

Pixels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Complexity:
    """What was measured on one picture."""

    laplacian: float
    edge_px: int
    entropy_bits: float

    def exceeds(self, laplacian: float, edge_px: int, entropy_bits: float) -> bool:
        """Tell whether at least one number lies above its threshold."""
        return self.laplacian > laplacian or self.edge_px > edge_px or self.entropy_bits > entropy_bits

    def __str__(self) -> str:
        return f"Laplacian {self.laplacian:.0f}, edges {self.edge_px} px, entropy {self.entropy_bits:.2f} bits"


def measure(picture: Image.Image) -> Complexity:
    """Measure the three numbers of an 8-bit RGB picture."""
    share = (MAX_PIXELS / (picture.width * picture.height)) ** 0.5
    if share < 1:
        picture = picture.resize((max(1, int(picture.width * share)), max(1, int(picture.height * share))))
    grey = _grey(picture)
    return Complexity(round(laplacian_variance(grey), 4), edge_pixels(grey), round(entropy_bits(picture), 4))


def entropy_bits(picture: Image.Image) -> float:
    """Return the entropy of the three colours' histograms, summed: 0 to 24 bits."""
    counts = np.asarray(picture.histogram(), dtype=np.float64).reshape(3, 256)
    shares = counts / counts.sum(axis=1, keepdims=True)
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return max(0.0, -float((shares * logs).sum()))


def laplacian_variance(grey: Pixels) -> float:
    """Return the variance of the 4-neighbour Laplacian, the border mirrored without its last pixel."""
    padded = np.pad(grey, ((1, 1), (0, 0)), mode="reflect" if grey.shape[0] > 1 else "edge")
    padded = np.pad(padded, ((0, 0), (1, 1)), mode="reflect" if grey.shape[1] > 1 else "edge")
    return inner_laplacian_variance(padded)


def inner_laplacian_variance(grey: Pixels) -> float:
    """Return the variance of the 4-neighbour Laplacian at all pixels but those of the border."""
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * grey[1:-1, 1:-1]).var())


def edge_pixels(grey: Pixels) -> int:
    """Count pixels of edges by Canny (1986): Sobel gradient |dx| + |dy|, thinned, weak ones kept where strong join."""
    padded = np.pad(grey, 1, mode="edge")
    rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    dx = rows[:, 2:] - rows[:, :-2]
    columns = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    dy = columns[2:] - columns[:-2]
    strength = np.pad(np.abs(dx) + np.abs(dy), 1)
    weak = _thinned(dx, dy, strength)
    # A border of pixels that are no edge keeps neighbours of flat positions inside the array.
    width = strength.shape[1]
    return _joined(np.pad(weak, 1).ravel(), strength.ravel() > CANNY_HIGH, width)


def _grey(picture: Image.Image) -> Pixels:
    """Compute luma with OpenCV's 15-bit weights."""
    rgb = np.asarray(picture.convert("RGB"), dtype=np.int32)
    luma: Pixels = (rgb[..., 0] * 9798 + rgb[..., 1] * 19235 + rgb[..., 2] * 3735 + 16384) >> 15
    return luma


def _thinned(dx: Pixels, dy: Pixels, strength: Pixels) -> npt.NDArray[np.bool_]:
    """Find pixels above the low threshold that are the strongest across their edge, in one of four directions."""
    inner = strength[1:-1, 1:-1]
    x, y = np.abs(dx).astype(np.int64), np.abs(dy).astype(np.int64) << 15
    flat = y < x * _TAN_22
    steep = ~flat & (y > x * _TAN_22 + (x << 16))
    falling = (dx ^ dy) < 0
    left, right = strength[1:-1, :-2], strength[1:-1, 2:]
    above, below = strength[:-2, 1:-1], strength[2:, 1:-1]
    first = np.where(falling, strength[:-2, 2:], strength[:-2, :-2])
    second = np.where(falling, strength[2:, :-2], strength[2:, 2:])
    across = np.where(flat, (inner > left) & (inner >= right), (inner > first) & (inner > second))
    across = np.where(steep, (inner > above) & (inner >= below), across)
    thinned: npt.NDArray[np.bool_] = across & (inner > CANNY_LOW)
    return thinned


def _joined(weak: npt.NDArray[np.bool_], strong: npt.NDArray[np.bool_], width: int) -> int:
    """Count weak pixels that touch a strong one, directly or over others: grown from the strong ones, ring by ring."""
    seen = weak & strong
    front = np.flatnonzero(seen)
    around = np.array([-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1])
    while front.size:
        near = np.unique((front[:, None] + around).ravel())
        front = near[weak[near] & ~seen[near]]
        seen[front] = True
    return int(seen.sum())
