"""Measure the complexity of a figure by three numbers, to detect plain ones. Uses only numpy; reads no files.

Laplacian and Canny give the same values as OpenCV (`Laplacian(grey, CV_64F).var()`, `Canny(grey, 100, 200)`), which a
test compares. OpenCV itself is not used, as it adds 150 MB to the container image of `ingest`. Entropy is the sum over
the histograms of the three colours.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

# A larger picture is measured on a reduced copy, which bounds memory and still shows the details of a figure.
MAX_PIXELS = 16_000_000
CANNY_LOW, CANNY_HIGH = 100, 200
# Tangent of 22.5 degrees times 2^15, as OpenCV rounds it.
_TAN_22 = 13573

Pixels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Complexity:
    """Complexity of one picture: variance of the Laplacian, number of edge pixels, and entropy."""

    laplacian: float
    edge_px: int
    entropy_bits: float

    def exceeds(self, laplacian: float, edge_px: int, entropy_bits: float) -> bool:
        """Return whether at least one number is above its threshold."""
        return self.laplacian > laplacian or self.edge_px > edge_px or self.entropy_bits > entropy_bits

    def __str__(self) -> str:
        return f"Laplacian {self.laplacian:.0f}, edges {self.edge_px} px, entropy {self.entropy_bits:.2f} bits"


def measure(picture: Image.Image) -> Complexity:
    """Measure the complexity of an 8-bit RGB picture."""
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
    """Return the variance of the 4-neighbour Laplacian, with the border mirrored without its last pixel."""
    padded = np.pad(grey, ((1, 1), (0, 0)), mode="reflect" if grey.shape[0] > 1 else "edge")
    padded = np.pad(padded, ((0, 0), (1, 1)), mode="reflect" if grey.shape[1] > 1 else "edge")
    return inner_laplacian_variance(padded)


def inner_laplacian_variance(grey: Pixels) -> float:
    """Return the variance of the 4-neighbour Laplacian at all pixels except the border."""
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * grey[1:-1, 1:-1]).var())


def edge_pixels(grey: Pixels) -> int:
    """Count edge pixels by Canny (1986): thinned Sobel gradients |dx| + |dy|; weak ones count next to strong ones."""
    padded = np.pad(grey, 1, mode="edge")
    rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    dx = rows[:, 2:] - rows[:, :-2]
    columns = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    dy = columns[2:] - columns[:-2]
    strength = np.pad(np.abs(dx) + np.abs(dy), 1)
    weak = _thinned(dx, dy, strength)
    # A border of non-edge pixels keeps the neighbours of flat positions inside the array.
    width = strength.shape[1]
    return _joined(np.pad(weak, 1).ravel(), strength.ravel() > CANNY_HIGH, width)


def _grey(picture: Image.Image) -> Pixels:
    """Return luma, computed with OpenCV's 15-bit weights."""
    rgb = np.asarray(picture.convert("RGB"), dtype=np.int32)
    luma: Pixels = (rgb[..., 0] * 9798 + rgb[..., 1] * 19235 + rgb[..., 2] * 3735 + 16384) >> 15
    return luma


def _thinned(dx: Pixels, dy: Pixels, strength: Pixels) -> npt.NDArray[np.bool_]:
    """Return which pixels exceed the low threshold and are the strongest across their edge, in four directions."""
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
    """Count weak pixels connected to a strong one, by growing from the strong ones."""
    seen = weak & strong
    front = np.flatnonzero(seen)
    around = np.array([-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1])
    while front.size:
        near = np.unique((front[:, None] + around).ravel())
        front = near[weak[near] & ~seen[near]]
        seen[front] = True
    return int(seen.sum())
