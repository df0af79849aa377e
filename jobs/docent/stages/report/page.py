"""Facts in, one HTML document out: no request, no script but its own, everything from data escaped.

Reads `page.html.j2`, `style.css` and `page.js` of this package; writes nothing.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from docent.messages.plurals import joined
from docent.stages.report import charts
from docent.stages.report.facts import Facts
from docent.stages.report.inputs.subject import Subject
from docent.stages.report.sentences import wording
from docent.stages.report.sentences.amounts import counted, thousands
from docent.stages.report.sentences.bidi import isolated
from docent.stages.report.sentences.cautions import leaked
from docent.stages.report.sentences.findings import Estimate, Evidence, apart, comparable, too_small
from docent.stages.report.sentences.terms import terms_on
from docent.stages.report.sentences.wording import (
    ABOUT_SECTIONS,
    ACCURACY,
    FAMILIES,
    METRICS,
    NEAREST,
    Metric,
    metric_of,
    percent,
)
from docent.tables import Family
from docent.text.natural_order import natural_key

Standout = str


@dataclass(frozen=True)
class Plate:
    """One key figure under the verdict."""

    label: str
    value: str
    note: str
    family: Family


@dataclass(frozen=True)
class Forest:
    """One metric drawn for all models and methods.

    Attributes:
        standouts: `best` for the best mean, `tied` for those that are statistically indistinguishable from it.
        reference: chance, where the metric has it.
        size: answers and exhibits that most of the means are of, in words; what another mean is of is said beside it.
    """

    metric: Metric
    axis: charts.Axis
    estimates: dict[str, Estimate]
    standouts: dict[str, Standout]
    reference: float | None
    size: str = ""


def render(facts: Facts) -> str:
    """The whole page."""
    style, script = _asset("style.css"), _asset("page.js")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(charts=charts, wording=wording, percent=percent, counted=counted, joined=joined)
    environment.globals.update(leaked=leaked, size_of=size_of)
    environment.filters.update(thousands=thousands, seconds=_seconds, unbroken=_unbroken)
    environment.filters.update(isolated=isolated, natural=lambda names: sorted(names, key=natural_key))
    template = environment.from_string(_asset("page.html.j2"))
    forests = [forest(facts.evidence, name, facts.funnel.subject) for name in facts.metrics]
    return template.render(
        facts=facts,
        policy=_policy(style, script),
        style=Markup(style),
        script=Markup(script),
        plates=plates(facts),
        forests=forests,
        subject=facts.funnel.subject,
        marked=any(forest.standouts for forest in forests),
        measured=any(math.isfinite(e.low + e.high) for one in forests for e in one.estimates.values()),
        unmarked=why_unmarked(facts.evidence),
        compared=Counter(metric_of(c.metric, facts.funnel.subject).title for c in facts.evidence.comparisons),
        repeated=max(Counter(one for step in facts.next_steps for one in step.commands).values(), default=0) > 1,
        terms=terms_on(_texts(facts)),
        families=[(family, name) for family, name in FAMILIES.items() if family in {a.family for a in facts.arms}],
    )


def _texts(facts: Facts) -> list[str]:
    """What of the page may use a term of the glossary."""
    steps = [step for _, steps in facts.funnel.tables for step in steps]
    return [
        "seed",
        *facts.verdict.cautions,
        *(text for step in steps for text in (step.losses, step.note, *(reason for reason, _ in step.reasons))),
        *(arm.text for arm in facts.arms),
        *(["split"] if facts.funnel.splits else []),
        *(["shard"] if any(unit.shards > 1 for unit in facts.costs) else []),
    ]


def forest(evidence: Evidence, name: str, subject: Subject | None = None) -> Forest:
    """One metric's estimates, axis and leaders, in the words for what the run is about."""
    metric = metric_of(name, subject)
    estimates = {arm: metrics[name] for arm, metrics in evidence.arms.items() if name in metrics}
    reference = evidence.chance if name in (ACCURACY, NEAREST) else 1.0 if metric.better == "near 1" else None
    ends = [value for e in estimates.values() for value in (e.low, e.mean, e.high)]
    axis = charts.axis_for([*ends, *([] if reference is None else [reference])], metric.percent)
    sizes = [size_of(estimate, evidence) for estimate in estimates.values()]
    usual = max(sizes, key=sizes.count) if sizes else ""
    return Forest(metric, axis, estimates, standouts(evidence, metric, estimates), reference, usual)


def size_of(estimate: Estimate, evidence: Evidence) -> str:
    """What a mean is of: `60 answers, 20 exhibits`."""
    answers = counted(estimate.n, "answer")
    if estimate.exhibits is None:
        return answers
    return f"{answers}, {counted(estimate.exhibits, evidence.item, evidence.items)}"


def standouts(evidence: Evidence, metric: Metric, estimates: dict[str, Estimate]) -> dict[str, Standout]:
    """Which model or method is best on a metric, and which are statistically indistinguishable from it.

    None where no direction is good, or where the test is too small to tell any two apart; none with a share of 0 %, and
    none with a mean of so few exhibits that a test of as many would be too small.
    """
    badness = {
        "higher": lambda arm: -estimates[arm].mean,
        "lower": lambda arm: estimates[arm].mean,
    }.get(metric.better)
    worth = [arm for arm, e in estimates.items() if comparable(evidence, e) and not (metric.percent and e.mean == 0)]
    if badness is None or not worth or too_small(evidence, ACCURACY) or too_small(evidence, metric.name):
        return {}
    best = min(worth, key=badness)
    tied = {arm: "tied" for arm in worth if arm != best and not apart(evidence, metric.name, best, arm)}
    return {best: "best", **tied}


def why_unmarked(evidence: Evidence) -> str:
    """Why no model or method is marked as the best, and why bars that lie far apart do not change that."""
    if evidence.exhibits == 1:
        return f"None is marked as the best: differences are measured between {evidence.units}, and there is 1."
    if not too_small(evidence, ACCURACY):
        return "None is marked as the best."
    exhibits = counted(evidence.exhibits, evidence.unit, evidence.units)
    pairs = sum(c.metric == ACCURACY and c.p_holm is not None for c in evidence.comparisons)
    title = (ABOUT_SECTIONS if evidence.item == "section" else METRICS)[ACCURACY].title
    many = f", and “{title}” is compared in {pairs} pairs" if pairs > 1 else ""
    return (
        f"None is marked as the best: with {exhibits} no difference can be statistically significant, however far "
        f"apart two bars lie. Of two that are equally good, one is ahead on all {evidence.exhibits} by chance in 1 of "
        f"{2 ** (evidence.exhibits - 1)} comparisons{many}."
    )


def plates(facts: Facts) -> Sequence[Plate]:
    """Key figures: the best fine-tuned model, the best look-up, the base model; none is called best with 0 %."""
    found: list[Plate] = []
    named: tuple[tuple[Family, str], ...] = (("tuned", "fine-tuned"), ("look-up", "look-up"), ("base", "base model"))
    for family, label in named:
        arms = [a for a in facts.arms if a.family == family and ACCURACY in facts.evidence.arms.get(a.name, {})]
        if arms:
            estimates = {arm.name: facts.evidence.arms[arm.name][ACCURACY] for arm in arms}
            estimate = max(estimates.values(), key=lambda one: one.mean)
            best = [name for name, one in estimates.items() if one.mean == estimate.mean]
            said = wording.interval(estimate.low, estimate.high, metric_of(ACCURACY))
            note = f"95 % interval {said}" if said else ""
            praised = len(arms) > len(best) and estimate.mean > 0
            praise = f"best {label}"
            if too_small(facts.evidence, ACCURACY):
                praise = f"{label}, highest share"
            found.append(Plate(f"{praise if praised else label}: {joined(best)}", percent(estimate.mean), note, family))
    return found


def _policy(style: str, script: str) -> str:
    """Content security policy: nothing but this style, this script and pictures inside the file."""
    return (
        "default-src 'none'; img-src data:; "
        f"style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _seconds(value: float) -> str:
    """`7.3 s`, `2 min 05 s`, `1 h 04 min`."""
    if value < 60:
        return f"{value:.1f}\N{NO-BREAK SPACE}s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _unbroken(text: str) -> str:
    """A number and its percent sign stay on one line."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")
