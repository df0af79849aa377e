"""Measure one picture: size, variation, brightness, sharpness, perceptual hashes and colours. Reads no files.

The numbers are defined in `docent.tables.IMAGE_METRICS`. The resolution score is the share of a full-HD frame;
variation and brightness are the standard deviation and mean of all channel values. They are computed from histograms,
which are exact and stay small even for 100 megapixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

from docent.config.stages import AssessImages
from docent.tables import IMAGE_METRICS, function_at
from docent.vision.complexity import inner_laplacian_variance

FULL_HD_PIXELS = 1920 * 1080
# Larger pictures are reduced before sharpness is measured, so that one threshold fits phone photos and thumbnails.
SHARPNESS_SIDE_PX = 1024
# Number of fields per side in which colours are compared.
COLOR_FIELDS = 4
DIGITS = 4


@dataclass(frozen=True)
class Photo:
    """An upright 8-bit RGB picture, and the size in its file, which may be larger."""

    picture: Image.Image
    width_px: int
    height_px: int

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """Return how often each value from 0 to 255 occurs, for each channel."""
        return np.asarray(self.picture.histogram(), dtype=np.int64).reshape(-1, 256)


@dataclass(frozen=True)
class Measurements:
    """Measured values of one picture.

    Attributes:
        values: value of each row of IMAGE_METRICS, by name; empty for a picture that does not decode.
    """

    values: Mapping[str, float]
    ahash: str = ""
    phash: str = ""
    colors: str = ""


def measure(picture: Image.Image, size_px: tuple[int, int] | None = None) -> Measurements:
    """Measure an upright 8-bit RGB picture; numbers are rounded to 4 digits.

    Args:
        size_px: width and height in the file, if the picture was reduced while it was decoded.
    """
    photo = Photo(picture, *(size_px or picture.size))
    return Measurements(
        {name: round(function_at(metric.measure)(photo), DIGITS) for name, metric in IMAGE_METRICS.items()},
        ahash=str(imagehash.average_hash(picture)),
        phash=str(imagehash.phash(picture)),
        colors=colors(picture),
    )


def shortcomings(values: Mapping[str, float], limits: AssessImages) -> list[str]:
    """Return why a picture should not be used, in the order of IMAGE_METRICS; empty for a good one."""
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
    """Return the length of the file's shorter side."""
    return min(photo.width_px, photo.height_px)


def resolution_score(photo: Photo) -> float:
    """Return the share of a full-HD frame that the picture fills, at most 1."""
    width_px, height_px = photo.picture.size
    return min(width_px * height_px / FULL_HD_PIXELS, 1.0)


def color_std(photo: Photo) -> float:
    """Return the standard deviation of all channel values, 0 to 127.5."""
    return _mean_and_std(photo.counts.sum(axis=0))[1]


def channel_std(photo: Photo) -> float:
    """Return the largest standard deviation within a channel, which is near 0 for a plain area of any colour."""
    return max(_mean_and_std(channel)[1] for channel in photo.counts)


def brightness(photo: Photo) -> float:
    """Return the mean of all channel values, 0 to 255."""
    return _mean_and_std(photo.counts.sum(axis=0))[0]


def sharpness(photo: Photo) -> float:
    """Return the variance of the grey picture's 4-neighbour Laplacian (Pech-Pacheco et al. 2000).

    For a picture with less than 3 px a side, it is 0.
    """
    grey = photo.picture.convert("L")
    grey.thumbnail((SHARPNESS_SIDE_PX, SHARPNESS_SIDE_PX), Image.Resampling.BOX)
    if min(grey.size) < 3:
        return 0.0
    return inner_laplacian_variance(np.asarray(grey, dtype=np.int32))


def colors(picture: Image.Image) -> str:
    """Return the mean Cb and Cr of 4 x 4 fields, row by row, as 64 hex digits; brightness is left out."""
    small = picture.resize((COLOR_FIELDS, COLOR_FIELDS), Image.Resampling.BOX).convert("YCbCr")
    return np.asarray(small)[..., 1:].tobytes().hex()


def _mean_and_std(counts: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Return the mean and standard deviation of channel values, given how often each of 0 to 255 occurs."""
    values = np.arange(256, dtype=np.int64)
    total = int(counts.sum())
    mean = int((counts * values).sum()) / total
    mean_square = int((counts * values * values).sum()) / total
    return mean, max(mean_square - mean * mean, 0.0) ** 0.5
