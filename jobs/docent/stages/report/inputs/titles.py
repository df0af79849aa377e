"""Choose the page's names for exhibits, sections and documents."""

from pathlib import PurePosixPath

from docent.records import Document, Item
from docent.text.sentences import readable_name

# Limits for a document's title: a longer one is a sentence, and one word such as `Introduction` is a section's heading.
MAX_CHARS, MIN_WORDS = 160, 2
_NO_TITLES = frozenset({"table of contents", "list of contents"})


def label(item: Item, documents: int) -> str:
    """Return the display name of an exhibit, or of a section: only its title if the run has one document.

    Args:
        documents: how many text documents the run has.
    """
    if item.kind == "section":
        return item.title if item.title and documents == 1 else item.name
    return item.spoken_name[:1].upper() + item.spoken_name[1:] if item.spoken_name else item.name


def own_title(document: Document) -> str:
    """Return the heading on the first line of a document that is named after its file, or "" if it is not a title.

    A numbered heading is not a title, because it belongs to a section.
    """
    if not named_after_file(document):
        return ""
    first = document.sections[0]
    at_the_top = first.source.first_line == 1 and first.source.page in (None, 1)
    title = " ".join(first.title.split())
    if not at_the_top or not title[:1].isalpha() or len(title) > MAX_CHARS or title.lower() in _NO_TITLES:
        return ""
    return title if len(title.split()) >= MIN_WORDS and title != document.name else ""


def named_after_file(document: Document) -> bool:
    """Return whether a document's name is only its file name."""
    if not document.sections:
        return False
    stem = PurePosixPath(document.sections[0].source.file).stem
    return document.name in (stem, readable_name(stem))
