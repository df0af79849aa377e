"""Define sources of raw material in pipeline.yaml, and how each kind of document is read. Reads and writes nothing."""

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
    """Return the path in a form that ends in the name of the file or folder, since ids and digests depend on it.

    `.` and `manual/care/..` are resolved; the result is relative to the working directory if it is inside it.
    """
    if path.name not in ("", ".."):
        return path
    real = Path(os.path.realpath(path))
    here = Path(os.path.realpath("."))
    return real.relative_to(here) if here in real.parents else real


class Source(ConfigSection):
    """A file or folder to read."""

    kind: SourceKind = output()
    """How to read the source. `exhibits-csv`: a CSV file with one exhibit per row. `exhibits-folder`: one subfolder per
    exhibit. `markdown`, `pdf`, `txt`: one document per file. `csv`, `xlsx`: one document per table row."""
    path: Path = output()
    """A file, or a folder that is searched with all its subfolders. Links that lead out of the folder, and run folders
    of docent, are skipped. With a single Markdown file, docent also reads the folder of the same name and the pictures
    that the text refers to."""
    images: Path | None = output(None)
    """Folder with the images of an `exhibits-csv` source. null uses the folder `images` next to the CSV file."""
    language: str = output("")
    """Language of questions and answers about this source. Empty uses `generate_qa.language`."""

    encoding: str = output("", pattern=ENCODING)
    """Encoding of the text and CSV files of this source, such as `mac_roman`. Empty uses that of `ingest.rows` or
    `ingest.text`, or else detects it; a file is rejected if the result is uncertain."""

    @field_validator("path", "images", mode="before")
    @classmethod
    def _ends_in_a_name(cls, path: object) -> object:
        if isinstance(path, str) and (not path or "\0" in path):
            raise ValueError("must be the path of a file or folder")
        return os.fspath(named(Path(path))) if isinstance(path, str | Path) else path

    @property
    def images_folder(self) -> Path | None:
        """Return the folder with the images of an exhibits CSV, or None for other kinds of sources."""
        return (self.images or self.path.parent / "images") if self.kind == "exhibits-csv" else None

    @property
    def figures_folder(self) -> Path | None:
        """Return the folder with the figures of a single Markdown file, or None if there is none."""
        if self.kind != "markdown" or not self.path.suffix:
            return None
        folder = self.path.with_suffix("")
        return folder if folder.is_dir() else None


class Markdown(ConfigSection):
    """Settings for Markdown files."""

    figure_pattern: str = output(r"\{\{\s*([^{}\n]{1,100}?)\s*\}\}")
    """Regular expression for references to figures in the text. Its first group is the name of the figure. References
    such as `![text](file)` are always recognised."""
    skip_marker: str = output("NO_CONTENT_HERE")
    """Sections that contain this text are skipped."""
    max_mb: float = output(64.0, gt=0)
    """Maximum size of a file in megabytes. Larger files are rejected."""

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
    """How pages are read. `classes` treats each page by its content: text pages are split into chunks, mixed pages keep
    their tables and figures, and pages that are mostly pictures are described by a vision model. `partition` divides
    the whole document into sections by its titles. `pictures` has a vision model describe every page. `docling` uses
    the package docling, which must be installed separately."""
    clean: bool = output(True)
    """`true` removes running headers, footers and page numbers, rejoins hyphenated words, puts columns in reading
    order, reads tables cell by cell, and starts a section at each heading. `false` keeps the lines of text pages as
    they are and splits the pages by length only. Without effect with `layout: partition`, which always cleans up."""
    text_page_chars: int = output(600, ge=0)
    """Number of characters that decides the kind of a page (with `layout: classes`): with more and no pictures it is a
    text page, with pictures and at most this many a picture page, otherwise a mixed page."""
    chunk_chars: int = output(1200, ge=100)
    """Maximum length of a chunk of a text page, in characters."""
    chunk_overlap_chars: int = output(200, ge=0)
    """Maximum number of characters that a chunk repeats from the previous one."""
    mixed_chunk_chars: int = output(2000, ge=100)
    """Maximum length of a chunk of a mixed page, in characters."""
    chunk_tokens: int | None = output(None, ge=16)
    """Maximum length of a chunk in tokens (o200k_base), instead of the limits in characters. null uses those."""
    chunk_overlap_tokens: int = output(100, ge=0)
    """Number of tokens that a chunk repeats from the previous one, with `chunk_tokens`; at most half of it."""
    skip_first_pages: int = output(0, ge=0)
    """Number of pages to skip at the beginning of each PDF, such as a cover."""
    max_pages: int = output(5000, ge=1)
    """Maximum number of pages. PDFs with more pages are rejected."""
    max_mb: float = output(512.0, gt=0)
    """Maximum size of a file in megabytes. Larger files are rejected."""
    max_memory_mb: int = output(640, ge=64)
    """Memory that the process that reads PDFs may use above its base size (Linux only). Pages that need more are
    rejected."""
    page_timeout_s: float = output(60.0, gt=0)
    """Maximum number of seconds to open a PDF, and to read each page. A page that takes longer is rejected."""
    figure_dpi: int = output(300, ge=36, le=600)
    """Resolution of figures that are cropped from pages, in dots per inch."""
    page_dpi: int = output(144, ge=36, le=600)
    """Resolution of the page images that a vision model describes, in dots per inch."""
    page_margin_px: int = output(10, ge=0)
    """Number of pixels to crop from each edge of a page image before a vision model describes it."""
    min_figure_inches: float = output(1.0, ge=0)
    """Minimum length in inches of the shorter side of a figure on its page. Smaller figures are skipped."""
    min_figure_px: int = output(160_000, ge=0)
    """Minimum number of pixels of a figure in the file, whatever its size on the page. Smaller figures are skipped."""
    min_laplacian: float = output(500.0, ge=0)
    """Figures are skipped as too simple, such as lines and logos, unless they exceed this limit or one of the next two.
    Limit for the variance of the Laplacian."""
    min_edge_px: int = output(10_000, ge=0)
    """See `min_laplacian`. Limit for the number of edge pixels (Canny edge detector, thresholds 100 and 200)."""
    min_entropy_bits: float = output(5.0, ge=0)
    """See `min_laplacian`. Limit for the entropy in bits, summed over the three colour channels."""


class Rows(ConfigSection):
    """Settings for CSV and XLSX files."""

    title_column: str = output("")
    """Column with the title of each row. Empty uses the first column that does not consist of numbers only."""
    delimiter: Literal["", ",", ";", "\t", "|"] = output("")
    """Delimiter of CSV files. Empty detects it."""
    encoding: str = output("", pattern=ENCODING)
    """Encoding of CSV files, such as `cp1251`. Empty detects it."""
    max_mb: float = output(256.0, gt=0, le=256)
    """Maximum size in megabytes of a file, and of the unpacked contents of a workbook. Larger files are rejected."""
    image_columns: tuple[str, ...] = output(())
    """Names of columns that contain image URLs, one per line or as a JSON list."""
    image_hosts: tuple[str, ...] = output(())
    """Hosts from which images may be downloaded, as `host` (ports 80 and 443) or `host:port`. A host with a private IP
    address is refused unless that address is listed too."""
    image_timeout_s: float = output(20.0, gt=0)
    """Maximum number of seconds to download one image."""
    max_rows: int = output(1_000_000, ge=1)
    """Maximum number of rows to read from a table. Further rows are skipped with a warning."""

    @field_validator("image_hosts")
    @classmethod
    def _names_only(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            port = host.rpartition(":")[2]
            if not re.fullmatch(HOST, host) or (port.isdecimal() and not 0 < int(port) < 65536):
                raise ValueError(f"{host!r} is not a host name: write images.example.org or images.example.org:8443")
        return tuple(host.lower() for host in hosts)


class Text(ConfigSection):
    """Settings for plain-text files."""

    chunk_chars: int = output(1200, ge=100)
    """Maximum length of a section, in characters."""
    chunk_overlap_chars: int = output(0, ge=0)
    """Maximum number of characters that a section repeats from the previous one."""
    encoding: str = output("", pattern=ENCODING)
    """Encoding of plain-text files, such as `cp1251`. Empty detects it."""
    max_mb: float = output(64.0, gt=0)
    """Maximum size of a file in megabytes. Larger files are rejected."""


class Describe(ConfigSection):
    """Descriptions of figures and picture pages by the teacher (`llm`), which must be a vision model."""

    enabled: bool = output(False)
    """`true` has the teacher describe figures and picture pages; otherwise figures only have their captions."""
    min_words: int = output(10, ge=1)
    """Minimum number of words of a description. Shorter descriptions are rejected."""
    max_tokens: int = output(1024, ge=16)
    """Maximum length of a description in tokens."""
