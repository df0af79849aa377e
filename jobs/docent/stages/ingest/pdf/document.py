"""Read one PDF as a document: open it, check it against the limits, and read its layout and metadata.

Runs in the child process (reader.py), or in the stage's own process for the layout `docling`.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pypdfium2 as pypdfium
import pypdfium2.raw as pdfium

from docent.records import Document, Reject, Section
from docent.stages.ingest.images import Intake
from docent.stages.ingest.pdf import docling_layout
from docent.stages.ingest.pdf.layouts import UNWATCHED, DocumentReader, Watch
from docent.stages.ingest.sources import MAX_NAME_CHARACTERS, ListedFile, shorten
from docent.stages.ingest.text.markdown import NO_CONTENT
from docent.text.sentences import readable_name

ENCRYPTED = "PDF is encrypted"
CANNOT_BE_READ = "PDF cannot be read"
TOO_MANY_PAGES = "PDF has too many pages"
FORM_NOT_READ = "form of the PDF is not read"
# PDF properties that describe the document; dates and programs only show how the file was produced.
_PROPERTIES = ("Title", "Author", "Subject", "Keywords")


def rejected(listed: ListedFile, reason: str, detail: str) -> Reject:
    """Return the reject for a file, or for a part of it, that is not read."""
    return Reject(reason=reason, raw=shorten(listed.name), parents=(listed.document_id,), detail=detail)


def document_in(listed: ListedFile, intake: Intake, watch: Watch = UNWATCHED) -> Iterator[Document | Reject]:
    """Yield rejects for unusable parts of a file, then its document, or a reject for all of it.

    Raises:
        ConfigError: the layout is `docling`, which is not installed.
    """
    try:
        pdf = pypdfium.PdfDocument(listed.path)
    except (pypdfium.PdfiumError, OSError) as error:
        if getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD:
            yield rejected(listed, ENCRYPTED, "it opens with a password only: save it without one")
        else:
            yield rejected(listed, CANNOT_BE_READ, str(error)[:200])
        return
    try:
        if len(pdf) > intake.section.pdf.max_pages:
            detail = f"{len(pdf)} pages, ingest.pdf.max_pages is {intake.section.pdf.max_pages}"
            yield rejected(listed, TOO_MANY_PAGES, detail)
            return
        if pdf.get_formtype() != pdfium.FORMTYPE_NONE:
            pdf.init_forms()
        yield from _document(listed, intake, pdf, watch)
    finally:
        pdf.close()


def _document(listed: ListedFile, intake: Intake, pdf: Any, watch: Watch) -> Iterator[Document | Reject]:
    """Yield rejects for unusable parts, then the document with all sections, or a reject if it has none."""
    settings = intake.section.pdf
    if pdf.get_formtype() in (pdfium.FORMTYPE_XFA_FULL, pdfium.FORMTYPE_XFA_FOREGROUND):
        yield rejected(listed, FORM_NOT_READ, "it is an XFA form: print it to a PDF of its own, and read that")
    reader = DocumentReader(listed, intake, pdf, watch)
    rows = docling_layout.sections(reader.cropper, listed) if settings.layout == "docling" else reader.sections()
    sections: list[Section] = []
    for row in rows:
        if isinstance(row, Section):
            sections.append(row)
        else:
            yield row
    if not sections:
        yield rejected(listed, NO_CONTENT, f"{len(pdf)} pages")
        return
    meta = _meta(pdf)
    title = meta.get("title") or reader.title or readable_name(PurePosixPath(listed.name).stem)
    document = listed.document("pdf", title[:MAX_NAME_CHARACTERS] or listed.name, sections)
    yield document.model_copy(update={"meta": meta})


def _meta(pdf: Any) -> dict[str, str]:
    """Return the document's properties by lower-case name, each on one short line."""
    try:
        properties = {name: pdf.get_metadata_value(name) for name in _PROPERTIES}
    except (pypdfium.PdfiumError, UnicodeDecodeError):
        return {}
    clean = {
        name.lower(): " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_NAME_CHARACTERS]
        for name, text in properties.items()
    }
    return {name: text for name, text in clean.items() if text}
