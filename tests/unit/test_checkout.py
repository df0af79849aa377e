"""The tests run the code of their own checkout, whatever environment they run in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import docent

ROOT = Path(__file__).resolve().parents[2]


def test_the_code_under_test_is_that_of_this_checkout() -> None:
    assert Path(docent.__file__).resolve() == ROOT / "jobs" / "docent" / "__init__.py"


def test_processes_that_tests_start_run_it_too_without_any_variable(tmp_path: Path) -> None:
    code = "import docent; print(docent.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={}, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).resolve() == Path(docent.__file__).resolve()
