"""Render facts as one HTML document that makes no requests and runs only its own script; all data is escaped.

Reads `page.html.j2`, `style.css` and `page.js` of this package; writes nothing.
"""

import base64
import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from docent.artifacts.summaries import Mean
from docent.messages.plurals import joined
from docent.stages.report import charts
from docent.stages.report.facts import Facts
from docent.stages.report.sentences import wording
from docent.stages.report.sentences.amounts import counted, thousands
from docent.stages.report.sentences.cautions import leaked
from docent.stages.report.sentences.findings import Evidence, apart, comparable, too_small
from docent.stages.report.sentences.terms import terms_on
from docent.stages.report.sentences.wording import ACCURACY, FAMILIES, metric_of, percent
from docent.tables import ArmFamily, Metric
from docent.text.natural_order import natural_key

# Hebrew, Arabic, Syriac, Thaana, NKo and the presentation forms of Hebrew and Arabic. Words with spaces or hyphens
# between them form one run.
_LETTERS = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"
_RIGHT_TO_LEFT = re.compile(rf"[{_LETTERS}]+(?:[ ’״׳-][{_LETTERS}]+)*")


@dataclass(frozen=True)
class Plate:
    """One key figure under the verdict."""

    label: str
    value: str
    note: str
    family: ArmFamily


@dataclass(frozen=True)
class Forest:
    """One metric drawn for all models and methods.

    Attributes:
        standouts: name -> `best` for the best mean, or `tied` if it is statistically indistinguishable from the best.
        reference: the value to compare with: chance, or 1 for metrics whose best value is 1; None if there is none.
        size: the sample size of most means, in words; a mean with another sample size shows its own.
    """

    metric: Metric
    axis: charts.Axis
    estimates: dict[str, Mean]
    standouts: dict[str, str]
    reference: float | None
    size: str = ""


def render(facts: Facts) -> str:
    """Render the page."""
    style, script = _asset("style.css"), _asset("page.js")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(charts=charts.drawings(), wording=wording, percent=percent, counted=counted)
    environment.globals.update(joined=joined, leaked=leaked, size_of=size_of)
    environment.filters.update(thousands=thousands, seconds=_seconds, isolated=isolated)
    environment.filters.update(natural=lambda names: sorted(names, key=natural_key))
    # A number and its percent sign stay on one line.
    environment.filters.update(unbroken=lambda text: text.replace(" %", "\N{NO-BREAK SPACE}%"))
    template = environment.from_string(_asset("page.html.j2"))
    evidence, subject = facts.evidence, facts.evidence.subject
    forests = [forest(evidence, name) for name in facts.metrics]
    return template.render(
        facts=facts,
        policy=_policy(style, script),
        style=Markup(style),
        script=Markup(script),
        plates=list(plates(facts)),
        forests=forests,
        subject=subject,
        marked=any(forest.standouts for forest in forests),
        measured=any(math.isfinite(e.low + e.high) for one in forests for e in one.estimates.values()),
        unmarked=why_unmarked(evidence),
        compared=Counter(metric_of(c.metric, subject).label for c in evidence.comparisons),
        repeated=max(Counter(one for step in facts.next_steps for one in step.commands).values(), default=0) > 1,
        terms=terms_on(_texts(facts)),
        families=[(family, name) for family, name in FAMILIES.items() if family in {a.family for a in facts.arms}],
    )


def _texts(facts: Facts) -> list[str]:
    """Return the texts of the page that may use a term of the glossary."""
    steps = [step for steps in facts.funnel.tables.values() for step in steps]
    return [
        "seed",
        *facts.verdict.cautions,
        *(text for step in steps for text in (step.losses, step.note, *(reason for reason, _ in step.reasons))),
        *(arm.text for arm in facts.arms),
        *(["split"] if facts.funnel.splits else []),
        *(["shard"] if any(unit.shards > 1 for unit in facts.costs) else []),
    ]


def isolated(text: str) -> Markup:
    """Escape a text and wrap each run of right-to-left words in a `bdi` element.

    Without it, a number or bracket next to such a name appears on the wrong side: in `כד (3 photos)`, the 3 comes
    before the name. `bdi` isolates the direction of the name (Unicode Bidirectional Algorithm, UAX 9).
    """
    return Markup(_RIGHT_TO_LEFT.sub(lambda run: f"<bdi>{run[0]}</bdi>", str(escape(text))))


def forest(evidence: Evidence, name: str) -> Forest:
    """Collect the estimates, axis and best arms of one metric, named for the run's subject (exhibits or sections)."""
    metric, estimates = metric_of(name, evidence.subject), evidence.of(name)
    reference = evidence.chance if metric.chance else 1.0 if metric.direction == "near 1" else None
    ends = [value for e in estimates.values() for value in (e.low, e.mean, e.high)]
    axis = charts.axis_for([*ends, *([] if reference is None else [reference])], metric.share)
    sizes = [size_of(estimate, evidence) for estimate in estimates.values()]
    usual = max(sizes, key=sizes.count) if sizes else ""
    return Forest(metric, axis, estimates, standouts(evidence, metric, estimates), reference, usual)


def size_of(estimate: Mean, evidence: Evidence) -> str:
    """Return the sample size of a mean in words: `60 answers, 20 exhibits`."""
    answers = counted(estimate.n, "answer")
    if estimate.items is None:
        return answers
    return f"{answers}, {counted(estimate.items, evidence.subject.item, evidence.subject.items)}"


def standouts(evidence: Evidence, metric: Metric, estimates: dict[str, Mean]) -> dict[str, str]:
    """Find the best model or method on a metric, and those that are statistically indistinguishable from it.

    The result is empty if neither higher nor lower is better for the metric, or if the test is too small to show any
    difference. Arms with a share of 0 %, or with a mean over too few exhibits (see `comparable`), are left out.
    """
    worth = [arm for arm, e in estimates.items() if comparable(evidence, e) and not (metric.share and e.mean == 0)]
    if metric.direction not in ("higher", "lower") or not worth:
        return {}
    if too_small(evidence, ACCURACY) or too_small(evidence, metric.name):
        return {}
    # min() with a sign instead of max(): in both directions the first of several equal arms is chosen.
    sign = -1 if metric.direction == "higher" else 1
    best = min(worth, key=lambda arm: sign * estimates[arm].mean)
    tied = {arm: "tied" for arm in worth if arm != best and not apart(evidence, metric.name, best, arm)}
    return {best: "best", **tied}


def why_unmarked(evidence: Evidence) -> str:
    """Explain why no model or method is marked as the best, however far apart the bars are."""
    subject = evidence.subject
    if evidence.exhibits == 1:
        return f"None is marked as the best: differences are measured between {subject.units}, and there is 1."
    if not too_small(evidence, ACCURACY):
        return "None is marked as the best."
    exhibits = counted(evidence.exhibits, subject.unit, subject.units)
    pairs = sum(c.metric == ACCURACY and c.p_holm is not None for c in evidence.comparisons)
    many = f", and “{metric_of(ACCURACY, subject).label}” is compared in {pairs} pairs" if pairs > 1 else ""
    return (
        f"None is marked as the best: with {exhibits} no difference can be statistically significant, however far "
        f"apart two bars lie. Of two that are equally good, one is ahead on all {evidence.exhibits} by chance in 1 of "
        f"{2 ** (evidence.exhibits - 1)} comparisons{many}."
    )


def plates(facts: Facts) -> Iterator[Plate]:
    """Yield the key figures: the best fine-tuned model, look-up and base model. One with 0 % is not called best."""
    accuracy, metric = facts.evidence.of(ACCURACY), metric_of(ACCURACY)
    labels: dict[ArmFamily, str] = {"tuned": "fine-tuned", "look-up": "look-up", "base": "base model"}
    for family, label in labels.items():
        estimates = {
            arm.name: accuracy[arm.name] for arm in facts.arms if arm.family == family and arm.name in accuracy
        }
        if not estimates:
            continue
        top = max(estimates.values(), key=lambda estimate: estimate.mean)
        best = [name for name, estimate in estimates.items() if estimate.mean == top.mean]
        around = wording.interval(top.low, top.high, metric)
        praise = f"{label}, highest share" if too_small(facts.evidence, ACCURACY) else f"best {label}"
        title = praise if len(estimates) > len(best) and top.mean > 0 else label
        yield Plate(f"{title}: {joined(best)}", percent(top.mean), f"95 % interval {around}" if around else "", family)


def _policy(style: str, script: str) -> str:
    """Return a content security policy that allows only this style, this script and embedded pictures."""
    return (
        "default-src 'none'; img-src data:; "
        f"style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _seconds(value: float) -> str:
    """Format a duration: `7.3 s`, `2 min 05 s`, `1 h 04 min`."""
    if value < 60:
        return f"{value:.1f}\N{NO-BREAK SPACE}s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left:02d} min" if hours else f"{minutes} min {rest:02d} s"
