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
from docent.config.run_names import is_run_name

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
    (checkout / folder).mkdir(exist_ok=True)
    found = sets(make(checkout, "run-pipeline", f"PHOTOS={folder}"))
    config = load_config(tmp_path / "pipeline.yaml", found, {})
    assert config.ingest is not None
    (source,) = config.ingest.sources
    assert (source.kind, str(source.path)) == ("exhibits-folder", folder)


def test_photos_make_a_run_named_after_their_folder_and_doctor_looks_at_the_same(checkout: Path) -> None:
    (checkout / "a b").mkdir(exist_ok=True)
    done = make(checkout, "run-pipeline", "PHOTOS=a b", "SET=seed=3")
    words = json.loads(done.stdout)
    assert words[:3] == ["run", "pipeline.yaml", "--yes"] and words[-2:] == ["--run", "a-b"]
    assert done.stderr.splitlines()[0].startswith("run a-b, named after the folder of PHOTOS; RUN=")
    looked_at = json.loads(make(checkout, "doctor", "PHOTOS=a b", "SET=seed=3").stdout)
    assert looked_at == ["doctor", "pipeline.yaml", *words[3:]]
    named = json.loads(make(checkout, "run-pipeline", "PHOTOS=a b", "RUN=clocks").stdout)
    assert named.count("--run") == 1 and named[named.index("--run") + 1] == "clocks"
    assert "--run" not in json.loads(make(checkout, "run-pipeline").stdout)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("my-museum", "my-museum"),
        ("My Museum/", "my-museum"),
        ("Müller & Söhne", "muller-sohne"),
        ("2024", "2024"),
        ("-x", "x"),
        ("sixteen-letters-", "sixteen-letters"),
        ("the-clocks-of-the-town-hall", "the-clocks-d3e7"),
        ("the-clocks-of-the-station", "the-clocks-b832"),
        ("時計", "photos-6fd2"),
        ("時計 2024", "2024-487f"),
    ],
)
def test_a_run_is_named_after_a_folder_in_letters_that_a_run_may_have(checkout: Path, folder: str, name: str) -> None:
    (checkout / folder).mkdir(exist_ok=True)
    words = json.loads(make(checkout, "run-pipeline", f"PHOTOS={folder}").stdout)
    assert is_run_name(words[-1])
    assert words[-1] == name


@pytest.mark.parametrize("target", ["run-pipeline", "doctor"])
def test_a_folder_of_photos_that_is_not_there_is_said_of_photos(checkout: Path, target: str) -> None:
    (checkout / "town-museum").mkdir(exist_ok=True)
    (checkout / "list.csv").touch()
    for given, said in (
        ("town-musuem", "PHOTOS: there is no folder town-musuem\n  next:  PHOTOS=town-museum\n"),
        ("nowhere/at/all", "PHOTOS: there is no folder nowhere/at/all\n  next:  correct PHOTOS"),
        ("list.csv", "PHOTOS is no folder: list.csv\n"),
    ):
        done = make(checkout, target, f"PHOTOS={given}")
        assert done.returncode != 0 and said in done.stderr and "--set" not in done.stderr and not done.stdout
