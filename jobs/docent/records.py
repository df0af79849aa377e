"""Define the rows that travel between stages: one JSON object per line, each with an id and the ids it came from.

An id is a hash of the stage, the parents' ids and what makes the row different, so any attempt, any number of
shards and any machine give the same id, and `docent trace` can follow `parents` back to a line of a source file.
Rows hold no time and no machine name. Pictures lie beside the rows as files named by content.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def canonical_json(value: Any) -> str:
    """Return the JSON text of `value` that is the same on every machine: sorted keys, no spaces, UTF-8 kept."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def make_id(stage: str, parents: tuple[str, ...] | list[str], *what: Any) -> str:
    """Return the id of a row: 16 hex digits of sha256 over the stage, its parents and what makes it different."""
    return hashlib.sha256(canonical_json([stage, list(parents), list(what)]).encode()).hexdigest()[:16]


def _is_empty(value: Any) -> bool:
    """Whether a field is left out: rows that say nothing there stay short."""
    return not value


class Frozen(BaseModel):
    """A value that cannot change and refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Row(Frozen):
    """What every travelling row has."""

    id: str
    parents: tuple[str, ...] = ()
    """Ids of the rows this one was made from; empty for a row read from a source file."""


class Span(Frozen):
    """Where a text stands: file relative to its source, first and last line (1-based, inclusive)."""

    file: str
    first_line: int
    last_line: int
    page: int | None = None
    """1-based page of a PDF, or sheet of a workbook; lines are then those of that page. None for a file without."""


class ImageFile(Row):
    """One picture on disk and its lineage."""

    name: str
    """File name as people know it, e.g. `gyroid-3.jpg`."""
    unit: str
    """The unit whose folder holds the file."""
    file: str
    """Path inside that unit's folder, named by content: `files/<sha16>.jpg`."""
    sha256: str
    width_px: int
    height_px: int
    group: str
    """Lineage: all derivatives of one photograph share it (the id of the original, or its name without `-augN`)."""
    transforms: tuple[str, ...] = ()
    """Augmentations applied, in order; empty for an original."""
    given_split: Split | None = None
    """The split that the source file put it in, where it said one."""
    notes: tuple[str, ...] = Field((), exclude_if=_is_empty)
    """What of the file is not used or was ignored, such as all frames but one."""
    creator: str = Field("", exclude_if=_is_empty)
    """Who made it, as its metadata say."""
    copyright: str = Field("", exclude_if=_is_empty)
    """Who holds its rights, as its metadata say."""
    license: str = Field("", exclude_if=_is_empty)
    """Name or address of its licence, as its metadata say."""


class Figure(Frozen):
    """A figure that a section refers to, at its place in the section's text."""

    token: str
    """The reference as it stands in the text: `{{FIGURE_1.2}}` or `![view](view.png)`."""
    caption: str = ""
    description: str = ""
    """What a teacher saw in it; empty where none was asked."""
    image: ImageFile | None = None
    """The picture; None where the reference leads nowhere, which is a reject as well."""


class Fact(Frozen):
    """One statement of a section."""

    text: str
    source: Span


class Section(Frozen):
    """One piece of text of a document."""

    index: int
    """1-based in Markdown and other documents, 0 for the description of an exhibit."""
    title: str
    text: str
    source: Span
    facts: tuple[Fact, ...] = ()
    figures: tuple[Figure, ...] = ()
    """In the order of their references; a reference that stands there twice is one figure."""


class Slots(Frozen):
    """How many images of an exhibit each split shall hold."""

    train: int
    validation: int
    test: int


class Document(Row):
    """One exhibit or text document as read from a source."""

    kind: Literal["exhibit", "markdown", "pdf", "row", "text"]
    name: str
    """The exhibit's name, or the document's title."""
    spoken_name: str = ""
    """As questions and answers say it, where that is not `name`: without the hyphens of a folder's name."""
    sections: tuple[Section, ...]
    images: tuple[ImageFile, ...] = ()
    """Photos of an exhibit; the pictures of other documents are their sections' figures."""
    language: str = ""
    """As the source says; "" takes `generate_qa.language`."""
    meta: dict[str, str] = {}
    """What the document says of itself: front matter, PDF properties."""
    given_slots: Slots | None = None
    """Images per split that the source listed, present or absent; None where it gave no split."""


class ImageQuality(Row):
    """What was measured on one image, and whether it is used."""

    image_id: str
    keep: bool
    reasons: tuple[str, ...] = ()
    """Why it was rejected; empty when kept."""
    width_px: int
    height_px: int
    resolution_score: float
    """min(width x height / (1920 x 1080), 1)."""
    color_std: float
    """Standard deviation of all channel values, 0-127.5."""
    brightness: float
    """Mean of all channel values, 0-255."""
    sharpness: float
    """Variance of the Laplacian of the grey image: higher is sharper."""
    ahash: str
    """64-bit average hash, 16 hex digits."""
    phash: str
    """64-bit perceptual (DCT) hash, 16 hex digits."""
    colors: str = ""
    """Colour of 4 x 4 fields, top left to bottom right: 16 times Cb and Cr, 64 hex digits."""
    duplicate_of: str | None = None
    """Image id of the first near-identical image of the same document."""
    other_metrics: dict[str, float] = Field({}, exclude_if=_is_empty)
    """Rows of `docent.tables.IMAGE_METRICS` that have no field here, by name; left out where there are none."""


class PlannedImage(Frozen):
    """An image and the split it goes to."""

    image: ImageFile
    split: Split


class Item(Row):
    """What questions are asked about: one exhibit with its photos by split, or one section with its figures."""

    kind: Literal["exhibit", "section"] = "exhibit"
    name: str
    """The exhibit's name; for a section the document's title, then its own."""
    spoken_name: str = ""
    """As questions and answers say it, where that is not `name`."""
    text: str
    source: Span
    images: tuple[PlannedImage, ...] = ()
    """Photos; none for a section."""
    document_id: str
    document: str
    """The document's title."""
    title: str = ""
    """The section's."""
    language: str = ""
    """As the source says; "" takes `generate_qa.language`."""
    meta: dict[str, str] = {}
    facts: tuple[Fact, ...] = ()
    figures: tuple[Figure, ...] = ()
    related: tuple[str, ...] = ()
    """Ids of items of the same document that say similar things, the nearest first."""

    @property
    def called(self) -> str:
        """The name in questions and answers."""
        return self.spoken_name or self.name


class QAPair(Row):
    """One question with its answer about one item."""

    item_id: str
    item_name: str
    question: str
    answer: str
    question_type: str
    difficulty: str = ""
    """`easy`, `medium` or `hard`; empty for visitors' questions."""
    language: str
    temperature: float
    index: int
    """Position among the pairs of one item, question type and temperature."""
    teacher: str
    """Who wrote it: `offline-extractive` or the model's name."""
    sources: tuple[Span, ...]
    """The lines it was written from: the fact, the section, or both sections."""
    figures: tuple[ImageFile, ...] = ()
    """Pictures that belong to the question, each once."""
    reasoning: tuple[str, ...] = ()
    """Steps that led to the answer, where they were asked for."""
    held_out: bool = False
    """Of a question type that is only tested with, such as section summaries."""
    conversation: str = ""
    """Pairs of one item with the same value are turns of one conversation, in order; empty for a single question."""
    verdict: Literal["unchecked", "pass", "warn"] = "unchecked"
    reasons: tuple[str, ...] = ()
    """Why `curate` warned."""
    reviewed: Literal["", "approved", "edited"] = ""
    """What a person did with it."""


class Example(Row):
    """One row of the data set: a question with its answer, and the pictures it is about. Parents: pair, images."""

    split: Split
    data_id: int
    """0-based position in its split."""
    item_id: str
    item_name: str
    image_name: str = ""
    """Of the first picture; empty for a row without one."""
    files: tuple[str, ...] = ()
    """Paths of the pictures inside build-dataset's folder, `images/<split>/<name>`; none in a text-only row."""
    group: str = ""
    """Lineage group of the first picture."""
    question: str
    answer: str
    temperature: float
    teacher: str
    question_type: str
    difficulty: str = ""
    language: str
    sources: tuple[Span, ...]
    """The lines that the answer was written from."""
    reasoning: tuple[str, ...] = ()
    conversation: str = ""

    @property
    def file(self) -> str:
        """Path of the first picture. Raises IndexError for a text-only row."""
        return self.files[0]


class Checkpoint(Row):
    """A fine-tuned model: the folder `model/` of its unit."""

    approach: str
    base_model: str
    step: int
    """The optimiser step whose weights were kept: the latest whose validation loss is within one standard error of the
    lowest; the last one where there are no validation rows."""
    steps: int
    """Optimiser steps carried out."""
    planned_steps: int = 0
    """Optimiser steps that the settings allow; more than `steps` where training ended early."""
    converged: bool | None = None
    """Whether the validation loss had stopped falling; None with fewer than two evaluations."""
    epochs: float
    validation_loss: float | None
    train_examples: int
    trainable_parameters: int
    total_parameters: int


class Answer(Row):
    """What one arm said to one test example. Parents: the example, then the checkpoint if there is one."""

    arm: str
    example_id: str
    item_id: str
    item_name: str
    image_name: str
    question: str
    answer: str
    reference: str
    status: Literal["ok", "empty"] = "ok"
    ended: Literal["stop", "length"] | None = None
    """Why a model's answer ended: by itself, or at the limit of tokens; None where no model wrote it."""
    matched: str | None = None
    """For look-up arms: the name of the training image that was found."""


class Score(Row):
    """Every metric of one answer."""

    arm: str
    example_id: str
    item_id: str
    item_name: str
    metrics: dict[str, float]


class Reject(Frozen):
    """A row that could not be used: why, what it was, and what it came from."""

    reason: str
    raw: str
    parents: tuple[str, ...] = ()
    detail: str = ""
    """More for people: the file, the line, the measured value."""
    question_type: str = Field("", exclude_if=_is_empty)
    """Of pairs that a teacher was asked for and did not write."""
    missing: int = Field(0, exclude_if=_is_empty)
    """How many such pairs."""
