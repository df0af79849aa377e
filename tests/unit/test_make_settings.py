"""`make run-pipeline` with settings and folders of any spelling, through the real make with another docent."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docent.config import load_config

ROOT = Path(__file__).parents[2]
RECORDER = "#!{python}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n"
FOLDERS = [
    "my museum",
    "it's",
    "2024",
    "a: b",
    '"quoted"',
    "x$y",
    "a#b",
    "[a]",
    "50% off",
    "edge ",
    "null",
    "-x",
    "a=b",
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Makefile with a docent that prints its arguments."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/python").symlink_to(sys.executable)
    docent = folder / ".venv/bin/docent"
    docent.write_text(RECORDER.format(python=sys.executable))
    docent.chmod(0o755)
    return folder


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--silent", "-o", ".venv/run.stamp", *arguments]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(command, cwd=checkout, env=environ, capture_output=True, text=True)


def sets(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    words = json.loads(done.stdout)
    return [value for option, value in zip(words, words[1:], strict=False) if option == "--set"]


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        ("report.title=My Museum", ["report.title=My Museum"]),
        ("report.title=My Museum seed=3 llm.model=a", ["report.title=My Museum", "seed=3", "llm.model=a"]),
        ("llm.provider=openai llm.model=gpt-4o-mini", ["llm.provider=openai", "llm.model=gpt-4o-mini"]),
        ("report.title='Energy E=mc2' seed=3", ["report.title=Energy E=mc2", "seed=3"]),
        ('report.title="Energy E=mc2" seed=3', ["report.title=Energy E=mc2", "seed=3"]),
        ("'report.title=Energy E=mc2' seed=3", ["report.title=Energy E=mc2", "seed=3"]),
        ("report.title=John's clocks seed=3", ["report.title=John's clocks", "seed=3"]),
        ("generate_qa.types=[visitor, summary] seed=1", ["generate_qa.types=[visitor, summary]", "seed=1"]),
        ("llm.extra_body={top_k: 40, min_p: 0.05}", ["llm.extra_body={top_k: 40, min_p: 0.05}"]),
        ("report.title=5$ a day", ["report.title=5$ a day"]),
        ("  seed=3  ", ["seed=3"]),
        ("", []),
    ],
)
def test_a_value_goes_on_until_the_next_key(checkout: Path, given: str, settings: list[str]) -> None:
    assert sets(make(checkout, "run-pipeline", f"SET={given}")) == settings


def test_what_is_no_setting_is_refused_with_the_form_that_is_expected(checkout: Path) -> None:
    done = make(checkout, "run-pipeline", "SET=My Museum")
    assert done.returncode != 0 and 'SET="section.field=value' in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_photos_is_taken_to_the_letter(checkout: Path, tmp_path: Path, folder: str) -> None:
    (tmp_path / "pipeline.yaml").write_text("run: {name: test}\n")
    found = sets(make(checkout, "run-pipeline", f"PHOTOS={folder}"))
    config = load_config(tmp_path / "pipeline.yaml", found, {})
    assert config.ingest is not None
    (source,) = config.ingest.sources
    assert (source.kind, str(source.path)) == ("exhibits-folder", folder)


def test_photos_make_a_run_of_their_own_and_doctor_looks_at_the_same(checkout: Path) -> None:
    done = make(checkout, "run-pipeline", "PHOTOS=a b", "SET=seed=3")
    words = json.loads(done.stdout)
    assert words[:5] == ["run", "pipeline.yaml", "--yes", "--run", "mine"]
    looked_at = json.loads(make(checkout, "doctor", "PHOTOS=a b", "SET=seed=3").stdout)
    assert looked_at[:4] == ["doctor", "pipeline.yaml", "--run", "mine"] and looked_at[4:] == words[5:]
