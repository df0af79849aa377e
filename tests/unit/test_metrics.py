"""Metrics on hand-made vectors: one meaning per test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from docent.evidence.metrics import nearest_items, score_answers
from docent.evidence.naming import Exhibit
from docent.records import Answer, make_id
from docent.tables import METRICS

EXHIBITS = [
    Exhibit("cube", ("cube",), "The cube has 8 corners and 12 edges."),
    Exhibit("torus", ("torus",), "The torus has 1 hole."),
]
TRAIN = [("cube", "A cube."), ("cube", "A die."), ("torus", "A ring.")]


def unit(*values: float) -> NDArray[np.float32]:
    vector = np.asarray(values, dtype=np.float64)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


VECTORS: dict[str, NDArray[np.float32]] = {
    "A cube.": unit(1, 0, 0),
    "A die.": unit(0, 1, 0),
    "A ring.": unit(0, 0, 1),
    "Between die and cube.": unit(1, 1, 0),
    "Between die and ring.": unit(0, 1, 1),
    "It has 8 corners and 99 edges.": unit(1, 0.1, 0),
    "": unit(1, 0, 0),  # a real encoder gives an empty text a vector as well
}


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.stack([VECTORS[text] for text in texts])


def answer(text: str, item: str = "cube", reference: str = "A cube.", arm: str = "lora") -> Answer:
    return Answer(
        id=make_id("answer", (), text, item, arm),
        arm=arm,
        example_id=f"example of {item}",
        item_id=item,
        item_name=item,
        image_name="x.jpg",
        question="What is this?",
        answer=text,
        reference=reference,
        status="ok" if text else "empty",
    )


def metrics(text: str, train: Sequence[tuple[str, str]] = TRAIN, **more: str) -> Mapping[str, float]:
    return score_answers([answer(text, **more)], train, EXHIBITS, encode)[0].metrics


@pytest.mark.feature("metrics")
def test_the_reference_itself_is_at_distance_zero_and_right() -> None:
    assert metrics("A cube.") == {
        "exhibit_accuracy": 1.0, "nearest_exhibit": 1.0, "semantic_distance": 0.0, "length_ratio": 1.0,
    }  # fmt: skip


@pytest.mark.feature("metrics")
def test_distance_is_one_minus_cosine() -> None:
    assert metrics("Between die and cube.")["semantic_distance"] == pytest.approx(1 - 2**-0.5, abs=1e-6)
    assert metrics("A ring.")["semantic_distance"] == 1.0


def test_answer_that_is_nearest_to_another_exhibit_is_wrong() -> None:
    assert metrics("A ring.")["nearest_exhibit"] == 0.0
    assert metrics("A ring.", item="torus", reference="A ring.")["nearest_exhibit"] == 1.0


def test_tie_counts_only_when_every_nearest_answer_is_about_the_right_exhibit() -> None:
    assert metrics("Between die and cube.")["nearest_exhibit"] == 1.0
    assert metrics("Between die and ring.")["nearest_exhibit"] == 0.0
    assert metrics("Between die and ring.", item="torus")["nearest_exhibit"] == 0.0


def test_training_answer_of_two_exhibits_identifies_neither() -> None:
    shared = [*TRAIN, ("torus", "A cube.")]
    assert metrics("A cube.", train=shared)["nearest_exhibit"] == 0.0
    assert metrics("A die.", train=shared)["nearest_exhibit"] == 1.0


def test_repeated_training_rows_change_nothing() -> None:
    assert metrics("A die.", train=TRAIN * 3 + [("cube", "A die. ")]) == metrics("A die.")


def test_empty_answer_has_distance_one_and_no_exhibit_wherever_its_vector_lies() -> None:
    for text in ("", "  \n"):
        assert metrics(text) == {
            "exhibit_accuracy": 0.0, "nearest_exhibit": 0.0, "semantic_distance": 1.0, "length_ratio": 0.0,
        }  # fmt: skip


def test_number_support_is_left_out_without_numbers_or_source() -> None:
    assert metrics("It has 8 corners and 99 edges.")["number_support"] == 0.5
    assert "number_support" not in metrics("A cube.")
    scored = score_answers([answer("It has 8 corners and 99 edges.")], TRAIN, [], encode)
    assert "number_support" not in scored[0].metrics


def test_without_training_answers_there_is_no_nearest_exhibit() -> None:
    answers = [answer("A cube."), answer("A ring.", item="torus")]
    first, second = (score.metrics for score in score_answers(answers, [], EXHIBITS, encode))
    assert "nearest_exhibit" not in first and (first["exhibit_accuracy"], second["exhibit_accuracy"]) == (1.0, 0.0)


def test_blocks_of_answers_give_what_one_matrix_gives() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(700, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    train, items = vectors[:40], [{f"i{n % 7}"} for n in range(40)]
    expected = [frozenset(items[n]) for n in (vectors @ train.T).argmax(axis=1)]
    assert nearest_items(vectors, train, items) == expected


def test_rows_keep_order_parents_and_distinct_ids() -> None:
    answers = [answer("A cube.", arm=arm) for arm in ("lora", "full", "base")]
    scores = score_answers(answers, TRAIN, EXHIBITS, encode)
    assert [score.parents for score in scores] == [(a.id,) for a in answers]
    assert len({score.id for score in scores}) == 3


def test_every_metric_says_which_way_is_good_and_no_row_holds_another() -> None:
    assert {metric.direction for metric in METRICS.values()} <= {"lower", "higher", "near 1"}
    assert set(metrics("It has 8 corners and 99 edges.")) == set(METRICS)


def test_no_answers_give_no_scores() -> None:
    assert score_answers([], TRAIN, EXHIBITS, encode) == []
