"""Fixtures that several test files use."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docent import pipeline, stage
from docent.config import PipelineConfig
from docent.context import Context
from docent.pipeline import STAGES, Stage
from tests.pdf_report import write_report

pytest_plugins = ("tests.feature_results", "tests.published")


@pytest.fixture(autouse=True)
def _log_handlers_end_with_the_test() -> Iterator[None]:
    """A stage adds its log tail to the root logger; without this it would write into folders of finished tests."""
    before = list(logging.getLogger().handlers)
    yield
    logging.getLogger().handlers[:] = before


@pytest.fixture(scope="session")
def report_pdf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The PDF of tests/pdf_report.py; tests do not change it."""
    return write_report(tmp_path_factory.mktemp("report") / "report.pdf")


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """Folder of an empty run."""
    path = tmp_path / "runs" / "test"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def with_stage(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[Context], Any]], None]:
    """Replace the generator of one stage by a function of the test."""
    real = stage._generator
    replaced: dict[str, Callable[[Context], Any]] = {}

    def generator(unit: pipeline.Unit) -> Callable[[Context], Any]:
        return replaced.get(unit.stage) or real(unit)

    monkeypatch.setattr(stage, "_generator", generator)
    return replaced.__setitem__


@pytest.fixture
def bump_version(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Raise a stage's version for the length of a test."""

    def bump(name: str) -> None:
        row: Stage = STAGES[name]
        monkeypatch.setitem(STAGES, name, Stage(**{**row.__dict__, "version": row.version + 1}))

    return bump


@pytest.fixture
def two_stages(tmp_path: Path) -> PipelineConfig:
    """A configuration of two stages that tests fill with their own generators."""
    source = tmp_path / "source"
    source.mkdir()
    return PipelineConfig.model_validate(
        {
            "run": {"input_wait_s": 0},
            "ingest": {"sources": [{"kind": "exhibits-folder", "path": str(source)}], "max_reject_rate": 0.5},
            "assess_images": {"shards": 2},
        }
    )
