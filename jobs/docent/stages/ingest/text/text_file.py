"""Load source kind `txt`: one document per text file, in pieces of bounded length, each with its lines and facts.

Pieces are offsets into the text (`docent.text.chunks.chunk_text`), so that the lines of each are exact. To run only
this: `docent ingest regulations.txt`.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import PurePosixPath

from docent.messages.printing import printable
from docent.records import Document, Reject, Section, Span
from docent.stages.ingest.images import Intake
from docent.stages.ingest.sources import MAX_NAME_CHARACTERS, ListedFile, read_at_most

# The same reasons as for other documents, so that a report counts them together.
from docent.stages.ingest.text.markdown import NO_CONTENT, NOT_TEXT, TOO_LARGE, UNKNOWN_ENCODING
from docent.text.chunks import chunk_text
from docent.text.encodings.decode import read_text, why_no_text, why_unknown
from docent.text.facts import facts_of
from docent.text.sentences import readable_name

SUFFIXES = frozenset((".txt", ".text"))


def load(listed: ListedFile, intake: Intake) -> Iterator[Document | Reject]:
    """Yield the document of a file, or a reject if it is not usable."""
    settings = intake.section.text
    text = _read(listed, int(settings.max_mb * 1_000_000), listed.source.encoding or settings.encoding)
    if isinstance(text, Reject):
        yield text
        return
    spans = chunk_text(text, settings.chunk_chars, settings.chunk_overlap_chars)
    sections = tuple(_sections(listed.name, text, spans))
    if not sections:
        yield Reject(reason=NO_CONTENT, raw=printable(listed.name))
        return
    name = printable(readable_name(PurePosixPath(listed.name).stem) or listed.name, MAX_NAME_CHARACTERS)
    yield listed.document("text", name, sections)


def _read(listed: ListedFile, limit: int, encoding: str) -> str | Reject:
    name = printable(listed.name)
    if (data := read_at_most(listed.path, limit)) is None:
        return Reject(reason=TOO_LARGE, raw=name, detail=f"more than {limit} bytes; ingest.text.max_mb")
    text = read_text(data, listed.name, encoding)
    if text is None:
        if b"\x00" in data:
            return Reject(reason=NOT_TEXT, raw=name, detail="it has NUL bytes, as no text has")
        why = why_unknown(data, "ingest.text.encoding, or encoding of the source", encoding)
        return Reject(reason=UNKNOWN_ENCODING, raw=name, detail=f"{name}: {why}")
    if why := why_no_text(text):
        return Reject(reason=NOT_TEXT, raw=name, detail=why)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _sections(file: str, text: str, pieces: list[tuple[int, int]]) -> Iterator[Section]:
    """Yield a section per piece, numbered in the title if there are several."""
    breaks = [newline.start() for newline in re.finditer("\n", text)]
    for number, (start, end) in enumerate(pieces, 1):
        piece = text[start:end]
        first_line = bisect_left(breaks, start) + 1
        span = Span(file=file, first_line=first_line, last_line=first_line + piece.count("\n"))
        title = f"part {number}" if len(pieces) > 1 else ""
        facts = facts_of(piece, first_line, file)
        yield Section(index=number, title=title, text=piece, source=span, facts=facts)
