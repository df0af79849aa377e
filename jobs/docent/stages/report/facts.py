"""Collect all data of the page as plain values.

Reads the outputs of all other stages; for a skipped stage the values are empty. Writes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from docent.artifacts.summaries import LeakAudit, Mean, ScoreSummary, read_summary
from docent.context import Context
from docent.pipeline import arms as configured_arms
from docent.pipeline import section_of
from docent.records import Checkpoint, Document, Example, Item, Score
from docent.source_files.collection import read_source_names, title_of
from docent.stages.report.inputs.answers import read_confusions, without_photo
from docent.stages.report.inputs.funnel import Funnel, read_funnel
from docent.stages.report.inputs.generation import Ended, read_ended
from docent.stages.report.inputs.real_sections import first_parts
from docent.stages.report.inputs.samples import Samples, read_samples
from docent.stages.report.inputs.titles import label
from docent.stages.report.inputs.training import Curve, read_training
from docent.stages.report.runcard import Gap, RunCard, UnitCost, read_card, read_costs, read_gaps
from docent.stages.report.sentences.amounts import counted, plural
from docent.stages.report.sentences.findings import Evidence
from docent.stages.report.sentences.verdict import Verdict, judge
from docent.stages.report.sentences.wording import ACCURACY, Arm, arm_of
from docent.stages.report.steps.commands import Commands
from docent.stages.report.steps.next_steps import next_steps
from docent.stages.report.steps.step import Known, NextStep
from docent.tables import APPROACHES, METRICS
from docent.text.natural_order import natural_key

UNTITLED = "docent report"


@dataclass(frozen=True)
class ExhibitRow:
    """How often each model or method was right about one exhibit.

    Attributes:
        cells: (right answers, all answers) of each model or method, or None if it gave no answer.
    """

    exhibit: str
    cells: tuple[tuple[int, int] | None, ...]


@dataclass(frozen=True)
class Facts:
    """All data of the page, before layout."""

    title: str
    run_name: str
    seed: int
    verdict: Verdict
    evidence: Evidence
    arms: tuple[Arm, ...]
    metrics: tuple[str, ...]
    exhibits: tuple[ExhibitRow, ...]
    ceiling: dict[str, Mean]
    encoder: tuple[tuple[str, str], ...]
    samples: Samples
    ended: tuple[Ended, ...]
    training: tuple[Curve, ...]
    funnel: Funnel
    costs: tuple[UnitCost, ...]
    gaps: tuple[Gap, ...]
    card: RunCard
    next_steps: tuple[NextStep, ...]


def gather(ctx: Context) -> Facts:
    """Read all inputs of the report.

    Raises:
        InputError: an input does not have the format that its stage writes.
    """
    summary = read_summary(ctx.artifact(Score), ScoreSummary) or ScoreSummary()
    sources = read_source_names(ctx.artifact(Document))
    funnel = read_funnel(ctx, {source.document for source in sources if source.document})
    gaps, training, kinds = read_gaps(ctx), read_training(ctx), _kinds(ctx)
    names = _ordered(ctx, summary)
    tuned = tuple(arm for arm in names if arm in kinds)
    evidence = replace(_evidence(ctx, summary, funnel, names), tuned=tuned, failed_shards=len(gaps))
    best = _best(evidence, kinds)
    confusions = read_confusions(ctx, best) if best else ()
    samples = read_samples(ctx, ctx.section.max_samples, funnel.subject.documents)
    ended = read_ended(ctx)
    # Whether every source has its own title; otherwise the title would be the name of a folder or file.
    titled = all(source.title or source.document in funnel.documents.owned for source in sources)
    known = Known(
        ctx, Commands(ctx), evidence, funnel, training, gaps, sources, confusions, best, ended,
        not (ctx.section.title or titled),
    )  # fmt: skip
    return Facts(
        title=ctx.section.title or title_of(sources, funnel.documents.titles) or UNTITLED,
        run_name=ctx.config.run.name,
        seed=ctx.config.seed,
        verdict=judge(evidence),
        evidence=evidence,
        arms=tuple(arm_of(arm, kinds.get(arm, "")) for arm in names),
        metrics=_metrics(evidence),
        exhibits=_by_exhibit(ctx.stream(Score), names, *_labels(ctx, funnel.subject.documents)),
        ceiling=summary.ceiling,
        encoder=tuple((str(key), str(value)) for key, value in summary.encoder.items()),
        samples=samples,
        ended=ended,
        training=training,
        funnel=funnel,
        costs=read_costs(ctx),
        gaps=gaps,
        card=read_card(ctx),
        next_steps=next_steps(known),
    )


def _labels(ctx: Context, documents: int) -> tuple[dict[str, str], dict[str, str]]:
    """Return two maps by item id: the name on the page, and the id of its section's first part.

    Both are empty if the run has no scores.
    """
    if not ctx.artifacts(Score):
        return {}, {}
    labels = {item.id: label(item, documents) for item in ctx.stream(Item)}
    return labels, first_parts(ctx.stream(Item))


def _evidence(ctx: Context, summary: ScoreSummary, funnel: Funnel, names: Sequence[str]) -> Evidence:
    """Collect the numbers that the verdict is based on."""
    subject, audit = funnel.subject, read_summary(ctx.artifact(Example), LeakAudit)
    pictures = {split: count for split, count, _ in funnel.splits}
    examples = {split: count for split, _, count in funnel.splits}
    rows = sum(examples.values())
    about = f"{counted(rows, 'question')} with {plural(rows, 'its answer', 'answers')} about {subject}"
    return Evidence(
        arms={arm: summary.arms[arm] for arm in names if arm in summary.arms},
        comparisons=() if summary.items == 1 else summary.comparisons,  # one exhibit says nothing about others
        chance=summary.chance,
        exhibits=summary.items,
        examples=summary.test_examples or examples.get("test", 0),
        subject=subject,
        audit=audit,
        test_photos=audit.test_images if audit else None if subject.is_text else pictures.get("test"),
        teachers=funnel.teachers,
        data_set=about if rows else "",
        training_photos=funnel.training_photos if ctx.artifacts(Checkpoint) else "",
        blind=without_photo(ctx),
        reviewed=funnel.reviewed,
        requests=funnel.requests,
        fruitless=funnel.fruitless,
    )


def _best(evidence: Evidence, kinds: Mapping[str, str]) -> str:
    """Return the fine-tuned model with the highest accuracy, or "" if none was scored.

    Of several with the same accuracy, prefer one that loads without a base model: the page recommends it too.
    """
    shares = {arm: estimate.mean for arm, estimate in evidence.of(ACCURACY).items() if arm in evidence.tuned}
    top = [arm for arm in evidence.tuned if arm in shares and shares[arm] == max(shares.values())]
    whole = [arm for arm in top if shares[arm] > 0 and not APPROACHES[kinds[arm]].adapter]
    return next(iter([*whole, *top]), "")


def _kinds(ctx: Context) -> dict[str, str]:
    """Map the name of each fine-tuned model to its key in APPROACHES."""
    section = section_of(ctx.config, "finetune")
    return {a.name: a.kind for a in section.approaches} if section else {}


def _ordered(ctx: Context, summary: ScoreSummary) -> tuple[str, ...]:
    """Return models and methods in the order of the configuration, then those that only the summary has."""
    known = configured_arms(ctx.config) if section_of(ctx.config, "answer") else ()
    return (*known, *(arm for arm in summary.arms if arm not in known))


def _metrics(evidence: Evidence) -> tuple[str, ...]:
    """Return the metrics that were measured for any model or method: those in METRICS first, then others."""
    measured = dict.fromkeys(name for metrics in evidence.arms.values() for name in metrics)
    return tuple(name for name in dict.fromkeys([*METRICS, *measured]) if name in measured)


def _by_exhibit(
    scores: Iterable[Score],
    arms: tuple[str, ...],
    labels: Mapping[str, str],
    first: Mapping[str, str],
) -> tuple[ExhibitRow, ...]:
    """Count right answers by exhibit or section.

    Args:
        labels: item id -> name on the page.
        first: item id -> id of the first part of its section.
    """
    counts: dict[tuple[str, str], dict[str, tuple[int, int]]] = defaultdict(dict)
    for score in scores:
        if ACCURACY in score.metrics:
            by_arm = counts[score.item_name, first.get(score.item_id, score.item_id)]
            right, total = by_arm.get(score.arm, (0, 0))
            by_arm[score.arm] = (right + (score.metrics[ACCURACY] >= 0.5), total + 1)
    named = ((labels.get(item, name), item, by_arm) for (name, item), by_arm in counts.items())
    rows = sorted(named, key=lambda row: (natural_key(row[0]), row[1]))
    return tuple(ExhibitRow(name, tuple(by_arm.get(arm) for arm in arms)) for name, _, by_arm in rows)
