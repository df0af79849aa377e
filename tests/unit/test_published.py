"""Tests of published material: skipped with a reason that names the variable, run where it names a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests import published

NEEDS_IT = """
import pytest
from tests.published import published
@pytest.mark.published
def test_reads(): assert published("a.txt").read_text() == "a"
def test_forgot_its_mark(): published("a.txt")
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the plugin and two tests that read a file of the material."""
    (tmp_path / "tests").mkdir()
    shutil.copy(str(published.__file__), tmp_path / "tests/published.py")
    (tmp_path / "tests/__init__.py").touch()
    (tmp_path / "tests/conftest.py").write_text('pytest_plugins = ("tests.published",)\n')
    (tmp_path / "tests/test_a.py").write_text(NEEDS_IT)
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\nmarkers = ["published: x"]\n')
    (tmp_path / "material").mkdir()
    (tmp_path / "material/a.txt").write_text("a")
    return tmp_path


def outcome(checkout: Path, **variables: str) -> tuple[int, str]:
    """Exit code and output of pytest."""
    inherited = {name: value for name, value in os.environ.items() if name != published.VARIABLE}
    inherited["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # those of docent's tests take a second to load
    command = [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", "--rootdir", str(checkout), "tests"]
    done = subprocess.run(
        command, cwd=checkout, env=inherited | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return done.returncode, done.stdout.decode()


def test_without_the_variable_a_test_is_skipped_with_its_name_and_one_without_the_mark_fails(checkout: Path) -> None:
    code, output = outcome(checkout)
    assert code == 1 and "1 failed, 1 skipped" in output
    assert "needs the published material: set DOCENT_PUBLISHED_DATA to its folder" in output
    assert "DOCENT_PUBLISHED_DATA is not set: mark this test `published`" in output


def test_a_folder_relative_to_where_pytest_was_started_is_read(checkout: Path) -> None:
    code, output = outcome(checkout, DOCENT_PUBLISHED_DATA="material")
    assert code == 0 and "2 passed" in output


def test_a_variable_that_names_no_folder_is_an_error_and_no_skip(checkout: Path) -> None:
    code, output = outcome(checkout, DOCENT_PUBLISHED_DATA="nowhere")
    assert code == 4 and f"DOCENT_PUBLISHED_DATA names no folder: {checkout}/nowhere" in output
