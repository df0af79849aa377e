"""Write sentences about the numbers that support the verdict."""

from collections.abc import Iterator, Mapping

from docent.artifacts.summaries import Mean
from docent.messages.plurals import joined
from docent.stages.report.sentences.amounts import counted, plural
from docent.stages.report.sentences.findings import Evidence, Standing, comparison, standing
from docent.stages.report.sentences.wording import ACCURACY, DISTANCE, arm_of, interval, metric_of, number, percent


def support_of(
    evidence: Evidence, accuracy: dict[str, Mean], best: str, standings: dict[str, Standing], challenged: bool
) -> Iterator[str]:
    """Yield sentences that compare the best fine-tuned model with the others.

    Args:
        accuracy: model or method -> share of answers about the right exhibit.
        best: the best fine-tuned model.
        standings: model or method that is not fine-tuned -> whether `best` is ahead of it, tied with it or behind it.
        challenged: whether `best` is behind or tied with one of these; then the headline does not mention chance.
    """
    if challenged and evidence.chance is not None:
        above = "above" if accuracy[best].low > evidence.chance else "not above"
        yield f"{best} is {above} chance, which is {percent(evidence.chance)}."
    if "base" in standings:
        yield _against_base(evidence, accuracy, best, standings["base"])
    if standings:
        yield f"The difference of {best} from {_separation(standings)}."
    yield from _among_tuned(evidence, accuracy, best)
    distance = _distance(evidence)
    if best in distance and (nearest := min(distance, key=lambda arm: distance[arm])) != best:
        mine, theirs = (_wording_distance(distance[arm]) for arm in (best, nearest))
        yield f"By wording {nearest} is closest to the references (semantic distance {theirs}, {best} {mine})."
    yield from measured(evidence)


def shares_of(accuracy: Mapping[str, Mean]) -> list[str]:
    """Format models and methods with their shares, in the order given: `lora (83 %)`."""
    return [f"{arm} ({percent(estimate.mean)})" for arm, estimate in accuracy.items()]


def in_order(accuracy: dict[str, Mean]) -> str:
    """List the shares of all arms, the highest first, without calling one better than another."""
    ordered = dict(sorted(accuracy.items(), key=lambda one: -one[1].mean))
    return f"In order of their shares: {joined(shares_of(ordered))}."


def measured(evidence: Evidence) -> Iterator[str]:
    """Yield sentences about the size of the test, and about the photos used for training."""
    if not evidence.examples:
        return
    photos = f" on {counted(evidence.test_photos, 'test photo')}" if evidence.test_photos else ""
    questions = f"{counted(evidence.examples, 'test question')}{photos}"
    exhibits = counted(evidence.exhibits, evidence.subject.unit, evidence.subject.units)
    drawn = f"; intervals are over {evidence.subject.units}" if evidence.exhibits > 1 else ""
    yield f"Measured with {questions} of {exhibits}{drawn}."
    if evidence.training_photos:
        yield f"Trained on {evidence.training_photos}."


def no_nearer(evidence: Evidence) -> Iterator[str]:
    """Yield a sentence if no fine-tuned model is closer to the references than the best look-up."""
    distance = _distance(evidence)
    tuned = [arm for arm in evidence.tuned if arm in distance]
    look_ups = [arm for arm in distance if arm_of(arm).family == "look-up"]
    if not tuned or not look_ups:
        return
    nearest, best = (min(arms, key=lambda arm: distance[arm]) for arms in (tuned, look_ups))
    if distance[nearest] < distance[best]:
        return
    mine, theirs = (_wording_distance(distance[arm]) for arm in (nearest, best))
    yield (
        f"The fine-tuned {plural(len(tuned), 'model', 'models')} {joined(tuned)} {plural(len(tuned), 'comes', 'come')} "
        f"no nearer to the reference answers than {arm_of(best).short} ({best}): semantic distance "
        f"{mine}{plural(len(tuned), '', ' at best')}, against {theirs}."
    )


def _distance(evidence: Evidence) -> dict[str, float]:
    """Return arm -> mean semantic distance."""
    return {arm: estimate.mean for arm, estimate in evidence.of(DISTANCE).items()}


def _wording_distance(value: float) -> str:
    return number(value, metric_of(DISTANCE))


def _against_base(evidence: Evidence, accuracy: dict[str, Mean], best: str, place: Standing) -> str:
    base = percent(accuracy["base"].mean)
    if place == "tied":
        return f"Fine-tuning made no statistically significant difference: the base model has {base}."
    paired = comparison(evidence.comparisons, ACCURACY, best, "base")
    if paired is None:
        return f"The base model has {base}; the intervals do not overlap."
    points = interval(paired.low, paired.high, metric_of(ACCURACY)).removesuffix("%") + "points"
    word = "adds" if paired.difference > 0 else "costs"
    amount = f"{abs(paired.difference) * 100:.0f}"
    return f"Against the base model ({base}) fine-tuning {word} {amount} points (95 % interval {points})."


def _separation(standings: dict[str, Standing]) -> str:
    apart = joined([arm for arm, place in standings.items() if place != "tied"])
    tied = joined([arm for arm, place in standings.items() if place == "tied"])
    if not tied:
        return f"each baseline ({apart}) is statistically significant"
    if not apart:
        return f"every baseline ({tied}) may be noise"
    return f"{apart} is statistically significant; from {tied} it may be noise"


def _among_tuned(evidence: Evidence, accuracy: dict[str, Mean], best: str) -> Iterator[str]:
    for arm in evidence.tuned:
        if arm != best and arm in accuracy:
            differs = standing(evidence, ACCURACY, best, arm) != "tied"
            word = f"is statistically {'distinguishable' if differs else 'indistinguishable'} from it"
            if accuracy[arm].mean == 0:
                word = f"gives the right {evidence.subject.item} in no answer"
            yield f"The other fine-tuned model, {arm} ({percent(accuracy[arm].mean)}), {word}."
