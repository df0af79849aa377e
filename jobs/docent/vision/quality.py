"""Measure one picture: size, variation, brightness, sharpness, perceptual hashes, colours; pure, no files.

The numbers are the rows of `docent.tables.IMAGE_METRICS`. Resolution score, variation and brightness follow the WS seed
(seed-facts 4.4): share of a full-HD frame, standard deviation and mean of all channel values. They are computed from
histograms, exact and small also for 100 megapixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

from docent.config import AssessImages
from docent.tables import IMAGE_METRICS, function_at
from docent.vision.complexity import inner_laplacian_variance

FULL_HD_PIXELS = 1920 * 1080
# Larger pictures are reduced before sharpness is measured: one threshold then serves phone photos and thumbnails.
SHARPNESS_SIDE_PX = 1024
# Colours are compared over so many fields a side.
COLOR_FIELDS = 4
DIGITS = 4


@dataclass(frozen=True)
class Photo:
    """An upright 8-bit RGB picture, and the size of its file, which may be larger."""

    picture: Image.Image
    width_px: int
    height_px: int

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """How often each value from 0 to 255 occurs in each channel."""
        return np.asarray(self.picture.histogram(), dtype=np.int64).reshape(-1, 256)


@dataclass(frozen=True)
class Measurements:
    """What was measured on one picture.

    Attributes:
        values: of each row of IMAGE_METRICS, by name; empty for a picture that cannot be decoded.
    """

    values: Mapping[str, float]
    ahash: str = ""
    phash: str = ""
    colors: str = ""


def measure(picture: Image.Image, size_px: tuple[int, int] | None = None) -> Measurements:
    """Measure an upright 8-bit RGB picture; numbers are rounded to 4 digits.

    Args:
        size_px: width and height of the file, where the picture was reduced while it was decoded.
    """
    photo = Photo(picture, *(size_px or picture.size))
    return Measurements(
        {name: round(function_at(metric.measure)(photo), DIGITS) for name, metric in IMAGE_METRICS.items()},
        ahash=str(imagehash.average_hash(picture)),
        phash=str(imagehash.phash(picture)),
        colors=colors(picture),
    )


def shortcomings(values: Mapping[str, float], limits: AssessImages) -> list[str]:
    """Return why a picture should not be used, in the order of IMAGE_METRICS; nothing for a good one."""
    reasons: list[str] = []
    for name, metric in IMAGE_METRICS.items():
        if metric.unless in reasons:
            continue
        least = getattr(limits, metric.least) if isinstance(metric.least, str) else metric.least
        if least is not None and values[name] < least:
            reasons.append(metric.too_low)
        if metric.most is not None and values[name] > metric.most:
            reasons.append(metric.too_high)
    return reasons


def side_px(photo: Photo) -> float:
    """Return the shorter side of the file."""
    return min(photo.width_px, photo.height_px)


def resolution_score(photo: Photo) -> float:
    """Return the share of a full-HD frame that the picture fills, at most 1."""
    width_px, height_px = photo.picture.size
    return min(width_px * height_px / FULL_HD_PIXELS, 1.0)


def color_std(photo: Photo) -> float:
    """Return the standard deviation of all channel values, 0 to 127.5."""
    return _mean_and_std(photo.counts.sum(axis=0))[1]


def channel_std(photo: Photo) -> float:
    """Return the largest standard deviation within one channel: near 0 for a plain area of any colour."""
    return max(_mean_and_std(channel)[1] for channel in photo.counts)


def brightness(photo: Photo) -> float:
    """Return the mean of all channel values, 0 to 255."""
    return _mean_and_std(photo.counts.sum(axis=0))[0]


def sharpness(photo: Photo) -> float:
    """Return the variance of the grey picture's 4-neighbour Laplacian (Pech-Pacheco et al. 2000).

    A picture under 3 px a side has none: 0.
    """
    grey = photo.picture.convert("L")
    grey.thumbnail((SHARPNESS_SIDE_PX, SHARPNESS_SIDE_PX), Image.Resampling.BOX)
    if min(grey.size) < 3:
        return 0.0
    return inner_laplacian_variance(np.asarray(grey, dtype=np.int32))


def colors(picture: Image.Image) -> str:
    """Return mean Cb and Cr of 4 x 4 fields, row by row, as 64 hex digits: colour without brightness."""
    small = picture.resize((COLOR_FIELDS, COLOR_FIELDS), Image.Resampling.BOX).convert("YCbCr")
    return np.asarray(small)[..., 1:].tobytes().hex()


def _mean_and_std(counts: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Compute mean and standard deviation of channel values from how often each of 0 to 255 occurs."""
    values = np.arange(256, dtype=np.int64)
    total = int(counts.sum())
    mean = int((counts * values).sum()) / total
    mean_square = int((counts * values * values).sum()) / total
    return mean, max(mean_square - mean * mean, 0.0) ** 0.5
