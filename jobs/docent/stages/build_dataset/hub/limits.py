"""Check the files of a data set against the limits of the hub.

The limits come from https://huggingface.co/docs/hub/storage-limits (fewer than 10,000 entries per folder, files of at
most 20 GB recommended and 50 GB accepted, fewer than 100,000 files per repository, 100 GB of private repositories
in a free account). The hub refuses a commit that breaks the first limit with "Your push was rejected because it
contains too many files per directory" (https://github.com/huggingface/datasets/issues/7956).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from docent.messages.plurals import counted

MAX_FOLDER_ENTRIES = 10_000
MAX_REPOSITORY_FILES = 100_000
MAX_FILE_BYTES = 50_000_000_000
ADVISED_FILE_BYTES = 20_000_000_000
FREE_PRIVATE_BYTES = 100_000_000_000
COMMIT_FILES = 100
"""The hub recommends 50 to 100 files per commit, and cancels a commit that takes longer than a minute."""
FEWER_PHOTOS = "use fewer photos: docent run --set assemble.images_per_item=..."
READ_FORMATS = frozenset(".arrow .bmp .csv .gif .jpeg .jpg .json .jsonl .md .parquet .png .tif .tiff .webp".split())
"""File name suffixes that `load_dataset` and the hub's viewer read; other files can be uploaded but not displayed."""


@dataclass(frozen=True)
class Problem:
    """A reason why a push would fail, or why the pushed data set would be less useful.

    Attributes:
        next_step: the command or edit that fixes the problem.
        stops: whether the hub refuses the data set because of the problem.
    """

    what: str
    next_step: str
    stops: bool = True


def file_problems(sizes: Mapping[str, int]) -> Iterator[Problem]:
    """Yield all violations of the hub's limits.

    Args:
        sizes: size of every file in bytes, by its path in the repository.
    """
    for folder, entries in sorted(_entries(sizes).items()):
        if entries > MAX_FOLDER_ENTRIES:
            shown = f"{folder}/" if folder != "." else "the repository's root"
            yield Problem(
                f"too many files in a folder: {shown} has {entries:,}, but the hub accepts {MAX_FOLDER_ENTRIES:,}",
                FEWER_PHOTOS,
            )
    for path, size in sorted(sizes.items()):
        if size > MAX_FILE_BYTES:
            what = f"{path} has {_gb(size)}, but the hub accepts at most {_gb(MAX_FILE_BYTES)} per file"
            yield Problem(what, FEWER_PHOTOS)
        elif size > ADVISED_FILE_BYTES:
            what = f"{path} has {_gb(size)}; the hub recommends at most {_gb(ADVISED_FILE_BYTES)} per file"
            yield Problem(what, "none needed if the hub accepts the file", stops=False)
    if len(sizes) > MAX_REPOSITORY_FILES:
        what = f"the data set has {len(sizes):,} files; the hub recommends at most {MAX_REPOSITORY_FILES:,}"
        yield Problem(what, FEWER_PHOTOS, stops=False)
    unread = Counter(suffix for path in sizes if (suffix := PurePosixPath(path).suffix.lower()) not in READ_FORMATS)
    for suffix, number in sorted(unread.items()):
        what = f"{counted(number, 'file')} in a format that load_dataset does not read: {suffix or 'no suffix'}"
        yield Problem(what, "convert them, or leave them as they are", stops=False)


def _entries(sizes: Mapping[str, int]) -> Counter[str]:
    """Return the number of direct entries (files and folders) of each folder."""
    folders = {parent for path in sizes for parent in PurePosixPath(path).parents}
    entries = [*map(PurePosixPath, sizes), *(folder for folder in folders if folder.parts)]
    return Counter(entry.parent.as_posix() for entry in entries)


def _gb(size: int) -> str:
    return f"{size / 1e9:,.0f} GB"
