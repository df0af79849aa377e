"""Check the form that all trainers expect of a picture: JPEG, PNG or WebP, one frame, RGB or RGBA, stored upright.

Writes nothing. Trainers open pictures with Pillow and ignore the EXIF orientation.
"""

import hashlib
import tempfile
from pathlib import Path

from docent.vision.files.formats import HEAD_BYTES, format_name
from docent.vision.files.orientation import read_orientation
from docent.vision.photos import PhotoError, decode, opened

MODES = ("RGB", "RGBA")
MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WebP": "image/webp"}
"""Media types of the formats that trainers read, by the names of `format_name`."""
MAX_PIXELS = 1e9


def media_type(data: bytes) -> str:
    """Return the media type of a picture by its first bytes, or "" for formats that trainers do not read."""
    return MEDIA_TYPES.get(format_name(data[:HEAD_BYTES]), "")


def why_undecodable(path: Path) -> str:
    """Return why a picture file cannot be decoded, or "" if it can.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        decode(path, MAX_PIXELS)
    except PhotoError as error:
        return f"{error.reason}: {error.detail}" if error.detail else error.reason
    return ""


def why_unfit(path: Path) -> str:
    """Return why a picture file is not in the expected form, or "" if it is.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        name = format_name(file.read(HEAD_BYTES))
    if name and name not in MEDIA_TYPES:
        return f"{name}, not JPEG, PNG or WebP"
    return why_undecodable(path) or why_other_form(path)


def why_other_form(path: Path) -> str:
    """Return why trainers do not expect the form of a picture that can be decoded, or "" if they do."""
    with path.open("rb") as file, opened(file, MAX_PIXELS) as picture:
        if picture.mode not in MODES:
            return f"its mode is {picture.mode}, not RGB or RGBA"
        if getattr(picture, "n_frames", 1) > 1:
            return "it has more than one frame"
        if read_orientation(picture) != 1:
            return "it is stored rotated, with its orientation only in EXIF"
    return ""


class PictureChecks:
    """Checks pictures; each is checked only once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def file(self, path: Path) -> str:
        """Return why a picture file is not in the expected form, or "" if it is."""
        key = str(path)
        if key not in self._known:
            try:
                self._known[key] = why_unfit(path) if path.is_file() else "missing"
            except (OSError, ValueError) as error:
                self._known[key] = getattr(error, "strerror", None) or str(error)
        return self._known[key]

    def data(self, data: bytes) -> str:
        """Return why a picture's bytes are not in the expected form, or "" if they are."""
        key = hashlib.sha256(data).hexdigest()
        if key not in self._known:
            with tempfile.NamedTemporaryFile(prefix="docent-", suffix=".tmp") as file:
                file.write(data)
                file.flush()
                self._known[key] = why_unfit(Path(file.name))
        return self._known[key]
