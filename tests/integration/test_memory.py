"""Stages that read every row hold one at a time: ten times the rows take about the same memory.

The full size, 200,000 documents and 500,000 pairs, is `scripts/prove/many_documents.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docent.config import PipelineConfig
from docent.context import Context
from docent.records import Document, QAPair, Reject, Section, Span, make_id
from docent.stage import run_shard

FEW, MANY = 150, 1500
TEXT = "The shaft of pump {number} turns {number} times a minute and is oiled once a week. " * 40
SPAN = Span(file="pumps.csv", first_line=1, last_line=1)


def documents(count: int) -> Callable[[Context], Iterator[Document]]:
    """Documents of one section of about 3 KB each, as a table of many rows makes them."""

    def run(_ctx: Context) -> Iterator[Document]:
        for number in range(count):
            section = Section(index=1, title=f"Pump {number}", text=TEXT.format(number=number), source=SPAN)
            yield Document(id=make_id("ingest", (), number), kind="row", name=f"Pump {number}", sections=(section,))

    return run


def pairs(count: int) -> Callable[[Context], Iterator[QAPair | Reject]]:
    """As many pairs, each with an answer of 3 KB."""

    def run(_ctx: Context) -> Iterator[QAPair]:
        for number in range(count):
            yield QAPair(
                id=make_id("generate-qa", (), number), item_id=str(number), item_name=f"Pump {number}",
                question="How fast does it turn?", answer=TEXT.format(number=number), question_type="factual",
                language="en", temperature=0.4, index=0, teacher="test", sources=(SPAN,),
            )  # fmt: skip

    return run


def peak_bytes(stage: str, count: int, folder: Path, with_stage: Any) -> int:
    """Most bytes held while one stage works on so many rows."""
    (folder / "source").mkdir(parents=True)
    config = PipelineConfig.model_validate(
        {
            "run": {"input_wait_s": 0},
            "ingest": {"sources": [{"kind": "csv", "path": str(folder / "source")}]},
            "assemble": {},
            "generate_qa": {"shards": 1},
            "report": {},
        }
    )
    with_stage("ingest", documents(count))
    with_stage("generate-qa", pairs(count))
    for unit in ("ingest", "assemble", "generate-qa", "report"):
        if unit == stage:
            tracemalloc.start()
        assert run_shard(config, unit, folder / "run") == 0
        if unit == stage:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return peak
    raise AssertionError(stage)


@pytest.mark.parametrize("stage", ["assemble", "report"])
def test_memory_does_not_grow_with_the_rows(
    stage: str, tmp_path: Path, with_stage: Callable[[str, Callable[[Context], Any]], None]
) -> None:
    peak_bytes(stage, 3, tmp_path / "imports", with_stage)
    few, many = (peak_bytes(stage, count, tmp_path / str(count), with_stage) for count in (FEW, MANY))
    assert many < 2 * few, f"{few / 1e6:.1f} MB for {FEW} rows, {many / 1e6:.1f} MB for {MANY}"


PAIRS = 500_000
LIMIT_BYTES = 2**30
# In a process of its own, whose largest resident memory is that of the report and of what it imports.
REPORT = """
import json, resource, sys
from pathlib import Path
from docent.config import PipelineConfig
from docent.stage import run_shard

config = PipelineConfig.model_validate_json(Path(sys.argv[1]).read_bytes())
code = run_shard(config, "report", Path(sys.argv[2]))
print(json.dumps({"code": code, "bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""


def resident_bytes(count: int, folder: Path, with_stage: Any) -> int:
    """Largest resident memory of a process that reports on so many pairs."""
    source = folder / "source"
    source.mkdir(parents=True)
    sections = {"ingest": {"sources": [{"kind": "csv", "path": str(source)}]}, "generate_qa": {"shards": 1}}
    config = PipelineConfig.model_validate({"run": {"input_wait_s": 0}, **sections, "assemble": {}, "report": {}})
    with_stage("ingest", documents(1))
    with_stage("generate-qa", pairs(count))
    for unit in ("ingest", "assemble", "generate-qa"):
        assert run_shard(config, unit, folder / "run") == 0
    path = folder / "config.json"
    path.write_text(config.model_dump_json(by_alias=True), encoding="utf-8")
    command = [sys.executable, "-c", REPORT, str(path), str(folder / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout.splitlines()[-1])
    assert measured["code"] == 0
    return int(measured["bytes"])


def test_the_report_on_500_000_pairs_stays_below_1_gib(
    tmp_path: Path, with_stage: Callable[[str, Callable[[Context], Any]], None]
) -> None:
    few, many = 100, 10_100
    least, most = (resident_bytes(count, tmp_path / str(count), with_stage) for count in (few, many))
    per_pair = max(0, most - least) / (many - few)
    # Extrapolated: 500,000 pairs would take half a minute. Pairs that are held (3 KB each) would come to over 1.5 GiB.
    assert least + per_pair * PAIRS < LIMIT_BYTES, f"{least / 2**20:.0f} MiB and {per_pair:.0f} bytes per pair"
