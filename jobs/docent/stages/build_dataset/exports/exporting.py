"""Pass every row of the data set to all exports.

Writes `images/<split>/metadata.parquet`, `metadata-<split>.csv`, `hf/`, `chat-<split>.jsonl`, for documents
`conversations-<split>.json`, and `documents/` if configured; nothing for a split without rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from docent.context import Context
from docent.convert.published import save_dataset_dict
from docent.records import SPLITS, Example, ImageFile, Split
from docent.stages.build_dataset.exports.chat import ChatFiles, ConversationFiles, DocumentFiles
from docent.stages.build_dataset.exports.hf import ArrowFiles
from docent.stages.build_dataset.exports.metadata import MetadataFiles
from docent.stages.build_dataset.splits.subjects import Subjects
from docent.vision.files.publish import published


class Sink(Protocol):
    """A writer for one format of the data set."""

    def add(self, row: Example) -> None:
        """Add the next row."""

    def close(self) -> None:
        """Write what is pending and close the files."""


class PublishedDataset:
    """Writes the DatasetDict of photos at the end; holds all rows in memory, as there are only a few per photo."""

    def __init__(self, ctx: Context, think: bool) -> None:
        self._images, self._folder, self._think = ctx.output_folder("images"), ctx.output_folder("hf"), think
        self._rows: list[Example] = []

    def add(self, row: Example) -> None:
        """Add the next row."""
        self._rows.append(row)

    def close(self) -> None:
        """Write what is pending and close the files."""
        save_dataset_dict(self._rows, self._images, self._folder, self._think)


class Exports:
    """Writes all formats of the data set that this run needs.

    Args:
        names: file name of every picture, by the picture's id.
    """

    def __init__(self, ctx: Context, subjects: Subjects, names: Mapping[str, str]) -> None:
        self._ctx, self._subjects, self._names = ctx, subjects, names
        self._by_document: DocumentFiles | None = None
        section, think = ctx.section, ctx.section.reasoning == "think"
        published = not subjects.sections
        self._sinks: list[Sink] = []
        orders = {split: ctx.rng("chat", split) for split in SPLITS} if section.chat_shuffle else {}
        place = partial(_place, ctx, "chat-{}.jsonl")
        self._sinks.append(ChatFiles(place, section, subjects.exhibit_ids, bool(names), orders))
        if names or published:
            place = partial(_place, ctx, "metadata-{}.csv")
            self._sinks.append(MetadataFiles(ctx.output_folder("images"), place, think))
        if published:
            self._sinks.append(PublishedDataset(ctx, think))
        else:
            place = partial(_place, ctx, "conversations-{}.json")
            self._sinks.append(ConversationFiles(place, subjects.exhibit_ids, think))
            self._sinks.append(ArrowFiles(ctx.output_folder("hf"), self.picture, think))
        if section.per_document:
            self._by_document = DocumentFiles(ctx.output_folder("documents"), subjects.exhibit_ids, think)

    def add(self, row: Example, pictures: tuple[ImageFile, ...]) -> None:
        """Add the next row; `pictures` has one entry per file of the row, in the same order."""
        for file, image in zip(row.files, pictures, strict=True):
            target = self.picture(file)
            if not target.exists():
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(published(self._ctx.image_path(image), image))
        for sink in self._sinks:
            sink.add(row)
        if self._by_document:
            self._by_document.add(row, self._subjects.document(row.item_id))

    def close(self) -> None:
        """Write what is pending and close the files."""
        for sink in self._sinks:
            sink.close()
        if self._by_document:
            self._by_document.close()

    def picture(self, file: str) -> Path:
        """Return the path of a row's picture `images/<split>/<name>` before the stage commits its output."""
        return self._ctx.output_folder("images") / file.removeprefix("images/")


def _place(ctx: Context, form: str, split: Split) -> Path:
    """Return the path of a split's file; called with the split's first row, so that empty splits get no file."""
    return ctx.output_path(form.format(split))
