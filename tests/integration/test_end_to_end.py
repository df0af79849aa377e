"""The whole pipeline on five exhibits of the sample museum, fine-tuned for real: the score is earned by looking."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.integration.test_launcher import docent

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "prove"))

from permuted import answer_permuted  # noqa: E402 - lies in scripts/prove

pytestmark = pytest.mark.timeout(1200)  # a fine-tuning, on cores that other tests share
EXHIBITS = ["gyroid", "icosahedron", "menger-sponge", "monkey-saddle", "torus"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; its folder."""
    folder = tmp_path_factory.mktemp("whole")
    config: dict[str, Any] = yaml.safe_load((ROOT / "pipeline.yaml").read_text())
    for name in EXHIBITS:
        place = folder / "photos" / name
        place.mkdir(parents=True)
        for photo in (ROOT / "samples/museum/images").glob(f"{name}-*.jpg"):
            shutil.copy(photo, place)
        place.joinpath("description.txt").write_text(description(name), encoding="utf-8")
    config["ingest"]["sources"] = [{"kind": "exhibits-folder", "path": "photos"}]
    config["finetune"] |= {"approaches": ["lora"], "base_model": str(ROOT / "samples/docent-tiny"), "epochs": 6.5}
    config["finetune"]["evaluations"] = 4
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(config))
    done = docent("run", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert Path(folder, done.stdout.strip().splitlines()[-1]).name == "index.html", "the report's path comes last"
    return folder / "runs" / "demo"


def description(name: str) -> str:
    import csv

    with (ROOT / "samples/museum/raw_data.csv").open(encoding="utf-8-sig", newline="") as file:
        return next(row["description"] for row in csv.DictReader(file) if row["item_name"] == name)


def summary(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "score/latest/summary.json").read_text())
    return found


def test_the_tuned_model_is_far_above_every_floor_on_photos_it_never_saw(run: Path) -> None:
    """Five exhibits are too few for intervals apart; the default run, with twenty, has them."""
    found = summary(run)
    accuracy = {arm: metrics["exhibit_accuracy"] for arm, metrics in found["arms"].items()}
    for floor in ("base", "constant", "blind"):
        assert accuracy["lora"]["mean"] > accuracy[floor]["mean"] + 0.2, (floor, accuracy)
    assert found["leaks"]["leaks"] == 0
    assert {metric for metrics in found["arms"].values() for metric in metrics} >= {"semantic_distance"}


def test_with_the_photos_exchanged_the_model_falls_to_chance_and_follows_the_photo(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run.parents[1])
    found = answer_permuted(run, "lora")
    assert found.about_asked <= found.chance
    assert found.about_shown > 2 * found.chance


def test_a_score_is_traced_to_the_line_of_the_text(run: Path) -> None:
    part = next((run / "score").glob("*/part-*.jsonl"))
    row = json.loads(part.read_text().splitlines()[0])
    done = docent("trace", row["id"], cwd=run.parents[1])
    assert done.returncode == 0, done.stderr
    assert re.search(rf"photos/{row['item_name']}/description.txt:1-\d+", done.stdout)


def test_an_added_approach_runs_alone_with_its_answers_score_and_report(run: Path) -> None:
    sets = ["--set", "finetune.approaches=[lora, {name: lora-r4, is: lora, rank: 4}]"]
    done = docent("plan", "-o", "json", *sets, cwd=run.parents[1])
    todo = [line["unit"] for line in json.loads(done.stdout) if line["action"] != "done"]
    assert todo == ["finetune-lora-r4", "answer-lora-r4", "score", "report"]


def test_the_report_asks_for_nothing_from_outside(run: Path) -> None:
    html = (run / "report/latest/index.html").read_text(encoding="utf-8")
    loaded = re.findall(r"""(?:src|href)=["']?(?!data:|#)([^"'\s>]+)""", html)
    assert [link for link in loaded if not link.startswith("https://")] == []
    assert not re.search(r"<(?:script|img|link)[^>]+(?:src|href)=[\"']?https?:", html)


def test_the_run_holds_no_path_of_this_machine(run: Path) -> None:
    found = subprocess.run(
        ["grep", "-rlI", "--include=*.jsonl", "--include=_SUCCESS.json", str(run.parents[1]), str(run)],
        capture_output=True,
        text=True,
    )
    assert found.stdout == ""
