"""Define one section of pipeline.yaml per stage, in the order in which the stages run. Reads and writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from pydantic import ConfigDict, Field, field_validator

from docent.config.fields import ConfigSection, execution, output
from docent.config.questions import QuestionType
from docent.config.run_names import RUN_NAME_PATTERN
from docent.config.sources import Describe, Markdown, Pdf, Rows, Source, Text
from docent.tables import APPROACHES, ARMS, TrainedPart

if TYPE_CHECKING:
    ApproachName: TypeAlias = str
    ComparedArm: TypeAlias = str
else:  # one row of a table is enough to add a choice, in the schema and in error messages too
    ApproachName = Literal[tuple(APPROACHES)]
    ComparedArm = Literal[tuple(ARMS)]
COMPARED_ARMS: tuple[ComparedArm, ...] = tuple(ARMS)
LICENSE_PLACEHOLDER = "YOUR-LICENSE"
"""Placeholder for a licence in suggested commands; it is refused as a value."""
EDITS_PLACEHOLDER = "PATH-TO/edits.csv"
"""Placeholder in suggested commands for the file of decisions that a browser saved."""


class StageSection(ConfigSection):
    """Settings that every stage has."""

    enabled: bool = output(True)
    """`false` skips the stage. Later stages then treat its output as empty."""
    max_reject_rate: float = execution(1.0, ge=0, le=1)
    """Fail the stage if it rejects more than this share (0 to 1) of its rows; 1 never fails it. The stages
    assess-images, finetune, answer, score and report reject no rows and ignore it."""
    max_failed_shards: int = execution(0, ge=0)
    """Number of shards that may fail on bad input without failing the stage. The report lists what is missing."""
    uncounted: ClassVar[frozenset[str]] = frozenset()
    """Reasons of rejected rows that do not count towards `max_reject_rate`, since nothing usable is lost."""

    @property
    def reject_limit(self) -> float:
        """Return the largest share of rejected rows with which the stage succeeds."""
        return self.max_reject_rate


class Ingest(StageSection):
    """Read the raw material."""

    sources: tuple[Source, ...] = output(min_length=1)
    """Files and folders to read, in this order."""
    max_exhibits: int | None = output(None, ge=1)
    """Maximum number of exhibits or files to read, for a quick test. null reads all of them."""
    shards: int = execution(1, ge=1)
    """Number of shards (parts of the work) that can run in parallel."""
    max_reject_rate: float = execution(0.05, ge=0, le=1)
    """Fail the stage if more than this share (0 to 1) of photos, exhibits and figures is unusable."""
    max_image_mb: float = output(50.0, gt=0)
    """Maximum size of an image file in megabytes. Larger files are rejected."""
    max_image_megapixels: float = output(100.0, gt=0)
    """Maximum number of pixels of an image, in millions. Larger images are rejected before they are decoded."""
    markdown: Markdown = output(Markdown)
    """Settings for Markdown files."""
    pdf: Pdf = output(Pdf)
    """Settings for PDF files."""
    rows: Rows = output(Rows)
    """Settings for CSV and XLSX files."""
    text: Text = output(Text)
    """Settings for plain-text files."""
    describe: Describe = output(Describe)
    """Descriptions of figures, written by the teacher model."""


class AssessImages(StageSection):
    """Measure every photo, and decide whether it is used."""

    shards: int = execution(2, ge=1)
    """Number of shards (parts of the work) that can run in parallel."""
    min_side_px: int = output(64, ge=1)
    """Minimum length in pixels of the shorter side of a photo. Smaller photos are not used."""
    min_color_std: float = output(3.0, ge=0)
    """Minimum standard deviation of a photo's colours. Photos below it are blank and are not used."""
    min_sharpness: float = output(2.0, ge=0)
    """Minimum variance of the Laplacian of a photo. Photos below it are blurred and are not used."""
    duplicate_similarity: float = output(0.93, gt=0.5, le=1)
    """Share of equal bits (0.5 to 1) in the perceptual hashes of two photos of one exhibit, from which they are
    duplicates. Only the first of them is used."""


class AugmentImages(StageSection):
    """Add altered copies of photos until every exhibit has `assemble.images_per_item` photos."""

    shards: int = execution(2, ge=1)
    """Number of shards (parts of the work) that can run in parallel."""
    probability: float = output(0.5, ge=0, le=1)
    """Probability (0 to 1) of applying each of the five image transforms to a copy."""


class Assemble(StageSection):
    """Build one item per exhibit or section and assign photos to splits."""

    split: Literal["clean", "published", "given"] = output("clean")
    """How photos are assigned to the test, validation and training splits. `clean` keeps a photo and all its augmented
    copies in the same split. `published` prefers originals for testing and augmented copies for training, as in the
    published experiment; test photos therefore leak into training. `given` uses the columns of the exhibits CSV."""
    images_per_item: int = output(15, ge=2)
    """Target number of photos per exhibit over all splits, including augmented copies. If an exhibit has more
    photos than this, the surplus is left out of its training split."""
    test_images: int = output(3, ge=0)
    """Number of photos per exhibit in the test split."""
    validation_images: int = output(1, ge=0)
    """Number of photos per exhibit in the validation split, which is used to select the checkpoint."""
    splits_of: str = output("", pattern=f"^$|{RUN_NAME_PATTERN}")
    """Name of another run in the same data folder. Photos are assigned to splits as in that run. Ignored once this run
    has recorded its splits. Empty reuses none."""
    related_sections: int = output(3, ge=0, le=10)
    """Number of related sections of the same document (by TF-IDF) to show to the teacher with each section."""


class GenerateQA(StageSection):
    """Generate questions and answers about every item."""

    shards: int = execution(2, ge=1)
    """Number of shards (parts of the work) that can run in parallel."""
    types: tuple[str, ...] = output(("visitor",), min_length=1)
    """Types of questions to generate, from question_types.yaml or `own_types`. `all` selects the 15 types for
    documents, `styles` the five answer styles, `visitor` questions of museum visitors about an exhibit, as
    published."""
    quotas: dict[str, int] = output(dict)
    """Number of pairs per request by question type, such as `{short_answer: 3}`; replaces the quota in
    question_types.yaml. There is one request per section (or fact) and temperature."""
    own_types: tuple[QuestionType, ...] = output(())
    """Additional question types. To use one, list its name in `types`."""
    temperatures: tuple[float, ...] = output((0.4, 0.7, 0.9), min_length=1)
    """Sampling temperatures. There is one request per item, question type and temperature. Of the pairs about an
    exhibit, those with the lowest temperature are used for testing and those with the highest for training."""
    pairs_per_call: int = output(5, ge=1, le=20)
    """Number of pairs per request for the type `visitor`."""
    max_answer_words: int = output(300, ge=10)
    """Maximum number of words per answer that the teacher is instructed to write."""
    language: str = output("English")
    """Language of questions and answers, as a name (`Korean`) or code (`ko`). A source's own `language` overrides
    it."""
    domain: str = output("")
    """Subject of the documents for prompts, such as `road traffic control`. Empty mentions none."""
    persona: str = output("")
    """Person who asks the questions, for prompts, such as `a technician in training`. Empty mentions none."""
    image_policy: str = output("Attach a figure only where the question cannot be answered without looking at it.")
    """Instruction to the teacher on when to attach a figure to a question."""
    max_images: int = output(4, ge=0, le=16)
    """Maximum number of figures per request and per question. 0 sends no figures."""
    max_section_chars: int = output(20_000, ge=500)
    """Maximum characters of a section in a prompt. Longer ones are cut to their beginning, or to the part around the
    fact."""
    reasoning: bool = output(False)
    """`true` also requests the reasoning steps behind each answer. For their export see `build_dataset.reasoning`."""
    max_reject_rate: float = execution(0.5, ge=0, le=1)
    """Fail the stage if more than this share (0 to 1) of requests returns nothing usable. Pairs that the offline
    teacher cannot write do not count."""
    uncounted: ClassVar[frozenset[str]] = frozenset(
        {
            "not written by the offline teacher",
            "no more answers in the text",
            "fewer pairs than asked for",
            "section in several parts",
        }
    )


class Curate(StageSection):
    """Reject pairs that should not be trained on, or mark them with a warning."""

    min_answer_words: int = output(4, ge=1)
    """Minimum number of words per answer. Shorter answers are rejected."""
    min_answer_words_by_type: dict[str, int] = output(
        lambda: {"short_answer": 1, "boolean": 1, "true_false_fill_blank": 1, "conversation": 1}
    )
    """Minimum number of words per answer by question type, instead of `min_answer_words`."""
    max_answer_words: int = output(300, ge=1)
    """Maximum number of words per answer. Longer answers are rejected."""
    max_unsupported_numbers: int = output(0, ge=0)
    """Number of numbers in an answer that may be missing from the source text. Answers with more are rejected; with 0,
    every number must occur in the source."""
    max_unsupported_names: int = output(0, ge=0)
    """Number of proper names in an answer that may be missing from the source text. Answers with more are rejected;
    with 0, every name must occur in the source."""
    near_duplicate_similarity: float | None = output(0.9, gt=0.5, le=1)
    """Jaccard similarity (0.5 to 1) of the words and word pairs of two question-answer pairs, from which the later one
    is rejected as a near-duplicate. Pairs that differ in a number, unit, negation, opposite or name are never
    near-duplicates. null disables the check."""
    embedding_similarity: float | None = output(None, gt=0.5, le=1)
    """Reject the later of two pairs about the same item if the cosine similarity of their embeddings is at least this
    (0.5 to 1). null disables the check."""
    round_trip_rank: int | None = output(None, ge=1)
    """All sections are searched with the question, and the section that it is about must be among this many best
    matches; otherwise the pair is rejected. null disables the check."""
    min_answer_support: float = output(0.3, ge=0, le=1)
    """Minimum share (0 to 1) of the content words of an answer that occur in the source text. 0 disables the check."""
    min_question_support: float = output(0.2, ge=0, le=1)
    """Minimum share (0 to 1) of the content words of a question that occur in the source text. Not applied to visitor,
    hypothetical and judgement questions. 0 disables the check."""
    require_approval: bool = output(False)
    """`true` keeps only pairs that a person has approved or edited with `docent review`."""
    edits: Path | None = output(None)
    """CSV file from `docent review` with the edits, approvals and rejections to apply. null applies none."""
    max_reject_rate: float = execution(0.5, ge=0, le=1)
    """Fail the stage if more than this share (0 to 1) of pairs is rejected; duplicates do not count. Ignored with
    `require_approval`, which rejects all pairs that have not been reviewed."""
    uncounted: ClassVar[frozenset[str]] = frozenset(
        {"duplicate", "near duplicate", "embedding duplicate", "asked of another section"}
    )

    @property
    def reject_limit(self) -> float:
        """Return 1 if only approved pairs are kept, since all others are then rejected."""
        return 1.0 if self.require_approval else self.max_reject_rate


class BuildDataset(StageSection):
    """Combine pairs with photos into a data set: assign splits, check for leaks, export, push to a hub."""

    pairs_per_train_image: int = output(4, ge=1)
    """Number of training rows per training photo, each with a different question-answer pair. 1 uses each photo in one
    row, as the published experiment did."""
    name: str = output("")
    """Title of the data set on its card. Empty uses the title in `collection.yaml`, or else the title of the document,
    or else the name of the source folder."""
    license: str = output("")
    """Licence of the data set, such as `cc-by-4.0`. Empty uses the licence in `collection.yaml`, or else `other`."""
    validation_share: float = output(0.05, ge=0, lt=1)
    """Share (0 to 1) of the pairs about sections that go to the validation split. A hash of its text assigns each pair,
    so the exact number varies. For photos see `assemble.validation_images`."""
    test_share: float = output(0.0, ge=0, lt=1)
    """Share (0 to 1) of the pairs about sections that go to the test split, besides the held-out question types."""
    chat_turns: Literal["single", "multi"] = output("single")
    """`single` writes each pair as one conversation to the chat JSONL; `multi` writes one conversation per item."""
    chat_bom: bool = output(False)
    """`true` begins the chat JSONL file with a byte order mark, as in some published data sets."""
    chat_shuffle: bool = output(False)
    """`true` shuffles the conversations in the chat JSONL file with the run's seed."""
    system_prompt: str = output("")
    """System message of every conversation in the chat JSONL file. Empty writes none."""
    reasoning: Literal["drop", "think"] = output("drop")
    """How to export reasoning steps (`generate_qa.reasoning`). `drop` leaves them out; `think` writes them before the
    answer, between <think> and </think>."""
    per_document: bool = output(False)
    """`true` also writes `train-<document>.json` and `eval-<document>.json` for every document."""
    push_to: str = execution("")
    """Dataset repository on the Hugging Face Hub to push to, such as `my-name/my-museum`. Empty pushes nothing."""
    push_private: bool = execution(True)
    """`true` creates a new repository as private, `false` as public. An existing repository is not changed."""
    push_delete: tuple[str, ...] = execution(())
    """Files in the repository to delete although docent did not write them, as paths or patterns such as `old/*`."""
    token_env: str = execution("HF_TOKEN", pattern=r"^[A-Z][A-Z0-9_]*$")
    """Name of the environment variable that contains the token for the Hugging Face Hub."""

    @field_validator("license")
    @classmethod
    def _no_placeholder(cls, name: str) -> str:
        """Refuse the placeholder of a suggested command."""
        if name.strip().upper() == LICENSE_PLACEHOLDER:
            raise ValueError("is a placeholder: replace it with the name of your licence, such as cc-by-4.0")
        return name


class Approach(ConfigSection):
    """A way of fine-tuning. A plain name such as `lora` stands for `{name: lora, is: lora}`."""

    model_config = ConfigDict(populate_by_name=True)

    name: str = output(pattern=r"^[a-z0-9]([a-z0-9-]{0,11}[a-z0-9])?$")
    """Name of the approach; its unit is called `finetune-NAME`. At most 13 characters."""
    kind: ApproachName = Field(alias="is", json_schema_extra={"effect": "output"})
    """Training method: a name in the table of approaches, such as `lora` or `full`."""
    epochs: float | None = output(None, gt=0)
    """Maximum number of passes over the training rows. null uses `finetune.epochs`."""
    learning_rate: float | None = output(None, gt=0)
    """Peak learning rate. null uses the default of the training method."""
    rank: int | None = output(None, ge=1)
    """Rank of the LoRA adapters. null uses the default of the training method."""
    alpha: int | None = output(None, ge=1)
    """Numerator of the LoRA scale, alpha / rank. null keeps the scale of the training method when the rank changes."""
    rank_stabilized: bool | None = output(None)
    """`true` scales the adapters by alpha / sqrt(rank), as in the rsLoRA paper, `false` by alpha / rank. null uses the
    default of the training method."""
    dropout: float | None = output(None, ge=0, lt=1)
    """Dropout of the LoRA adapters. null uses the default of the training method."""
    init: Literal["kaiming", "gaussian"] | None = output(None)
    """Initial values of the LoRA matrices A: Kaiming uniform (by default) or Gaussian. The matrices B start at zero."""
    trains: TrainedPart | None = output(None)
    """Weights that full fine-tuning trains. `projections`: attention and MLP projections of the text model and the
    connector, as published. `language` (the default): the whole text model and connector. `everything`: also the vision
    tower."""
    seed: int | None = output(None)
    """Seed of this training. null uses the run's seed."""
    precision: Literal["mixed", "published"] = output("mixed")
    """Number format of the trained weights. `mixed`: float32, cast for each forward pass if `dtype` is bfloat16.
    `published`: that of `dtype`, as published; in bfloat16, a low learning rate leaves most weights unchanged."""


class Finetune(StageSection):
    """Fine-tune the base model on the data set, once per approach."""

    base_model: str = output("samples/docent-tiny")
    """Folder of the model, or its name on the Hugging Face Hub."""
    approaches: tuple[Approach, ...] = output(("lora", "full"), min_length=1, validate_default=True)
    """Approaches to train, each in its own unit: names such as `lora`, or mappings with the settings below."""
    epochs: float | None = output(None, gt=0)
    """Maximum passes over the training rows. null means 1.5 passes or 1,300 optimiser steps, whichever is more."""
    max_steps: int | None = output(None, ge=1)
    """Maximum number of optimiser steps, for a quick test. null sets no limit."""
    batch_size: int = output(4, ge=1)
    """Number of rows per optimiser step."""
    micro_batch_rows: int | None = output(None, ge=1)
    """Number of rows per forward and backward pass; gradients are accumulated until `batch_size` rows are processed.
    Lower it if memory runs out. null processes the whole batch in one pass."""
    patience: int = output(5, ge=0)
    """Number of successive evaluations without an improvement of the validation loss by at least 0.5 % after which
    training stops early: the learning rate decays to zero over a fifth more steps. 0 disables early stopping."""
    warmup_share: float = output(0.06, ge=0, lt=1)
    """Share (0 to 1) of the steps in which the learning rate rises linearly. Then it decays to zero along a cosine."""
    weight_decay: float = output(0.01, ge=0)
    """Weight decay of the optimiser AdamW."""
    adam_beta2: float = output(0.98, ge=0, lt=1)
    """Parameter beta2 of the optimiser AdamW. Short trainings work better with less than the usual 0.999."""
    max_grad_norm: float = output(1.0, gt=0)
    """Maximum norm of the gradient. Larger gradients are scaled down to it."""
    evaluations: int = output(10, ge=1)
    """Number of evaluations of the validation loss, evenly spaced. Of the checkpoints within one standard error of the
    lowest loss, the latest is kept."""
    dtype: Literal["float32", "bfloat16"] = output("float32")
    """Number format of the model's computations. With float32 on a CPU, a resumed training has exactly the results of
    an uninterrupted one; bfloat16 needs half the memory for weights."""
    max_checkpoints: int = execution(2, ge=1)
    """Maximum number of checkpoints that are kept on disk during training."""

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
            raise ValueError(f"these names belong to baselines in answer.arms; choose others: {', '.join(taken)}")
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"every approach needs a different name; used more than once: {', '.join(twice)}")
        return value


class Answering(StageSection):
    """Answer the test examples with every arm: the fine-tuned models and the baselines."""

    arms: tuple[ComparedArm, ...] = output(COMPARED_ARMS)
    """Methods to compare the fine-tuned models with. `base`: the model before fine-tuning. `retrieval`: the answer
    stored for the most similar training photo. `colour`: the same, by colours alone. `constant`: the same answer to
    every question. `blind`: the first fine-tuned model with a blank photo."""
    shards: int = execution(1, ge=1)
    """Number of shards (parts of the work) per arm that can run in parallel."""
    batch_size: int = output(20, ge=1)
    """Number of examples whose answers are generated together. Lower it if memory runs out."""
    max_new_tokens: int | None = output(None, ge=1)
    """Maximum length of an answer in tokens. null means the length of the longest training answer plus 10 %, at most
    1024. Decoding is greedy; the model's `generation_config.json` is ignored."""


class Scoring(StageSection):
    """Compute metrics with intervals from the answers."""

    bootstrap_draws: int = output(10_000, ge=100)
    """Random sign patterns per paired significance test, at least 10,000. Confidence intervals do not use them."""


class Reporting(StageSection):
    """Write the report: one self-contained HTML page."""

    title: str = output("")
    """Heading of the page. Empty uses the title in `collection.yaml`, or else that of the document or source folder."""
    max_samples: int = output(40, ge=1)
    """Maximum number of test questions that are shown with the answers of every arm."""
