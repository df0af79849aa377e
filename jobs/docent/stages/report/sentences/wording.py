"""What the page says about models, methods and metrics: one row each, in plain words. Reads nothing, writes nothing.

A method or a metric that has no row here still appears, under its own name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from docent.stages.report.inputs.subject import Subject
from docent.tables import APPROACHES, ARMS, ArmKind, Family

Better = Literal["higher", "lower", "near 1", "unknown"]

ACCURACY = "exhibit_accuracy"
NEAREST = "nearest_exhibit"
DISTANCE = "semantic_distance"


@dataclass(frozen=True)
class Metric:
    """How one number of a score is shown and explained.

    Attributes:
        title: heading of its column.
        better: which direction is good.
        percent: shown as a percentage of 1.
        digits: places after the point where it is not.
        meaning: one line for the glossary.
    """

    name: str
    title: str
    better: Better
    percent: bool
    meaning: str
    digits: int = 3


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            ACCURACY,
            "Right exhibit",
            "higher",
            True,
            "Share of answers that name the exhibit in the photo, or state at least two facts that only it has; "
            "guessing scores the chance line. An answer that names several exhibits counts for the first, or for none "
            "where it leaves open which.",
        ),
        Metric(
            NEAREST,
            "Nearest exhibit",
            "higher",
            True,
            "Share of answers whose nearest training answer, by a fixed sentence encoder, is of the exhibit in the "
            "photo. Every text has a nearest training answer, nonsense as well: read it beside the right exhibit.",
        ),
        Metric(
            DISTANCE,
            "Semantic distance",
            "lower",
            False,
            "1 − cosine between answer and reference in a fixed sentence encoder: 0 is the same wording, around 0.7 "
            "has nothing to do with it. It hardly notices a wrong number or a missing “not”.",
        ),
        Metric(
            "number_support",
            "Number support",
            "higher",
            True,
            "Share of the numbers in an answer that stand in the description of the exhibit. Answers without a number "
            "are left out.",
        ),
        Metric(
            "length_ratio",
            "Length ratio",
            "near 1",
            False,
            "Words of the answer over words of the reference: 1 is the same length.",
            digits=2,
        ),
    )
}

ABOUT_SECTIONS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        replace(
            METRICS[ACCURACY],
            title="Right section",
            meaning="Share of answers that state at least two facts that only the section asked about has. "
            "An answer that states as many facts of another section counts for none. Guessing scores the chance line.",
        ),
        replace(
            METRICS[NEAREST],
            title="Nearest section",
            meaning="Share of answers whose nearest training answer, by a fixed sentence encoder, is about the same "
            "section. Every text has a nearest training answer, nonsense as well: read it beside the right section.",
        ),
        replace(
            METRICS["number_support"],
            meaning="Share of the numbers in an answer that stand in the section it is about. Answers without a number "
            "are left out.",
        ),
    )
}
"""What differs where a run is about documents alone: a section has no name that an answer could say."""
FACTS_OF_SECTIONS = " Of an answer about a document, only facts tell the section."

DIRECTION: dict[Better, str] = {
    "higher": "higher is better",
    "lower": "lower is better",
    "near 1": "1 is the length of the reference",
    "unknown": "direction not known",
}


FAMILIES: dict[Family, str] = {
    "tuned": "fine-tuned",
    "base": "base model",
    "look-up": "look-up without training",
    "floor": "trivial baseline",
}


def metric_of(name: str, subject: Subject | None = None) -> Metric:
    """The metric's row, or a plain one for a metric that has none.

    Args:
        subject: what the run is about; exhibits without it.
    """
    found = METRICS.get(name) or Metric(name, name.replace("_", " "), "unknown", False, "No description yet.")
    if subject is None or not subject.documents:
        return found
    if subject.is_text:
        return ABOUT_SECTIONS.get(name, found)
    return replace(found, meaning=found.meaning + FACTS_OF_SECTIONS) if name == ACCURACY else found


def words_of(arm: str, kind: str = "") -> ArmKind:
    """The arm's row; a fine-tuned approach is described by its kind (`lora`, `full`)."""
    text = APPROACHES[kind].text if kind in APPROACHES else "Fine-tuned on the training photos."
    return ARMS.get(arm) or ArmKind("", "tuned", f"the fine-tuned model {arm}", text)


def percent(share: float) -> str:
    """`0.834` as `83 %`; where rounding would say 0 or 100 and it is not, one digit more, up to `99.9 %`."""
    if 0 < share < 0.005 or 0.995 <= share < 1:
        return f"{min(max(share * 100, 0.1), 99.9):.1f}\N{NO-BREAK SPACE}%"
    return f"{share * 100:.0f}\N{NO-BREAK SPACE}%"


def number(value: float, metric: Metric) -> str:
    """A metric's value for people, with a real minus sign."""
    text = percent(value) if metric.percent else f"{value:.{metric.digits}f}"
    return text.replace("-", "−")


def interval(low: float, high: float, metric: Metric) -> str:
    """A 95 % interval for people: `74–91 %` or `0.211–0.240`; ` to ` where a minus sign would be misread.

    An interval that nobody could compute is "".
    """
    if not math.isfinite(low + high):
        return ""
    first, last = number(low, metric), number(high, metric)
    if metric.percent:
        first = first.removesuffix("\N{NO-BREAK SPACE}%")
    return f"{first} to {last}" if low < 0 or high < 0 else f"{first}–{last}"
