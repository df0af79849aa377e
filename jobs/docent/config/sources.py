"""Define sources of raw material in pipeline.yaml, and how each kind of document is read. Reads and writes nothing."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import Literal

from pydantic import field_validator

from docent.config.fields import ConfigSection, output

SourceKind = Literal["exhibits-csv", "exhibits-folder", "markdown", "pdf", "csv", "txt", "xlsx"]
ENCODING = r"^[A-Za-z0-9_\-]{0,40}$"
HOST = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?"


def named(path: Path) -> Path:
    """Return the path spelled so that it ends in the name of the file or folder, from which ids and digests are made.

    `.` and `manual/care/..` are followed to where they lead, as seen from the working directory where they lie in it.
    """
    if path.name not in ("", ".."):
        return path
    real = Path(os.path.realpath(path))
    here = Path(os.path.realpath("."))
    return real.relative_to(here) if here in real.parents else real


class Source(ConfigSection):
    """One place to read from."""

    kind: SourceKind = output()
    """`exhibits-csv`: one exhibit per row. `exhibits-folder`: one subfolder per exhibit. `markdown`, `pdf`, `txt`: one
    document per file. `csv`, `xlsx`: one document per row."""
    path: Path = output()
    """A file, or a folder that is searched at any depth. Links that lead out of the folder and docent's own runs are
    skipped. A single Markdown file also brings the folder of the same name and the pictures that its text refers to."""
    images: Path | None = output(None)
    """Folder with the images of an exhibits CSV; by default `images` next to the CSV."""
    language: str = output("")
    """Language of questions and answers about this source; overrides `generate_qa.language`."""

    encoding: str = output("", pattern=ENCODING)
    """Encoding of text files and CSVs in this source, such as `mac_roman`; overrides `rows.encoding` and
    `text.encoding`. Detected when empty; a file is rejected when detection is uncertain."""

    @field_validator("path", "images", mode="before")
    @classmethod
    def _ends_in_a_name(cls, path: object) -> object:
        if isinstance(path, str) and (not path or "\0" in path):
            raise ValueError("name a file or folder")
        return os.fspath(named(Path(path))) if isinstance(path, str | Path) else path

    @property
    def images_folder(self) -> Path | None:
        """Where an exhibits CSV's images lie; None for other sources, which hold their own or have none."""
        return (self.images or self.path.parent / "images") if self.kind == "exhibits-csv" else None

    @property
    def figures_folder(self) -> Path | None:
        """Where a single Markdown file keeps its figures, if it has such a folder; other files hold theirs."""
        if self.kind != "markdown" or not self.path.suffix:
            return None
        folder = self.path.with_suffix("")
        return folder if folder.is_dir() else None


class Markdown(ConfigSection):
    """Settings for Markdown files."""

    figure_pattern: str = output(r"\{\{\s*([^{}\n]{1,100}?)\s*\}\}")
    """Regular expression for figure references; group 1 is the figure's name. `![text](file)` is always recognised."""
    skip_marker: str = output("NO_CONTENT_HERE")
    """Skip sections that contain this marker."""
    max_mb: float = output(64.0, gt=0)
    """Reject larger files."""

    @field_validator("figure_pattern")
    @classmethod
    def _is_a_regular_expression(cls, pattern: str) -> str:
        try:
            with warnings.catch_warnings(action="ignore"):  # about patterns that will mean something else one day
                re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return pattern


class Pdf(ConfigSection):
    """Settings for PDF files."""

    layout: Literal["classes", "partition", "pictures", "docling"] = output("classes")
    """`classes` classifies pages: text pages become chunks, mixed pages keep tables and figures, picture pages are
    described by a vision model. `partition` builds title-aware elements of the whole document. `pictures` has every
    page described by a vision model. `docling` uses the docling package, which must be installed."""
    clean: bool = output(True)
    """Remove running headers, footers and page numbers, rejoin hyphenated words, order columns, read tables cell by
    cell and start a section at every heading. `false` keeps the lines of text pages as they are in the file and splits
    them by length only. `partition` always cleans."""
    text_page_chars: int = output(600, ge=0)
    """Characters above which a page without pictures is a text page, and below which a page with one is a picture
    page."""
    chunk_chars: int = output(1200, ge=100)
    """Maximum chunk length for text pages."""
    chunk_overlap_chars: int = output(200, ge=0)
    """Maximum overlap of neighbouring chunks."""
    mixed_chunk_chars: int = output(2000, ge=100)
    """Maximum chunk length for mixed pages."""
    chunk_tokens: int | None = output(None, ge=16)
    """Maximum chunk length in o200k_base tokens; replaces the limits in characters."""
    chunk_overlap_tokens: int = output(100, ge=0)
    """Overlap of neighbouring chunks in tokens; at most half of `chunk_tokens`."""
    skip_first_pages: int = output(0, ge=0)
    """Number of cover pages to skip."""
    max_pages: int = output(5000, ge=1)
    """Reject PDFs with more pages."""
    max_mb: float = output(512.0, gt=0)
    """Reject larger files."""
    max_memory_mb: int = output(640, ge=64)
    """Memory limit of the process that reads PDFs, on top of its base size (Linux only). A page that needs more
    is rejected."""
    page_timeout_s: float = output(60.0, gt=0)
    """Time limit for opening a PDF and for each page. A page that takes longer is rejected."""
    figure_dpi: int = output(300, ge=36, le=600)
    """Resolution of cropped figures."""
    page_dpi: int = output(144, ge=36, le=600)
    """Resolution of pages that a vision model describes."""
    page_margin_px: int = output(10, ge=0)
    """Margin cropped from each page before it is described."""
    min_figure_inches: float = output(1.0, ge=0)
    """Skip figures whose shorter side is smaller."""
    min_figure_px: int = output(160_000, ge=0)
    """Skip figures with fewer pixels in the file, regardless of the size at which they are shown."""
    min_laplacian: float = output(500.0, ge=0)
    """Keep a figure as complex when its Laplacian variance exceeds this, or ..."""
    min_edge_px: int = output(10_000, ge=0)
    """... when it has more edge pixels (Canny 100/200), or ..."""
    min_entropy_bits: float = output(5.0, ge=0)
    """... when its entropy, summed over the three colour channels, exceeds this."""


class Rows(ConfigSection):
    """Settings for CSV and XLSX files."""

    title_column: str = output("")
    """Column that names each row. Falls back to the first column that is not purely numeric."""
    delimiter: Literal["", ",", ";", "\t", "|"] = output("")
    """Delimiter of CSV files; detected when empty."""
    encoding: str = output("", pattern=ENCODING)
    """Encoding of CSV files, such as `cp1251`; detected when empty."""
    max_mb: float = output(256.0, gt=0, le=256)
    """Reject larger files, and workbooks that are larger when unpacked."""
    image_columns: tuple[str, ...] = output(())
    """Columns that hold image URLs, one per line or as JSON."""
    image_hosts: tuple[str, ...] = output(())
    """Hosts that images may be fetched from, as `host` (ports 80 and 443) or `host:port`. Private addresses are refused
    unless they are listed themselves."""
    image_timeout_s: float = output(20.0, gt=0)
    """Time limit for fetching one image."""
    max_rows: int = output(1_000_000, ge=1)
    """Further rows are skipped with a warning."""

    @field_validator("image_hosts")
    @classmethod
    def _names_only(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            port = host.rpartition(":")[2]
            if not re.fullmatch(HOST, host) or (port.isdecimal() and not 0 < int(port) < 65536):
                raise ValueError(f"{host!r} is no host: write images.example.org or images.example.org:8443")
        return tuple(host.lower() for host in hosts)


class Text(ConfigSection):
    """Settings for plain-text files."""

    chunk_chars: int = output(1200, ge=100)
    """Maximum section length."""
    chunk_overlap_chars: int = output(0, ge=0)
    """Maximum overlap of neighbouring sections."""
    encoding: str = output("", pattern=ENCODING)
    """Encoding of the files, such as `cp1251`; detected when empty."""
    max_mb: float = output(64.0, gt=0)
    """Reject larger files."""


class Describe(ConfigSection):
    """Descriptions of figures and picture pages by the teacher (`llm`), which must be a vision model."""

    enabled: bool = output(False)
    """Request descriptions. Otherwise figures have only the captions in their documents."""
    min_words: int = output(10, ge=1)
    """Drop descriptions with fewer words."""
    max_tokens: int = output(1024, ge=16)
    """Maximum length of a description."""
