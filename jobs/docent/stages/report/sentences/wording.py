"""Describe models, methods and metrics with the texts of `docent.tables`, and format their values.

A method or metric without a row there is shown under its own name.
"""

import math
from dataclasses import dataclass, replace

from docent.stages.report.inputs.subject import Subject
from docent.tables import APPROACHES, ARMS, METRICS, ArmFamily, Direction, Metric

ACCURACY = "exhibit_accuracy"
DISTANCE = "semantic_distance"

DIRECTION: dict[Direction, str] = {
    "higher": "higher is better",
    "lower": "lower is better",
    "near 1": "1 is the length of the reference",
    "unknown": "direction not known",
}

FAMILIES: dict[ArmFamily, str] = {
    "tuned": "fine-tuned",
    "base": "base model",
    "look-up": "look-up without training",
    "floor": "trivial baseline",
}


@dataclass(frozen=True)
class Arm:
    """A model or method that is compared.

    Attributes:
        family: group that determines its colour and mark in charts.
        short: its name in sentences.
        text: its description in tables.
    """

    name: str
    family: ArmFamily
    short: str
    text: str


def metric_of(name: str, subject: Subject | None = None) -> Metric:
    """Return the METRICS row of a metric, or a generic one if it has no row.

    Args:
        subject: what the run is about; None stands for a run about exhibits.
    """
    metric = METRICS.get(name) or Metric(name, "", name.replace("_", " "), "unknown", "No description yet.")
    if subject is None or not subject.documents:
        return metric
    if subject.is_text:
        label, meaning = metric.section_label or metric.label, metric.section_meaning or metric.meaning
        return replace(metric, label=label, meaning=meaning)
    return replace(metric, meaning=metric.meaning + metric.with_documents)


def arm_of(name: str, kind: str = "") -> Arm:
    """Return the name and description of an arm; those of a fine-tuned model come from APPROACHES.

    Args:
        kind: key in APPROACHES, such as `lora` or `full`; "" if the arm is not fine-tuned or its kind is unknown.
    """
    if row := ARMS.get(name):
        return Arm(name, row.family, row.short, row.text)
    text = APPROACHES[kind].text if kind in APPROACHES else "Fine-tuned on the training photos."
    return Arm(name, "tuned", f"the fine-tuned model {name}", text)


def percent(share: float) -> str:
    """Format `0.834` as `83 %`; a share that would wrongly round to 0 or 100 % gets a decimal: `0.1 %`, `99.9 %`."""
    if 0 < share < 0.005 or 0.995 <= share < 1:
        return f"{min(max(share * 100, 0.1), 99.9):.1f}\N{NO-BREAK SPACE}%"
    return f"{share * 100:.0f}\N{NO-BREAK SPACE}%"


def number(value: float, metric: Metric) -> str:
    """Format a metric's value, with the Unicode minus sign."""
    text = percent(value) if metric.share else f"{value:.{metric.digits}f}"
    return text.replace("-", "−")


def interval(low: float, high: float, metric: Metric) -> str:
    """Format a 95 % interval: `74–91 %` or `0.211–0.240`; with ` to ` if an end is negative.

    Return "" if an end is infinite: no interval was computed.
    """
    if not math.isfinite(low + high):
        return ""
    first, last = number(low, metric), number(high, metric)
    if metric.share:
        first = first.removesuffix("\N{NO-BREAK SPACE}%")
    return f"{first} to {last}" if low < 0 or high < 0 else f"{first}–{last}"
