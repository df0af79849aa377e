"""The verdict: plain sentences made from numbers alone, the uncomfortable ones first. Reads nothing, writes nothing.

What "ahead", "tied" and "behind" mean is decided in findings.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from docent.stages.report.findings import Estimate, Evidence, Standing, comparison, standing, too_small
from docent.stages.report.wording import ACCURACY, DISTANCE, METRICS, counted, interval, number, percent, words_of

FEW_CLUSTERS = 40
MAX_EXPLAINED = 2
OFFLINE_TEACHER = "offline-extractive"


@dataclass(frozen=True)
class Verdict:
    """What stands at the top of the page.

    Attributes:
        headline: the one sentence to remember.
        warning: why the numbers cannot be believed as they are; empty when they can.
        support: what carries it.
        cautions: what limits it.
    """

    headline: str
    warning: str = ""
    support: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()


def judge(evidence: Evidence) -> Verdict:
    """Say which arm knows the exhibits best, what that is worth, and what speaks against it."""
    accuracy = {arm: metrics[ACCURACY] for arm, metrics in evidence.arms.items() if ACCURACY in metrics}
    warning, cautions = _warning(evidence), _cautions(evidence, scored=any(evidence.arms.values()))
    if not accuracy:
        return Verdict(_without_accuracy(evidence), warning, (), cautions)
    tuned = [arm for arm in evidence.tuned if arm in accuracy]
    if not tuned:
        best = max(accuracy, key=lambda arm: accuracy[arm].mean)
        headline = f"No fine-tuned model was scored in this run; {best} is best of the rest: {_said(accuracy[best])}."
        return Verdict(headline, warning, _measured(evidence), cautions)
    if too_small(evidence, ACCURACY):
        return Verdict(_untellable(evidence, accuracy), warning, _measured(evidence), cautions)
    best = max(tuned, key=lambda arm: accuracy[arm].mean)
    standings = {arm: standing(evidence, ACCURACY, best, arm) for arm in accuracy if arm not in tuned}
    challenged = any(place != "ahead" for place in standings.values())
    headline = _challenged(accuracy, best, standings) if challenged else _unchallenged(evidence, accuracy, best)
    support = (
        *_against_base(evidence, accuracy, best, standings, challenged),
        *_separation(standings, best),
        *_among_tuned(evidence, accuracy, tuned, best),
        *_by_distance(evidence, best),
        *_measured(evidence),
    )
    return Verdict(headline, warning, support, cautions)


def _without_accuracy(evidence: Evidence) -> str:
    if any(evidence.arms.values()) and evidence.exhibits == 1:
        return "With 1 exhibit nothing can be told apart, so no share of answers about the right exhibit is given."
    if any(evidence.arms.values()):
        return "Answers were scored, but without training answers it cannot be told which exhibit they are about."
    return "No answer was scored in this run: the page shows the data alone."


def _untellable(evidence: Evidence, accuracy: dict[str, Estimate]) -> str:
    """The shares in order, without a word about who beats or ties whom."""
    ordered = sorted(accuracy, key=lambda arm: -accuracy[arm].mean)
    first = [arm for arm in ordered if accuracy[arm].mean == accuracy[ordered[0]].mean]
    then = [f"{arm} ({percent(accuracy[arm].mean)})" for arm in ordered[len(first) :]]
    exhibits = counted(evidence.exhibits, "exhibit")
    start = f"With {exhibits} this test is too small to tell arms apart"
    if evidence.exhibits == 1:
        start = f"With {exhibits} nothing can be told apart"
    shares = f"{_list(first)} {_verb(first, 'has', 'have')} the highest share ({_said(accuracy[first[0]])})"
    chance = "" if evidence.chance is None else f"; chance is {percent(evidence.chance)}"
    return f"{start}; {', then '.join([shares, _list(then)] if then else [shares])}{chance}."


def _challenged(accuracy: dict[str, Estimate], best: str, standings: dict[str, Standing]) -> str:
    """A baseline beats or ties: that is said before anything else."""
    beats = [arm for arm, place in standings.items() if place == "behind"]
    ties = [arm for arm, place in standings.items() if place == "tied"]
    target = f"the best fine-tuned model, {best} ({_said(accuracy[best])})"
    explained = len(beats) + len(ties) <= MAX_EXPLAINED
    clauses = []
    if beats:
        clauses.append(f"{_named(beats, accuracy, explained)} {_verb(beats, 'beats', 'beat')}")
    if ties:
        clauses.append(f"{_named(ties, accuracy, explained)} {_verb(ties, 'ties', 'tie')}, within the noise, with")
    sentence = f"{', and '.join(clauses)} {target}."
    return sentence[0].upper() + sentence[1:] if explained else sentence


def _unchallenged(evidence: Evidence, accuracy: dict[str, Estimate], best: str) -> str:
    estimate = accuracy[best]
    if evidence.chance is not None and estimate.low <= evidence.chance:
        above = [arm for arm in evidence.tuned if arm in accuracy and accuracy[arm].low > evidence.chance]
        found = f"{best} has {_said(estimate)}, chance is {percent(evidence.chance)}"
        if not above:
            return f"No fine-tuned model is above chance: {found}."
        shares = _list([f"{arm} ({percent(accuracy[arm].mean)})" for arm in above])
        return f"{best} has the highest share but is not above chance: {found}; {shares} {_verb(above, 'is', 'are')}."
    chance = "" if evidence.chance is None else f"; chance is {percent(evidence.chance)}"
    others = [arm for arm in evidence.arms if arm not in evidence.tuned]
    ahead = " and is ahead of every baseline" if others else ""
    return f"{best} is best: it has {_said(estimate)}{ahead}{chance}."


def _against_base(
    evidence: Evidence, accuracy: dict[str, Estimate], best: str, standings: dict[str, Standing], challenged: bool
) -> tuple[str, ...]:
    found = []
    chance = evidence.chance
    if challenged and chance is not None:
        above = accuracy[best].low > chance
        found.append(f"{best} is {'above' if above else 'not above'} chance, which is {percent(chance)}.")
    if "base" in standings:
        paired = comparison(evidence.comparisons, ACCURACY, best, "base")
        base = percent(accuracy["base"].mean)
        if standings["base"] == "tied":
            found.append(f"Fine-tuning made no difference that can be told from noise: the base model has {base}.")
        elif paired:
            points = interval(paired.low, paired.high, METRICS[ACCURACY]).removesuffix("%") + "points"
            word = "adds" if paired.difference > 0 else "costs"
            amount = f"{abs(paired.difference) * 100:.0f}"
            found.append(
                f"Against the base model ({base}) fine-tuning {word} {amount} points (95 % interval {points})."
            )
        else:
            found.append(f"The base model has {base}; the intervals do not overlap.")
    return tuple(found)


def _separation(standings: dict[str, Standing], best: str) -> tuple[str, ...]:
    apart = [arm for arm, place in standings.items() if place != "tied"]
    tied = [arm for arm, place in standings.items() if place == "tied"]
    if not standings:
        return ()
    if not tied:
        return (f"The difference of {best} from each baseline ({_list(apart)}) is more than noise.",)
    if not apart:
        return (f"The difference of {best} from every baseline ({_list(tied)}) may be noise.",)
    return (f"The difference of {best} from {_list(apart)} is more than noise; from {_list(tied)} it may be noise.",)


def _among_tuned(evidence: Evidence, accuracy: dict[str, Estimate], tuned: Sequence[str], best: str) -> tuple[str, ...]:
    found = []
    for arm in tuned:
        if arm != best:
            apart = standing(evidence, ACCURACY, best, arm) != "tied"
            word = "is apart from it" if apart else "is not apart from it"
            found.append(f"The other fine-tuned model, {arm} ({percent(accuracy[arm].mean)}), {word}.")
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


def _measured(evidence: Evidence) -> tuple[str, ...]:
    if not evidence.examples:
        return ()
    photos = f"{evidence.examples} test questions"
    if evidence.test_photos:
        photos += f" on {evidence.test_photos} test photos"
    exhibits = counted(evidence.exhibits, "exhibit")
    return (f"Measured with {photos} of {exhibits}; intervals resample exhibits.",)


def _warning(evidence: Evidence) -> str:
    if not evidence.leaks:
        return ""
    of = f" of {evidence.test_photos}" if evidence.test_photos else ""
    return (
        f"{evidence.leaks}{of} test photos descend from, or are the same file as, {evidence.leaks_from} photos, "
        "so these numbers are too good."
    )


def _cautions(evidence: Evidence, scored: bool) -> tuple[str, ...]:
    found = []
    if evidence.failed_shards:
        parts = (
            "1 part failed and is" if evidence.failed_shards == 1 else f"{evidence.failed_shards} parts failed and are"
        )
        found.append(f"{parts} missing from this run; the list is below.")
    if evidence.repeated_answers:
        found.append(
            f"{evidence.repeated_answers} of {evidence.examples} test answers stand in training word for word: "
            "remembering one is enough, once the exhibit is recognised."
        )
    if evidence.recombined_answers:
        found.append(
            f"{evidence.recombined_answers} of {evidence.examples} test answers consist of sentences that also stand "
            "in training answers: the test asks for recognition, not for new knowledge."
        )
    if scored and evidence.tuned:
        found.append("One training run per approach: the intervals do not cover training noise.")
    if scored and evidence.exhibits == 1:
        found.append("With 1 exhibit nothing can be told apart: there is no interval and no test.")
    elif scored and 0 < evidence.exhibits < FEW_CLUSTERS:
        found.append(f"Intervals over only {evidence.exhibits} exhibits tend to come out somewhat too narrow.")
    if OFFLINE_TEACHER in evidence.teachers:
        found.append(
            "The teacher is offline-extractive: questions and answers are sentences of the descriptions, "
            "not written by a language model."
        )
    return tuple(found)


def _said(estimate: Estimate) -> str:
    said = f"the right exhibit in {percent(estimate.mean)} of its answers"
    if not math.isfinite(estimate.low + estimate.high):
        return said
    return f"{said}, 95 % interval {interval(estimate.low, estimate.high, METRICS[ACCURACY])}"


def _named(names: Sequence[str], accuracy: dict[str, Estimate], explained: bool) -> str:
    """Arms with their share, the strongest first; described in words where they are few."""
    ordered = sorted(names, key=lambda arm: -accuracy[arm].mean)
    shares = {arm: percent(accuracy[arm].mean) for arm in ordered}
    if explained:
        return _list([f"{words_of(arm).short} ({arm}, {shares[arm]})" for arm in ordered])
    return _list([f"{arm} ({shares[arm]})" for arm in ordered])


def _verb(names: Sequence[str], one: str, many: str) -> str:
    return one if len(names) == 1 else many


def _list(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
