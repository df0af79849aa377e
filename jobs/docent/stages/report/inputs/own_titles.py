"""The title that a document gives itself, where its properties name none. Reads and writes nothing."""

from __future__ import annotations

from pathlib import PurePosixPath

from docent.records import Document
from docent.text.sentences import readable_name

MAX_CHARS = 160
MIN_WORDS = 2
_NO_TITLES = frozenset({"table of contents", "list of contents"})


def own_title(document: Document) -> str:
    """The heading on the first line of a document that is otherwise called after its file; "" where it has none.

    A single word, such as `Introduction`, and a numbered heading belong to a part of the document, not to all of it.
    """
    if not document.sections or not named_after_file(document):
        return ""
    first = document.sections[0]
    at_the_top = first.source.first_line == 1 and first.source.page in (None, 1)
    title = " ".join(first.title.split())
    if not at_the_top or not title[:1].isalpha() or len(title) > MAX_CHARS or title.lower() in _NO_TITLES:
        return ""
    return title if len(title.split()) >= MIN_WORDS and title != document.name else ""


def named_after_file(document: Document) -> bool:
    """Whether all that a document is called is the name of its file."""
    if not document.sections:
        return False
    stem = PurePosixPath(document.sections[0].source.file).stem
    return document.name in (stem, readable_name(stem))
