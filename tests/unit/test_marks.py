"""Which models and methods the report marks as the best or as indistinguishable from it, and what a mean is of."""

from __future__ import annotations

import math

from tests.estimates import difference_of, mean_of

from docent.artifacts.summaries import Mean, ScoreSummary
from docent.stages.report.page import forest, size_of, standouts
from docent.stages.report.sentences.findings import Evidence
from docent.stages.report.sentences.verdict import judge
from docent.stages.report.sentences.wording import ACCURACY
from docent.tables import METRICS

SUPPORT = METRICS["number_support"]
TESTED = mean_of(0.9, 0.7, 0.97, 50, 20)


def marks(**others: Mean) -> dict[str, str]:
    estimates = {"lora": TESTED, **others}
    tested = [difference_of("lora", f"arm {n}", ACCURACY, 0.1, 0.0, 0.2, 0.2, 0.4) for n in range(6)]
    arms = {arm: {SUPPORT.name: estimate} for arm, estimate in estimates.items()}
    return standouts(Evidence(arms, tested, ("lora",), exhibits=20), SUPPORT, estimates)


def test_a_mean_of_one_answer_is_neither_the_best_nor_indistinguishable_from_it() -> None:
    assert marks(base=mean_of(1.0, -math.inf, math.inf, 1, 1)) == {"lora": "best"}
    assert marks(base=mean_of(0.5, -math.inf, math.inf, 1, 1)) == {"lora": "best"}


def test_a_mean_of_fewer_exhibits_than_could_be_told_apart_is_not_marked() -> None:
    # With six tested pairs eight exhibits could be told apart: 6 * 2 / 2^8 < 0.05.
    assert marks(base=mean_of(1.0, 0.3, 1.0, 7, 7)) == {"lora": "best"}
    assert marks(base=mean_of(1.0, 0.3, 1.0, 8, 8)) == {"base": "best", "lora": "tied"}
    assert marks(retrieval=mean_of(0.85, 0.6, 0.95, 50, 20)) == {"lora": "best", "retrieval": "tied"}


def test_every_mean_says_how_many_answers_and_exhibits_it_is_of() -> None:
    evidence = Evidence(
        {arm: {"number_support": TESTED} for arm in ("lora", "full")}
        | {"base": {"number_support": mean_of(1.0, -math.inf, math.inf, 1, 1)}},
        exhibits=20,
    )
    drawn = forest(evidence, "number_support")
    assert drawn.size == "50 answers, 20 exhibits"
    assert size_of(drawn.estimates["base"], evidence) == "1 answer, 1 exhibit"


def test_a_pair_without_an_interval_is_listed_and_never_apart() -> None:
    pair = {"a": "lora", "b": "base", "metric": "semantic_distance", "difference": -0.5, "ci": None, "p": 0.25}
    (found,) = ScoreSummary.model_validate({"comparisons": [pair], "items": 3}).comparisons
    assert not found.is_significant and not math.isfinite(found.low)


def test_a_baseline_with_one_answer_is_not_called_indistinguishable_in_the_verdict() -> None:
    pairs = [
        difference_of("lora", "colour", ACCURACY, 0.5, 0.3, 0.7, 0.0001, 0.0002),
        difference_of("lora", "retrieval", ACCURACY, -0.1, -math.inf, math.inf, 1.0, 1.0),
    ]
    arms = {
        "lora": {ACCURACY: mean_of(0.9, 0.78, 0.97, 60, 20)},
        "colour": {ACCURACY: mean_of(0.4, 0.25, 0.55, 60, 20)},
        "retrieval": {ACCURACY: mean_of(1.0, -math.inf, math.inf, 1, 1)},
    }
    verdict = judge(Evidence(arms, pairs, ("lora",), 0.05, 20, 60))
    said = " ".join((verdict.headline, *verdict.support))
    assert verdict.headline.startswith("lora is best") and "indistinguishable" not in said
    assert "retrieval answered about too few exhibits to be compared." in said
