"""Read the title and the licence of each source of a run.

Stage `ingest` reads `collection.yaml` in the folder of a source and writes `sources.json`, which `build-dataset`,
`report` and `docent run` read. Without the file a source is named after its only document, or after its folder or file.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from pydantic import ConfigDict, Field, ValidationError

from docent.config.sources import Source
from docent.errors import InputError
from docent.messages.plurals import joined
from docent.messages.printing import printable
from docent.records import Frozen
from docent.store import Artifact

COLLECTION = "collection.yaml"
SOURCES = "sources.json"
UNNAMED = "other"
"""The licence of material that names none, in the spelling of the Hugging Face hub."""
MAX_BYTES = 16 * 1024
MAX_CHARS = 200
MAX_TITLES = 2
# Names of tables that do not describe the content: the folder's name is better.
_GENERIC = frozenset({"raw_data", "raw-data", "data", "exhibits", "list"})
# The suffix that `docent run` on a cluster adds to the names of sources outside the working folder.
_ON_VOLUME = re.compile(r"-[0-9a-f]{8}$")
_NEXT = f'write `title: "..."` and `license: "..."` in it, in quotes and on one line each, or delete {COLLECTION}'


class Collection(Frozen):
    """The content of `collection.yaml`; missing values are empty strings."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    title: str = Field("", max_length=MAX_CHARS)
    license: str = Field("", max_length=MAX_CHARS)


class SourceNames(Frozen):
    """Everything known about the name and licence of one source."""

    title: str = ""
    """Title stated in its `collection.yaml`."""
    license: str = ""
    """Licence stated in its `collection.yaml`."""
    name: str
    """Readable name of its folder or file."""
    document: str = ""
    """Id of its only document, if it has exactly one that is not an exhibit."""


def collection_file(source: Source) -> Path | None:
    """Return the `collection.yaml` of a source, in its folder or next to the CSV of exhibits, or None if absent."""
    if source.path.is_dir():
        path = source.path / COLLECTION
    elif source.kind == "exhibits-csv":
        path = source.path.parent / COLLECTION
    else:
        return None  # the folder that contains a single document may be about anything
    return path if path.is_file() or path.is_symlink() else None


def read_collection(source: Source) -> Collection:
    """Return the title and licence that `collection.yaml` states; both are empty if there is no such file.

    Raises:
        InputError: the file is too large, not YAML, has other content, or is a link that leads outside its folder.
    """
    path = collection_file(source)
    if path is None:
        return Collection()
    if not (path.is_file() and path.resolve().is_relative_to(path.parent.resolve())):
        raise InputError(f"{COLLECTION} is a broken link, or links to a file outside its folder", str(path), _NEXT)
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError(f"{COLLECTION} is larger than {MAX_BYTES} bytes", str(path), _NEXT)
    try:
        content = yaml.safe_load(data.decode("utf-8-sig")) or {}
        if isinstance(content, dict):  # a key without a value counts as missing
            content = {key: value for key, value in content.items() if value is not None}
        collection = Collection.model_validate(content)
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError):
        raise InputError(f"{COLLECTION} is not valid YAML in UTF-8", str(path), _NEXT) from None
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the top level"
        raise InputError(f"{COLLECTION} is invalid at {printable(where)}", str(path), _NEXT) from None
    return Collection(title=_one_line(collection.title), license=_one_line(collection.license))


def source_name(source: Source) -> str:
    """Return a readable name for a source, derived from its folder or file: `my-museum` becomes `My museum`.

    A table with a generic name, such as `raw_data.csv`, is named after its folder.
    """
    path = source.path if source.path.suffix == "" or source.path.is_dir() else source.path.with_suffix("")
    on_volume = path.parent.name == "sources" and _ON_VOLUME.search(path.name) is not None
    name = _ON_VOLUME.sub("", path.name) if on_volume else path.name
    if source.kind == "exhibits-csv" and name.lower() in _GENERIC and not on_volume:
        name = Path(os.path.realpath(source.path)).parent.name or name
    readable = _one_line(re.sub(r"[-_]+", " ", name)) or printable(name)
    return readable[:1].upper() + readable[1:]


def read_source_names(ingest: Artifact | None) -> tuple[SourceNames, ...]:
    """Return the names that `ingest` recorded for its sources; empty if it is skipped or its first shard failed.

    Raises:
        InputError: the file does not have the format that `ingest` writes.
    """
    if ingest is None or SOURCES not in ingest.file_names:
        return ()
    path = ingest.file(SOURCES)
    try:
        return tuple(SourceNames.model_validate(entry) for entry in json.loads(path.read_text(encoding="utf-8")))
    except (ValidationError, ValueError, TypeError):
        raise InputError(f"{SOURCES} cannot be read", str(path), "docent run --verify") from None


def title_of(sources: Sequence[SourceNames], documents: Mapping[str, str]) -> str:
    """Return a title for all sources together: three at most, or two and the number of others; "" if there is none.

    Args:
        documents: titles of documents by id, without exhibits.
    """
    named = dict.fromkeys(one.title or documents.get(one.document, "") or one.name for one in sources)
    titles = [title for title in named if title]
    if len(titles) > MAX_TITLES + 1:
        titles = [*titles[:MAX_TITLES], f"{len(titles) - MAX_TITLES} more"]
    return joined(titles)


def license_of(sources: Sequence[SourceNames]) -> str:
    """Return the licence that all sources name, or `other` if they differ or a source names none."""
    named = {one.license for one in sources}
    return named.pop() or UNNAMED if len(named) == 1 else UNNAMED


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()), MAX_CHARS)
