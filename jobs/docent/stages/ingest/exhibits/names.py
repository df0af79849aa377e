"""Name exhibits: disambiguate equal names, and turn slugs into readable ones.

Reads and writes no files.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from docent.messages.printing import printable
from docent.records import Reject
from docent.stages.ingest.sources import Exhibit, ListedFile
from docent.text.sentences import readable_name
from docent.text.spelling import spelled_in

MAX_ID_CHARACTERS = 80
# Names of id columns in exports of collections, in order of preference.
ID_COLUMNS = tuple(
    "item_id id object_id inventory_no inventory_number inventory accession_no accession_number object_number "
    "identifier".split()
)
# A name without capitals and spaces, as in file names and URLs: `klein-bottle`, `my_teapot`.
_SLUG = re.compile(r"[^\W_]+(?:[-_]+[^\W_]+)*")


def usable_id(cell: str) -> str:
    """Return an id on one line, for use in a name, or "" if it is not printable or too long."""
    item_id = " ".join(cell.split())
    return item_id if item_id.isprintable() and len(item_id) <= MAX_ID_CHARACTERS else ""


def with_spoken_names(listing: Sequence[Exhibit | Reject]) -> list[Exhibit | Reject]:
    """Return the list with readable names if all names of the table are slugs.

    In a table that has any other name, hyphens belong to the names: `T-34`, `Jean-Paul`, `hand-axe`.
    """
    names = [exhibit.name for exhibit in listing if isinstance(exhibit, Exhibit)]
    if not all(_SLUG.fullmatch(name) and name == name.lower() for name in names):
        return list(listing)
    return [
        replace(one, spoken_name=spoken(one.name, one.text)) if isinstance(one, Exhibit) else one for one in listing
    ]


def spoken(name: str, text: str) -> str:
    """Return a slug as a readable name: as the text spells it, or else with its hyphens replaced by spaces."""
    return spelled_in(text, name) or readable_name(name) or name


def reject_named_twice(listing: Sequence[Exhibit | ListedFile | Reject]) -> list[Exhibit | ListedFile | Reject]:
    """Return the list with ids added to equal names of exhibits; replace later ones without an id by rejects.

    Later stages identify items by name, so two exhibits `Untitled` become `Untitled (A-17)` and `Untitled (B-2)`.
    The id of an exhibit from a folder is the folder's name.
    """
    ids: dict[str, set[str]] = defaultdict(set)
    for exhibit in listing:
        if isinstance(exhibit, Exhibit):
            ids[exhibit.name].add(exhibit.item_id)
    first: dict[str, Exhibit] = {}
    by_id: dict[str, Exhibit] = {}
    checked: list[Exhibit | ListedFile | Reject] = []
    for exhibit in listing:
        if not isinstance(exhibit, Exhibit):
            checked.append(exhibit)
            continue
        named = _with_id(exhibit) if exhibit.item_id and len(ids[exhibit.name]) > 1 else exhibit
        if named.id_name and named.document_id in by_id:  # folders with the same name in two sources
            named = replace(named, id_name=f"{named.id_name}/{named.name}")
        other = first.get(named.name) or by_id.get(named.document_id)
        if other is None:
            first[named.name] = by_id[named.document_id] = named
            checked.append(named)
        else:
            checked.append(_named_twice(exhibit, other))
    return checked


def _with_id(exhibit: Exhibit) -> Exhibit:
    if exhibit.item_id == exhibit.name:  # named by its folder, so that its id would add nothing
        return exhibit
    spoken = exhibit.spoken_name or exhibit.name
    added = f" ({exhibit.item_id})"
    return replace(exhibit, name=exhibit.name + added, spoken_name=spoken + added)


def _named_twice(exhibit: Exhibit, first: Exhibit) -> Reject:
    way_out = "give it a name of its own"
    if exhibit.source.kind == "exhibits-folder":
        way_out = "rename its folder"
    if exhibit.source.kind == "exhibits-csv":
        same = f"both have the id {printable(exhibit.item_id)}" if exhibit.item_id else "it has no id"
        way_out = f"{same}: add a column item_id with an id for each, or give it a name of its own"
    detail = (
        f"{printable(exhibit.span.file)} line {exhibit.span.first_line}; "
        f"first in {printable(first.span.file)} line {first.span.first_line}; {way_out}"
    )
    return Reject(reason="exhibit named twice", raw=printable(exhibit.name), detail=detail)
