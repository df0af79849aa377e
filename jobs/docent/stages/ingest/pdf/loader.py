"""Load source kind `pdf`: one document per file, in one of four layouts.

`classes` (the default): text pages in chunks, mixed pages as Markdown with tables and figures in place, picture pages
as pictures. `partition`: title-aware elements. `pictures`: every page as a picture, followed by its text. `docling`:
see docling_layout.py. Spans hold the page numbers in the file and the lines of the page's text. Except for `docling`, a
child process with memory and time limits reads the pages (process.py). To run only this: `docent ingest report.pdf`.
"""

from collections.abc import Iterator

from docent.records import Document, Reject
from docent.stages.ingest.images import Intake
from docent.stages.ingest.pdf import process as pdf_process
from docent.stages.ingest.pdf.document import document_in, rejected
from docent.stages.ingest.sources import ListedFile
from docent.stages.ingest.text.markdown import TOO_LARGE

SUFFIXES = frozenset((".pdf",))


def load(listed: ListedFile, intake: Intake) -> Iterator[Document | Reject]:
    """Yield rejects for unusable parts of a file, then its document, or a reject for all of it.

    Raises:
        ConfigError: the layout is `docling`, which is not installed.
        TemporaryError: the child process was ended by something other than docent.
    """
    settings = intake.section.pdf
    if (size := listed.path.stat().st_size) > settings.max_mb * 1_000_000:
        yield rejected(listed, TOO_LARGE, f"{size} bytes, ingest.pdf.max_mb is {settings.max_mb:g}")
    elif settings.layout == "docling":
        yield from document_in(listed, intake)
    else:
        yield from pdf_process.read(listed, intake)
