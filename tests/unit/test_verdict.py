"""The verdict says the uncomfortable first, and only what the numbers carry."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from tests.estimates import difference_of, mean_of

from docent.artifacts.summaries import LeakAudit, Mean
from docent.evidence.statistics import Resampling
from docent.records import Score
from docent.stages.report.sentences.findings import Evidence, apart, comparison, standing
from docent.stages.report.sentences.verdict import judge
from docent.stages.report.sentences.wording import ACCURACY, DISTANCE, arm_of, interval, metric_of, percent
from docent.stages.score.summary import arm_means, comparisons


def estimate(mean: float, wide: float = 0.05) -> Mean:
    return mean_of(mean, max(0.0, mean - wide), min(1.0, mean + wide), 60)


AUDIT = LeakAudit(leaks=0, test_images=60)


def evidence(wide: float = 0.05, **means: float) -> Evidence:
    return Evidence(
        arms={arm: {ACCURACY: estimate(mean, wide)} for arm, mean in means.items()},
        tuned=tuple(arm for arm in means if arm in ("lora", "full")),
        chance=0.05,
        exhibits=20,
        examples=60,
        audit=AUDIT,
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


def test_a_baseline_with_a_higher_share_is_said_in_a_test_that_is_too_small() -> None:
    pairs = tuple(difference_of("lora", "retrieval", ACCURACY, -0.5, -1, 0, 0.3, 1.0) for _ in range(4))
    verdict = judge(replace(evidence(lora=0.25, base=0.1, retrieval=0.75), comparisons=pairs, exhibits=4))
    assert "looking up the most similar training photo (retrieval) gives it in 75\u00a0%; chance" in verdict.headline
    assert "(base)" not in verdict.headline


@pytest.mark.parametrize("rival", ["retrieval", "colour", "constant", "blind", "base"])
def test_any_baseline_that_ties_stands_in_the_first_sentence(rival: str) -> None:
    said = judge(evidence(lora=0.7, **{rival: 0.68})).headline
    assert f"({rival}, 68\u00a0%) is statistically indistinguishable from the best fine-tuned model, lora" in said


def test_beating_and_tying_baselines_are_kept_apart() -> None:
    said = judge(evidence(lora=0.7, retrieval=0.97, colour=0.9, blind=0.71)).headline
    assert said.startswith(
        "retrieval (97\u00a0%) and colour (90\u00a0%) beat the best fine-tuned model, "
        "lora (70\u00a0%, 95 % interval 65–75\u00a0%), "
    )
    assert said.endswith("and blind (71\u00a0%) is statistically indistinguishable from it.")


def test_a_model_at_chance_is_never_called_best() -> None:
    alone = judge(evidence(lora=0.06))
    assert alone.headline.startswith("No fine-tuned model is above chance")
    beside = judge(evidence(lora=0.06, constant=0.05))
    assert "is statistically indistinguishable from" in beside.headline
    assert "lora is not above chance, which is 5\u00a0%." in beside.support


def test_the_paired_difference_decides_not_the_overlap_of_intervals() -> None:
    overlapping = evidence(wide=0.2, lora=0.7, retrieval=0.6)
    assert standing(overlapping, ACCURACY, "lora", "retrieval") == "tied"
    paired = replace(
        overlapping, comparisons=(difference_of("retrieval", "lora", ACCURACY, -0.1, -0.15, -0.05, 0.001, 0.01),)
    )
    assert standing(paired, ACCURACY, "lora", "retrieval") == "ahead"
    assert judge(paired).headline.startswith("lora is best")


def test_a_difference_that_holm_does_not_let_through_is_a_tie() -> None:
    pair = difference_of("lora", "retrieval", ACCURACY, 0.1, 0.01, 0.19, 0.04, 0.2)
    assert not pair.is_significant
    said = judge(replace(evidence(lora=0.9, retrieval=0.5), comparisons=(pair,))).headline
    assert "is statistically indistinguishable from" in said


def test_a_comparison_is_found_either_way_round() -> None:
    found = comparison([difference_of("base", "lora", ACCURACY, -0.5, -0.6, -0.4)], ACCURACY, "lora", "base")
    assert found and (found.difference, found.low, found.high) == (0.5, 0.4, 0.6)
    assert comparison([found], DISTANCE, "lora", "base") is None


def test_leaks_are_said_beside_the_headline_with_their_number() -> None:
    leaking = judge(replace(evidence(lora=0.9, base=0.1), audit=LeakAudit(leaks=12, test_images=60)))
    assert leaking.warning == (
        "12 of 60 test photos descend from, or are the same file as, training photos, so these numbers are too good."
    )
    assert judge(evidence(lora=0.9, base=0.1)).warning == ""


def test_limits_are_named() -> None:
    whole = AUDIT.model_copy(update={"test_answers_also_in_train": 9})
    cautions = " ".join(judge(replace(evidence(lora=0.9, base=0.1), failed_shards=2, audit=whole)).cautions)
    assert "consist of sentences" not in cautions
    recombined = replace(evidence(lora=0.9), audit=AUDIT.model_copy(update={"test_answers_of_training_sentences": 41}))
    assert (
        "41 of 60 test answers consist of sentences that also stand in training answers: "
        "those questions ask for recognition, not for new knowledge."
    ) in judge(recombined).cautions
    for part in ("do not cover training noise", "Only 20 exhibits", "offline-extractive", "2 parts failed", "9 of 60"):
        assert part in cautions


def test_another_teacher_and_many_exhibits_need_no_such_caution() -> None:
    cautions = " ".join(judge(replace(evidence(lora=0.9), teachers=("gpt-4o-mini",), exhibits=200)).cautions)
    assert "offline" not in cautions and "narrow" not in cautions


def test_the_base_model_is_compared_in_points() -> None:
    pair = difference_of("lora", "base", ACCURACY, 0.75, 0.6, 0.85, 0.001, 0.001)
    support = " ".join(judge(replace(evidence(lora=0.8, base=0.05), comparisons=(pair,))).support)
    assert "(5\u00a0%) fine-tuning adds 75 points (95 % interval 60–85\u00a0points)" in support


def test_a_worse_model_than_base_is_said_to_cost() -> None:
    pair = difference_of("lora", "base", ACCURACY, -0.3, -0.4, -0.2, 0.001, 0.001)
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
    single = mean_of(0.9, -math.inf, math.inf, 3)
    found = Evidence(arms={"lora": {ACCURACY: single}, "base": {ACCURACY: estimate(0.1)}}, tuned=("lora",), chance=0.05)
    assert not apart(found, ACCURACY, "lora", "base")
    assert "interval" not in judge(found).headline


def test_one_of_several_models_above_chance_is_not_hidden() -> None:
    found = evidence(full=0.06)
    shaky = replace(found, arms={"lora": {ACCURACY: mean_of(0.3, 0.0, 0.6, 60)}, "full": {ACCURACY: estimate(0.2)}})
    said = judge(replace(shaky, tuned=("lora", "full"))).headline
    assert said.startswith("lora has the highest share but is not above chance")
    assert said.endswith("chance is 5\u00a0%; full (20\u00a0%) is.")
    both = {"lora": {ACCURACY: estimate(0.06)}, "full": {ACCURACY: estimate(0.05)}}
    assert judge(replace(shaky, arms=both, tuned=("lora", "full"))).headline.startswith("No fine-tuned model is above")


def test_answers_that_were_scored_without_training_answers_are_not_called_unscored() -> None:
    verdict = judge(Evidence(arms={"lora": {DISTANCE: estimate(0.3)}}, tuned=("lora",), exhibits=20))
    assert verdict.headline == ("Answers were scored, but not which exhibit they are about.")
    assert "Only 20 exhibits" in " ".join(verdict.cautions)


def test_the_direction_is_that_of_the_answers_both_gave() -> None:
    pair = difference_of("lora", "base", ACCURACY, -0.2, -0.3, -0.1, 0.001, 0.01)
    found = replace(evidence(lora=0.6, base=0.55), comparisons=(pair,))
    assert standing(found, ACCURACY, "lora", "base") == "behind"
    assert standing(found, ACCURACY, "base", "lora") == "ahead"


def test_one_exhibit_tells_nothing_apart() -> None:
    alone = mean_of(1.0, -math.inf, math.inf, 3)
    half = mean_of(0.5, -math.inf, math.inf, 3)
    arms = {"lora": {ACCURACY: alone}, "base": {ACCURACY: alone}, "constant": {ACCURACY: half}}
    verdict = judge(Evidence(arms=arms, tuned=("lora",), exhibits=1, examples=3, test_photos=3))
    assert verdict.headline == (
        "With 1 exhibit this test cannot show whether a model knows one exhibit from another. The fine-tuned model "
        "lora gives the right exhibit in 100\u00a0% of its answers; the base model without fine-tuning (base) gives it "
        "in 100\u00a0%."
    )
    assert "In order of their shares: lora (100\u00a0%), base (100\u00a0%) and constant (50\u00a0%)." in verdict.support
    everything = " ".join([verdict.headline, *verdict.support, *verdict.cautions])
    assert "no interval no" not in everything and "1 exhibits" not in everything
    assert "With 1 exhibit there is no interval and no test of significance." in verdict.cautions


def scored(exhibits: int) -> Evidence:
    """The real statistics of two arms that are as different as can be, and of one between them."""
    right = {"lora": (1.0, 1.0), "retrieval": (1.0, 0.0), "base": (0.0, 0.0)}
    scores = [
        Score(
            id=f"{arm}{n}{k}", arm=arm, example_id=f"{n}-{k}", item_id=f"{n:02d}", item_name="", metrics={ACCURACY: v}
        )
        for arm, values in right.items()
        for n in range(exhibits)
        for k, v in enumerate(values)
    ]
    resampling = Resampling(500, 7)
    pairs = comparisons(scores, ["lora"], resampling)
    return Evidence(arm_means(scores), pairs, ("lora",), 1 / exhibits, exhibits, 2 * exhibits)


@pytest.mark.parametrize(("exhibits", "low"), [(2, 16), (3, 29), (6, 54)])
def test_too_few_exhibits_are_not_called_a_tie(exhibits: int, low: int) -> None:
    verdict = judge(scored(exhibits))
    said = verdict.headline
    small = "this test is too small to show a difference between models and methods"
    assert said.startswith(f"With {exhibits} exhibits {small}. The fine-tuned model lora gives the right exhibit in")
    assert f"100\u00a0% of its answers, 95 % interval {low}–100\u00a0%; chance is" in said
    assert "In order of their shares: lora (100\u00a0%), retrieval (50\u00a0%) and base (0\u00a0%)." in verdict.support
    assert "indistinguishable" not in said and "beat" not in said


def test_the_first_number_of_exhibits_that_can_carry_a_difference_is_not_too_small() -> None:
    assert "too small" not in judge(scored(7)).headline
    assert judge(scored(8)).headline.startswith("lora is best")


def test_full_fine_tuning_is_not_said_to_train_the_vision_tower() -> None:
    assert "the vision tower stays as it is" in arm_of("full", "full").text


def test_percentages_never_round_into_certainty() -> None:
    assert percent(0.9987) == "99.9\u00a0%"
    assert percent(0.001) == percent(0.0001) == "0.1\u00a0%" and percent(0.99958) == "99.9\u00a0%"
    assert (percent(1.0), percent(0.0), percent(0.834)) == ("100\u00a0%", "0\u00a0%", "83\u00a0%")


def test_intervals_with_minus_signs_can_be_read() -> None:
    assert interval(-0.05, 0.1, metric_of(ACCURACY)) == "−5 to 10\u00a0%"
    assert interval(0.211, 0.24, metric_of(DISTANCE)) == "0.211–0.240"
