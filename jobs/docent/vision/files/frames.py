"""Choose which picture of a multi-picture file is used, and report it.

Reads open Pillow pictures. Of a TIFF with pages, or a phone's JPEG with several pictures, the first is used. Of an
animation, the first frame with about as much content as the best one, since many fade in from a plain colour.
"""

from __future__ import annotations

from PIL import Image, ImageStat

from docent.vision.files.color import plain_rgb

MAX_FRAMES = 200
MAX_FRAME_PIXELS = 200_000_000
"""Frames of an animation that are looked at, and their pixels in all."""
ENOUGH = 0.8
"""Of the best frame's variation: the first frame with at least as much is used."""
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")
_NOUNS = {"TIFF": "pages", "MPO": "pictures", "HEIF": "pictures"}
_THUMBNAIL_PX = 64


def seek_frame(picture: Image.Image) -> str:
    """Move the picture to the frame that is used; the note that says which, "" for a file with one picture.

    Raises:
        Exception: what Pillow raises on a damaged first frame.
    """
    count = int(getattr(picture, "n_frames", 1))
    if count < 2:
        return ""
    if picture.format not in _ANIMATED:
        noun = _NOUNS.get(str(picture.format), "pictures")
        return f"{count} {noun} in the file: only the first is used"
    number, seen, problem = _best(picture, count)
    picture.seek(number)
    looked = "" if seen == count else f" (of the first {seen}; {problem})"
    return f"animation of {count} frames: only frame {number + 1} is used{looked}"


def _best(picture: Image.Image, count: int) -> tuple[int, int, str]:
    """Return the 0-based number of the frame to use, how many were looked at, and why not all."""
    budget = max(1, min(MAX_FRAMES, MAX_FRAME_PIXELS // max(1, picture.width * picture.height)))
    variations: list[float] = []
    problem = "the others are too many to look at"
    for number in range(min(count, budget)):
        try:
            picture.seek(number)
            variations.append(_variation(picture))
        except (OSError, SyntaxError, ValueError, EOFError, IndexError):
            if number == 0:
                raise
            problem = f"frame {number + 1} does not decode"
            break
    enough = ENOUGH * max(variations)
    return next(i for i, one in enumerate(variations) if one >= enough), len(variations), problem


def _variation(frame: Image.Image) -> float:
    """Return the sum of the channels' variances of a small copy: 0 for a plain frame."""
    frame.load()
    small = plain_rgb(frame.resize((_THUMBNAIL_PX, _THUMBNAIL_PX), Image.Resampling.BOX))
    return float(sum(ImageStat.Stat(small).var))
