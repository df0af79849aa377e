"""The list of verbs: each is in a section, can be imported, and costs nothing before it is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from docent.errors import LauncherError
from docent.launcher.cli import HIDDEN, SECTIONS, docent
from docent.launcher.verbs.estimate import _can_estimate
from docent.pipeline import STAGES

VERBS = [name for verbs in SECTIONS.values() for name in verbs]


@pytest.mark.parametrize("name", [*VERBS, *HIDDEN])
def test_every_verb_is_there_under_its_name(name: str) -> None:
    verb = docent.get_command(click.Context(docent), name)
    assert verb is not None and verb.name == name and verb.help


def test_help_groups_the_verbs_and_hides_those_of_pods() -> None:
    shown = CliRunner().invoke(docent, ["--help"]).output
    lines = [line for line in shown.splitlines() if line and not line.startswith("  ")]
    assert lines[-5:] == ["Run:", "Inspect:", "Data:", "Cluster:", "Tools:"]
    assert all(f"\n  {name} " in shown for name in VERBS)
    assert not any(f"\n  {name} " in shown for name in HIDDEN)


def test_help_imports_no_verb() -> None:
    code = (
        "import sys; from docent.launcher.cli import docent; docent(['--help'], standalone_mode=False);"
        "print([name for name in sys.modules if name.startswith(('docent.config', 'docent.launcher.v', 'pydantic'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_verb_that_there_is_not_is_refused() -> None:
    assert CliRunner().invoke(docent, ["nix"]).exit_code == 2


def test_status_takes_the_run_as_an_argument(tmp_path: Path) -> None:
    for given in (["hall"], ["--run", "hall"]):
        refused = CliRunner().invoke(docent, ["status", *given, "--data", str(tmp_path)]).exception
        assert isinstance(refused, LauncherError) and refused.exit_code == 102
        assert refused.what == "run 'hall' does not exist" and "--run hall" in refused.next_step


def test_looking_for_estimates_imports_no_stage() -> None:
    assert [name for name, stage in STAGES.items() if _can_estimate(stage.run)] == ["generate-qa"]
    code = (
        "import sys; from docent.launcher.verbs.estimate import _can_estimate; from docent.pipeline import STAGES;"
        "[_can_estimate(stage.run) for stage in STAGES.values()];"
        "print([name for name in sys.modules if name.startswith(('docent.stages.', 'scipy'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
