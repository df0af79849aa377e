"""A run whose name is mistyped: the nearest is named, nothing is made; a name that differs on purpose begins a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.test_failed_attempts import call
from tests.printed_commands import parsed, suggested

from docent.errors import PipelineError
from docent.launcher.verbs.known_runs import refuse_typo

PIPELINE = """
run: {name: loom, input_wait_s: 0}
ingest: {sources: [{kind: markdown, path: weaving}]}
assemble: {}
"""


@pytest.fixture
def mill(tmp_path: Path) -> Path:
    """A folder with a run `tapestry`, complete up to `ingest`."""
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    (tmp_path / "weaving").mkdir()
    (tmp_path / "weaving" / "weft.md").write_text("# Weft\n\nThe weft is drawn through the warp by a shuttle.\n")
    assert call(tmp_path, "run", "--run", "tapestry", "--to", "ingest").exit_code == 0
    return tmp_path


def refused(folder: Path, *arguments: str) -> PipelineError:
    done = call(folder, *arguments)
    assert isinstance(done.exception, PipelineError), done.output
    assert "'tapestyr' does not exist; did you mean 'tapestry'?" in done.exception.what
    assert [path.name for path in (folder / "runs").iterdir() if (path / ".lock").exists()] == ["tapestry"]
    assert not (folder / "runs" / "tapestyr").exists()
    return done.exception


@pytest.mark.parametrize("verb", ["run", "plan", "doctor", "estimate"])
def test_a_verb_that_could_begin_a_run_refuses_a_mistyped_one_and_says_how_to_mean_it(mill: Path, verb: str) -> None:
    error = refused(mill, verb, "--run", "tapestyr", "--set", "seed=3")
    assert error.exit_code == 2
    (words,) = suggested(error.next_step)
    assert words == ["run", "pipeline.yaml", "--run", "tapestyr", "--set", "seed=3"]
    assert call(mill, *words, "--to", "ingest").exit_code == 0 and (mill / "runs" / "tapestyr").is_dir()


@pytest.mark.parametrize("command", [["status"], ["logs", "ingest"], ["trace", "x"], ["gc"], ["open"]])
def test_a_verb_that_looks_at_a_run_names_the_nearest(mill: Path, command: list[str]) -> None:
    error = refused(mill, *command, "--run", "tapestyr")
    assert error.exit_code == 102
    (words,) = suggested(error.next_step)
    assert words == ["status", "--run", "tapestry"] and parsed(words)


def test_of_many_runs_some_are_named_and_the_command_that_lists_all(mill: Path) -> None:
    for number in range(12):
        (mill / "runs" / f"run-{number}").mkdir()
        (mill / "runs" / f"run-{number}" / ".lock").touch()
    error = refused_many(mill)
    assert "and 3 more" in error.what and error.where == "runs (all: ls runs)"


def refused_many(folder: Path) -> PipelineError:
    done = call(folder, "status", "--run", "zzz")
    assert isinstance(done.exception, PipelineError)
    return done.exception


def test_a_plan_of_a_run_that_is_not_there_says_so(mill: Path) -> None:
    assert "plan of runs/felt (new run)" in call(mill, "plan", "--run", "felt").output
    assert "new run" not in call(mill, "plan", "--run", "tapestry").output


@pytest.mark.parametrize(
    ("name", "known", "typo"),
    [
        ("museum-2", "museum-1", False),
        ("museum2", "museum", False),
        ("guide-en", "guide-de", False),
        ("hall-a", "hall-b", False),
        ("manual-final", "manual", False),
        ("loom", "looms", False),  # what the file itself calls its run
        ("musuem", "museum", True),
        ("museums", "museum", True),
        ("guid-en", "guide-en", True),
        ("station-clok", "station-clock", True),
        ("vases", "bells", False),
    ],
)
def test_names_of_a_series_are_no_typing_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, known: str, typo: bool
) -> None:
    (tmp_path / "runs" / known).mkdir(parents=True)
    (tmp_path / "runs" / known / ".lock").touch()
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    monkeypatch.chdir(tmp_path)
    if name == "loom":
        done = call(tmp_path, "plan", "--run", name)
        assert not isinstance(done.exception, PipelineError) or done.exception.exit_code != 2
    elif typo:
        with pytest.raises(PipelineError, match="did you mean"):
            refuse_typo(Path("runs"), name)
    else:
        refuse_typo(Path("runs"), name)
