"""docent reads names and texts as UTF-8 under any locale: the same files, the same ids, the same digests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

FILE = """
run: {name: test, input_wait_s: 0}
ingest:
  sources: [{kind: exhibits-folder, path: museum}]
"""
LOCALES = {
    "UTF-8": {"LC_ALL": "C.UTF-8"},
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.fixture
def museum(tmp_path: Path) -> Path:
    exhibit = tmp_path / "museum" / "Größe"
    exhibit.mkdir(parents=True)
    (exhibit / "description.txt").write_text("Die Größe ist eine Säule aus Holz.", encoding="utf-8")
    for number, name in enumerate(["Töne.png", "展示.png"]):
        Image.radial_gradient("L").rotate(40 * number).convert("RGB").save(exhibit / name)
    (tmp_path / "pipeline.yaml").write_text(FILE, encoding="utf-8")
    return tmp_path


def ingest(museum: Path, locale: dict[str, str]) -> tuple[str, list[str]]:
    """Digest of the unit and the names of its photos."""
    runs = museum / f"runs-{'-'.join(locale.values())}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "PYTHON", "LANG"))}
    done = subprocess.run(
        [sys.executable, "-m", "docent", "run", "--data", str(runs)],
        cwd=museum,
        env=environment | locale,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    success = json.loads((runs / "test/ingest/_SUCCESS.json").read_text(encoding="utf-8"))
    part = runs / "test/ingest" / success["folder"] / success["parts"][0]["path"]
    rows = [json.loads(line) for line in part.read_text(encoding="utf-8").splitlines()]
    return success["digest"], sorted(image["name"] for row in rows for image in row["images"])


def test_another_locale_gives_the_same_names_and_digest(museum: Path) -> None:
    first, second = (ingest(museum, locale) for locale in LOCALES.values())
    assert first[1] == ["Töne.png", "展示.png"]
    assert second == first
