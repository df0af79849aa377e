"""Write the verdict: plain sentences computed from numbers, bad news first.

findings.py defines "ahead", "tied" and "behind". The sentences below the headline are in support.py and cautions.py.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from docent.artifacts.summaries import Mean
from docent.messages.plurals import joined
from docent.stages.report.sentences.amounts import counted, plural
from docent.stages.report.sentences.cautions import cautions_of, leaked
from docent.stages.report.sentences.findings import Evidence, Standing, comparable, standing, too_small
from docent.stages.report.sentences.support import in_order, measured, no_nearer, shares_of, support_of
from docent.stages.report.sentences.wording import ACCURACY, arm_of, interval, metric_of, percent

MAX_EXPLAINED = 2


@dataclass(frozen=True)
class Verdict:
    """The sentences at the top of the page.

    Attributes:
        headline: the main result in one sentence.
        warning: why the numbers are too good, or "" if they are not.
        support: sentences with the numbers that support the headline.
        cautions: sentences about the limits of the verdict.
    """

    headline: str
    warning: str = ""
    support: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()


def judge(evidence: Evidence) -> Verdict:
    """Write the verdict: which model or method is best, the numbers for it, and its limits."""
    headline, support = _headline(evidence)
    cautions = cautions_of(evidence, scored=any(evidence.arms.values()))
    leaks = evidence.audit.leaks if evidence.audit else 0
    return Verdict(headline, f"{leaked(evidence)}, so these numbers are too good." if leaks else "", support, cautions)


def _headline(evidence: Evidence) -> tuple[str, tuple[str, ...]]:
    """Return the headline and the sentences that support it."""
    accuracy = evidence.of(ACCURACY)
    if not accuracy:
        return _without_accuracy(evidence), tuple(no_nearer(evidence))
    tuned = [arm for arm in evidence.tuned if arm in accuracy]
    if not tuned:
        return _without_tuned(evidence, accuracy), tuple(measured(evidence))
    if too_small(evidence, ACCURACY):
        return _untellable(evidence, accuracy, tuned), (in_order(accuracy), *measured(evidence))
    accuracy, few = _told_apart(evidence, accuracy, tuned)
    tuned = [arm for arm in tuned if arm in accuracy]
    best = max(tuned, key=lambda arm: accuracy[arm].mean)
    standings = {arm: standing(evidence, ACCURACY, best, arm) for arm in accuracy if arm not in tuned}
    rivals = {arm: place for arm, place in standings.items() if place != "ahead" and accuracy[arm].mean > 0}
    if accuracy[best].mean == 0:
        headline = _none_right(evidence, accuracy, tuned)
    elif rivals:
        headline = _challenged(accuracy, best, rivals)
    else:
        headline = _unchallenged(evidence, accuracy, best, all(place == "ahead" for place in standings.values()))
    return headline, (*support_of(evidence, accuracy, best, standings, bool(rivals)), *few)


def _told_apart(
    evidence: Evidence, accuracy: dict[str, Mean], tuned: Sequence[str]
) -> tuple[dict[str, Mean], tuple[str, ...]]:
    """Leave out arms with answers about too few exhibits, and return the remaining arms and a sentence about it.

    If no fine-tuned model would remain, leave out nothing.
    """
    enough = {arm: estimate for arm, estimate in accuracy.items() if comparable(evidence, estimate)}
    few = [arm for arm in accuracy if arm not in enough]
    if not few or not any(arm in enough for arm in tuned):
        return accuracy, ()
    return enough, (f"{joined(few)} answered about too few {evidence.subject.items} to be compared.",)


def _without_accuracy(evidence: Evidence) -> str:
    unit, data_set = evidence.subject.unit, evidence.data_set
    if any(evidence.arms.values()) and evidence.exhibits == 1:
        return f"With 1 {unit} nothing can be told apart, so no share of answers about the right one is given."
    if any(evidence.arms.values()):
        return f"Answers were scored, but not which {evidence.subject.item} they are about."
    if data_set and not evidence.tuned:
        return f"This run made a data set and trained no model: {data_set}."
    made = f"; it made {data_set}" if data_set else ""
    return f"No answer was scored in this run{made}: the page shows the data alone."


def _without_tuned(evidence: Evidence, accuracy: dict[str, Mean]) -> str:
    best = max(accuracy, key=lambda arm: accuracy[arm].mean)
    start = "No fine-tuned model was scored in this run"
    if accuracy[best].mean == 0:
        return f"{start}; nothing else gives the right {evidence.subject.item} in any answer."
    return f"{start}; of the others {best} has the highest share: {_share(evidence, accuracy[best])}."


def _untellable(evidence: Evidence, accuracy: dict[str, Mean], tuned: Sequence[str]) -> str:
    """Write a headline for a test that is too small: the best fine-tuned share, and the best baseline if as high."""
    item = evidence.subject.item
    exhibits = counted(evidence.exhibits, evidence.subject.unit, evidence.subject.units)
    start, chance = f"With {exhibits} this test is too small to show a difference between models and methods", ""
    if evidence.exhibits == 1:
        start = f"With {exhibits} this test cannot show whether a model knows one {item} from another"
    elif evidence.chance is not None:
        chance = f"; chance is {percent(evidence.chance)}"
    if all(estimate.mean == 0 for estimate in accuracy.values()):
        return f"{start}, and no answer is about the right {item}{chance}."
    top = max((accuracy[arm] for arm in tuned), key=lambda estimate: estimate.mean)
    best = [arm for arm in tuned if accuracy[arm].mean == top.mean]
    many = len(best)
    who = f"The fine-tuned {plural(many, 'model', 'models')} {joined(best)} {plural(many, 'gives', 'give')}"
    shares = [f"{who} {_share(evidence, top, many)}"]
    rivals = [arm for arm in accuracy if arm not in tuned and accuracy[arm].mean >= max(top.mean, 1e-9)]
    if rivals:
        rival = max(rivals, key=lambda arm: accuracy[arm].mean)
        shares.append(f"{arm_of(rival).short} ({rival}) gives it in {percent(accuracy[rival].mean)}")
    return f"{start}. {'; '.join(shares)}{chance}."


def _none_right(evidence: Evidence, accuracy: dict[str, Mean], tuned: Sequence[str]) -> str:
    others = {arm: one for arm, one in accuracy.items() if arm not in tuned and one.mean > 0}
    start = f"No fine-tuned model gives the right {evidence.subject.item} in any answer"
    if not others:
        return f"{start}{', nor does anything it is compared with' if len(accuracy) > len(tuned) else ''}."
    return f"{start}; {joined(shares_of(others))} did better."


def _challenged(accuracy: dict[str, Mean], best: str, rivals: Mapping[str, Standing]) -> str:
    """Write a headline that names the baselines that are better than the best fine-tuned model, or tied with it."""
    beats = [arm for arm, place in rivals.items() if place == "behind"]
    ties = [arm for arm, place in rivals.items() if place == "tied"]
    shares = f"{percent(accuracy[best].mean)}{_around(accuracy[best])}"
    target = f"the best fine-tuned model, {best} ({shares})"
    explained = len(rivals) <= MAX_EXPLAINED
    clauses = []
    if beats:
        clauses.append(f"{_named(beats, accuracy, explained)} {plural(len(beats), 'beats', 'beat')} {target}")
    if ties:
        than = "it" if beats else target
        same = f"{plural(len(ties), 'is', 'are')} statistically indistinguishable from {than}"
        clauses.append(f"{_named(ties, accuracy, explained)} {same}")
    sentence = f"{', and '.join(clauses)}."
    return sentence[0].upper() + sentence[1:] if explained else sentence


def _unchallenged(evidence: Evidence, accuracy: dict[str, Mean], best: str, ahead_of_all: bool) -> str:
    estimate = accuracy[best]
    if evidence.chance is not None and estimate.low <= evidence.chance:
        above = {
            arm: accuracy[arm] for arm in evidence.tuned if arm in accuracy and accuracy[arm].low > evidence.chance
        }
        shares = f"{best} has {_share(evidence, estimate)}, chance is {percent(evidence.chance)}"
        if not above:
            return f"No fine-tuned model is above chance: {shares}."
        others = f"{joined(shares_of(above))} {plural(len(above), 'is', 'are')}"
        return f"{best} has the highest share but is not above chance: {shares}; {others}."
    chance = "" if evidence.chance is None else f"; chance is {percent(evidence.chance)}"
    baselines = evidence.arms.keys() - set(evidence.tuned)
    ahead = " and is ahead of every baseline" if baselines and ahead_of_all else ""
    return f"{best} is best: it has {_share(evidence, estimate)}{ahead}{chance}."


def _share(evidence: Evidence, estimate: Mean, of: int = 1) -> str:
    """Write a share in words, with its interval if it has one.

    Args:
        of: how many models or methods have this share.
    """
    whose = plural(of, "its answers", "their answers")
    return f"the right {evidence.subject.item} in {percent(estimate.mean)} of {whose}{_around(estimate)}"


def _around(estimate: Mean) -> str:
    if not math.isfinite(estimate.low + estimate.high):
        return ""
    return f", 95 % interval {interval(estimate.low, estimate.high, metric_of(ACCURACY))}"


def _named(names: Sequence[str], accuracy: dict[str, Mean], explained: bool) -> str:
    """List models and methods with their shares, the highest first; with a short description if `explained`."""
    ordered = {arm: accuracy[arm] for arm in sorted(names, key=lambda arm: -accuracy[arm].mean)}
    if not explained:
        return joined(shares_of(ordered))
    return joined([f"{arm_of(arm).short} ({arm}, {percent(one.mean)})" for arm, one in ordered.items()])
