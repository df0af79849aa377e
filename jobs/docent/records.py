"""Define the rows that stages pass on: one JSON object per line, each with an id and the ids of its parents.

An id is a hash of the stage, the parents' ids and the content that distinguishes the row, so any attempt, any number of
shards and any machine give the same id, and `docent trace` can follow `parents` back to a line of a source file.
Rows contain no times and no machine names. Pictures are files next to the rows, named by content.
"""

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Any) -> str:
    """Return `value` as canonical JSON, the same on every machine: sorted keys, no spaces, non-ASCII kept."""
    return _ENCODER.encode(value)


def make_id(stage: str, parents: tuple[str, ...] | list[str], *what: Any) -> str:
    """Return the id of a row: 16 hex digits of sha256 over the stage, its parents and what distinguishes it."""
    return hashlib.sha256(canonical_json([stage, list(parents), list(what)]).encode()).hexdigest()[:16]


def _is_empty(value: Any) -> bool:
    """Return whether a field is empty, and so left out to keep rows short."""
    return not value


class Frozen(BaseModel):
    """A value that cannot change and rejects unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Row(Frozen):
    """The fields that every row has."""

    id: str
    parents: tuple[str, ...] = ()
    """Ids of the rows that this row was derived from; empty for a row read from a source file."""


class Span(Frozen):
    """The position of a text: file relative to its source, first and last line (1-based, inclusive)."""

    file: str
    first_line: int
    last_line: int
    page: int | None = None
    """1-based page of a PDF, or sheet of a workbook, that the line numbers refer to; None for a file without pages."""


class ImageFile(Row):
    """A picture on disk, with its lineage."""

    name: str
    """Original file name, e.g. `gyroid-3.jpg`."""
    unit: str
    """The unit whose folder holds the file."""
    file: str
    """Path inside that unit's folder, named by content: `files/<sha16>.jpg`."""
    sha256: str
    width_px: int
    height_px: int
    group: str
    """Lineage group, shared by all derivatives of a photo: the id of the original, or its name without `-augN`."""
    transforms: tuple[str, ...] = ()
    """Augmentations applied, in order; empty for an original."""
    given_split: Split | None = None
    """The split that the source assigned to it, if any."""
    notes: tuple[str, ...] = Field((), exclude_if=_is_empty)
    """Parts of the file that are not used, such as all frames but one."""
    creator: str = Field("", exclude_if=_is_empty)
    """Creator, according to the file's metadata."""
    copyright: str = Field("", exclude_if=_is_empty)
    """Copyright holder, according to the file's metadata."""
    license: str = Field("", exclude_if=_is_empty)
    """Name or address of the licence, according to the file's metadata."""


class Figure(Frozen):
    """A figure that a section refers to, at its place in the section's text."""

    token: str
    """The reference as written in the text: `{{FIGURE_1.2}}` or `![view](view.png)`."""
    caption: str = ""
    description: str = ""
    """A teacher's description of the picture; empty if none was requested."""
    image: ImageFile | None = None
    """The picture, or None if the reference cannot be resolved, which also yields a reject."""


class Fact(Frozen):
    """A statement in a section."""

    text: str
    source: Span


class Section(Frozen):
    """A piece of text in a document."""

    index: int
    """1-based in Markdown and other documents, 0 for the description of an exhibit."""
    title: str
    text: str
    source: Span
    facts: tuple[Fact, ...] = ()
    figures: tuple[Figure, ...] = ()
    """Figures in the order of their references; a reference that occurs twice is one figure."""


class Slots(Frozen):
    """How many images of an exhibit each split should contain."""

    train: int
    validation: int
    test: int


class Document(Row):
    """One exhibit or text document as read from a source."""

    kind: Literal["exhibit", "markdown", "pdf", "row", "text"]
    name: str
    """The exhibit's name, or the document's title."""
    spoken_name: str = ""
    """The name used in questions and answers, if different from `name`: without the hyphens of a folder's name."""
    sections: tuple[Section, ...]
    images: tuple[ImageFile, ...] = ()
    """Photos of an exhibit; the pictures of other documents are their sections' figures."""
    language: str = ""
    """Language stated by the source, or "" to use `generate_qa.language`."""
    meta: dict[str, str] = {}
    """Metadata of the document: front matter, PDF properties."""
    given_slots: Slots | None = None
    """Images per split that the source listed, present or absent; None if it assigned no splits."""


class ImageQuality(Row):
    """The measurements of an image, and whether it is used."""

    image_id: str
    keep: bool
    reasons: tuple[str, ...] = ()
    """Why it was rejected; empty if kept."""
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
    """Colours of a 4 x 4 grid, top left to bottom right: 16 times Cb and Cr, 64 hex digits."""
    duplicate_of: str | None = None
    """Image id of the first near-identical image of the same document."""
    other_metrics: dict[str, float] = Field({}, exclude_if=_is_empty)
    """Metrics in `docent.tables.IMAGE_METRICS` without a field here, by name; left out if empty."""


class PlannedImage(Frozen):
    """An image and its split."""

    image: ImageFile
    split: Split


class Item(Row):
    """The subject of questions: one exhibit with its photos by split, or one section with its figures."""

    kind: Literal["exhibit", "section"] = "exhibit"
    name: str
    """Name of the exhibit; for a section, the title of the document and then its own."""
    spoken_name: str = ""
    """The name used in questions and answers, if different from `name`."""
    text: str
    source: Span
    images: tuple[PlannedImage, ...] = ()
    """Photos; empty for a section."""
    document_id: str
    document: str
    """Title of the document."""
    title: str = ""
    """Title of the section."""
    language: str = ""
    """Language stated by the source, or "" to use `generate_qa.language`."""
    meta: dict[str, str] = {}
    facts: tuple[Fact, ...] = ()
    figures: tuple[Figure, ...] = ()
    related: tuple[str, ...] = ()
    """Ids of similar items of the same document, most similar first."""

    @property
    def called(self) -> str:
        """The name used in questions and answers."""
        return self.spoken_name or self.name


class QAPair(Row):
    """A question about an item, with its answer."""

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
    """Author of the pair: `offline-extractive`, or the name of the model."""
    sources: tuple[Span, ...]
    """The lines that it was written from: the fact, the section, or both sections."""
    figures: tuple[ImageFile, ...] = ()
    """Pictures that belong to the question, each once."""
    reasoning: tuple[str, ...] = ()
    """Reasoning steps that lead to the answer, if requested."""
    held_out: bool = False
    """Whether its question type is used only in the test split, such as section summaries."""
    conversation: str = ""
    """Pairs of one item with the same value are turns of one conversation, in order; empty for a single question."""
    verdict: Literal["unchecked", "pass", "warn"] = "unchecked"
    reasons: tuple[str, ...] = ()
    """Why `curate` warned."""
    reviewed: Literal["", "approved", "edited"] = ""
    """The decision of a reviewer."""


class Example(Row):
    """One row of the data set: a question with its answer, and the pictures it is about. Parents: pair, images."""

    split: Split
    data_id: int
    """0-based position in its split."""
    item_id: str
    item_name: str
    image_name: str = ""
    """Name of the first picture; empty for a row without pictures."""
    files: tuple[str, ...] = ()
    """Paths of the pictures inside build-dataset's folder, `images/<split>/<name>`; empty in a text-only row."""
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
        """Path of the first picture; raises IndexError for a text-only row."""
        return self.files[0]


class Checkpoint(Row):
    """A fine-tuned model: the folder `model/` of its unit."""

    approach: str
    base_model: str
    step: int
    """The optimiser step whose weights were kept: the latest whose validation loss is within one standard error of the
    lowest, or the last step if there are no validation rows."""
    steps: int
    """Number of optimiser steps that were run."""
    planned_steps: int = 0
    """Number of optimiser steps that the settings allow; more than `steps` if training ended early."""
    converged: bool | None = None
    """Whether the validation loss had stopped falling; None after fewer than two evaluations."""
    epochs: float
    validation_loss: float | None
    train_examples: int
    trainable_parameters: int
    total_parameters: int


class Answer(Row):
    """The answer of one arm to one test example. Parents: the example, then the checkpoint if there is one."""

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
    """Why generation ended: with a stop token, or at the token limit; None if no model generated the answer."""
    matched: str | None = None
    """For look-up arms: the name of the matching training image."""


class Score(Row):
    """All metrics of one answer."""

    arm: str
    example_id: str
    item_id: str
    item_name: str
    metrics: dict[str, float]


class Reject(Frozen):
    """An input that could not be used: the reason, its content, and its parents."""

    reason: str
    raw: str
    parents: tuple[str, ...] = ()
    detail: str = ""
    """Details for users: the file, the line, the measured value."""
    question_type: str = Field("", exclude_if=_is_empty)
    """Question type of requested pairs that a teacher did not write."""
    missing: int = Field(0, exclude_if=_is_empty)
    """Number of such pairs."""
