"""Prepare pictures for trainers: suitable files are used in place, others are re-encoded into a working folder.

Reads picture files below the data set's folder, and data URLs; writes into the working folder, with names by content.
One picture is in memory at a time. Re-encoded pictures have no metadata except their credit, so that no data URL
reveals where a photo was taken.
"""

import base64
import hashlib
import io
import math
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import unquote

from docent.convert.files import is_file
from docent.convert.trainers.picture_rules import MAX_PIXELS, why_other_form
from docent.convert.trainers.turns import RefusedError
from docent.records import ImageFile
from docent.vision.files.credit import exif_of
from docent.vision.files.formats import published_suffix
from docent.vision.files.publish import published
from docent.vision.photos import MAX_DECODED_PIXELS, Examined, PhotoError, decode, examine

MAX_FILE_BYTES = 1 << 30
MIN_PIXELS = 1 << 16
"""A picture that is reduced to fit a number of bytes never gets fewer pixels than this."""
_ADDRESS = re.compile(r"https?://[^\s/]", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_DATA_URL = re.compile(r"data:[\w.+/-]{0,80}(?:;[\w=.-]{0,80}){0,3};base64,", re.IGNORECASE)


@dataclass(frozen=True)
class Prepared:
    """A picture that a trainer can read.

    Attributes:
        key: hash of its bytes, or its URL.
        path: its file, or None if it is at a URL.
        is_copy: whether the file is in the working folder rather than in the data set.
    """

    key: str
    path: Path | None
    is_copy: bool = False


@dataclass
class Pictures:
    """Prepares pictures, each only once.

    Attributes:
        folder: base folder of relative paths.
        root: files outside of this folder are refused.
        work: existing folder for re-encoded pictures.
        max_bytes: limit for one picture; larger ones are reduced.
        addresses: whether pictures at a URL are accepted.
        converted: number of pictures that were re-encoded.
        reduced: number of re-encoded pictures with fewer pixels than the source.
    """

    folder: Path
    root: Path
    work: Path
    max_bytes: float = math.inf
    addresses: bool = False
    converted: int = 0
    reduced: int = 0
    _known: dict[str, Prepared | RefusedError] = field(default_factory=dict)

    def prepare(self, name: str) -> Prepared:
        """Prepare the picture at a path, URL or data URL.

        Raises:
            RefusedError: it is missing, does not decode or may not be used.
        """
        key = name if len(name) < 500 else hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        if key not in self._known:
            try:
                self._known[key] = self._prepared(name)
            except RefusedError as error:
                self._known[key] = error
        known = self._known[key]
        if isinstance(known, RefusedError):
            raise RefusedError(known.reason, known.detail)
        return known

    def _prepared(self, name: str) -> Prepared:
        if _ADDRESS.match(name):
            if not self.addresses:
                raise RefusedError("a picture at a URL, which this trainer does not download", name[:200])
            return Prepared(name, None)
        path = self._from_data_url(name) if name[:5].lower() == "data:" else self._file(name)
        try:
            return self._fitted(path)
        except PhotoError as error:
            detail = f"{error.reason}: {error.detail}" if error.detail else error.reason
            raise RefusedError("a picture that cannot be decoded", f"{_shown(name)}: {detail}") from None
        except OSError as error:
            raise RefusedError("a picture that cannot be read", f"{_shown(name)}: {error.strerror}") from None

    def _file(self, name: str) -> Path:
        plain = unquote(name[7:]) if name.lower().startswith("file://") else name
        path = self.folder / plain
        exists = is_file(path)
        if plain == name and _SCHEME.match(name) and not exists:
            raise RefusedError("a picture with a URL scheme other than http, https and data", name[:200])
        if not exists:
            raise RefusedError("a picture is missing", _shown(name))
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.root)):
            raise RefusedError(
                "a picture outside the data set's folder (allow another folder with --images)", _shown(name)
            )
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RefusedError("a picture file of more than 1 GiB", _shown(name))
        return path

    def _from_data_url(self, name: str) -> Path:
        try:
            if not (match := _DATA_URL.match(name)):
                raise ValueError("not a base64 data URL")
            data = base64.b64decode(name[match.end() :], validate=True)
        except ValueError:
            raise RefusedError("a data URL that is not base64", _shown(name)) from None
        path = self.work / f"{_key(data)}.source"
        path.write_bytes(data)
        return path

    def _fitted(self, path: Path) -> Prepared:
        """Return the file, or a re-encoded copy if it has metadata or a form that trainers do not read."""
        data = path.read_bytes()
        seen = examine(data, MAX_PIXELS)
        # `published` reads nothing else from a row.
        image = ImageFile.model_construct(file=f"picture.{seen.suffix}", **asdict(seen.credit))
        fit = published(path, image)
        is_small = len(data) <= self.max_bytes
        if fit == data and is_small and path.parent != self.work and not why_other_form(path):
            return Prepared(_key(data), path)
        copy = self._write(fit, published_suffix(image.file))
        if why_other_form(copy):
            copy = self._reencoded(path, seen, ".jpg" if seen.suffix == "jpg" else ".png")
        if copy.stat().st_size > self.max_bytes:
            copy = self._reencoded(path, seen, ".jpg", self.max_bytes)
        self.converted += copy.read_bytes() != data
        if path.parent == self.work:
            path.unlink()
        return Prepared(copy.stem, copy, is_copy=True)

    def _reencoded(self, path: Path, seen: Examined, suffix: str, max_bytes: float = math.inf) -> Path:
        """Write the picture again, halving its pixels until it is small enough."""
        form = {"format": "JPEG", "quality": 95} if suffix == ".jpg" else {"format": "PNG"}
        max_pixels = MAX_DECODED_PIXELS
        while max_pixels >= MIN_PIXELS:
            picture, stored = decode(path, MAX_PIXELS, max_pixels), io.BytesIO()
            picture.save(stored, exif=exif_of(seen.credit), **form)
            pixels, data = picture.width * picture.height, stored.getvalue()
            if len(data) <= max_bytes:
                self.reduced += pixels < seen.width_px * seen.height_px
                return self._write(data, suffix)
            max_pixels = min(max_pixels, pixels) // 2
        raise RefusedError("a picture that cannot be reduced to the maximum size", _shown(str(path)))

    def _write(self, data: bytes, suffix: str) -> Path:
        path = self.work / f"{_key(data)}{suffix}"
        if not path.exists():
            path.write_bytes(data)
        return path


def _key(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _shown(name: str) -> str:
    """Return a name for messages; for a data URL only its beginning."""
    return f"{name[:40]}..." if name[:5].lower() == "data:" else name[:200]
