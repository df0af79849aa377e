"""Rows that nobody of docent wrote, in a run whose listing matches them: one message with file and line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docent.artifacts.listings import SUCCESS, OutputFile
from docent.config import PipelineConfig
from docent.context import Context
from docent.errors import InputError
from docent.launcher.runs.trace import lines, trace
from docent.records import Document, Section, Span
from docent.spec import RunStates
from docent.stage import run_shard

WithStage = Callable[[str, Callable[[Context], Any]], None]
ROW_ID = "abcdef0123456789"


@pytest.fixture
def forged(run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage) -> Callable[[str], RunStates]:
    """Writes a line in the place of the only row of a run, and lists it with its sha256."""

    def rows(ctx: Context) -> Iterator[Any]:
        span = Span(file="a.md", first_line=1, last_line=2)
        yield Document(
            id=ROW_ID, kind="exhibit", name="e", sections=(Section(index=0, title="", text="t", source=span),)
        )

    def forge(line: str) -> RunStates:
        with_stage("ingest", rows)
        assert run_shard(two_stages, "ingest", run_dir) == 0
        path = run_dir / "ingest" / SUCCESS
        success = json.loads(path.read_text())
        folder = run_dir / "ingest" / success["folder"]
        part = folder / success["parts"][0]["path"]
        part.write_text(line + "\n")
        success["parts"][0] |= OutputFile.of(folder, part).model_dump()
        path.write_text(json.dumps(success))
        return RunStates(two_stages, run_dir)

    return forge


@pytest.mark.parametrize(
    "line",
    [
        f"{ROW_ID} is no JSON",
        json.dumps([ROW_ID]),
        json.dumps({"name": ROW_ID}),
        json.dumps({"id": ROW_ID, "parents": [1]}),
        json.dumps({"id": [ROW_ID]}),
        json.dumps({"id": ROW_ID, "sections": [{"text": "t"}]}),
        json.dumps({"id": ROW_ID, "sources": [{"file": "a.md", "first_line": "x"}]}),
        json.dumps({"id": ROW_ID, "images": 3}),
        "[" * 50_000 + ROW_ID,
    ],
    ids=range(9),
)
def test_trace_names_the_line_of_what_is_no_row(forged: Callable[[str], RunStates], line: str) -> None:
    with pytest.raises(InputError, match="not a valid row") as refused:
        trace(forged(line), ROW_ID)
    assert refused.value.where.endswith(".jsonl:1")


def test_trace_of_a_row_that_is_its_own_parent_ends(forged: Callable[[str], RunStates]) -> None:
    row = {"id": ROW_ID, "parents": [ROW_ID], "name": "loop", "sections": [], "images": []}
    states = forged(json.dumps(row))
    assert len(list(lines(trace(states, ROW_ID), states.config))) == 1


def test_trace_looks_for_no_file_outside_the_sources(
    forged: Callable[[str], RunStates], two_stages: PipelineConfig, tmp_path: Path
) -> None:
    (tmp_path / "secret.md").write_text("x")
    for file in ("../secret.md", str(tmp_path / "secret.md"), "a\n\x1b[2J"):
        place = {"file": file, "first_line": 1, "last_line": 1}
        states = forged(json.dumps({"id": ROW_ID, "parents": [], "sources": [place]}))
        said = list(lines(trace(states, ROW_ID), two_stages))
        assert len(said) == 2 and "\n" not in said[1] and "\x1b" not in said[1]
        assert said[1].endswith(":1-1") == file.startswith("a")


def test_rows_that_are_none_are_named_when_a_stage_reads_them(forged: Callable[[str], RunStates]) -> None:
    artifact = forged('{"id": 3}').of("ingest").artifact
    assert artifact is not None
    with pytest.raises(InputError, match="invalid Document row") as refused:
        list(artifact.rows(Document))
    assert refused.value.where.endswith(".jsonl:1")
