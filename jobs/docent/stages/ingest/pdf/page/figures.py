"""Find, measure and crop the images of a PDF page, and save them as PNG.

The decision to keep a figure is based on the image in the file, not on the crop, which is scaled and smoothed; so it
does not depend on `figure_dpi`. No image is decoded before its size is checked.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pypdfium2 as pypdfium
import pypdfium2.raw as pdfium
from PIL import Image

from docent.records import ImageFile, Reject
from docent.stages.ingest.images import Intake, keep_picture, plain_name
from docent.stages.ingest.pdf.page.classes import Box, Sheet
from docent.stages.ingest.pdf.page.fragments import Fragment
from docent.stages.ingest.sources import ListedFile
from docent.vision.complexity import measure
from docent.vision.photos import PhotoError

TOO_SMALL = "figure too small"
TOO_PLAIN = "figure too plain"
TOO_LARGE = "figure too large"
NOT_DECODED = "figure cannot be read"
TOO_MANY = "too many figures"
MAX_OBJECTS, MAX_FIGURES = 200_000, 200
"""Largest numbers of objects searched and of figures read per page."""
MAX_RENDERED_PX = 40_000_000
_MAX_DEPTH = 8
_CAPTION = re.compile(
    r"(?:Figure|FIGURE|figure|Fig\.?|FIG\.?|fig\.|그림|Abb(?:ildung|\.)|図|图|圖)\s*(?:\d|[IVX]+\b|[A-Z]\b|[A-Z]\.?\d|[:.\[(])"
)
_CAPTION_REACH_PT, _CAPTION_LINES = 40.0, 4


@dataclass(frozen=True)
class PageImage:
    """An image on a page, not decoded yet.

    Attributes:
        item: the image object of pypdfium2.
        box: place on the page as shown, cut at the page's edges.
    """

    item: Any
    box: Box
    width_px: int
    height_px: int


def token(page: int, number: int) -> str:
    """Return the token of a figure in a section's text; pages, and the figures of a page, are numbered from 1."""
    return f"{{{{FIGURE_p{page}_{number}}}}}"


TOKEN = re.compile(r"\{\{FIGURE_p\d+_\d+\}\}")


def find_images(sheet: Sheet) -> list[PageImage]:
    """Return the images on a page, including those inside forms, from top to bottom; one per place."""
    width, height = sheet.view.size
    images: dict[tuple[int, ...], PageImage] = {}
    for count, item in enumerate(sheet.page.get_objects(max_depth=_MAX_DEPTH)):
        if count >= MAX_OBJECTS:
            break
        if item.type != pdfium.FPDF_PAGEOBJ_IMAGE:
            continue
        shown = sheet.view.box(*_bounds(item))
        box = Box(max(shown.left, 0.0), max(shown.bottom, 0.0), min(shown.right, width), min(shown.top, height))
        if box.width > 0 and box.height > 0:
            key = tuple(round(side) for side in (box.left, box.bottom, box.right, box.top))
            images.setdefault(key, PageImage(item, box, *item.get_px_size()))
    return sorted(images.values(), key=lambda image: (-image.box.top, image.box.left))


def _bounds(item: Any) -> tuple[float, float, float, float]:
    """Return the bounds on the page of an object; it may be nested in forms, each with its own matrix."""
    left, bottom, right, top = item.get_bounds()
    form = item.container
    while form is not None:
        corners = [form.get_matrix().on_point(x, y) for x in (left, right) for y in (bottom, top)]
        left, right = min(x for x, _ in corners), max(x for x, _ in corners)
        bottom, top = min(y for _, y in corners), max(y for _, y in corners)
        form = form.container
    return left, bottom, right, top


@dataclass(frozen=True)
class Cropper:
    """Crops and saves the figures of one document."""

    listed: ListedFile
    intake: Intake

    def figures(self, sheet: Sheet, images: list[PageImage]) -> Iterator[tuple[PageImage, ImageFile | Reject]]:
        """Yield every image with its saved crop, or with the reject for it."""
        # Rendering any part of the page may decode every image on it, so one image that is too large excludes all.
        allowed = self.intake.limits.pixels
        drawable = all(image.width_px * image.height_px <= allowed for image in images)
        for number, image in enumerate(images, 1):
            if number > MAX_FIGURES:
                yield image, self.reject(TOO_MANY, sheet.number, number, f"only the first {MAX_FIGURES} are read")
                return
            problem = self._problem(image) if drawable else (TOO_LARGE, f"more than {allowed:.0f} px on its page")
            if problem:
                yield image, self.reject(problem[0], sheet.number, number, problem[1])
            else:
                picture = render(sheet, image.box, self.intake.section.pdf.figure_dpi)
                yield image, self.keep(picture, sheet.number, number)

    def page_picture(self, sheet: Sheet, images: list[PageImage]) -> ImageFile | Reject:
        """Return a picture of the complete page, with its margins cut off."""
        settings = self.intake.section.pdf
        if any(image.width_px * image.height_px > self.intake.limits.pixels for image in images):
            return self.reject(TOO_LARGE, sheet.number, 1, f"more than {self.intake.limits.pixels:.0f} px")
        picture = render(sheet, Box(0.0, 0.0, *sheet.view.size), settings.page_dpi)
        cut = min(settings.page_margin_px, (min(picture.size) - 1) // 2)
        return self.keep(picture.crop((cut, cut, picture.width - cut, picture.height - cut)), sheet.number, 1)

    def _problem(self, image: PageImage) -> tuple[str, str] | None:
        """Return the reason and the figures why an image is not kept, or None if it is kept."""
        settings = self.intake.section.pdf
        width_in, height_in = image.box.width / 72, image.box.height / 72
        size = f"{width_in:.2f} x {height_in:.2f} inches, {image.width_px} x {image.height_px} px"
        if min(width_in, height_in) < settings.min_figure_inches:
            return TOO_SMALL, f"{size}: less than {settings.min_figure_inches:g} inches"
        if image.width_px * image.height_px < settings.min_figure_px:
            return TOO_SMALL, f"{size}: fewer than {settings.min_figure_px} px"
        try:
            measured = measure(image.item.get_bitmap().to_pil().convert("RGB"))
        except (pypdfium.PdfiumError, ValueError, RuntimeError) as error:
            # The rest of the message is a memory address, which differs between runs.
            message, _, _ = str(error).partition(" <")
            return NOT_DECODED, f"{size}: {message}"
        if measured.exceeds(settings.min_laplacian, settings.min_edge_px, settings.min_entropy_bits):
            return None
        return TOO_PLAIN, str(measured)

    def keep(self, picture: Image.Image, page: int, number: int) -> ImageFile | Reject:
        """Save a picture as PNG, named by page and number; return its row, or the reject if it is not usable."""
        stored = io.BytesIO()
        picture.convert("RGB").save(stored, "PNG")
        name = plain_name(f"{PurePosixPath(self.listed.name).stem}-p{page}-{number}.png")
        parents = (self.listed.document_id,)
        try:
            return keep_picture(stored.getvalue(), name, parents, self.intake, f"{page}-{number}")
        except PhotoError as error:
            return self.reject(error.reason, page, number, error.detail)

    def reject(self, reason: str, page: int, number: int, detail: str) -> Reject:
        """Return the reject for a figure."""
        detail = f"{self.listed.name} page {page}: {detail}"
        return Reject(reason=reason, raw=token(page, number), parents=(self.listed.document_id,), detail=detail)


def render(sheet: Sheet, box: Box, dpi: int) -> Image.Image:
    """Return a part of a page as shown, at this resolution, or at a lower one if it would exceed MAX_RENDERED_PX."""
    width, height = sheet.view.size
    pixels = max(box.width * box.height, 1e-6) * (dpi / 72) ** 2
    scale = dpi / 72 * min(1.0, (MAX_RENDERED_PX / pixels) ** 0.5)
    crop = (box.left, box.bottom, width - box.right, height - box.top)
    bitmap = sheet.page.render(scale=scale, crop=tuple(max(side, 0.0) for side in crop), limit_image_cache=True)
    picture: Image.Image = bitmap.to_pil().convert("RGB")
    bitmap.close()
    return picture


def caption_of(box: Box, fragments: Sequence[Fragment]) -> str:
    """Return the caption just below a figure, or else just above it: its first line and the lines that continue it."""
    across = [f for f in fragments if f.box.left < box.right and f.box.right > box.left]
    below = [f for f in across if -4 <= box.bottom - f.box.top <= _CAPTION_REACH_PT]
    above = [f for f in across if -4 <= f.box.bottom - box.top <= _CAPTION_REACH_PT]
    for near in (below, above):
        for fragment in sorted(near, key=lambda f: -f.box.top):
            if _CAPTION.match(fragment.text):
                return _continued(fragment, across)
    return ""


def _continued(first: Fragment, fragments: Sequence[Fragment]) -> str:
    lines = [first]
    for fragment in sorted(fragments, key=lambda f: -f.box.top):
        last = lines[-1]
        step = last.box.bottom - fragment.box.top
        same = abs(fragment.size - first.size) < 0.1 * first.size
        ended = last.text.endswith(".") or len(lines) >= _CAPTION_LINES
        if fragment.line > last.line and same and not ended and abs(step) < 0.4 * first.size:
            lines.append(fragment)
    return " ".join(line.text for line in lines)
