"""What the report says to do next, and that its commands exist and name the run."""

from __future__ import annotations

import html
import re
import shlex
from pathlib import Path

import click
import pytest
from tests.estimates import difference_of, mean_of
from tests.report_run import Story, make_run

from docent.artifacts.summaries import Mean
from docent.launcher.cli import docent
from docent.records import Checkpoint
from docent.stages.report.inputs.training import curve
from docent.stages.report.page import standouts
from docent.stages.report.sentences.findings import Evidence
from docent.stages.report.sentences.verdict import judge
from docent.stages.report.sentences.wording import ACCURACY, DISTANCE, metric_of


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a run in which nothing went wrong, with a title derived from its source."""
    run_dir = tmp_path_factory.mktemp("plain") / "clock-hall" / "demo"
    return make_run(run_dir, Story(sections={"report": {}})).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a run with leaks, a failed part, few photos, confusions and a training that had not converged."""
    story = Story(
        right={"lora": 0.0, "full": 0.0, "base": 0.0, "retrieval": 1.0, "colour": 0.5, "constant": 0.25, "blind": 0.25},
        named={"cube": "torus", "torus": "cube", "gyroid": "gyroid", "helicoid": "cube and the torus"},
        leaks=1, failed=True, converged=False, photos_each=3, tests_each=1,
        sections={"assemble": {"split": "published"}},
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("troubled"))
        return make_run(Path("runs/demo"), story).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a run in another folder, with a limit of steps, a title and a licence."""
    finetune = {"base_model": "samples/docent-tiny", "approaches": ["lora", "full"], "max_steps": 60}
    given = {"report": {"title": "Vases & clocks"}, "build_dataset": {"license": "mit"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("limited"))
        story = Story(converged=False, shared_figures=1, sections={"finetune": finetune, **given})
        return make_run(Path("trials/demo"), story).read_text(encoding="utf-8")


def text_of(page: str, part: str) -> str:
    """The text of one section of the page."""
    found = re.search(rf'<section id="{part}".*?</section>', page, re.DOTALL)
    assert found, part
    without = re.sub(r"</?(?:code|strong)>", "", re.sub(r"<svg.*?</svg>", " ", found[0], flags=re.DOTALL))
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", without)))


def commands_of(page: str) -> list[list[str]]:
    return [shlex.split(html.unescape(found)) for found in re.findall(r'<code class="command">(.*?)</code>', page)]


def test_the_last_section_says_what_to_do_next(plain: str) -> None:
    assert plain.rindex("<section ") == plain.index('<section id="next"')
    assert '<a href="#next">What to do next</a>' in plain


def test_every_command_is_one_that_docent_has_and_names_the_run(troubled: str) -> None:
    commands = commands_of(troubled)
    assert {words[1] for words in commands} == {"logs", "run", "estimate", "review"}
    for words in commands:
        assert words[0] == "docent" and "demo" in words and "--data" not in words
        known = {
            option
            for parameter in docent.get_command(click.Context(docent), words[1]).params
            for option in parameter.opts
        }
        assert {word for word in words[2:] if word.startswith("--")} <= known
    assert ["docent", "run", "--run", "demo", "--set", "assemble.split=clean"] in commands


def test_a_folder_of_runs_elsewhere_is_in_the_commands(limited: str) -> None:
    assert ["docent", "review", "demo", "--data", "trials"] in commands_of(limited)
    assert "trials/demo/build-dataset/latest/README.md" in limited


def test_training_that_had_not_converged_is_said_beside_its_curve_and_at_the_end(troubled: str, plain: str) -> None:
    assert "training had not converged; raise finetune.epochs" in text_of(troubled, "training")
    assert "Training of lora and full had not converged" in text_of(troubled, "next")
    assert any("finetune.epochs=6" in words for words in commands_of(troubled))
    assert "converged" not in text_of(plain, "training") + text_of(plain, "next")


def test_a_limit_of_steps_is_what_is_raised_where_one_is_set(limited: str) -> None:
    assert any("finetune.max_steps=null" in words for words in commands_of(limited))
    assert "finetune.epochs=" not in limited


def test_a_last_step_that_no_validation_chose_says_nothing_about_convergence() -> None:
    kept = Checkpoint(
        id="c", approach="lora", base_model="m", step=60, steps=60, planned_steps=60, epochs=3, validation_loss=None,
        train_examples=9, trainable_parameters=1, total_parameters=2,
    )  # fmt: skip
    assert curve("lora", kept, []).converged
    assert not curve("lora", kept.model_copy(update={"validation_loss": 0.7, "converged": False}), []).converged
    assert curve("lora", kept.model_copy(update={"validation_loss": 0.7, "converged": True}), []).converged


def test_exhibits_that_are_confused_are_named(troubled: str) -> None:
    text = text_of(troubled, "next")
    assert "lora confuses “cube” with “torus” (1 answer) and “torus” with “cube” (1 answer)." in text


def test_confused_exhibits_are_recognised_as_in_the_score_also_in_chinese(tmp_path: Path) -> None:
    story = Story(
        exhibits=["青花瓷瓶", "唐三彩马", "木活字", "罗盘"],
        right={"lora": 0.0, "full": 0.0, "base": 0.0, "retrieval": 1.0, "colour": 0.5, "constant": 0.25, "blind": 0.25},
        named={"青花瓷瓶": "这是唐三彩马俑", "木活字": "青花瓷瓶或罗盘"},
    )  # fmt: skip
    text = text_of(make_run(tmp_path / "demo", story).read_text(encoding="utf-8"), "next")
    assert "“青花瓷瓶” with “唐三彩马” (2 answers)" in text and "“木活字” with" not in text


def test_exhibits_with_too_few_photos_are_named_with_how_many_more(troubled: str, plain: str) -> None:
    text = text_of(troubled, "next")
    assert "Add photos of: cube (2 more photos), gyroid (2 more photos), helicoid (2 more photos)" in text
    assert "An honest test needs" not in text_of(plain, "next")


def test_a_licence_that_nobody_named_is_asked_for_and_one_that_was_set_is_not(plain: str, limited: str) -> None:
    asked = "build_dataset.license=YOUR-LICENSE"
    assert any(asked in words for words in commands_of(plain))
    assert not any(asked in words for words in commands_of(limited))


def test_rejected_photos_of_a_table_are_found_in_a_file_of_the_run(plain: str) -> None:
    text = text_of(plain, "next")
    assert "4 of the photos, files or rows that were found could not be used." in text
    assert re.search(r"demo/ingest/latest/rejects-\*\.jsonl", text)


def test_a_figure_in_several_splits_is_said_and_leaves_no_tick(limited: str, plain: str) -> None:
    said = text_of(limited, "data")
    assert "✓" not in said and "1 of 3 figures of documents stands in several splits." in said
    assert "1 of 3 figures stands in several splits" in limited.split("<nav")[0]
    assert "✓ None of the 8 test photos" in text_of(plain, "data")


def test_a_title_that_is_set_is_the_title(limited: str) -> None:
    assert "<h1>Vases &amp; clocks</h1>" in limited


def test_no_reader_meets_the_terms_arm_floor_and_tied(plain: str, troubled: str) -> None:
    for page in (plain, troubled):
        shown = re.sub(r"<(style|script|svg)\b.*?</\1>|<pre.*?</pre>|<[^>]+>", " ", page, flags=re.DOTALL)
        titles = " ".join(re.findall(r'(?:title|aria-label|alt)="([^"]*)"', page))
        terms = r"\b(arms?|floors?|tied|ties|within the noise|told apart)\b"
        assert not re.findall(terms, shown + titles, re.IGNORECASE)


def estimate(mean: float, wide: float = 0.2) -> Mean:
    return mean_of(mean, max(0.0, mean - wide), min(1.0, mean + wide), 40)


def evidence(exhibits: int = 20, **means: float) -> Evidence:
    arms = {arm: {ACCURACY: estimate(mean)} for arm, mean in means.items()}
    tuned = tuple(arm for arm in means if arm in ("lora", "full"))
    return Evidence(arms=arms, tuned=tuned, chance=0.05, exhibits=exhibits, examples=40)


def test_nothing_with_no_right_answer_is_marked_as_the_best_or_as_indistinguishable_from_it() -> None:
    some = evidence(lora=0.15, base=0.0, constant=0.1)
    means = {arm: metrics[ACCURACY] for arm, metrics in some.arms.items()}
    assert standouts(some, metric_of(ACCURACY), means) == {"lora": "best", "constant": "tied"}
    none = evidence(lora=0.0, base=0.0)
    means = {arm: metrics[ACCURACY] for arm, metrics in none.arms.items()}
    assert standouts(none, metric_of(ACCURACY), means) == {}


def test_in_a_test_that_is_too_small_nothing_is_marked_by_any_metric() -> None:
    pairs = tuple(difference_of("lora", f"x{n}", ACCURACY, 0.5, 0.2, 0.8, 0.2, 1.0) for n in range(8))
    small = Evidence(
        arms={"lora": {ACCURACY: estimate(1.0), "number_support": estimate(0.9)}, "base": {ACCURACY: estimate(0.2)}},
        comparisons=pairs, tuned=("lora",), chance=0.25, exhibits=4,
    )  # fmt: skip
    for name in (ACCURACY, DISTANCE, "number_support"):
        means = {arm: metrics[name] for arm, metrics in small.arms.items() if name in metrics}
        assert standouts(small, metric_of(name), means) == {}


@pytest.mark.parametrize(
    ("means", "headline"),
    [
        (
            {"lora": 0.0, "base": 0.0, "constant": 0.0},
            "No fine-tuned model gives the right exhibit in any answer, nor does anything it is compared with.",
        ),
        (
            {"lora": 0.0, "full": 0.0, "base": 0.0, "retrieval": 0.3},
            "No fine-tuned model gives the right exhibit in any answer; retrieval (30\u00a0%) did better.",
        ),
    ],
)
def test_a_model_without_a_right_answer_is_not_praised(means: dict[str, float], headline: str) -> None:
    verdict = judge(evidence(**means))
    assert verdict.headline == headline
    said = " ".join([verdict.headline, *verdict.support])
    assert "best" not in said and "indistinguishable" not in said


def test_a_baseline_without_a_right_answer_is_never_called_indistinguishable_from_the_best() -> None:
    verdict = judge(evidence(lora=0.15, full=0.0, base=0.0, blind=0.0))
    assert "indistinguishable" not in " ".join([verdict.headline, *verdict.support])


@pytest.mark.parametrize("exhibits", [1, 4])
def test_a_tiny_museum_without_a_right_answer_gets_a_true_sentence(exhibits: int) -> None:
    small = Evidence(
        arms={arm: {ACCURACY: estimate(0.0)} for arm in ("lora", "full", "base", "retrieval", "colour")},
        comparisons=(difference_of("lora", "base", ACCURACY, 0, 0, 0, 1.0, 1.0),) * (7 * (exhibits > 1)),
        tuned=("lora", "full"), chance=0.25, exhibits=exhibits, examples=4, test_photos=4,
    )  # fmt: skip
    said = judge(small).headline
    assert "highest" not in said and "no answer is about the right exhibit" in said
    assert ("chance is 25" in said) == (exhibits > 1)
