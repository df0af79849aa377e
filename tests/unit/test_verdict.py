"""The verdict says the uncomfortable first, and only what the numbers carry."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from docent.stages.report.findings import Comparison, Estimate, Evidence, apart, comparison, standing
from docent.stages.report.verdict import judge
from docent.stages.report.wording import ACCURACY, DISTANCE, METRICS, interval, percent


def estimate(mean: float, wide: float = 0.05) -> Estimate:
    return Estimate(mean, max(0.0, mean - wide), min(1.0, mean + wide), 60)


def evidence(wide: float = 0.05, **means: float) -> Evidence:
    return Evidence(
        arms={arm: {ACCURACY: estimate(mean, wide)} for arm, mean in means.items()},
        tuned=tuple(arm for arm in means if arm in ("lora", "full")),
        chance=0.05,
        exhibits=20,
        examples=60,
        leaks=0,
        test_photos=60,
        teachers=("offline-extractive",),
    )


def test_a_model_ahead_of_everything_is_called_best_with_its_interval_and_chance() -> None:
    said = judge(evidence(lora=0.8, full=0.6, base=0.05, retrieval=0.5, constant=0.05)).headline
    assert said.startswith("lora is best")
    assert "80\u00a0% of its answers, 95 % interval 75–85\u00a0%" in said
    assert "ahead of every baseline" in said and "chance is 5\u00a0%" in said


def test_retrieval_that_beats_the_tuned_models_stands_in_the_first_words() -> None:
    said = judge(evidence(lora=0.7, base=0.05, retrieval=0.97)).headline
    assert said.startswith(
        "Looking up the most similar training photo (retrieval, 97\u00a0%) beats the best fine-tuned"
    )
    assert "is best" not in said


@pytest.mark.parametrize("rival", ["retrieval", "colour", "constant", "blind", "base"])
def test_any_baseline_that_ties_stands_in_the_first_sentence(rival: str) -> None:
    said = judge(evidence(lora=0.7, **{rival: 0.68})).headline
    assert f"({rival}, 68\u00a0%) ties, within the noise, with the best fine-tuned model, lora" in said


def test_beating_and_tying_baselines_are_kept_apart() -> None:
    said = judge(evidence(lora=0.7, retrieval=0.97, colour=0.9, blind=0.71)).headline
    assert said.startswith(
        "retrieval (97\u00a0%) and colour (90\u00a0%) beat, and blind (71\u00a0%) ties, within the noise, with the best"
    )


def test_a_model_at_chance_is_never_called_best() -> None:
    alone = judge(evidence(lora=0.06))
    assert alone.headline.startswith("No fine-tuned model is above chance")
    beside = judge(evidence(lora=0.06, constant=0.05))
    assert "ties, within the noise, with" in beside.headline
    assert "lora is not above chance, which is 5\u00a0%." in beside.support


def test_the_paired_difference_decides_not_the_overlap_of_intervals() -> None:
    overlapping = evidence(wide=0.2, lora=0.7, retrieval=0.6)
    assert standing(overlapping, ACCURACY, "lora", "retrieval") == "tied"
    paired = replace(
        overlapping, comparisons=(Comparison("retrieval", "lora", ACCURACY, -0.1, -0.15, -0.05, 0.001, 0.01),)
    )
    assert standing(paired, ACCURACY, "lora", "retrieval") == "ahead"
    assert judge(paired).headline.startswith("lora is best")


def test_a_difference_that_holm_does_not_let_through_is_a_tie() -> None:
    pair = Comparison("lora", "retrieval", ACCURACY, 0.1, 0.01, 0.19, 0.04, 0.2)
    assert not pair.apart
    said = judge(replace(evidence(lora=0.9, retrieval=0.5), comparisons=(pair,))).headline
    assert "ties, within the noise, with" in said


def test_a_comparison_is_found_either_way_round() -> None:
    found = comparison([Comparison("base", "lora", ACCURACY, -0.5, -0.6, -0.4)], ACCURACY, "lora", "base")
    assert found and (found.difference, found.low, found.high) == (0.5, 0.4, 0.6)
    assert comparison([found], DISTANCE, "lora", "base") is None


def test_leaks_are_said_beside_the_headline_with_their_number() -> None:
    leaking = judge(replace(evidence(lora=0.9, base=0.1), leaks=12))
    assert leaking.warning == "12 of 60 test photos descend from training photos, so these numbers are too good."
    assert judge(evidence(lora=0.9, base=0.1)).warning == ""


def test_limits_are_named() -> None:
    cautions = " ".join(judge(replace(evidence(lora=0.9, base=0.1), failed_shards=2, repeated_answers=9)).cautions)
    for part in ("do not cover training noise", "only 20 exhibits", "offline-extractive", "2 parts failed", "9 of 60"):
        assert part in cautions


def test_another_teacher_and_many_exhibits_need_no_such_caution() -> None:
    cautions = " ".join(judge(replace(evidence(lora=0.9), teachers=("gpt-4o-mini",), exhibits=200)).cautions)
    assert "offline" not in cautions and "narrow" not in cautions


def test_the_base_model_is_compared_in_points() -> None:
    pair = Comparison("lora", "base", ACCURACY, 0.75, 0.6, 0.85, 0.001, 0.001)
    support = " ".join(judge(replace(evidence(lora=0.8, base=0.05), comparisons=(pair,))).support)
    assert "(5\u00a0%) fine-tuning adds 75 points (95 % interval 60–85\u00a0points)" in support


def test_a_worse_model_than_base_is_said_to_cost() -> None:
    pair = Comparison("lora", "base", ACCURACY, -0.3, -0.4, -0.2, 0.001, 0.001)
    verdict = judge(replace(evidence(lora=0.2, base=0.5), comparisons=(pair,)))
    assert "(base, 50\u00a0%) beats" in verdict.headline
    assert "fine-tuning costs 30 points" in " ".join(verdict.support)


def test_better_wording_of_another_arm_is_admitted() -> None:
    found = evidence(lora=0.9, retrieval=0.5)
    found.arms["lora"][DISTANCE], found.arms["retrieval"][DISTANCE] = estimate(0.3), estimate(0.2)
    assert "By wording retrieval is closest" in " ".join(judge(found).support)


def test_nothing_scored_and_nothing_tuned_are_said_so() -> None:
    assert judge(Evidence(arms={})).headline.startswith("No answer was scored")
    assert judge(evidence(base=0.1, retrieval=0.8)).headline.startswith("No fine-tuned model was scored in this run")


def test_a_mean_without_an_interval_is_apart_from_nothing() -> None:
    single = Estimate(0.9, -math.inf, math.inf, 3)
    found = Evidence(arms={"lora": {ACCURACY: single}, "base": {ACCURACY: estimate(0.1)}}, tuned=("lora",), chance=0.05)
    assert not apart(found, ACCURACY, "lora", "base")
    assert "no interval" in judge(found).headline


def test_percentages_never_round_into_certainty() -> None:
    assert percent(0.9987) == "99.9\u00a0%"
    assert percent(0.001) == "0.1\u00a0%"
    assert (percent(1.0), percent(0.0), percent(0.834)) == ("100\u00a0%", "0\u00a0%", "83\u00a0%")


def test_intervals_with_minus_signs_can_be_read() -> None:
    assert interval(-0.05, 0.1, METRICS[ACCURACY]) == "−5 to 10\u00a0%"
    assert interval(0.211, 0.24, METRICS[DISTANCE]) == "0.211–0.240"
