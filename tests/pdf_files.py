"""Small PDFs for tests, written byte by byte, and the loader run on a file."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from docent.config.sources import Source
from docent.config.stages import Ingest
from docent.records import Document, Reject
from docent.stages.ingest.images import Intake, Limits
from docent.stages.ingest.pdf import loader as pdf
from docent.stages.ingest.sources import list_files


@dataclass
class PdfImage:
    """A picture at a place: RGB pixels, and left, bottom, width, height in points."""

    pixels: Any
    place: tuple[float, float, float, float]
    claimed: tuple[int, int] | None = None
    in_form: tuple[float, float] | None = None
    """Drawn through a form that is moved by so much."""


@dataclass
class PdfPage:
    """Lines of text as (x, y, size, text), drawing operators, pictures."""

    text: list[tuple[float, float, float, str]] = field(default_factory=list)
    drawing: str = ""
    images: list[PdfImage] = field(default_factory=list)
    rotate: int = 0


def write_pdf(path: Path, pages: list[PdfPage], info: dict[str, str] | None = None) -> Path:
    """A PDF of A4 pages in Helvetica."""
    objects: list[bytes] = [
        b"",
        b"",
        b"<< /Type /Font /Subtype /Type1 /Encoding /WinAnsiEncoding /BaseFont /Helvetica >>",
    ]

    def add(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    def stream(entries: str, data: bytes) -> int:
        packed = zlib.compress(data)
        head = f"<< {entries} /Filter /FlateDecode /Length {len(packed)} >>\nstream\n".encode()
        return add(head + packed + b"\nendstream")

    kids = []
    for page in pages:
        content, names = page.drawing, ""
        for number, image in enumerate(page.images):
            height, width = image.pixels.shape[:2]
            said = image.claimed or (width, height)
            entries = f"/Subtype /Image /Width {said[0]} /Height {said[1]} /ColorSpace /DeviceRGB /BitsPerComponent 8"
            drawn = stream(f"/Type /XObject {entries}", image.pixels.astype(np.uint8).tobytes())
            left, bottom, w, h = image.place
            show = f"q {w} 0 0 {h} {left} {bottom} cm /Im{number} Do Q"
            if image.in_form:
                form = f"/Type /XObject /Subtype /Form /BBox [0 0 2000 2000] /Matrix [1 0 0 1 {image.in_form[0]} "
                form += f"{image.in_form[1]}] /Resources << /XObject << /Im{number} {drawn} 0 R >> >>"
                drawn, show = stream(form, show.encode()), f"/Im{number} Do"
            names += f"/Im{number} {drawn} 0 R "
            content += "\n" + show
        for x, y, size, text in page.text:
            escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
            content += f"\nBT /F1 {size} Tf {x} {y} Td ({escaped}) Tj ET"
        shown = stream("", content.encode("latin-1"))
        resources = f"<< /Font << /F1 3 0 R >> /XObject << {names}>> >>"
        box = f"/Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Rotate {page.rotate}"
        kids.append(add(f"<< {box} /Resources {resources} /Contents {shown} 0 R >>".encode()))
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R >>"
    listed = " ".join(f"{kid} 0 R" for kid in kids)
    objects[1] = f"<< /Type /Pages /Count {len(kids)} /Kids [{listed}] >>".encode()
    said_of = " ".join(f"/{name} ({value})" for name, value in (info or {}).items())
    return _assemble(path, objects, add(f"<< {said_of} >>".encode()))


def _assemble(path: Path, objects: list[bytes], info: int) -> Path:
    written, offsets = b"%PDF-1.7\n", []
    parts = [written]
    position = len(written)
    for number, body in enumerate(objects, 1):
        offsets.append(position)
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        position += len(parts[-1])
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    trailer = b"trailer << /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, info, position)
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer)
    path.write_bytes(b"".join(parts))
    return path


def write_objects(path: Path, objects: list[bytes]) -> Path:
    """A PDF of these objects, numbered from 1; the first one is the catalog."""
    return _assemble(path, [*objects, b"<< >>"], len(objects) + 1)


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """An object that holds a stream."""
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(data), data)


def noise(width: int = 600, height: int = 400, seed: int = 0) -> Any:
    """A picture that is complex by every measure."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def paragraph(words: int, seed: str = "brass") -> list[str]:
    """Lines of words, eight to a line."""
    made = [f"{seed}{number}" for number in range(words)]
    return [" ".join(made[start : start + 8]) for start in range(0, words, 8)]


def text_lines(lines: list[str], top: float = 780, size: float = 11) -> list[tuple[float, float, float, str]]:
    """Lines below each other."""
    return [(60, top - number * size * 1.3, size, line) for number, line in enumerate(lines)]


@dataclass
class Read:
    """What the loader gave for all files of a source."""

    documents: list[Document]
    rejects: list[Reject]
    files: dict[str, bytes]

    @property
    def document(self) -> Document:
        [document] = self.documents
        return document


def read_pdf(path: Path, max_pixels: float = 1e8, **settings: Any) -> Read:
    """Everything the loader `pdf` gives for a file or folder."""
    source = Source(kind="pdf", path=path)
    section = Ingest(sources=(source,), pdf=settings)
    files: dict[str, bytes] = {}

    def save(data: bytes, suffix: str) -> str:
        name = f"files/{hashlib.sha256(data).hexdigest()[:16]}.{suffix}"
        files[name] = data
        return name

    intake = Intake(section, Limits(50_000_000, max_pixels), save)
    rows = [row for listed in list_files(source, pdf.SUFFIXES) for row in pdf.load(listed, intake)]  # type: ignore[arg-type]
    documents = [row for row in rows if isinstance(row, Document)]
    return Read(documents, [row for row in rows if isinstance(row, Reject)], files)
