"""What pipeline.yaml says of raw material: sources, and how each kind of document is read. Reads and writes nothing."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import Literal

from pydantic import field_validator

from docent.config.fields import Section, output

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


class Source(Section):
    """One place to read from."""

    kind: SourceKind = output()
    """`exhibits-csv`: one exhibit per row; `exhibits-folder`: one subfolder per exhibit; `markdown`, `pdf`, `txt`: one
    document per file; `csv`, `xlsx`: one document per row."""
    path: Path = output()
    """A file, or a folder: of subfolders with photos and `description.txt`, or of documents, at any depth. Links out of
    the folder and runs of docent in it are left out. Beside a single Markdown file the folder of its name counts, and
    pictures and folders that its text names."""
    images: Path | None = output(None)
    """Folder of the CSV's images; `images` beside the CSV when not given."""
    language: str = output("")
    """Language of the documents' questions and answers, where it differs from `generate_qa.language`."""

    encoding: str = output("", pattern=ENCODING)
    """Encoding of its text files and CSVs, such as `mac_roman`, ahead of `rows.encoding` and `text.encoding`; found out
    when empty, and refused where it is doubtful."""

    @field_validator("path", "images", mode="before")
    @classmethod
    def _names_something(cls, path: object) -> object:
        if isinstance(path, str) and (not path or "\0" in path):
            raise ValueError("name a file or folder")
        return path

    @field_validator("path", "images")
    @classmethod
    def _ends_in_a_name(cls, path: Path | None) -> Path | None:
        return path if path is None else named(path)

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


class Markdown(Section):
    """How Markdown is read."""

    figure_pattern: str = output(r"\{\{\s*([^{}\n]{1,100}?)\s*\}\}")
    """Regular expression of a figure reference; its first group is the figure's name. `![text](file)` always counts."""
    skip_marker: str = output("NO_CONTENT_HERE")
    """A section that contains this is left out."""
    max_mb: float = output(64.0, gt=0)
    """A larger file is rejected."""

    @field_validator("figure_pattern")
    @classmethod
    def _is_a_regular_expression(cls, pattern: str) -> str:
        try:
            with warnings.catch_warnings(action="ignore"):  # about patterns that will mean something else one day
                re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return pattern


class Pdf(Section):
    """How PDFs are read."""

    layout: Literal["classes", "partition", "pictures", "docling"] = output("classes")
    """`classes`: text pages as chunks, mixed pages with tables and figures, picture pages by a teacher that sees.
    `partition`: title-aware elements of the whole document. `pictures`: every page as a picture that a teacher
    describes. `docling`: the docling package, where it is installed."""
    clean: bool = output(True)
    """Leave out running headers, footers and page numbers, put divided words together, read columns one after another
    and tables cell by cell, begin a section at every heading. With `false` the lines of text pages are those of the
    file, cut by length only; `partition` always cleans."""
    text_page_chars: int = output(600, ge=0)
    """A page with more characters and no picture is a text page; with fewer and a picture, a picture page."""
    chunk_chars: int = output(1200, ge=100)
    """Longest chunk of text pages."""
    chunk_overlap_chars: int = output(200, ge=0)
    """Characters that neighbouring chunks share at most."""
    mixed_chunk_chars: int = output(2000, ge=100)
    """Longest chunk of mixed pages."""
    chunk_tokens: int | None = output(None, ge=16)
    """Longest chunk in tokens of o200k_base, in place of characters."""
    chunk_overlap_tokens: int = output(100, ge=0)
    """Tokens that neighbouring chunks share; at most half of a chunk's."""
    skip_first_pages: int = output(0, ge=0)
    """Cover pages left out."""
    max_pages: int = output(5000, ge=1)
    """A PDF with more pages is rejected."""
    max_mb: float = output(512.0, gt=0)
    """A larger file is rejected."""
    max_memory_mb: int = output(640, ge=64)
    """Memory that reading a PDF may take beyond that of the program, on Linux; a page that needs more is rejected."""
    page_timeout_s: float = output(60.0, gt=0)
    """Seconds that opening a PDF, or one page of it, may take; a page that takes longer is rejected."""
    figure_dpi: int = output(300, ge=36, le=600)
    """Resolution at which figures are cropped."""
    page_dpi: int = output(144, ge=36, le=600)
    """Resolution of pages that a teacher describes."""
    page_margin_px: int = output(10, ge=0)
    """Pixels cut off around a page before it is described."""
    min_figure_inches: float = output(1.0, ge=0)
    """Figures with a shorter side are left out."""
    min_figure_px: int = output(160_000, ge=0)
    """Figures with fewer pixels in the file, whatever size they are shown at, are left out."""
    min_laplacian: float = output(500.0, ge=0)
    """A figure is complex, and kept, above this variance of the Laplacian, or ..."""
    min_edge_px: int = output(10_000, ge=0)
    """... with more edge pixels (Canny 100/200), or ..."""
    min_entropy_bits: float = output(5.0, ge=0)
    """... with more entropy, summed over the three colours."""


class Rows(Section):
    """How CSV and XLSX rows are read."""

    title_column: str = output("")
    """Column that names a row; where a table has none of this name, the first one that holds more than numbers."""
    delimiter: Literal["", ",", ";", "\t", "|"] = output("")
    """Between the cells of a CSV; found out when empty."""
    encoding: str = output("", pattern=ENCODING)
    """Encoding of CSVs, such as `cp1251`; found out when empty."""
    max_mb: float = output(256.0, gt=0, le=256)
    """A larger file is rejected; so is a workbook that is larger unpacked."""
    image_columns: tuple[str, ...] = output(())
    """Columns with addresses of pictures, one per line, or as JSON."""
    image_hosts: tuple[str, ...] = output(())
    """Hosts that pictures may be fetched from, `host` (ports 80 and 443) or `host:port`; none are fetched from others,
    nor from private addresses that are not listed themselves."""
    image_timeout_s: float = output(20.0, gt=0)
    """Seconds to wait for one picture."""
    max_rows: int = output(1_000_000, ge=1)
    """Later rows are left out, and said."""

    @field_validator("image_hosts")
    @classmethod
    def _names_only(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            port = host.rpartition(":")[2]
            if not re.fullmatch(HOST, host) or (port.isdecimal() and not 0 < int(port) < 65536):
                raise ValueError(f"{host!r} is no host: write images.example.org or images.example.org:8443")
        return tuple(host.lower() for host in hosts)


class Text(Section):
    """How plain text is read."""

    chunk_chars: int = output(1200, ge=100)
    """Longest section."""
    chunk_overlap_chars: int = output(0, ge=0)
    """Characters that neighbouring sections share at most."""
    encoding: str = output("", pattern=ENCODING)
    """Encoding of the files, such as `cp1251`; found out when empty."""
    max_mb: float = output(64.0, gt=0)
    """A larger file is rejected."""


class Describe(Section):
    """Figures and picture pages described by the teacher (`llm`), which must see pictures."""

    enabled: bool = output(False)
    """Ask; otherwise figures have only the captions of their documents."""
    min_words: int = output(10, ge=1)
    """Shorter descriptions are dropped."""
    max_tokens: int = output(1024, ge=16)
    """Longest description."""
