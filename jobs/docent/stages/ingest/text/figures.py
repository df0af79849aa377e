"""Find the figures that a section of Markdown refers to; check and save them.

`{{FIGURE_1.2}}` in `manuals/plinth.md` is the first existing file of six: `manuals/plinth/FIGURE_1.2` with `.png`,
`.jpg` or `.jpeg`, then `plinth/FIGURE_1.2` in the source's folder with the same suffixes. `![alt](path)` is relative to
the file; the path is tried as written, then without escapes, with slashes for backslashes, and without query and
fragment. No file outside the source's folder is opened, and nothing is fetched.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from docent.records import Figure, ImageFile, Reject
from docent.source_files.markdown_pictures import pictures_beside
from docent.source_files.walk import lies_in_run
from docent.stages.ingest.images import Intake, keep_picture, plain_name, read_picture
from docent.stages.ingest.sources import ListedFile, OutsideError, confined, shorten
from docent.text.markdown.references import Reference, plain_text
from docent.vision.photos import PhotoError

NOT_FOUND = "figure not found"
NOT_A_FILE = "figure is not a file"
LEAVES_FOLDER = "figure lies outside the source's folder"
NOT_HASHED = "figure lies beside a single file, where a change would not be noticed"
LIES_IN_RUN = "figure lies in a folder that docent writes"
TOO_MANY = "too many figures"
SUFFIXES = (".png", ".jpg", ".jpeg")
# Looking up one takes about a millisecond, as it may be in six places.
MAX_FIGURES = 10_000
# A caption is a line in italics below the reference, with at most one blank line between.
_CAPTION = re.compile(r"[ \t]*\n(?:[ \t]*\n)?[ \t]*([*_])(?![*_\s])([^\n]{1,1000}?)(?<![\s*_])\1[ \t]*(?:\n|\Z)")
_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]+:|//)")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~ ])")
_BEHIND_PATH = re.compile(r"[?#].*", re.DOTALL)
_CAPTION_TAG = re.compile(r"<figcaption[^<>]{0,200}>([\s\S]{0,1000}?)</figcaption", re.IGNORECASE)
_NEXT_PICTURE = re.compile(r"<img\b|</figure\b|!\[", re.IGNORECASE)
# Names like these always mean figures, even if no file exists; other words in braces are template variables.
_FIGURE_NAME = re.compile(
    r"(?i:fig|figure|image|img|picture|pic|photo|diagram|table|tab|abb|abbildung|bild)[\W_\d]"
    r"|[A-Z][A-Z\d._-]*\s\Z"
)


@dataclass
class FigureFinder:
    """Finds the figures of one document; looks up each file once.

    Attributes:
        rejects: rejects for references without a usable picture, in order.
    """

    listed: ListedFile
    intake: Intake
    rejects: list[Reject] = field(default_factory=list)
    _known: dict[tuple[str, bool], ImageFile | PhotoError] = field(default_factory=dict)
    _full: bool = False
    _there: dict[str, bool] = field(default_factory=dict)

    def figure(self, reference: Reference, caption: str, line: int) -> Figure | None:
        """Return the figure that a reference means, without a picture if none is usable; None beyond MAX_FIGURES.

        Args:
            caption: caption of the reference.
            line: line of the file, from 1, for the reject.
        """
        key = (reference.name or reference.problem, reference.is_path)
        if key not in self._known and len(self._known) >= MAX_FIGURES:
            if not self._full:
                self.rejects.append(self._reject(TOO_MANY, reference, line, f"only the first {MAX_FIGURES} are read"))
            self._full = True
            return None
        if key not in self._known:
            self._known[key] = self._find(reference)
        outcome = self._known[key]
        if isinstance(outcome, PhotoError):
            self.rejects.append(self._reject(outcome.reason, reference, line, outcome.detail))
            return Figure(token=reference.token, caption=caption)
        return Figure(token=reference.token, caption=caption, image=outcome)

    @cached_property
    def _hashed(self) -> list[Path]:
        """Return the paths covered by the source hash: a folder, or for a single file the pictures it refers to."""
        source = self.listed.source
        if source.path != self.listed.path:
            return [self.listed.root.resolve()]
        return [one.resolve() for one in (source.figures_folder, *pictures_beside(source)) if one is not None]

    def is_figure(self, name: str, alone: bool) -> bool:
        """Return whether `{{name}}` in prose is a figure, even one without a file, rather than a template variable.

        Args:
            alone: whether it is the only text on its line.
        """
        if alone or "/" in name or _FIGURE_NAME.match(f"{name} "):
            return True
        if name not in self._there and len(self._there) < MAX_FIGURES:
            try:
                path = find_file(Reference(0, "", name, "", False), self.listed)
            except OutsideError:
                return True
            self._there[name] = path is not None
        return self._there.get(name, False)

    def _find(self, reference: Reference) -> ImageFile | PhotoError:
        if reference.is_path and _URL.match(reference.name):
            return PhotoError(NOT_A_FILE, "addresses are not fetched")
        if reference.problem:
            return PhotoError(NOT_FOUND, reference.problem)
        try:
            path = find_file(reference, self.listed)
            if path is None:
                return PhotoError(NOT_FOUND)
            if lies_in_run(path, self.listed.root.resolve()):
                return PhotoError(LIES_IN_RUN)
            if not any(path.is_relative_to(one) for one in self._hashed):
                return PhotoError(NOT_HASHED, f"name the folder {self.listed.root.name or '.'} as the source")
            data = read_picture(path, self.intake.limits)
            name = plain_name(path.relative_to(self.listed.root.resolve()).as_posix())
            return keep_picture(data, name, (self.listed.document_id,), self.intake, name)
        except OutsideError:
            return PhotoError(LEAVES_FOLDER)
        except PhotoError as error:
            return error

    def _reject(self, reason: str, reference: Reference, line: int, detail: str) -> Reject:
        where = f"{self.listed.name} line {line}"
        detail = f"{where}: {detail}" if detail else where
        raw = shorten(reference.token)
        return Reject(reason=reason, raw=raw, parents=(self.listed.document_id,), detail=detail)


def find_file(reference: Reference, listed: ListedFile) -> Path | None:
    """Return the picture file that a reference in a file means, or None if there is none.

    Raises:
        OutsideError: the reference leads out of the source's folder.
    """
    folder = posixpath.dirname(listed.name)
    if reference.is_path:
        return _first_file((posixpath.join(folder, path) for path in spellings(reference.name)), listed.root)
    paths = (confined(listed.root, listed.root, candidate) for candidate in candidates(reference.name, listed))
    return next((path for path in paths if path is not None), None)


def _first_file(names: Iterable[str], root: Path) -> Path | None:
    """Return the first name that is a file in the folder, or None if there is none.

    Raises:
        OutsideError: no name is a file, and at least one leads out of the folder.
    """
    outside = False
    for name in names:
        try:
            # `../pictures/a.png` is allowed in `manuals/plinth.md`, as long as it ends inside the source's folder.
            if (path := confined(root, root, posixpath.normpath(name))) is not None:
                return path
        except OutsideError:
            outside = True
    if outside:
        raise OutsideError
    return None


def spellings(path: str) -> list[str]:
    """Return the possible spellings of a picture path, the most literal first, without repeats."""
    escaped = [path, unquote(path)]
    escaped += [_ESCAPED.sub(r"\1", each) for each in escaped]
    slashed = [each.replace("\\", "/") for each in escaped]
    every = [*escaped, *slashed]
    every += [cut for each in every if (cut := _BEHIND_PATH.sub("", each))]
    return list(dict.fromkeys(every))


def candidates(name: str, listed: ListedFile) -> Iterator[str]:
    """Yield the six paths of a token's figure, relative to the source's folder, in order."""
    stem = posixpath.splitext(posixpath.basename(listed.name))[0]
    for folder in (posixpath.join(posixpath.dirname(listed.name), stem), stem):
        for suffix in SUFFIXES:
            yield f"{folder}/{name}{suffix}"


def caption_of(reference: Reference, text: str) -> str:
    """Return the caption of an HTML figure, or else the alt text of an image, or else the line in italics below it."""
    end = reference.start + len(reference.token)
    if reference.token.startswith("<"):
        following = text[end : end + 3000]
        tag, other = _CAPTION_TAG.search(following), _NEXT_PICTURE.search(following)
        if tag and (other is None or tag.start() < other.start()):
            return " ".join(plain_text(tag[1]).split())
    below = _CAPTION.match(text, end)
    return reference.alt or (" ".join(plain_text(below[2]).split()) if below else "")
