"""Everything the page says, gathered once into plain values.

Reads every stage before the report; any may be skipped, then its part is empty. Writes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from docent.artifacts.summaries import read_summary
from docent.context import Context
from docent.pipeline import arms as configured_arms
from docent.pipeline import section_of
from docent.records import Document, Example, Item, Score
from docent.source_files.collection import SourceNames, read_source_names, title_of
from docent.stages.report.inputs.confusions import read_confusions
from docent.stages.report.inputs.funnel import Funnel, read_funnel
from docent.stages.report.inputs.generation import Ended, read_ended
from docent.stages.report.inputs.labels import label
from docent.stages.report.inputs.real_sections import first_parts
from docent.stages.report.inputs.samples import Samples, read_samples
from docent.stages.report.inputs.seen import photos_seen, without_photo
from docent.stages.report.inputs.summary import Audit, Summary
from docent.stages.report.inputs.training import Curve, read_training
from docent.stages.report.runcard import Gap, RunCard, UnitCost, read_card, read_costs, read_gaps
from docent.stages.report.sentences.amounts import counted
from docent.stages.report.sentences.findings import Estimate, Evidence
from docent.stages.report.sentences.verdict import Verdict, judge
from docent.stages.report.sentences.wording import ACCURACY, METRICS, Family, words_of
from docent.stages.report.steps.next_steps import next_steps
from docent.stages.report.steps.step import Known, NextStep
from docent.text.natural_order import natural_key

UNTITLED = "docent report"


@dataclass(frozen=True)
class Arm:
    """A model or method that is compared: name, family (colour and mark) and a plain description."""

    name: str
    family: Family
    text: str


@dataclass(frozen=True)
class ExhibitRow:
    """How often each model or method was right about one exhibit: (right, answers), None where it did not answer."""

    exhibit: str
    cells: tuple[tuple[int, int] | None, ...]


@dataclass(frozen=True)
class Facts:
    """All of the page, before any layout."""

    title: str
    run_name: str
    seed: int
    verdict: Verdict
    evidence: Evidence
    arms: tuple[Arm, ...]
    metrics: tuple[str, ...]
    exhibits: tuple[ExhibitRow, ...]
    ceiling: dict[str, Estimate]
    encoder: tuple[tuple[str, str], ...]
    leaked: tuple[str, ...]
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
        InputError: an input is not what its stage writes.
    """
    summary = read_summary(ctx.artifact(Score), Summary) or Summary()
    audit = read_summary(ctx.artifact(Example), Audit)
    sources = read_source_names(ctx.artifact(Document))
    funnel = read_funnel(ctx, {source.document for source in sources if source.document})
    gaps, training, kinds = read_gaps(ctx), read_training(ctx), _kinds(ctx)
    names = _ordered(ctx, summary)
    tuned = tuple(arm for arm in names if arm in kinds)
    evidence = replace(_evidence(summary, audit, funnel, names), tuned=tuned, failed_shards=len(gaps))
    evidence = replace(evidence, **without_photo(ctx), seen=photos_seen(funnel) if training else "")
    confusions = read_confusions(ctx, best) if (best := _best(evidence, kinds)) else ()
    samples = read_samples(ctx, ctx.section.max_samples, funnel.subject.documents)
    ended = read_ended(ctx)
    known = Known(
        evidence, funnel, training, gaps, sources, confusions, best, ended,
        not ctx.section.title and _named_after_path(sources, funnel),
    )  # fmt: skip
    described = {arm: words_of(arm, kinds.get(arm, "")) for arm in names}
    return Facts(
        title=ctx.section.title or title_of(sources, funnel.titles) or UNTITLED,
        run_name=ctx.config.run.name,
        seed=ctx.config.seed,
        verdict=judge(evidence),
        evidence=evidence,
        arms=tuple(Arm(arm, words.family, words.text) for arm, words in described.items()),
        metrics=_metrics(evidence),
        exhibits=_by_exhibit(ctx.stream(Score), names, *_labels(ctx, funnel.subject.documents)),
        ceiling=summary.at_best(),
        encoder=tuple((str(key), str(value)) for key, value in summary.encoder.items()),
        leaked=audit.names() if audit else (),
        samples=samples,
        ended=ended,
        training=training,
        funnel=funnel,
        costs=read_costs(ctx),
        gaps=gaps,
        card=read_card(ctx),
        next_steps=next_steps(ctx, known),
    )


def _named_after_path(sources: Sequence[SourceNames], funnel: Funnel) -> bool:
    """Whether a source has no title but the name of its folder or file."""
    return any(not source.title and source.document not in funnel.owned for source in sources)


def _labels(ctx: Context, documents: int) -> tuple[dict[str, str], dict[str, str]]:
    """Items by id as the page calls them, and the first parts of their sections; none where nothing is scored."""
    if not ctx.artifacts(Score):
        return {}, {}
    labels = {item.id: label(item, documents) for item in ctx.stream(Item)}
    return labels, first_parts(ctx.stream(Item))


def _evidence(summary: Summary, audit: Audit | None, funnel: Funnel, names: tuple[str, ...]) -> Evidence:
    """The numbers that the verdict rests on."""
    estimates, subject = summary.estimates(), funnel.subject
    pictures = {split: count for split, count, _ in funnel.splits}
    examples = {split: count for split, _, count in funnel.splits}
    rows = sum(examples.values())
    return Evidence(
        arms={arm: estimates[arm] for arm in names if arm in estimates},
        comparisons=summary.pairs(),
        chance=summary.chance,
        exhibits=summary.items,
        examples=summary.test_examples or examples.get("test", 0),
        leaks=audit.leaks if audit else None,
        test_photos=audit.test_images if audit else None if subject.is_text else pictures.get("test"),
        leaks_from=audit.seen_in() if audit else "training",
        repeated_answers=audit.test_answers_also_in_train if audit else 0,
        recombined_answers=audit.test_answers_of_training_sentences if audit else 0,
        partly_known_answers=audit.test_answers_with_training_sentences if audit else 0,
        teachers=funnel.teachers,
        item=subject.item,
        items=subject.items,
        figures=(audit and audit.figures) or 0,
        shared_figures=(audit and audit.figures_in_several_splits) or 0,
        made=f"{counted(rows, 'question')} with {'its answer' if rows == 1 else 'answers'} about {subject}"
        if rows
        else "",
        reviewed=funnel.reviewed,
        requests=funnel.requests,
        fruitless=funnel.fruitless,
        unasked=subject.sections - subject.asked if rows else 0,
        sections=subject.sections,
        parted=subject.parted,
    )


def _best(evidence: Evidence, kinds: Mapping[str, str]) -> str:
    """The fine-tuned model that is right most often; "" where none was scored.

    Of equal ones it is the model that the page says to take: a whole one, which needs no base model.
    """
    shares = {
        arm: evidence.arms[arm][ACCURACY].mean for arm in evidence.tuned if ACCURACY in evidence.arms.get(arm, {})
    }
    top = [arm for arm, share in shares.items() if share == max(shares.values())]
    whole = [arm for arm in top if shares[arm] > 0 and kinds.get(arm) != "lora"]
    return next(iter([*whole, *top]), "")


def _kinds(ctx: Context) -> dict[str, str]:
    """Fine-tuned model -> its row of the approaches table."""
    section = section_of(ctx.config, "finetune")
    return {a.name: a.kind for a in section.approaches} if section else {}


def _ordered(ctx: Context, summary: Summary) -> tuple[str, ...]:
    """Models and methods in the order of the configuration, then any that only the summary knows."""
    known = configured_arms(ctx.config) if section_of(ctx.config, "answer") else ()
    return (*known, *(arm for arm in summary.arms if arm not in known))


def _metrics(evidence: Evidence) -> tuple[str, ...]:
    """Metrics that any model or method has, the known ones first."""
    found = dict.fromkeys(name for metrics in evidence.arms.values() for name in metrics)
    return tuple(name for name in (*METRICS, *(n for n in found if n not in METRICS)) if name in found)


def _by_exhibit(
    scores: Iterable[Score],
    arms: tuple[str, ...],
    labels: Mapping[str, str] = MappingProxyType({}),
    first: Mapping[str, str] = MappingProxyType({}),
) -> tuple[ExhibitRow, ...]:
    """Rows of exhibits and sections.

    Args:
        labels: what the page calls an item, by its id.
        first: id of the first part of its section, by the id of an item.
    """
    counts: dict[tuple[str, str], dict[str, tuple[int, int]]] = defaultdict(dict)
    for score in scores:
        if ACCURACY in score.metrics:
            by_arm = counts[score.item_name, first.get(score.item_id, score.item_id)]
            right, total = by_arm.get(score.arm, (0, 0))
            by_arm[score.arm] = (right + (score.metrics[ACCURACY] >= 0.5), total + 1)
    found = ((labels.get(item, name), item, by_arm) for (name, item), by_arm in counts.items())
    rows = sorted(found, key=lambda row: (natural_key(row[0]), row[1]))
    return tuple(ExhibitRow(name, tuple(by_arm.get(arm) for arm in arms)) for name, _, by_arm in rows)
