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
"""What stands for a licence in a suggested command: pasted as it is, it names none."""
EDITS_PLACEHOLDER = "PATH-TO/edits.csv"
"""What stands for the file of decisions that a browser saved, in a suggested command."""


class StageSection(ConfigSection):
    """What every stage's section has."""

    enabled: bool = output(True)
    """`false` skips the stage; later stages treat its output as empty."""
    max_reject_rate: float = execution(1.0, ge=0, le=1)
    """Fail the stage when more than this share of its rows is rejected."""
    max_failed_shards: int = execution(0, ge=0)
    """Number of shards that may fail on bad input before the stage fails; the report lists what is missing."""
    uncounted: ClassVar[frozenset[str]] = frozenset()
    """Reject reasons that lose nothing usable: listed, but not counted towards `max_reject_rate`."""

    @property
    def reject_limit(self) -> float:
        """Share of rejected rows with which the stage still succeeds."""
        return self.max_reject_rate


class Ingest(StageSection):
    """Read the raw material."""

    sources: tuple[Source, ...] = output(min_length=1)
    """Sources to read, in order."""
    max_exhibits: int | None = output(None, ge=1)
    """Read only the first N exhibits or files, for a quick test."""
    shards: int = execution(1, ge=1)
    """Number of shards that run in parallel."""
    max_reject_rate: float = execution(0.05, ge=0, le=1)
    """Fail the stage when more than this share of photos, exhibits and figures is unusable."""
    max_image_mb: float = output(50.0, gt=0)
    """Reject image files larger than this."""
    max_image_megapixels: float = output(100.0, gt=0)
    """Reject images with more pixels than this. Checked in the file header, before decoding."""
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
    """Measure every photo; keep it or reject it with a reason."""

    shards: int = execution(2, ge=1)
    """Number of shards that run in parallel."""
    min_side_px: int = output(64, ge=1)
    """Reject photos whose shorter side is smaller than this."""
    min_color_std: float = output(3.0, ge=0)
    """Reject photos as blank when the standard deviation of their colours is below this."""
    min_sharpness: float = output(2.0, ge=0)
    """Reject photos as blurred when their Laplacian variance is below this."""
    duplicate_similarity: float = output(0.93, gt=0.5, le=1)
    """Share of equal perceptual-hash bits at which two photos of one exhibit are duplicates."""


class AugmentImages(StageSection):
    """Augment photos until every exhibit has its quota."""

    shards: int = execution(2, ge=1)
    """Number of shards that run in parallel."""
    probability: float = output(0.5, ge=0, le=1)
    """Probability of applying each of the five transforms."""


class Assemble(StageSection):
    """Build one item per exhibit or section and assign photos to splits."""

    split: Literal["clean", "published", "given"] = output("clean")
    """`clean` keeps a photo and all its augmented copies in one split. `published` prefers originals for test and
    augmented copies for train, as in the published experiment, and therefore leaks. `given` uses the CSV's columns."""
    images_per_item: int = output(15, ge=2)
    """Target number of photos per exhibit over all splits, augmented copies included. An exhibit with more photos
    uses fewer for training."""
    test_images: int = output(3, ge=0)
    """Photos per exhibit in the test split."""
    validation_images: int = output(1, ge=0)
    """Photos per exhibit in the validation split, which selects the checkpoint."""
    splits_of: str = output("", pattern=f"^$|{RUN_NAME_PATTERN}")
    """Name of another run in the same data folder whose split assignments to reuse. Ignored once this run has its
    own."""
    related_sections: int = output(3, ge=0, le=10)
    """Number of related sections (TF-IDF, same document) shown to the teacher with each section."""


class GenerateQA(StageSection):
    """Generate questions and answers about every item."""

    shards: int = execution(2, ge=1)
    """Number of shards that run in parallel."""
    types: tuple[str, ...] = output(("visitor",), min_length=1)
    """Question types from question_types.yaml. `all` selects the 15 document types, `styles` the five styles;
    `visitor` is the published museum method."""
    quotas: dict[str, int] = output(dict)
    """Overrides of the quotas in question_types.yaml: pairs per section (or per fact) and temperature."""
    own_types: tuple[QuestionType, ...] = output(())
    """Additional question types; name them in `types` to use them."""
    temperatures: tuple[float, ...] = output((0.4, 0.7, 0.9), min_length=1)
    """One call per item, question type and temperature. Pairs of the lowest temperature go to test, of the
    highest to train."""
    pairs_per_call: int = output(5, ge=1, le=20)
    """Visitor pairs requested per call."""
    max_answer_words: int = output(300, ge=10)
    """Maximum answer length requested from the teacher."""
    language: str = output("English")
    """Language of questions and answers, as a name (`Korean`) or a code (`ko`). A source can override it."""
    domain: str = output("")
    """Subject of the documents, used in prompts, such as `road traffic control`."""
    persona: str = output("")
    """Person who asks the questions, used in prompts, such as `a technician in training`."""
    image_policy: str = output("Attach a figure only where the question cannot be answered without looking at it.")
    """Instruction to the teacher on when to attach figures to a question."""
    max_images: int = output(4, ge=0, le=16)
    """Maximum figures per request and per question; 0 sends none."""
    max_section_chars: int = output(20_000, ge=500)
    """Longer sections are truncated to the beginning, or to the part around the fact in question."""
    reasoning: bool = output(False)
    """Also request the reasoning steps behind each answer."""
    max_reject_rate: float = execution(0.5, ge=0, le=1)
    """Fail the stage when more than this share of calls yields nothing usable. Pairs that the offline teacher cannot
    write do not count."""
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
    """Reject answers with fewer words."""
    min_answer_words_by_type: dict[str, int] = output(
        lambda: {"short_answer": 1, "boolean": 1, "true_false_fill_blank": 1, "conversation": 1}
    )
    """Overrides of `min_answer_words` by question type."""
    max_answer_words: int = output(300, ge=1)
    """Reject answers with more words."""
    max_unsupported_numbers: int = output(0, ge=0)
    """Reject answers with more numbers than this that are missing from the source."""
    max_unsupported_names: int = output(0, ge=0)
    """Reject answers with more proper names than this that are missing from the source."""
    near_duplicate_similarity: float | None = output(0.9, gt=0.5, le=1)
    """Jaccard threshold (MinHash over words and word pairs) for near-duplicates, which must also agree in all numbers,
    units, negations, opposites and names. null disables the check."""
    embedding_similarity: float | None = output(None, gt=0.5, le=1)
    """Cosine similarity at which two pairs about the same item are duplicates; null disables the check."""
    round_trip_rank: int | None = output(None, ge=1)
    """A question must retrieve its own section within this rank among all sections; null disables the check."""
    min_answer_support: float = output(0.3, ge=0, le=1)
    """Minimum share of an answer's content words that occur in the source; 0 disables the check."""
    min_question_support: float = output(0.2, ge=0, le=1)
    """The same for questions, except visitor, hypothetical and judgement questions; 0 disables the check."""
    require_approval: bool = output(False)
    """Keep only pairs that a person has approved or edited."""
    edits: Path | None = output(None)
    """CSV from `docent review` with edits, approvals and rejections."""
    max_reject_rate: float = execution(0.5, ge=0, le=1)
    """Fail the stage when more than this share of pairs is rejected, duplicates not counted. Ignored with
    `require_approval`, which drops all pairs not reviewed yet."""
    uncounted: ClassVar[frozenset[str]] = frozenset(
        {"duplicate", "near duplicate", "embedding duplicate", "asked of another section"}
    )

    @property
    def reject_limit(self) -> float:
        """All where only approved pairs are wanted."""
        return 1.0 if self.require_approval else self.max_reject_rate


class BuildDataset(StageSection):
    """Combine pairs with photos: splits, leak audit, Hugging Face dataset, exports."""

    pairs_per_train_image: int = output(4, ge=1)
    """Training rows per training photo; 1 uses each photo once, as published."""
    name: str = output("")
    """Title of the data card. Falls back to the title in `collection.yaml`, of the document, or the folder name."""
    license: str = output("")
    """Licence of the data card, such as `cc-by-4.0`. Falls back to `collection.yaml`, then to `other`."""
    validation_share: float = output(0.05, ge=0, lt=1)
    """Expected share of section pairs in the validation split; each pair is assigned by a hash of its text. Photos use
    `assemble.validation_images`."""
    test_share: float = output(0.0, ge=0, lt=1)
    """Expected share of section pairs in the test split, in addition to held-out question types."""
    chat_turns: Literal["single", "multi"] = output("single")
    """`multi` packs all pairs of one item into one conversation in the chat JSONL."""
    chat_bom: bool = output(False)
    """Start the chat JSONL with a byte order mark, as some published data sets do."""
    chat_shuffle: bool = output(False)
    """Shuffle the chat JSONL with the run's seed."""
    system_prompt: str = output("")
    """System message of every conversation in the chat JSONL; none when empty."""
    reasoning: Literal["drop", "think"] = output("drop")
    """`think` exports reasoning before the answer, between <think> and </think>."""
    per_document: bool = output(False)
    """Also write `train-<document>.json` and `eval-<document>.json` for every document."""
    push_to: str = execution("")
    """Dataset repository on the Hugging Face hub to push to; nothing is pushed when empty."""
    push_private: bool = execution(True)
    """Create a new repository as private. The visibility of an existing one does not change."""
    push_delete: tuple[str, ...] = execution(())
    """Files in that repository to delete, as paths or patterns such as `old/*`, although docent did not write them."""
    token_env: str = execution("HF_TOKEN", pattern=r"^[A-Z][A-Z0-9_]*$")
    """Environment variable that holds the hub token."""

    @field_validator("license")
    @classmethod
    def _no_placeholder(cls, name: str) -> str:
        """Refuse the placeholder of a suggested command."""
        if name.strip().upper() == LICENSE_PLACEHOLDER:
            raise ValueError("is a placeholder: put the name of your licence in its place, such as cc-by-4.0")
        return name


class Approach(ConfigSection):
    """One way of fine-tuning. A plain name such as `lora` stands for `{name: lora, is: lora}`."""

    model_config = ConfigDict(populate_by_name=True)

    name: str = output(pattern=r"^[a-z0-9]([a-z0-9-]{0,11}[a-z0-9])?$")
    """Name of this approach; at most 13 characters."""
    kind: ApproachName = Field(alias="is", json_schema_extra={"effect": "output"})
    """Row of the table of approaches."""
    epochs: float | None = output(None, gt=0)
    """Overrides `finetune.epochs`."""
    learning_rate: float | None = output(None, gt=0)
    """Overrides the learning rate in the table of approaches."""
    rank: int | None = output(None, ge=1)
    """Overrides the LoRA rank."""
    alpha: int | None = output(None, ge=1)
    """Overrides the LoRA alpha. By default it changes with the rank, so that the scale alpha / rank stays the same."""
    rank_stabilized: bool | None = output(None)
    """Scale the adapter by alpha / sqrt(rank) (rsLoRA), as the published experiment, instead of alpha / rank."""
    dropout: float | None = output(None, ge=0, lt=1)
    """Overrides the LoRA dropout."""
    init: Literal["kaiming", "gaussian"] | None = output(None)
    """Initial values of the LoRA matrices A: Kaiming uniform (by default) or Gaussian. The matrices B start at zero."""
    trains: TrainedPart | None = output(None)
    """Weights that `full` trains. `projections`: attention and MLP projections of the text model and the connector, as
    in the published experiment. `language` (the default): the whole text model and connector. `everything`: also the
    vision tower."""
    seed: int | None = output(None)
    """Overrides the run's seed."""
    precision: Literal["mixed", "published"] = output("mixed")
    """`mixed`: the weights that train are float32; with `dtype: bfloat16` they are cast for each forward pass.
    `published`: they are of `dtype`, as in the published experiment; in bfloat16 a low learning rate changes few of
    them."""


class Finetune(StageSection):
    """Fine-tune the base model on the data set, once per approach."""

    base_model: str = output("samples/docent-tiny")
    """Model folder, or model name on the Hugging Face hub."""
    approaches: tuple[Approach, ...] = output(("lora", "full"), min_length=1, validate_default=True)
    """Approaches to train: names from the table of approaches, or mappings with settings."""
    epochs: float | None = output(None, gt=0)
    """Maximum passes over the training rows. By default 1.5 passes or 1,300 steps, whichever is more."""
    max_steps: int | None = output(None, ge=1)
    """Stop after this many optimiser steps, for a quick test."""
    batch_size: int = output(4, ge=1)
    """Rows per optimiser step."""
    micro_batch_rows: int | None = output(None, ge=1)
    """Rows in one forward and backward pass; when empty, the whole batch. Fewer need less memory; their gradients add
    up to those of the batch."""
    patience: int = output(5, ge=0)
    """Evaluations without an improvement of the validation loss by at least 0.5 % before early stopping: the learning
    rate then decays to zero over a fifth more steps. 0 disables early stopping."""
    warmup_share: float = output(0.06, ge=0, lt=1)
    """Share of the steps used for linear warm-up; a cosine decay to zero follows."""
    weight_decay: float = output(0.01, ge=0)
    """AdamW weight decay."""
    adam_beta2: float = output(0.98, ge=0, lt=1)
    """AdamW beta2. Short trainings work better with less than the usual 0.999."""
    max_grad_norm: float = output(1.0, gt=0)
    """Clip the gradient norm to this value."""
    evaluations: int = output(10, ge=1)
    """Number of evenly spaced evaluations of the validation loss. The latest checkpoint within one standard error of
    the lowest loss is kept."""
    dtype: Literal["float32", "bfloat16"] = output("float32")
    """Number format of the model's arithmetic; float32 on CPU resumes bit for bit."""
    max_checkpoints: int = execution(2, ge=1)
    """Maximum checkpoints kept on disk during training."""

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


class Answering(StageSection):
    """Answer the test examples with every arm: the fine-tuned models and the baselines."""

    arms: tuple[ComparedArm, ...] = output(COMPARED_ARMS)
    """Baselines to compare the fine-tuned models with."""
    shards: int = execution(1, ge=1)
    """Number of shards per arm that run in parallel."""
    batch_size: int = output(20, ge=1)
    """Examples per generation batch."""
    max_new_tokens: int | None = output(None, ge=1)
    """Maximum answer length in tokens. By default the longest training answer plus 10 %, at most 1024. Decoding is
    greedy; the model's own `generation_config.json` is ignored."""


class Scoring(StageSection):
    """Compute metrics with intervals from the answers."""

    bootstrap_draws: int = output(10_000, ge=100)
    """Random sign patterns per paired test, at least 10,000. Intervals do not use them."""


class Reporting(StageSection):
    """Write the report: one self-contained HTML page."""

    title: str = output("")
    """Heading of the page. Falls back to the title in `collection.yaml`, of the document, or the folder name."""
    max_samples: int = output(40, ge=1)
    """Test questions shown with the answers of every arm."""
