"""A museum in a language other than English, with the offline teacher, from its folder to curated pairs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.museum import photo
from tests.texts_by_language import LABELS

SHAPES = ("red-disc", "blue-bar")
GERMAN = {
    "Sanduhr": LABELS["de"][1],
    "Tabakdose": "Diese Dose aus Messing fasst 40 Gramm Tabak. Ein Matrose ritzte 1788 seinen Namen in den Deckel. Die "
    "Dose war im Alltag auf See unverzichtbar. Der Rand ist an drei Stellen gebrochen.",
}


def museum(folder: Path, texts: dict[str, str]) -> Path:
    """A folder of exhibits with four photos each, and the pipeline file that reads it."""
    for shape, (name, text) in zip(SHAPES, texts.items(), strict=False):
        place = folder / "photos" / name
        place.mkdir(parents=True)
        (place / "description.txt").write_text(text, encoding="utf-8")
        for number in range(1, 5):
            photo(shape, number).save(place / f"{shape}-{number}.jpg", quality=90)
    file = folder / "pipeline.yaml"
    stages = "assess_images: {}\naugment_images: {}\nassemble: {images_per_item: 6, test_images: 1}\n"
    stages += "generate_qa: {shards: 1}\ncurate: {}\n"
    sources = f"ingest: {{sources: [{{kind: exhibits-folder, path: {folder / 'photos'}}}]}}\n"
    file.write_text(f"run: {{name: label}}\n{sources}{stages}", encoding="utf-8")
    return file


def docent(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "docent", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)


def test_a_german_museum_gives_german_pairs_and_no_reject_and_is_told_so_before_it_runs(tmp_path: Path) -> None:
    file = museum(tmp_path, GERMAN)
    arguments = [str(file), "--data", str(tmp_path / "runs")]
    planned = docent("plan", *arguments)
    assert planned.returncode == 0 and "writes questions in the language of each text: German (2)" in planned.stderr
    ran = docent("run", *arguments, "--to", "curate")
    assert ran.returncode == 0, ran.stderr
    folder = tmp_path / "runs" / "label" / "curate"
    success = json.loads((folder / "_SUCCESS.json").read_text(encoding="utf-8"))
    assert success["rejected"] == 0 and success["rows"] == 14, "every question once about each of two exhibits"
    parts = (folder / success["folder"]).glob("part-*.jsonl")
    rows = [json.loads(line) for part in parts for line in part.read_text(encoding="utf-8").splitlines()]
    assert {row["language"] for row in rows} == {"de"}
    assert all(row["answer"].startswith("Das ist d") for row in rows)


@pytest.mark.parametrize(
    ("texts", "sets", "said"),
    [
        (
            {"Vaso": "Il vaso di bronzo è stato trovato nella tomba di un soldato e pesa più di tre chili."},
            [],
            "the texts are in Italian (1)",
        ),
        (GERMAN, ["--set", "generate_qa.language=Korean"], "the texts are in German (2), not in Korean"),
        (GERMAN, ["--set", "ingest.sources.0.language=Polish"], "but not Polish"),
    ],
)
def test_what_the_offline_teacher_cannot_ask_in_is_said_before_anything_runs(
    tmp_path: Path, texts: dict[str, str], sets: list[str], said: str
) -> None:
    file = museum(tmp_path, texts)
    for verb in ("plan", "run"):
        done = docent(verb, str(file), "--data", str(tmp_path / "runs"), *sets)
        assert done.returncode == 3 and said in done.stderr
    assert not (tmp_path / "runs" / "label" / "ingest").exists()
