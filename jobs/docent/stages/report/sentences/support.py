"""The numbers behind the verdict, as sentences. Reads nothing, writes nothing."""

from __future__ import annotations

from docent.messages.plurals import joined
from docent.stages.report.sentences.amounts import counted
from docent.stages.report.sentences.findings import Estimate, Evidence, Standing, comparison, standing
from docent.stages.report.sentences.wording import ACCURACY, DISTANCE, METRICS, interval, number, percent, words_of


def support_of(
    evidence: Evidence, accuracy: dict[str, Estimate], best: str, standings: dict[str, Standing], challenged: bool
) -> tuple[str, ...]:
    """How the best fine-tuned model stands against the others.

    Args:
        accuracy: share of answers about the right exhibit, by model or method.
        standings: where the best stands against each that is not fine-tuned.
        challenged: whether one of them is better or indistinguishable, so that chance is not in the headline.
    """
    return (
        *_against_chance(evidence, accuracy[best], best, challenged),
        *_against_base(evidence, accuracy, best, standings),
        *_separation(standings, best),
        *_among_tuned(evidence, accuracy, best),
        *_by_distance(evidence, best),
        *measured(evidence),
    )


def in_order(accuracy: dict[str, Estimate]) -> tuple[str, ...]:
    """The shares of all models and methods, the highest first, without a word about who is better than whom."""
    ordered = sorted(accuracy, key=lambda arm: -accuracy[arm].mean)
    return (f"In order of their shares: {joined([f'{arm} ({percent(accuracy[arm].mean)})' for arm in ordered])}.",)


def measured(evidence: Evidence) -> tuple[str, ...]:
    """What was measured with."""
    if not evidence.examples:
        return ()
    said = counted(evidence.examples, "test question")
    if evidence.test_photos:
        said += f" on {counted(evidence.test_photos, 'test photo')}"
    exhibits = counted(evidence.exhibits, evidence.unit, evidence.units)
    drawn = f"; intervals are over {evidence.units}" if evidence.exhibits > 1 else ""
    seen = (f"Trained on {evidence.seen}.",) if evidence.seen else ()
    return (f"Measured with {said} of {exhibits}{drawn}.", *seen)


def no_nearer(evidence: Evidence) -> tuple[str, ...]:
    """That no fine-tuned model comes nearer to the references than the best look-up, where that is so."""
    distance = {arm: metrics[DISTANCE].mean for arm, metrics in evidence.arms.items() if DISTANCE in metrics}
    tuned = [arm for arm in evidence.tuned if arm in distance]
    found = [arm for arm in distance if words_of(arm).family == "look-up"]
    if not tuned or not found:
        return ()
    nearest, best = (min(arms, key=lambda arm: distance[arm]) for arms in (tuned, found))
    if distance[nearest] < distance[best]:
        return ()
    mine, theirs = (number(distance[arm], METRICS[DISTANCE]) for arm in (nearest, best))
    model = "model" if len(tuned) == 1 else "models"
    come = "comes" if len(tuned) == 1 else "come"
    return (
        f"The fine-tuned {model} {joined(tuned)} {come} no nearer to the reference answers than {words_of(best).short} "
        f"({best}): semantic distance {mine}{' at best' if len(tuned) > 1 else ''}, against {theirs}.",
    )


def _against_chance(evidence: Evidence, estimate: Estimate, best: str, challenged: bool) -> tuple[str, ...]:
    if not challenged or evidence.chance is None:
        return ()
    above = "above" if estimate.low > evidence.chance else "not above"
    return (f"{best} is {above} chance, which is {percent(evidence.chance)}.",)


def _against_base(
    evidence: Evidence, accuracy: dict[str, Estimate], best: str, standings: dict[str, Standing]
) -> tuple[str, ...]:
    if "base" not in standings:
        return ()
    base = percent(accuracy["base"].mean)
    if standings["base"] == "tied":
        return (f"Fine-tuning made no statistically significant difference: the base model has {base}.",)
    paired = comparison(evidence.comparisons, ACCURACY, best, "base")
    if paired is None:
        return (f"The base model has {base}; the intervals do not overlap.",)
    points = interval(paired.low, paired.high, METRICS[ACCURACY]).removesuffix("%") + "points"
    word = "adds" if paired.difference > 0 else "costs"
    amount = f"{abs(paired.difference) * 100:.0f}"
    return (f"Against the base model ({base}) fine-tuning {word} {amount} points (95 % interval {points}).",)


def _separation(standings: dict[str, Standing], best: str) -> tuple[str, ...]:
    apart = [arm for arm, place in standings.items() if place != "tied"]
    tied = [arm for arm, place in standings.items() if place == "tied"]
    if not standings:
        return ()
    if not tied:
        return (f"The difference of {best} from each baseline ({joined(apart)}) is statistically significant.",)
    if not apart:
        return (f"The difference of {best} from every baseline ({joined(tied)}) may be noise.",)
    return (
        f"The difference of {best} from {joined(apart)} is statistically significant; "
        f"from {joined(tied)} it may be noise.",
    )


def _among_tuned(evidence: Evidence, accuracy: dict[str, Estimate], best: str) -> tuple[str, ...]:
    found = []
    for arm in evidence.tuned:
        if arm != best and arm in accuracy:
            share = percent(accuracy[arm].mean)
            differs = standing(evidence, ACCURACY, best, arm) != "tied"
            word = (
                "is statistically distinguishable from it" if differs else "is statistically indistinguishable from it"
            )
            if accuracy[arm].mean == 0:
                word = f"gives the right {evidence.item} in no answer"
            found.append(f"The other fine-tuned model, {arm} ({share}), {word}.")
    return tuple(found)


def _by_distance(evidence: Evidence, best: str) -> tuple[str, ...]:
    distance = {arm: metrics[DISTANCE].mean for arm, metrics in evidence.arms.items() if DISTANCE in metrics}
    if best not in distance:
        return ()
    nearest = min(distance, key=lambda arm: distance[arm])
    if nearest == best:
        return ()
    mine, theirs = (number(distance[arm], METRICS[DISTANCE]) for arm in (best, nearest))
    return (f"By wording {nearest} is closest to the references (semantic distance {theirs}, {best} {mine}).",)
