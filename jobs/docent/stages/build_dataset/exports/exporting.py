"""Pass every row of the data set to all exports.

Writes `images/<split>/metadata.parquet`, `metadata-<split>.csv`, `hf/`, `chat-<split>.jsonl`, for documents
`conversations-<split>.json`, and `documents/` if configured; nothing for a split without rows.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from docent.context import Context
from docent.convert.published import save_dataset_dict
from docent.records import SPLITS, Example, ImageFile, Split
from docent.stages.build_dataset.exports.chat import ChatFile, ConversationFile, DocumentFiles
from docent.stages.build_dataset.exports.hf import ArrowFiles
from docent.stages.build_dataset.exports.metadata import Metadata
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


class PerSplit:
    """Passes every row to the writer of its split.

    Args:
        writer: returns the writer of a split.
    """

    def __init__(self, writer: Callable[[Split], Sink]) -> None:
        self._writers = {split: writer(split) for split in SPLITS}

    def add(self, row: Example) -> None:
        """Add the next row."""
        self._writers[row.split].add(row)

    def close(self) -> None:
        """Write what is pending and close the files."""
        for writer in self._writers.values():
            writer.close()


class Exports:
    """Writes all formats of the data set that this run needs.

    Args:
        pictured: whether the data set has any picture.
    """

    def __init__(self, ctx: Context, subjects: Subjects, pictured: bool) -> None:
        self._ctx = ctx
        section, exhibits = ctx.section, subjects.exhibit_ids
        think, published = section.reasoning == "think", not subjects.sections

        def path_of(name: str) -> Callable[[], Path]:
            return partial(ctx.output_path, name)  # called with the first row, so that an empty split gets no file

        def chat(split: Split) -> Sink:
            rng = ctx.rng("chat", split) if section.chat_shuffle else None
            return ChatFile(path_of(f"chat-{split}.jsonl"), section, exhibits, pictured, rng)

        self._sinks: list[Sink] = [PerSplit(chat)]
        if pictured or published:
            images = ctx.output_folder("images")
            self._sinks.append(PerSplit(lambda name: Metadata(images / name, path_of(f"metadata-{name}.csv"), think)))
        if published:
            self._sinks.append(PublishedDataset(ctx, think))
        else:
            self._sinks += [
                PerSplit(lambda split: ConversationFile(path_of(f"conversations-{split}.json"), exhibits, think)),
                ArrowFiles(ctx.output_folder("hf"), self.picture, think),
            ]
        if section.per_document:
            folder = ctx.output_folder("documents")
            self._sinks.append(DocumentFiles(folder, subjects.document, exhibits, think))

    def add(self, row: Example, pictures: tuple[ImageFile, ...]) -> None:
        """Add the next row; `pictures` has one entry per file of the row, in the same order."""
        for file, image in zip(row.files, pictures, strict=True):
            target = self.picture(file)
            if not target.exists():
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(published(self._ctx.image_path(image), image))
        for sink in self._sinks:
            sink.add(row)

    def close(self) -> None:
        """Write what is pending and close the files."""
        for sink in self._sinks:
            sink.close()

    def picture(self, file: str) -> Path:
        """Return the path of a row's picture `images/<split>/<name>` before the stage commits its output."""
        return self._ctx.output_folder("images") / file.removeprefix("images/")
