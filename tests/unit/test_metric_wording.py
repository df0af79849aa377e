"""The report explains every metric that score measures, and says what it cannot say about one exhibit."""

from __future__ import annotations

from pathlib import Path

from tests.estimates import mean_of

from docent.stages.report import page
from docent.stages.report.inputs.subject import Subject
from docent.stages.report.page import forest
from docent.stages.report.sentences.findings import Evidence
from docent.stages.report.sentences.verdict import judge
from docent.stages.report.sentences.wording import ACCURACY, metric_of
from docent.stages.score.summary import interval_notes
from docent.tables import METRICS, function_at

NEAREST = "nearest_exhibit"
PAGE = (Path(page.__file__).parent / "page.html.j2").read_text(encoding="utf-8")


def test_every_metric_has_a_heading_and_an_explanation_of_its_own() -> None:
    assert (
        len({row.label for row in METRICS.values()}) == len({row.meaning for row in METRICS.values()}) == len(METRICS)
    )
    assert all(row.name == name and callable(function_at(row.measure)) for name, row in METRICS.items())


def test_the_right_exhibit_is_defined_where_its_share_is_shown() -> None:
    shown = PAGE[PAGE.index("plates-caption") :][:250]
    assert "name it, or " in shown and "state two facts that only it has" in shown
    assert "two facts that only it has" in METRICS[ACCURACY].meaning
    assert "nearest training answer" in METRICS[NEAREST].meaning and "nonsense" in METRICS[NEAREST].meaning


def test_metrics_of_documents_alone_are_about_sections() -> None:
    subject = Subject(documents=1, sections=9)
    for name in METRICS:
        metric = metric_of(name, subject)
        assert "exhibit" not in f"{metric.label} {metric.meaning}".lower() and "photo" not in metric.meaning
    assert metric_of(ACCURACY, subject).label == "Right section"
    assert metric_of(ACCURACY, Subject(exhibits=4)) == metric_of(ACCURACY) == METRICS[ACCURACY]
    both = metric_of(ACCURACY, Subject(exhibits=4, documents=1, sections=9))
    assert both.label == "Right exhibit" and "document" in both.meaning and "section" in both.meaning


def test_the_notes_on_intervals_count_what_the_test_is_about() -> None:
    assert interval_notes(1, "section") == ["with 1 section there is no interval and no test of significance"]
    shares, means = interval_notes(4, "section")
    assert shares.endswith("one trial per section") and means.endswith("below 5 sections, and there are 4 sections")
    assert len(interval_notes(500)) == 1 and interval_notes(500)[0].endswith("one trial per exhibit")


def test_chance_is_drawn_for_both_shares_of_exhibits() -> None:
    estimate = mean_of(0.5, 0.4, 0.6, 60)
    evidence = Evidence({"lora": dict.fromkeys(METRICS, estimate)}, tuned=("lora",), chance=0.05, exhibits=20)
    assert [forest(evidence, name).reference for name in (ACCURACY, NEAREST, "number_support")] == [0.05, 0.05, None]


def test_with_one_exhibit_the_verdict_does_not_miss_training_answers() -> None:
    estimate = mean_of(0.2, float("-inf"), float("inf"), 3)
    evidence = Evidence({"lora": {"semantic_distance": estimate}}, tuned=("lora",), chance=1.0, exhibits=1, examples=3)
    headline = judge(evidence).headline
    assert headline.startswith("With 1 exhibit nothing can be told apart") and "training answers" not in headline
