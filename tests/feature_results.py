"""Pytest plugin: notes how every test marked `feature` ended, for `make verify`.

Writes `.cache/feature-results.json`: the digest of the sources that were tested, and the outcome of each marked test.
Under pytest-xdist only the controller writes, from the reports that the workers send it. Outcomes of earlier runs stay
as long as the sources are the same. A run that leaves tests out by name or case notes failures only: of a test with
twenty cases it may have seen one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(".cache/feature-results.json")
SOURCES = ("jobs", "tests", "scripts", "pipelines", "samples", "pyproject.toml")
WORST_LAST = ("passed", "skipped", "failed")


def digest_of_sources(root: Path = ROOT) -> str:
    """sha256 over the names and contents of what tests depend on, what Python compiles left out."""
    found = hashlib.sha256()
    for name in SOURCES:
        path = root / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                found.update(f"{file.relative_to(root).as_posix()}:{content}\n".encode("utf-8", "surrogateescape"))
    return found.hexdigest()


def read_results(root: Path, digest: str) -> dict[str, str]:
    """Outcome of every marked test that was noted for these sources, by `file::function`."""
    try:
        found = json.loads((root / RESULTS).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found["outcomes"] if isinstance(found, dict) and found.get("sources") == digest else {}


def write_results(root: Path, digest: str, outcomes: dict[str, str]) -> None:
    """Add outcomes to those noted for the same sources; others are forgotten."""
    path = root / RESULTS
    path.parent.mkdir(exist_ok=True)
    with (path.parent / "feature-results.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        merged = dict(sorted({**read_results(root, digest), **outcomes}.items()))
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps({"sources": digest, "outcomes": merged}, indent=1) + "\n", encoding="utf-8")
        os.replace(temporary, path)


class Recorder:
    """Collects the outcomes of one run.

    Args:
        root: the checkout.
        whole: whether the run sees every case of the tests it runs.
    """

    def __init__(self, root: Path, whole: bool) -> None:
        self.root, self.whole = root, whole
        self.digest = digest_of_sources(root)
        self.outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The worst of all phases and cases of a marked test decides."""
        # A worker that dies leaves a failure without marks: it is noted whatever it belongs to.
        if report.outcome != "failed" and "feature" not in report.keywords:
            return
        if report.when != "call" and report.outcome == "passed":
            return
        name = report.nodeid.partition("[")[0]
        self.outcomes[name] = max(self.outcomes.get(name, "passed"), report.outcome, key=WORST_LAST.index)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Note them, unless the sources were edited meanwhile."""
        whole = self.whole and exitstatus in (0, 1) and not (session.shouldstop or session.shouldfail)
        told = {name: said for name, said in self.outcomes.items() if whole or said == "failed"}
        if told and digest_of_sources(self.root) == self.digest:
            write_results(self.root, self.digest, told)


def pytest_configure(config: pytest.Config) -> None:
    """The controller, or the only process, gets a recorder."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    config.pluginmanager.register(Recorder(Path(config.rootpath), sees_every_case(config.option, config.args)))


def sees_every_case(option: Any, arguments: list[str]) -> bool:
    """Whether nothing on the command line leaves out cases of the tests that run."""
    narrowing = ("keyword", "markexpr", "deselect", "lf", "last_failed", "stepwise")
    return not any(getattr(option, name, None) for name in narrowing) and not any("[" in one for one in arguments)
