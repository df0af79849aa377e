"""Choose which picture of a multi-picture file is used, and return a note about the choice.

Works on open Pillow pictures. For a TIFF with several pages, or a phone's JPEG with several pictures, it is the first.
For an animation, it is the first frame with about as much content as the best one, since many fade in from a plain
colour.
"""

from PIL import Image, ImageStat

from docent.vision.files.color import plain_rgb

MAX_FRAMES = 200
MAX_FRAME_PIXELS = 200_000_000
"""Limits on the frames of an animation that are examined, and on their pixels in total."""
ENOUGH = 0.8
"""Share of the best frame's variation; the first frame with at least this share is used."""
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")
_NOUNS = {"TIFF": "pages", "MPO": "pictures", "HEIF": "pictures"}
_THUMBNAIL_PX = 64


def seek_frame(picture: Image.Image) -> str:
    """Seek to the frame that is used; return a note about the choice, or "" for a file with one picture.

    Raises:
        Exception: any exception that Pillow raises on a damaged first frame.
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
    """Return the number of the frame to use, from 0, how many frames were examined, and why not all."""
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
    """Return the sum of the channels' variances in a small copy, which is 0 for a plain frame."""
    frame.load()
    small = plain_rgb(frame.resize((_THUMBNAIL_PX, _THUMBNAIL_PX), Image.Resampling.BOX))
    return float(sum(ImageStat.Stat(small).var))
