"""Charts put numbers where they belong, escape text and stay readable at any width."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.estimates import mean_of

from docent.stages.report import charts
from docent.stages.report.inputs.training import TrainingStep, curve, thin

DRAWINGS = charts.drawings()
CURVE = [(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]


def tags(markup: str, name: str, kind: str = "") -> list[dict[str, str]]:
    root = ElementTree.fromstring(markup)
    return [e.attrib for e in root.iter(name) if kind in e.attrib.get("class", "").split() or not kind]


def test_shares_always_run_from_0_to_100_percent() -> None:
    axis = charts.axis_for([0.4, 0.45], percent=True)
    assert (axis.low, axis.high) == (0.0, 1.0)
    assert [axis.label(tick) for tick in axis.ticks] == [
        "0\u00a0%",
        "25\u00a0%",
        "50\u00a0%",
        "75\u00a0%",
        "100\u00a0%",
    ]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.booleans())
def test_an_axis_holds_every_value_between_few_round_ticks(values: list[float], from_zero: bool) -> None:
    axis = charts.axis_for(values, from_zero=from_zero)
    hair = 1e-6 * (axis.high - axis.low)
    assert axis.low <= min(values) + hair and axis.high >= max(values) - hair
    assert 2 <= len(axis.ticks) <= 8
    assert all(0 <= axis.place(value) <= 100 for value in values)


def test_values_that_are_not_numbers_do_not_stretch_an_axis() -> None:
    axis = charts.axis_for([math.inf, -math.inf, math.nan, 0.5])
    assert math.isfinite(axis.low) and axis.high <= 1
    assert charts.axis_for([]).high > charts.axis_for([]).low


def test_a_forest_row_has_its_mean_between_the_ends_of_its_interval() -> None:
    axis = charts.axis_for([0, 1], percent=True)
    strip = str(DRAWINGS.forest_strip(mean_of(0.5, 0.25, 0.75, 10), axis, "tuned", reference=0.05))
    line = tags(strip, "line", "whisker")[0]
    assert (line["x1"], line["x2"]) == ("27.00%", "73.00%")
    assert tags(strip, "svg", "dot")[0]["x"] == "50.00%"
    assert tags(strip, "line", "reference")[0]["x1"] == axis.inset(0.05)


def test_no_interval_draws_no_whisker() -> None:
    axis = charts.axis_for([0, 1], percent=True)
    strip = str(DRAWINGS.forest_strip(mean_of(0.5, -math.inf, math.inf, 1), axis, "floor"))
    assert not tags(strip, "line", "whisker") and tags(strip, "svg", "dot")


def test_every_family_has_a_shape_of_its_own() -> None:
    assert len(set(charts.MARKS.values())) == len(charts.MARKS) == 4


def test_text_in_a_chart_is_escaped() -> None:
    axis = charts.axis_for([0, 1], percent=True)
    drawn = str(DRAWINGS.forest_axis(axis, 0.5, "<script>alert(1)</script>"))
    assert "<script>" not in drawn and "&lt;script&gt;" in drawn
    assert "<b>" not in DRAWINGS.bar(0.5, "<b>")


@pytest.mark.parametrize(("share", "width"), [(0.5, "50.0%"), (2.0, "100.0%"), (-1.0, "0.0%")])
def test_a_bar_never_leaves_its_track(share: float, width: str) -> None:
    assert tags(str(DRAWINGS.bar(share)), "rect", "fill")[0]["width"] == width


def test_a_falling_loss_is_drawn_falling_with_its_best_step_marked() -> None:
    drawn = str(DRAWINGS.curve(CURVE, [(3.0, 1.5)], best_step=3))
    points = re.findall(r"([\d.]+),([\d.]+)", tags(drawn, "polyline", "train")[0]["points"])
    heights = [float(y) for _, y in points]
    assert heights == sorted(heights) and len(points) == 3
    assert "kept: step 3" in drawn
    assert len(tags(drawn, "circle", "evaluation")) == 1
    assert "kept: step" not in str(DRAWINGS.curve(CURVE, [], best_step=None))


def test_charts_use_percentages_so_that_letters_keep_their_size() -> None:
    drawn = str(DRAWINGS.curve(CURVE, CURVE, best_step=3))
    outer = ElementTree.fromstring(drawn)
    assert outer.attrib["width"] == "100%" and "viewBox" not in outer.attrib
    assert all(text["x"].endswith("%") for text in tags(drawn, "text"))


def test_long_curves_are_thinned_to_block_means_that_keep_the_level() -> None:
    points = [(float(step), 2.0 + (-1) ** step) for step in range(10_000)]
    few = thin(points, 100)
    assert len(few) == 100
    assert all(abs(y - 2.0) < 0.05 for _, y in few)
    assert thin(CURVE, 100) == CURVE


def test_a_training_log_becomes_a_table_of_its_evaluations() -> None:
    log = [
        {"step": 1, "epoch": 0.1, "loss": 4.0, "validation_loss": None},
        {"step": 2, "epoch": 0.2, "loss": 2.0, "validation_loss": 3.0},
        {"step": 3, "epoch": 0.3, "loss": math.nan, "validation_loss": 2.5},
    ]
    found = curve("lora", None, [TrainingStep.model_validate(line) for line in log])
    assert found.rows == ((2, 0.2, 3.0, 3.0), (3, 0.3, None, 2.5))
    assert found.train == ((1.0, 4.0), (2.0, 2.0))
