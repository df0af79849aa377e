"""Define the files of counts that stages write next to their rows, for other stages, the launcher and people.

Reads `audit.json` and `statistics.json` of build-dataset, `summary.json` of score, `review.json` of curate, and
`generation.json` of the stages that generate answers.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import Field, ValidationError

from docent.artifacts.side_files import SideFile, first_problem
from docent.errors import InputError
from docent.records import Split
from docent.store import Artifact

SIGNIFICANT_P = 0.05


class UnitSummary(SideFile):
    """A summary file that a unit lists among its outputs."""

    file: ClassVar[str]
    """Name of the file inside the unit's folder."""


S = TypeVar("S", bound=UnitSummary)


def _is_none(value: Any) -> bool:
    return value is None


class Leak(SideFile):
    """A test photo with a related photo in another split."""

    image: str
    item: str = ""
    split: Split = "train"
    """Split of the related photo; train takes precedence over validation."""
    group: str = ""
    """Lineage group of the test photo."""


class LeakAudit(UnitSummary):
    """Overlap of a data set's test split with its other splits."""

    file = "audit.json"

    leaks: int
    test_images: int
    leaked: tuple[Leak, ...] = ()
    test_answers_also_in_train: int = 0
    test_answers_of_training_sentences: int = 0
    test_answers_with_training_sentences: int = 0
    figures: int | None = Field(None, exclude_if=_is_none)
    """Number of document figures shown in rows; left out if the data set has no questions about sections."""
    figures_in_several_splits: int | None = Field(None, exclude_if=_is_none)


class Shortfall(SideFile):
    """Pairs of one question type that were requested from a teacher but not written, for one reason."""

    question_type: str
    reason: str = ""
    missing: int


class Statistics(UnitSummary):
    """Counts of a data set; the fields `by_...` break the counts above them down by one property each."""

    file = "statistics.json"

    made: int = 0
    kept: int = 0
    train: int = 0
    validation: int = 0
    test: int = 0
    rows: int = 0
    items: int = 0
    documents: int = 0
    imbalance: dict[str, Any] | None = None
    by_type: tuple[dict[str, Any], ...] = ()
    by_difficulty: tuple[dict[str, Any], ...] = ()
    by_language: tuple[dict[str, Any], ...] = ()
    by_document: tuple[dict[str, Any], ...] = ()
    by_section: tuple[dict[str, Any], ...] = ()
    rejected: dict[str, dict[str, int]] = {}
    rejected_by_type: dict[str, dict[str, int]] = {}
    shortfall: tuple[Shortfall, ...] = ()

    @property
    def missing_by_type(self) -> Counter[str]:
        """Number of missing pairs by question type."""
        missing: Counter[str] = Counter()
        for line in self.shortfall:
            missing[line.question_type] += line.missing
        return missing


class _WithInterval:
    """The ends of a 95 % interval, which are infinite if none was computed."""

    if TYPE_CHECKING:  # a field here would come before those of the classes below, which changes the file
        ci: tuple[float, float] | None

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.ci[0] if self.ci else -math.inf

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.ci[1] if self.ci else math.inf


class Mean(SideFile, _WithInterval):
    """Mean of a metric over the `n` answers of one arm, with its 95 % interval."""

    mean: float
    ci: tuple[float, float] | None = None
    n: int = 0
    items: int | None = None
    """Number of items that the answers are about; None if not counted."""


class Difference(SideFile, _WithInterval):
    """Paired difference of a metric between two arms, a - b, with its 95 % interval and p values."""

    a: str
    b: str
    metric: str
    difference: float
    ci: tuple[float, float] | None = None
    n: int = 0
    items: int | None = None
    p: float | None = None
    p_holm: float | None = None

    @property
    def is_significant(self) -> bool:
        """Whether the difference is more than noise."""
        return (self.low > 0 or self.high < 0) and (self.p_holm is None or self.p_holm < SIGNIFICANT_P)


class ScoreSummary(UnitSummary):
    """Means and comparisons of every arm."""

    file = "summary.json"

    arms: dict[str, dict[str, Mean]] = {}
    ceiling: dict[str, Mean] = {}
    comparisons: tuple[Difference, ...] = ()
    items: int = 0
    test_examples: int = 0
    notes: tuple[str, ...] = ()
    leaks: dict[str, Any] | None = None
    """The leak audit, copied from the data set."""
    encoder: dict[str, Any] = {}
    chance: float | None = None


class Generation(UnitSummary):
    """How the answers of one model were generated; identical for every shard."""

    file = "generation.json"

    max_new_tokens: int
    longest_training_answer_tokens: int | None
    settings: dict[str, Any]
    ignored: dict[str, Any]


class ReviewSummary(UnitSummary):
    """How many review decisions matched a pair, and how many of each decision there were."""

    file = "review.json"

    matched: int
    unmatched: int
    approved: int
    edited: int
    rejected: int


def read_summary(artifact: Artifact | None, kind: type[S]) -> S | None:
    """Return the summary of this kind that a unit lists, or None if it lists none.

    Raises:
        InputError: the file does not have the format that the stage writes.
    """
    if artifact is None or kind.file not in artifact.file_names:
        return None
    path = artifact.file(kind.file)
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        why = first_problem(error)
        raise InputError(f"not a valid {kind.file}: {why}", str(path), "docent run --verify") from None
