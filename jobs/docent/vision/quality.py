"""Measure one picture: size, variation, brightness, sharpness, perceptual hashes, colours; pure, no files.

Resolution score, variation and brightness follow the WS seed (seed-facts 4.4): share of a full-HD frame, standard
deviation and mean of all channel values. They are computed from histograms, exact and small also for 100 megapixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

FULL_HD_PIXELS = 1920 * 1080
# Mean channel values beyond which nothing of the object can be told.
TOO_DARK, TOO_BRIGHT = 12.0, 247.0
# Larger pictures are reduced before sharpness is measured: one threshold then serves phone photos and thumbnails.
SHARPNESS_SIDE_PX = 1024
# Colours are compared over so many fields a side.
COLOR_FIELDS = 4
DIGITS = 4


@dataclass(frozen=True)
class Metrics:
    """What was measured; the fields of ImageQuality that need pixels, and `channel_std`.

    Attributes:
        channel_std: the largest standard deviation within one channel: near 0 for a plain area of any colour.
    """

    width_px: int
    height_px: int
    resolution_score: float = 0.0
    color_std: float = 0.0
    channel_std: float = 0.0
    brightness: float = 0.0
    sharpness: float = 0.0
    ahash: str = ""
    phash: str = ""
    colors: str = ""


def measure(picture: Image.Image) -> Metrics:
    """All metrics of an upright 8-bit RGB picture, rounded to 4 digits."""
    width_px, height_px = picture.size
    counts = np.asarray(picture.histogram(), dtype=np.int64).reshape(-1, 256)
    mean, std = _mean_and_std(counts.sum(axis=0))
    return Metrics(
        width_px=width_px,
        height_px=height_px,
        resolution_score=round(min(width_px * height_px / FULL_HD_PIXELS, 1.0), DIGITS),
        color_std=round(std, DIGITS),
        channel_std=round(max(_mean_and_std(channel)[1] for channel in counts), DIGITS),
        brightness=round(mean, DIGITS),
        sharpness=round(sharpness(picture), DIGITS),
        ahash=str(imagehash.average_hash(picture)),
        phash=str(imagehash.phash(picture)),
        colors=colors(picture),
    )


def colors(picture: Image.Image) -> str:
    """Mean Cb and Cr of 4 x 4 fields, row by row, as 64 hex digits: colour without brightness."""
    small = picture.resize((COLOR_FIELDS, COLOR_FIELDS), Image.Resampling.BOX).convert("YCbCr")
    return np.asarray(small)[..., 1:].tobytes().hex()


def sharpness(picture: Image.Image) -> float:
    """Variance of the 4-neighbour Laplacian of the grey picture (Pech-Pacheco et al. 2000); 0 under 3 px a side."""
    grey = picture.convert("L")
    grey.thumbnail((SHARPNESS_SIDE_PX, SHARPNESS_SIDE_PX), Image.Resampling.BOX)
    if min(grey.size) < 3:
        return 0.0
    values = np.asarray(grey, dtype=np.int32)
    inner = values[1:-1, 1:-1]
    laplacian = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:] - 4 * inner
    return float(laplacian.var())


def shortcomings(metrics: Metrics, min_side_px: int, min_color_std: float, min_sharpness: float) -> list[str]:
    """Why a picture should not be used, most telling first; empty for a good one."""
    reasons = []
    if min(metrics.width_px, metrics.height_px) < min_side_px:
        reasons.append("too small")
    if metrics.channel_std < min_color_std:
        reasons.append("blank")
    elif metrics.sharpness < min_sharpness:  # a blank picture has no edges either
        reasons.append("blurred")
    if metrics.brightness < TOO_DARK:
        reasons.append("too dark")
    if metrics.brightness > TOO_BRIGHT:
        reasons.append("too bright")
    return reasons


def _mean_and_std(counts: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Mean and standard deviation of channel values, from how often each of 0-255 occurs."""
    values = np.arange(256, dtype=np.int64)
    total = int(counts.sum())
    mean = int((counts * values).sum()) / total
    mean_square = int((counts * values * values).sum()) / total
    return mean, max(mean_square - mean * mean, 0.0) ** 0.5
