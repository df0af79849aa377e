"""The page of features: marks are read wherever pytest takes them, and nothing that does not fit is passed over."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests import feature_results

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
features = importlib.import_module("features")

TESTS = """
import pytest
pytestmark = [pytest.mark.feature("F01"), pytest.mark.filterwarnings("ignore")]

@pytest.mark.feature("F02", "F03")
def test_two(): pass

def test_of_the_module(): pass

@pytest.mark.feature("F04")
class TestMany:
    pytestmark = pytest.mark.feature("F05")

    @pytest.mark.prove
    def test_long(self): pass

def helper(): pass
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with two files of tests and a list that fits them."""
    for name in ("tests/unit", "tests/cluster", "jobs/docent/stages", "docs", "scripts"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "jobs/docent/stages/one.py").touch()
    (tmp_path / "tests/unit/test_a.py").write_text(TESTS)
    (tmp_path / "tests/cluster/test_b.py").write_text(
        'import pytest\n@pytest.mark.feature("F06")\nasync def test_far(): pass\n'
    )
    rows = [{"names": [f"F{n:02d}"], "what": f"feature {n}", "code": ["stages/one.py"]} for n in range(1, 7)]
    write_list(tmp_path, [*rows, {"what": "no id", "tests": ["tests/unit/test_*.py", "make prove"]}])
    return tmp_path


def write_list(checkout: Path, rows: list[dict[str, Any]]) -> None:
    (checkout / "docs/features.yaml").write_text(json.dumps({"All": rows}))


def wrong(checkout: Path) -> list[str]:
    found: list[str] = features.problems(checkout, features.read_rows(checkout), list(features.marked_tests(checkout)))
    return found


def test_marks_of_modules_classes_and_tests_add_up(checkout: Path) -> None:
    found = {test.name: (test.features, test.elsewhere) for test in features.marked_tests(checkout)}
    assert found == {
        "tests/cluster/test_b.py::test_far": (("F06",), "cluster"),
        "tests/unit/test_a.py::test_two": (("F01", "F02", "F03"), ""),
        "tests/unit/test_a.py::test_of_the_module": (("F01",), ""),
        "tests/unit/test_a.py::TestMany::test_long": (("F01", "F04", "F05"), "prove"),
    }
    assert wrong(checkout) == []


def test_the_page_names_every_test_and_says_why_one_is_run_elsewhere(checkout: Path) -> None:
    text = features.page(features.read_rows(checkout), list(features.marked_tests(checkout)))
    assert text.count("\n- Feature ") == 6 and "\n## All\n" in text
    assert "- Feature 2.  \n  Code: `stages/one.py`. Tests: `tests/unit/test_a.py` (1)." in text
    assert "`tests/cluster/test_b.py` (1, needs a cluster: `make test-cluster`)" in text


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"names": ["F99"], "what": "x", "code": ["stages/one.py"]}, "F99 has no test marked with it"),
        ({"what": "x", "tests": ["make prove"], "code": ["stages/two.py"]}, "stages/two.py is missing"),
        ({"what": "x", "tests": ["tests/unit/test_gone.py"]}, "tests/unit/test_gone.py is missing"),
        ({"what": "x", "code": ["stages/one.py"]}, "neither names nor tests"),
        ({"names": ["F01"], "what": "x"}, "F01 is listed twice"),
    ],
)
def test_what_does_not_fit_is_named(checkout: Path, row: dict[str, Any], says: str) -> None:
    rows = json.loads((checkout / "docs/features.yaml").read_text())["All"]
    write_list(checkout, [*rows, row])
    (said,) = wrong(checkout)
    assert says in said


def test_a_mark_that_nobody_lists_is_named(checkout: Path) -> None:
    rows = json.loads((checkout / "docs/features.yaml").read_text())["All"]
    write_list(checkout, rows[:-2])
    assert wrong(checkout) == [
        "tests/cluster/test_b.py::test_far: marked with F06, which docs/features.yaml does not list"
    ]


@pytest.mark.parametrize(
    "mark",
    [
        'IDS = "F01"\n@pytest.mark.feature(IDS)\ndef test_y(): pass',
        'CASES = [pytest.param(1, marks=pytest.mark.feature("F01"))]',
        "@pytest.mark.feature()\ndef test_y(): pass",
    ],
)
def test_a_mark_that_cannot_be_read_ends_it(checkout: Path, mark: str) -> None:
    (checkout / "tests/unit/test_c.py").write_text(f"import pytest\n{mark}\n")
    with pytest.raises(SystemExit, match=r"tests/unit/test_c\.py:\d: mark the test"):
        list(features.marked_tests(checkout))


def test_an_id_needs_every_test_to_pass_and_one_not_to_be_skipped(checkout: Path) -> None:
    rows, marked = features.read_rows(checkout), list(features.marked_tests(checkout))
    two, module = "tests/unit/test_a.py::test_two", "tests/unit/test_a.py::test_of_the_module"
    assert features.without_a_pass(rows, marked, {two: "passed", module: "skipped"}) == []
    assert features.without_a_pass(rows, marked, {two: "passed"}) == [f"F01 is not shown: {module} not run"]
    said = features.without_a_pass(rows, marked, {two: "skipped", module: "passed"})
    assert said == ["F02 is not shown: all its tests were skipped", "F03 is not shown: all its tests were skipped"]


RECORDED = """
import pytest
@pytest.mark.feature("F01")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_many(n): assert n != BAD
@pytest.mark.feature("F02")
def test_skips(): pytest.skip("no")
@pytest.mark.feature("F03")
def test_good(): pass
@pytest.fixture
def broken(): raise ValueError
@pytest.mark.feature("F04")
def test_setup_fails(broken): pass
def test_unmarked(): pass
"""


def record(checkout: Path, bad: int, *arguments: str) -> dict[str, str]:
    """Run pytest with the plugin on a file of tests; what is noted for the sources then."""
    for path in (checkout / "tests").rglob("test_*.py"):
        path.unlink()
    (checkout / "tests/unit/test_r.py").write_text(RECORDED.replace("BAD", str(bad)))
    (checkout / "pyproject.toml").write_text('[tool.pytest.ini_options]\nmarkers = ["feature(*ids): x"]\n')
    (checkout / "tests/feature_results.py").write_text(Path(feature_results.__file__).read_text())
    (checkout / "tests/__init__.py").touch()
    (checkout / "tests/conftest.py").write_text('pytest_plugins = ("tests.feature_results",)\n')
    options = ["-q", "-p", "no:cacheprovider", "-p", "xdist.plugin", "--rootdir", str(checkout), *arguments]
    environ = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # those of docent's tests take a second to load
    command = [sys.executable, "-m", "pytest", *options]
    subprocess.run(command, cwd=checkout, env=environ, capture_output=True, check=False)
    return feature_results.read_results(checkout, feature_results.digest_of_sources(checkout))


@pytest.mark.parametrize("workers", ["0", "2"])
def test_outcomes_are_noted_with_and_without_workers_the_worst_case_deciding(checkout: Path, workers: str) -> None:
    name = "tests/unit/test_r.py::"
    assert record(checkout, 2, "-n", workers, "tests") == {
        f"{name}test_many": "failed",
        f"{name}test_skips": "skipped",
        f"{name}test_good": "passed",
        f"{name}test_setup_fails": "failed",
    }


def test_a_run_of_some_cases_notes_no_pass_and_changed_sources_forget_all(checkout: Path) -> None:
    name = "tests/unit/test_r.py::test_many"
    assert name not in record(checkout, 0, f"{name}[1]")
    assert record(checkout, 0, "-k", "test_many") == {}
    assert record(checkout, 0, name) == {name: "passed"}
    assert record(checkout, 0, "tests/unit/test_r.py::test_good").keys() == {name, f"{name[:-4]}good"}
    (checkout / "jobs/docent/stages/one.py").write_text("changed = 1\n")
    assert feature_results.read_results(checkout, feature_results.digest_of_sources(checkout)) == {}
