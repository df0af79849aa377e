"""One section of pipeline.yaml per stage, in the order in which the stages run. Reads and writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from pydantic import ConfigDict, Field, field_validator

from docent.config.fields import Section, execution, output
from docent.config.questions import QuestionType
from docent.config.run_names import RUN_NAME_PATTERN
from docent.config.sources import Describe, Markdown, Pdf, Rows, Source, Text
from docent.tables import APPROACHES, ARMS

if TYPE_CHECKING:
    ApproachName: TypeAlias = str
    ComparedArm: TypeAlias = str
else:  # one row of a table is enough to add a choice, in the schema and in error messages too
    ApproachName = Literal[tuple(APPROACHES)]
    ComparedArm = Literal[tuple(ARMS)]
COMPARED_ARMS: tuple[ComparedArm, ...] = tuple(ARMS)
LICENSE_PLACEHOLDER = "YOUR-LICENSE"
"""What stands for a licence in a suggested command: pasted as it is, it names none."""
EDITS_PLACEHOLDER = "PATH-TO/edits.csv"
"""What stands for the file of decisions that a browser saved, in a suggested command."""


class Stage(Section):
    """What every stage's section has."""

    enabled: bool = output(True)
    """false skips the stage; what it would have written counts as empty."""
    max_reject_rate: float = execution(1.0, ge=0, le=1)
    """The stage fails when more than this share of its rows is rejected."""
    max_failed_shards: int = execution(0, ge=0)
    """Shards that may end with bad input before the stage fails; the report lists the gap."""
    uncounted: ClassVar[frozenset[str]] = frozenset()
    """Reasons of rejects by which nothing usable is lost: they are listed, and do not count for `max_reject_rate`."""

    @property
    def reject_limit(self) -> float:
        """Share of rejected rows with which the stage still succeeds."""
        return self.max_reject_rate


class Ingest(Stage):
    """Read raw material."""

    sources: tuple[Source, ...] = output(min_length=1)
    """What to read, in order."""
    max_exhibits: int | None = output(None, ge=1)
    """Read only the first so many exhibits or files, for a quick try."""
    shards: int = execution(1, ge=1)
    """Parallel parts."""
    max_reject_rate: float = execution(0.05, ge=0, le=1)
    """Share of photos, exhibits and figures that may be unusable."""
    max_image_mb: float = output(50.0, gt=0)
    """Larger image files are rejected."""
    max_image_megapixels: float = output(100.0, gt=0)
    """Images with more pixels are rejected by their header, before decoding."""
    markdown: Markdown = output(Markdown)
    """How Markdown is read."""
    pdf: Pdf = output(Pdf)
    """How PDFs are read."""
    rows: Rows = output(Rows)
    """How CSV and XLSX rows are read."""
    text: Text = output(Text)
    """How plain text is read."""
    describe: Describe = output(Describe)
    """Figures described by the teacher."""


class AssessImages(Stage):
    """Measure every photo; keep or reject it with a reason."""

    shards: int = execution(2, ge=1)
    """Parallel parts."""
    min_side_px: int = output(64, ge=1)
    """Smaller photos are rejected."""
    min_color_std: float = output(3.0, ge=0)
    """Photos with less variation are rejected as blank."""
    min_sharpness: float = output(2.0, ge=0)
    """Photos with a lower Laplacian variance are rejected as blurred."""
    duplicate_similarity: float = output(0.93, gt=0.5, le=1)
    """Photos of one exhibit whose hashes agree in at least this share of bits count as the same photo."""


class AugmentImages(Stage):
    """Make altered copies of photos until every exhibit has its quota."""

    shards: int = execution(2, ge=1)
    """Parallel parts."""
    probability: float = output(0.5, ge=0, le=1)
    """Chance of each of the five transforms."""


class Assemble(Stage):
    """One item per exhibit or section, and which photo goes to which split."""

    split: Literal["clean", "published", "given"] = output("clean")
    """`clean`: all derivatives of a photo in one split. `published`: originals to test first, altered copies to
    train first (leaks, as published). `given`: the columns of the CSV."""
    images_per_item: int = output(15, ge=2)
    """Photos per exhibit, originals and altered copies together, whatever the split; of more photos, those for
    training are left out."""
    test_images: int = output(3, ge=0)
    """Photos per exhibit kept for testing."""
    validation_images: int = output(1, ge=0)
    """Photos per exhibit kept for choosing a checkpoint."""
    splits_of: str = output("", pattern=f"^$|{RUN_NAME_PATTERN}")
    """Name of another run of the data folder whose photos and pairs stay in their splits in this one; a run that has
    splits of its own keeps those."""
    related_sections: int = output(3, ge=0, le=10)
    """Sections of the same document that are shown beside one, by TF-IDF similarity."""


class GenerateQA(Stage):
    """Questions and answers about every item."""

    shards: int = execution(2, ge=1)
    """Parallel parts."""
    types: tuple[str, ...] = output(("visitor",), min_length=1)
    """Question types to ask, from question_types.yaml; `all` stands for the 15 types of documents, `styles` for the
    five styles. `visitor` is the published museum method."""
    quotas: dict[str, int] = output(dict)
    """Pairs per section (or per fact) and temperature by question type, where they differ from question_types.yaml."""
    own_types: tuple[QuestionType, ...] = output(())
    """Further question types, to be named in `types`."""
    temperatures: tuple[float, ...] = output((0.4, 0.7, 0.9), min_length=1)
    """One call per item, question type and temperature; the lowest goes to test, the highest to train."""
    pairs_per_call: int = output(5, ge=1, le=20)
    """Visitor pairs asked for in one call."""
    max_answer_words: int = output(300, ge=10)
    """Longest answer asked for."""
    language: str = output("English")
    """Language of questions and answers, as a name (`Korean`) or a code (`ko`); a source may have its own."""
    domain: str = output("")
    """What the documents are about, in a few words for the prompts: `road traffic control`."""
    persona: str = output("")
    """Who asks: `a technician in training`."""
    image_policy: str = output("Attach a figure only where the question cannot be answered without looking at it.")
    """When a question gets figures, as the teacher is told."""
    max_images: int = output(4, ge=0, le=16)
    """Figures shown with one request and attached to one question; 0 asks without figures."""
    max_section_chars: int = output(20_000, ge=500)
    """Of a longer section only the beginning is shown, or the part around the fact that is asked about."""
    reasoning: bool = output(False)
    """Also ask for the steps that lead to each answer."""
    max_reject_rate: float = execution(0.5, ge=0, le=1)
    """Share of calls that may give nothing usable; what the offline teacher leaves unwritten does not count."""
    uncounted: ClassVar[frozenset[str]] = frozenset(
        {
            "not written by the offline teacher",
            "no more answers in the text",
            "fewer pairs than asked for",
            "section in several parts",
        }
    )


class Curate(Stage):
    """Reject or mark pairs that should not be trained on."""

    min_answer_words: int = output(4, ge=1)
    """Shorter answers are rejected."""
    min_answer_words_by_type: dict[str, int] = output(
        lambda: {"short_answer": 1, "boolean": 1, "true_false_fill_blank": 1, "conversation": 1}
    )
    """The same for question types whose answers may be shorter."""
    max_answer_words: int = output(300, ge=1)
    """Longer answers are rejected."""
    max_unsupported_numbers: int = output(0, ge=0)
    """Answers with more numbers that the source does not have are rejected."""
    max_unsupported_names: int = output(0, ge=0)
    """Answers with more proper names that the source does not have are rejected."""
    near_duplicate_similarity: float | None = output(0.9, gt=0.5, le=1)
    """Pairs that agree in this share of their words and word pairs (Jaccard, by MinHash) and in all numbers, units,
    negations, opposites and names are repeats; null leaves the gate out."""
    embedding_similarity: float | None = output(None, gt=0.5, le=1)
    """Pairs about the same item whose embeddings have at least this cosine are repeats; null leaves the gate out."""
    round_trip_rank: int | None = output(None, ge=1)
    """The question must find its own section among so many of all sections; null leaves the gate out."""
    min_answer_support: float = output(0.3, ge=0, le=1)
    """Answers of which a smaller share of content words stands in the source are rejected; 0 leaves the gate out."""
    min_question_support: float = output(0.2, ge=0, le=1)
    """The same for questions, but those of visitors and those that suppose or judge something; 0 leaves it out."""
    require_approval: bool = output(False)
    """Keep only pairs that a person approved or edited."""
    edits: Path | None = output(None)
    """CSV of `docent review` with edits, approvals and rejections."""
    max_reject_rate: float = execution(0.5, ge=0, le=1)
    """Share of pairs that may be rejected, repeats not counted; any with `require_approval`, which leaves out what
    nobody has read yet."""
    uncounted: ClassVar[frozenset[str]] = frozenset(
        {"duplicate", "near duplicate", "embedding duplicate", "asked of another section"}
    )

    @property
    def reject_limit(self) -> float:
        """All where only approved pairs are wanted."""
        return 1.0 if self.require_approval else self.max_reject_rate


class BuildDataset(Stage):
    """Pairs meet photos: splits, leak count, Hugging Face dataset, exports."""

    pairs_per_train_image: int = output(4, ge=1)
    """Training rows per training photo; 1 pairs photo and answer one to one, as published."""
    name: str = output("")
    """Title of the data set card; when empty, that of the sources: of `collection.yaml`, a document or a folder."""
    license: str = output("")
    """Licence of the data set card, such as `cc-by-4.0`; when empty, that of `collection.yaml`, else `other`."""
    validation_share: float = output(0.05, ge=0, lt=1)
    """Share of the pairs about sections that go to validation, on average: each goes by its own text; photos have
    `assemble.validation_images`."""
    test_share: float = output(0.0, ge=0, lt=1)
    """Share of the pairs about sections that go to test, on average, beside those of held-out question types."""
    chat_turns: Literal["single", "multi"] = output("single")
    """`multi` packs all pairs of one item into one conversation of the chat JSONL."""
    chat_bom: bool = output(False)
    """Begin the chat JSONL with a byte order mark, as some published sets do."""
    chat_shuffle: bool = output(False)
    """Write the chat JSONL in a seeded random order."""
    system_prompt: str = output("")
    """System message of every conversation of the chat JSONL; none when empty."""
    reasoning: Literal["drop", "think"] = output("drop")
    """`think` puts reasoning before the answer between <think> and </think> in exports."""
    per_document: bool = output(False)
    """Also write `train-<document>.json` and `eval-<document>.json` for every document."""
    push_to: str = execution("")
    """Name of a dataset repository on the Hugging Face hub to push to; not pushed when empty."""
    push_private: bool = execution(True)
    """Make a repository that does not exist yet private; one that exists stays as it is."""
    push_delete: tuple[str, ...] = execution(())
    """Files of others in that repository to delete, as paths or patterns such as `old/*`; all others are kept."""
    token_env: str = execution("HF_TOKEN", pattern=r"^[A-Z][A-Z0-9_]*$")
    """Name of the environment variable that holds the hub's token."""

    @field_validator("license")
    @classmethod
    def _no_placeholder(cls, name: str) -> str:
        """Refuse the placeholder of a suggested command."""
        if name.strip().upper() == LICENSE_PLACEHOLDER:
            raise ValueError("is a placeholder: put the name of your licence in its place, such as cc-by-4.0")
        return name


class Approach(Section):
    """One way of fine-tuning. A plain name such as `lora` stands for `{name: lora, is: lora}`."""

    model_config = ConfigDict(populate_by_name=True)

    name: str = output(pattern=r"^[a-z0-9]([a-z0-9-]{0,11}[a-z0-9])?$")
    """Name of the approach; at most 13 characters."""
    kind: ApproachName = Field(alias="is", json_schema_extra={"effect": "output"})
    """The row of the approaches table."""
    epochs: float | None = output(None, gt=0)
    """Overrides `finetune.epochs`."""
    learning_rate: float | None = output(None, gt=0)
    """Overrides the learning rate of the approaches table."""
    rank: int | None = output(None, ge=1)
    """Overrides the LoRA rank."""
    seed: int | None = output(None)
    """Overrides the run's seed."""
    precision: Literal["mixed", "published"] = output("mixed")
    """`mixed`: the weights that train are float32; with `dtype: bfloat16` they are cast for each forward pass.
    `published`: they are of `dtype`, as in the published experiment; in bfloat16 a low learning rate changes few of
    them."""


class Finetune(Stage):
    """Train the base model on the data set, once per approach."""

    base_model: str = output("samples/docent-tiny")
    """Folder of the model, or its name on the Hugging Face hub."""
    approaches: tuple[Approach, ...] = output(("lora", "full"), min_length=1, validate_default=True)
    """What to train: names from the approaches table, or mappings with settings."""
    epochs: float | None = output(None, gt=0)
    """Maximum passes over the training rows; when empty, one and a half passes or 1,300 steps, whichever is more."""
    max_steps: int | None = output(None, ge=1)
    """Stop after so many optimiser steps, for a quick try."""
    batch_size: int = output(4, ge=1)
    """Rows per optimiser step."""
    micro_batch_rows: int | None = output(None, ge=1)
    """Rows in one forward and backward pass; when empty, the whole batch. Fewer need less memory; their gradients add
    up to those of the batch."""
    patience: int = output(5, ge=0)
    """After so many evaluations without a validation loss lower by at least 0.5 % the learning rate falls to zero over
    a fifth more steps, and training ends; 0 never ends it early."""
    warmup_share: float = output(0.06, ge=0, lt=1)
    """Share of the steps in which the learning rate rises to its peak; after it a cosine falls to zero."""
    weight_decay: float = output(0.01, ge=0)
    """AdamW weight decay."""
    adam_beta2: float = output(0.98, ge=0, lt=1)
    """AdamW's memory of squared gradients; short trainings want less than the usual 0.999."""
    max_grad_norm: float = output(1.0, gt=0)
    """Gradients are scaled down to this norm."""
    evaluations: int = output(10, ge=1)
    """Times the validation loss is measured, evenly spread; of the losses that cannot be told apart from the lowest the
    latest checkpoint is kept."""
    dtype: Literal["float32", "bfloat16"] = output("float32")
    """Number format of the model's arithmetic; float32 on CPU resumes bit for bit."""
    max_checkpoints: int = execution(2, ge=1)
    """Checkpoints kept on disk while training."""

    @field_validator("approaches", mode="before")
    @classmethod
    def _names_to_mappings(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return tuple({"name": v, "is": v} if isinstance(v, str) else v for v in value)

    @field_validator("approaches")
    @classmethod
    def _names_differ(cls, value: tuple[Approach, ...]) -> tuple[Approach, ...]:
        names = [a.name for a in value]
        if taken := sorted(set(names) & set(COMPARED_ARMS)):
            raise ValueError(f"an approach cannot be named like a method it is compared with: {', '.join(taken)}")
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"approach named twice: {', '.join(twice)}")
        return value


class Answering(Stage):
    """Models and methods answer the test examples; the approaches of `finetune` are always among them."""

    arms: tuple[ComparedArm, ...] = output(COMPARED_ARMS)
    """What the fine-tuned models are compared with."""
    shards: int = execution(1, ge=1)
    """Parallel parts of each model or method."""
    batch_size: int = output(20, ge=1)
    """Examples generated together."""
    max_new_tokens: int | None = output(None, ge=1)
    """Longest answer in tokens of the model; null: as many as the longest training answer has and a tenth more, at most
    1024. Decoding is greedy, by no setting of the model's own `generation_config.json`."""


class Scoring(Stage):
    """Metrics with intervals, from the answer files alone."""

    bootstrap_draws: int = output(10_000, ge=100)
    """Random patterns of signs in every paired test, at least 10,000; intervals need none."""


class Reporting(Stage):
    """One self-contained HTML page."""

    title: str = output("")
    """Heading of the page; when empty, that of the sources: of `collection.yaml`, a document or a folder."""
    max_samples: int = output(40, ge=1)
    """Test questions shown with every answer."""
