"""Proof: assemble and report hold one row at a time, also with 200,000 documents and as many pairs.

Writes a run of its own into a temporary folder: documents of 3 KB and pairs, written by the project's own store; then
runs `docent stage assemble` and `docent stage report` as processes and prints minutes and peak memory of each. Exit 1
when one fails or takes more than --max-gb.
Run alone: `.venv/bin/python scripts/prove/many_documents.py [--rows 200000]`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from million_rows import measured

from docent import stage
from docent.config import PipelineConfig
from docent.context import Context
from docent.records import Document, Item, QAPair, Section, Span, make_id
from docent.stage import run_shard

TEXT = "The shaft of pump {number} turns {number} times a minute and is oiled once a week. " * 40
QUESTION, ANSWER = "How fast does the shaft of pump {number} turn?", "It turns {number} times a minute. "


def span(number: int) -> Span:
    """Where document `number` stands in a table."""
    return Span(file="pumps.csv", first_line=number + 2, last_line=number + 2)


def documents(count: int) -> Iterator[Document]:
    """So many documents of one section each, as a table of many rows makes them."""
    for number in range(count):
        text = TEXT.format(number=number)
        section = Section(index=1, title=f"Pump {number}", text=text, source=span(number))
        yield Document(id=make_id("ingest", (), number), kind="row", name=f"Pump {number}", sections=(section,))


def pairs(context: Context) -> Iterator[QAPair]:
    """One pair of each item."""
    for number, item in enumerate(context.stream("assemble", Item)):
        yield QAPair(
            id=make_id("generate-qa", (item.id,), number),
            parents=(item.id,),
            item_id=item.id,
            item_name=item.name,
            question=QUESTION.format(number=number),
            answer=ANSWER.format(number=number) * 30,
            question_type="factual_recall",
            language="English",
            temperature=0.7,
            index=0,
            teacher="rules",
            sources=(item.source,),
        )


def main() -> int:
    """Write, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--max-gb", type=float, default=0.4)
    arguments = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder).resolve() / "runs" / "many"
        run_dir.mkdir(parents=True)
        source = run_dir.parent / "pumps.csv"
        source.write_text("name\npump\n", encoding="utf-8")
        config = PipelineConfig.model_validate(
            {
                "run": {"name": "many", "input_wait_s": 0},
                "ingest": {"sources": [{"kind": "csv", "path": str(source)}]},
                "assemble": {},
                "generate_qa": {"shards": 1},
                "report": {},
            }
        )
        path = run_dir / "pipeline.resolved.yaml"
        path.write_text(config.model_dump_json(by_alias=True), encoding="utf-8")
        made = {"ingest": lambda _: documents(arguments.rows), "generate-qa": pairs}
        real = stage._generator
        stage._generator = lambda unit: made.get(unit.stage) or real(unit)
        for unit in ("ingest", "assemble", "generate-qa", "report"):
            if unit in made:
                if code := run_shard(config, unit, run_dir):
                    raise SystemExit(f"{unit} could not be written: {code}")
                continue
            seen = measured(unit, path, run_dir)
            failed |= bool(seen["code"]) or seen["gb"] > arguments.max_gb
            print(f"{unit}: exit {seen['code']}, {seen['minutes']:.1f} min, {seen['gb']:.2f} GB at most", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
