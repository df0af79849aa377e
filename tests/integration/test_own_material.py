"""The report and the data set's card of material of one's own: a museum in a folder, a manual, both together."""

from __future__ import annotations

import html
import json
import re
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from tests.photo_files import mosaic

from docent.config import PipelineConfig
from docent.launcher.verbs.output.closing_text import unlicensed
from docent.launcher.verbs.run import run as run_verb
from docent.pipeline import units
from docent.spec import RunStates
from docent.stage import run_shard

TEXTS = {
    "copper-kettle": "Copper kettle\n\nThe copper kettle was made in Leeds in 1871. It holds 4 litres. The copper "
    "kettle still has its lid. Thomas Reed gave the copper kettle to the town in 1902.",
    "glass-float": "The glass float is a green ball of 12 centimetres. The glass float kept a net near the surface. "
    "It was found on the beach in 1967. Its glass float seal bears the letter K.",
}
PARTS = ("pump", "filter", "valve", "gasket")


def museum(folder: Path, photos: int = 5) -> Path:
    for number, (name, text) in enumerate(TEXTS.items()):
        place = folder / name
        place.mkdir(parents=True)
        (place / "description.txt").write_text(text, encoding="utf-8")
        for k in range(photos):
            mosaic(10 * number + k, (160, 128)).save(place / f"{k}.jpg", quality=92)
    return folder


def manual(folder: Path) -> Path:
    folder.mkdir(parents=True)
    lines = ["# Aquilo 300 service manual", ""]
    for number, part in enumerate(PARTS, 1):
        lines += [
            f"## The {part}",
            "",
            f"The {part} works at {12 * number} V and takes {number} A. Check the {part} every {number + 2} months. "
            f"If the {part} gets warmer than {40 + number} degrees, lamp {number} flashes. "
            f"Water must never reach the {part}, because seal {number} swells.",
            "",
        ]
    (folder / "manual.md").write_text("\n".join(lines), encoding="utf-8")
    return folder


def carried_out(run_dir: Path, sources: list[dict[str, str]], **more: Any) -> PipelineConfig:
    """A run of all stages that train nothing, in this process."""
    sections: dict[str, Any] = {
        "run": {"name": run_dir.name, "input_wait_s": 0},
        "ingest": {"sources": sources},
        "assess_images": {"shards": 1},
        "assemble": {"images_per_item": 5, "test_images": 1, "validation_images": 1},
        "generate_qa": {"shards": 1, "types": ["all"], "temperatures": [0.7], "max_reject_rate": 1},
        "curate": {"max_reject_rate": 1},
        "build_dataset": {},
        "report": {},
        **more,
    }
    config = PipelineConfig.model_validate(sections)
    run_dir.mkdir(parents=True, exist_ok=True)
    assert [run_shard(config, unit, run_dir) for unit in units(config)] == [0] * len(units(config))
    return config


def page_of(run_dir: Path) -> str:
    return (run_dir / "report/latest/index.html").read_text(encoding="utf-8")


def text_of(page: str) -> str:
    without = re.sub(r"<(style|script|svg)\b.*?</\1>|<pre.*?</pre>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", without)))


def card_of(run_dir: Path) -> str:
    return (run_dir / "build-dataset/latest/README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def museum_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PipelineConfig]:
    folder = tmp_path_factory.mktemp("museum")
    sources = [{"kind": "exhibits-folder", "path": str(museum(folder / "harbour-museum"))}]
    run_dir = folder / "runs" / "harbour"
    return run_dir, carried_out(run_dir, sources, generate_qa={"shards": 1})


@pytest.fixture(scope="module")
def manual_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("manual")
    run_dir = folder / "runs" / "manual"
    carried_out(
        run_dir, [{"kind": "markdown", "path": str(manual(folder / "pump-manual"))}],
        build_dataset={"validation_share": 0.3},
    )  # fmt: skip
    return run_dir


def test_a_museum_has_its_own_title_and_no_licence_that_nobody_named(museum_run: tuple[Path, PipelineConfig]) -> None:
    run_dir, _ = museum_run
    assert "<h1>Harbour museum</h1>" in page_of(run_dir)
    card = card_of(run_dir)
    assert 'pretty_name: "Harbour museum"' in card and "# Harbour museum" in card
    assert 'license: "other"' in card and "apache" not in card + page_of(run_dir)


def test_exhibits_are_called_by_the_titles_of_their_descriptions(museum_run: tuple[Path, PipelineConfig]) -> None:
    run_dir, _ = museum_run
    page = page_of(run_dir)
    assert set(re.findall(r'data-exhibit="([^"]*)"', page)) == {"Copper kettle", "Glass float"}
    rows = [json.loads(line) for path in run_dir.glob("build-dataset/latest/part-*.jsonl") for line in path.open()]
    assert {row["item_name"] for row in rows} == {"Copper kettle", "glass-float"}
    assert not any(row["answer"].startswith("Copper kettle The") for row in rows)


def test_a_run_without_a_licence_ends_with_the_command_that_names_one(
    museum_run: tuple[Path, PipelineConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir, config = museum_run
    (line,) = unlicensed(RunStates(config, run_dir), list(units(config)))
    assert line.startswith("licence of the data set: other; to set it: docent run --run harbour --data ")
    assert "--set build_dataset.license=YOUR-LICENSE" in line
    called = run_dir.parent / "docent"
    called.touch()
    monkeypatch.setattr(sys, "argv", [str(called), "run"])
    (line,) = unlicensed(RunStates(config, run_dir), list(units(config)))
    assert f"to set it: {called} run --run harbour --data {run_dir.parent} --set " in line
    named = config.model_copy(update={"build_dataset": config.build_dataset.model_copy(update={"license": "mit"})})
    assert not list(unlicensed(RunStates(named, run_dir), list(units(named))))


@pytest.mark.parametrize(("option", "given"), [("last", "--to"), ("only", "--to"), ("first", "")])
def test_what_to_run_next_ends_where_this_launch_ended(
    museum_run: tuple[Path, PipelineConfig], option: str, given: str
) -> None:
    run_dir, config = museum_run
    with click.Context(run_verb) as context:
        context.params = {option: "build-dataset"}
        (line,) = unlicensed(RunStates(config, run_dir), list(units(config)))
    assert ("--to build-dataset" in line) == bool(given)
    assert "--only" not in line and "--from" not in line


def test_a_manual_is_called_by_its_title_and_never_an_exhibit_or_a_photo(manual_run: Path) -> None:
    page = page_of(manual_run)
    assert "<h1>Aquilo 300 service manual</h1>" in page
    assert "# Aquilo 300 service manual" in card_of(manual_run)
    shown = text_of(page)
    assert not re.findall(r"\b(exhibits?|photos?)\b", shown, re.IGNORECASE)
    tips = " ".join(re.findall(r'(?:title|aria-label|alt)="([^"]*)"', page))
    assert not re.findall(r"\b(exhibits?|photos?)\b", tips, re.IGNORECASE)
    assert "This run made a data set and trained no model:" in shown
    assert "about 4 sections of 1 document" in shown
    assert "no-picture" not in page.split("</style>")[1]


def test_sections_of_the_only_document_are_called_by_their_own_titles(manual_run: Path) -> None:
    assert set(re.findall(r'data-exhibit="([^"]*)"', page_of(manual_run))) <= {f"The {part}" for part in PARTS}


def test_nothing_is_counted_in_the_wrong_number(manual_run: Path, museum_run: tuple[Path, PipelineConfig]) -> None:
    nouns = "photos|exhibits|sections|documents|rows|questions|pairs|answers|figures|originals|copies|parts|epochs"
    for run_dir in (manual_run, museum_run[0]):
        said = text_of(page_of(run_dir)) + card_of(run_dir)
        assert not re.findall(rf"(?<![\d./,])\b1 (?:\w+ )?(?:{nouns})\b", said)


def test_exhibits_and_documents_together_are_called_both(tmp_path: Path) -> None:
    sources = [
        {"kind": "exhibits-folder", "path": str(museum(tmp_path / "harbour-museum"))},
        {"kind": "markdown", "path": str(manual(tmp_path / "pump-manual"))},
    ]
    run_dir = tmp_path / "runs" / "both"
    carried_out(run_dir, sources, generate_qa={"shards": 1, "types": ["visitor", "factual_recall"]})
    shown = text_of(page_of(run_dir))
    assert "<h1>Harbour museum and Aquilo 300 service manual</h1>" in page_of(run_dir)
    assert "2 exhibits and 4 sections of 1 document" in shown
    assert "Test questions" in shown and "All 2 test questions." in shown


def test_collection_yaml_names_title_and_licence_everywhere(tmp_path: Path) -> None:
    folder = manual(tmp_path / "pump-manual")
    (folder / "collection.yaml").write_text("title: Pumps of the <harbour>\nlicense: CC-BY-4.0\n")
    run_dir = tmp_path / "runs" / "named"
    config = carried_out(run_dir, [{"kind": "markdown", "path": str(folder)}])
    assert "<h1>Pumps of the &lt;harbour&gt;</h1>" in page_of(run_dir)
    assert 'license: "cc-by-4.0"' in card_of(run_dir)
    assert "build_dataset.license" not in text_of(page_of(run_dir))
    assert not list(unlicensed(RunStates(config, run_dir), list(units(config))))
