"""The report of a museum of one or four exhibits: what it must not compare, what it must say, what comes next."""

from __future__ import annotations

import html
import re
from pathlib import Path

import click
import pytest
from tests.estimates import mean_of
from tests.integration.test_report_next_steps import commands_of, text_of
from tests.photo_files import mosaic
from tests.report_run import Story, make_run

from docent.config import PipelineConfig
from docent.launcher.cli import docent
from docent.pipeline import units
from docent.stage import run_shard
from docent.stages.report.sentences.findings import Evidence
from docent.stages.report.sentences.verdict import judge
from docent.stages.report.sentences.wording import DISTANCE


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a test of four exhibits, in which the photo makes no difference to the model."""
    share = {"lora": 1.0, "full": 1.0, "base": 0.0, "retrieval": 0.5, "colour": 0.25, "constant": 0.0, "blind": 1.0}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("four"))
        story = Story(right=share, scored_exhibits=4, cut={"lora": 2, "full": 1, "blind": 1})
        return make_run(Path("runs/demo"), story).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("one"))
        return make_run(Path("runs/demo"), Story(exhibits=["cube"], scored_exhibits=1)).read_text(encoding="utf-8")


def shown(page: str) -> str:
    without = re.sub(r"<(style|script|svg)\b.*?</\1>|<pre.*?</pre>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", without))).replace("\N{NO-BREAK SPACE}", " ")


def steps_of(page: str) -> list[str]:
    found = re.search(r'<ol class="next">(.*?)</ol>', page, re.DOTALL)
    assert found
    return [html.unescape(re.sub(r"<[^>]+>", " ", step)) for step in re.findall(r"<li>(.*?)</li>", found[1], re.DOTALL)]


def test_in_a_test_that_is_too_small_nothing_is_called_best_and_the_page_says_why(four: str) -> None:
    text = shown(four)
    assert "best look-up" not in text and "look-up, highest share: retrieval" in text
    assert "however far apart two bars lie" in text and "by chance in 1 of 8 comparisons" in text
    assert "intervals do not overlap" not in text and "Statistically indistinguishable" not in text


def test_a_model_that_answers_alike_without_the_photo_is_named(four: str, one: str) -> None:
    assert "lora answers all 8 test questions the same without the photo (blind): it need not look at it." in shown(
        four
    )
    assert "without the photo (blind)" not in shown(one)


def test_the_photos_that_training_saw_are_counted_by_exhibit(four: str) -> None:
    assert "Trained on 8 photos (2 of each exhibit) and altered copies of them." in shown(four)


def test_an_answer_that_ended_at_the_limit_is_marked_as_cut_and_counted(four: str) -> None:
    cards = four.split('<details class="photo"')[1:]
    marked = [re.findall(r"</svg> ([\w-]+)</strong>", reply)[0] for reply in four.split("<li") if "[cut]" in reply]
    assert len(cards) == 8 and sorted(marked) == ["blind", "full", "lora", "lora"]
    said = shown(four)
    assert "2 of 8 answers of lora were cut at the limit of 66 tokens. 1 of 8 answers of full was cut" in said
    step = next(step for step in steps_of(four) if "limit of 66 tokens" in step)
    assert "2 of 8 answers of lora were cut" in step and "trains none" in step and "blind" not in step
    assert ["docent", "run", "--run", "demo", "--set", "answer.max_new_tokens=132"] in commands_of(four)


def test_where_no_answer_was_cut_the_page_says_so_and_how_answers_were_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    story = Story(ignored={"repetition_penalty": 5.0, "min_length": 12})
    page = make_run(Path("runs/demo"), story).read_text(encoding="utf-8")
    text = shown(page)
    assert "No model's answer was cut at the limit of tokens." in text and "[cut]" not in page
    card = text_of(page, "card")
    assert "greedy, at most 66 tokens, the longest training answer and a tenth; do_sample false" in card
    assert "Settings of the model that were not used" in card
    assert "repetition_penalty 5.0, min_length 12" in card
    assert not any("limit of" in step for step in steps_of(page))


def test_the_glossary_takes_its_example_from_the_exhibits_of_the_run(four: str, one: str) -> None:
    assert "“cube or gyroid” counts for none" in text_of(four, "glossary").lower()
    assert "a cube or a torus" not in four + one


def test_more_exhibits_come_before_anything_that_costs_money(one: str, four: str) -> None:
    for page in (one, four):
        steps = steps_of(page)
        more = next(place for place, step in enumerate(steps) if "more exhibits" in step)
        assert "a description and 5 or more photos" in steps[more] and "docent run --run demo" in steps[more]
        assert more < next(place for place, step in enumerate(steps) if "language model" in step)


def test_what_is_sent_kept_and_remembered_is_said_where_a_language_model_is_advised(four: str) -> None:
    step = next(step for step in steps_of(four) if "language model" in step)
    for part in (
        "the descriptions of the exhibits are then sent", "photos of exhibits are not", "export OPENAI_API_KEY=",
        "--set llm.base_url=", "remembers these settings", "none is paid twice", "trains again",
    ):  # fmt: skip
        assert part in step


def test_decisions_of_a_review_come_into_the_data_set_by_the_commands_on_the_page(four: str) -> None:
    commands = commands_of(four)
    at = commands.index(["docent", "review", "demo"])
    assert commands[at + 1] == ["docent", "review", "demo", "--apply", "PATH-TO/edits.csv"]
    step = next(step for step in steps_of(four) if "docent review" in step)
    assert "with the folder in which your browser saved edits.csv, usually the downloads folder" in step
    assert "apply it from there" not in step
    assert commands[at + 2] == ["docent", "run", "--run", "demo", "--set", "curate.edits=runs/demo/review/edits.csv"]
    review = docent.get_command(click.Context(docent), "review")
    assert review and {option for p in review.params for option in p.opts} >= {"--apply"}


def test_where_two_models_are_right_equally_often_one_is_named(four: str) -> None:
    last = steps_of(four)[-1]
    assert "no command that asks a model about a new photo" in last and "AutoModelForImageTextToText" in last
    assert "lora and full are right equally often (100" in last and "take full" in last


def test_one_exhibit_is_spoken_of_in_the_singular(one: str) -> None:
    text = shown(one)
    assert "Which model or method knows the exhibit?" in text
    assert "Which exhibits are known?" not in text and "spread over the exhibits" not in text
    assert "the intervals do not cover training noise" not in text
    assert re.search(r'<label hidden>Exhibit <select id="filter-exhibit">', one)


def test_exhibits_without_a_title_are_named_and_those_with_one_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {
        "oil-can": "The oil can hung beside the loom. Its spout is 20 cm long.",
        "ferry-bell": "Bell of the ferry\n\nThe bell was cast in 1880. It hung on the ferry for 60 years.",
    }
    monkeypatch.chdir(tmp_path)
    for number, (name, text) in enumerate(texts.items()):
        folder = Path("weavers") / name
        folder.mkdir(parents=True)
        (folder / "description.txt").write_text(text, encoding="utf-8")
        for k in range(5):
            mosaic(10 * number + k, (160, 128)).save(folder / f"{k}.jpg")
    run_dir = Path("runs/weavers")
    run_dir.mkdir(parents=True)
    config = PipelineConfig.model_validate(
        {
            "run": {"name": "weavers", "input_wait_s": 0},
            "report": {},
            "assemble": {},
            "ingest": {"sources": [{"kind": "exhibits-folder", "path": "weavers"}]},
        }  # fmt: skip
    )
    assert [run_shard(config, unit, run_dir) for unit in units(config)] == [0, 0, 0]
    steps = steps_of((run_dir / "report/latest/index.html").read_text(encoding="utf-8"))
    untitled = next(step for step in steps if "no title" in step)
    assert "1 exhibit has no title and is called after its folder: Oil can." in untitled
    title = next(step for step in steps if "titled after a folder or file" in step)
    assert 'title: "..." in a file collection.yaml in weavers' in title and "report.title=" in title


def test_warnings_are_named_with_their_counts(four: str) -> None:
    assert "pairs that passed the checks, 4 of them with a warning: 4 × not in own words" in shown(four)


def test_the_same_run_again_names_its_file_from_the_folder_that_it_was_started_in(four: str) -> None:
    assert "<code>docent run runs/demo/pipeline.resolved.yaml --run again</code>" in four
    assert "In place of …" not in four


def test_the_confusions_are_those_of_the_model_that_the_page_says_to_take(tmp_path: Path) -> None:
    share = {"lora": 0.5, "full": 0.5, "base": 0.0, "retrieval": 1.0, "colour": 0.5, "constant": 0.25, "blind": 0.25}
    story = Story(right=share, named={"cube": "torus", "torus": "cube", "gyroid": "torus", "helicoid": "torus"})
    steps = steps_of(make_run(tmp_path / "demo", story).read_text(encoding="utf-8"))
    assert "take full" in steps[-1]
    step = next(step for step in steps if " confuses " in step)
    assert step.lstrip().startswith("full confuses “") and re.search(r"“\w+” with “torus” \(\d answers?\)", step)
    assert "Then run again, which trains again:" in step


def test_steps_that_end_in_the_same_command_are_said_to_need_one_run(tmp_path: Path, four: str) -> None:
    share = {"lora": 0.5, "full": 0.5, "base": 0.0, "retrieval": 1.0, "colour": 0.5, "constant": 0.25, "blind": 0.25}
    story = Story(right=share, named={"cube": "torus"}, photos_each=4, tests_each=1, scored_exhibits=4)
    page = make_run(tmp_path / "demo", story).read_text(encoding="utf-8")
    assert "Several steps end in the same command: make all of their changes first, then run it once." in shown(page)
    few = next(step for step in steps_of(page) if "An honest test" in step)
    assert "Then run again, which trains again:" in few
    assert "Several steps end" not in shown(four), "one step of it adds material"


def test_how_many_exhibits_are_enough_is_said_with_its_condition(four: str) -> None:
    step = next(step for step in steps_of(four) if "more exhibits" in step)
    assert re.search(r"significant with \d+ or more, if one model or method is ahead on all of them\. Add \d+", step)


def test_numbers_of_comparisons_are_given_by_measure(four: str) -> None:
    text = shown(four)
    assert "and “Right exhibit” is compared in 21 pairs." in text
    assert "All 42 paired comparisons: 21 of “Right exhibit”, 21 of “Semantic distance”" in text


@pytest.mark.parametrize(("trained", "said"), [(0.158, True), (0.154, True), (0.12, False)])
def test_models_of_one_exhibit_that_are_no_nearer_than_a_look_up_are_said_to_be_so(trained: float, said: bool) -> None:
    distance = {"lora": trained, "full": trained + 0.01, "base": 0.916, "retrieval": 0.178, "colour": 0.154}
    arms = {arm: {DISTANCE: mean_of(mean, float("-inf"), float("inf"), 3)} for arm, mean in distance.items()}
    support = judge(Evidence(arms, tuned=("lora", "full"), exhibits=1)).support
    assert bool(support) == said
    if said:
        assert support[0] == (
            "The fine-tuned models lora and full come no nearer to the reference answers than looking up by colour "
            f"alone (colour): semantic distance {trained:.3f} at best, against 0.154."
        )
