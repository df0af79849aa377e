"""Prove that assemble and report process 200,000 documents and 500,000 pairs in little memory.

Writes a run into a temporary folder with the project's own store: documents of 3 KB, pairs of 1 KB, the same pairs
after the checks, and a data set of them. Runs `docent stage assemble` and `docent stage report` as processes and prints
minutes and peak memory of each. Exits with 1 if one fails or uses more than --max-gb.
Run it: `.venv/bin/python scripts/prove/many_documents.py [--documents 200000] [--pairs 500000]`.
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
from docent.records import Document, Example, Item, QAPair, Section, Span, make_id
from docent.stage import run_shard

TEXT = "The shaft of pump {number} turns {number} times a minute and is oiled once a week. " * 40
QUESTION, ANSWER = "How fast does the shaft of pump {number} turn?", "It turns {number} times a minute. "


def span(number: int) -> Span:
    """Return the location of document `number` in a table."""
    return Span(file="pumps.csv", first_line=number + 2, last_line=number + 2)


def documents(count: int) -> Iterator[Document]:
    """Yield documents of one section each, as a table of many rows produces them."""
    for number in range(count):
        text = TEXT.format(number=number)
        section = Section(index=1, title=f"Pump {number}", text=text, source=span(number))
        yield Document(id=make_id("ingest", (), number), kind="row", name=f"Pump {number}", sections=(section,))


def pairs(context: Context, count: int) -> Iterator[QAPair]:
    """Yield `count` pairs in the order of their items, spread evenly over the items."""
    items = context.count(Item)
    for number, item in enumerate(context.stream(Item)):
        for index in range(count * number // items, count * (number + 1) // items):
            yield QAPair(
                id=make_id("generate-qa", (item.id,), index),
                parents=(item.id,),
                item_id=item.id,
                item_name=item.name,
                question=QUESTION.format(number=number),
                answer=ANSWER.format(number=number) * 30,
                question_type="factual_recall",
                language="English",
                temperature=0.7,
                index=index,
                teacher="rules",
                sources=(item.source,),
            )


def checked(context: Context) -> Iterator[QAPair]:
    """Yield every pair, one in ten with a warning."""
    for pair in context.stream(QAPair):
        yield pair if pair.index % 10 else pair.model_copy(update={"verdict": "warn", "reasons": ("not in own words",)})


def examples(context: Context) -> Iterator[Example]:
    """Yield a data set row for every pair, one in ten for the test split."""
    for number, pair in enumerate(context.pairs()):
        yield Example(
            id=make_id("build-dataset", (pair.id,)),
            parents=(pair.id,),
            split="train" if number % 10 else "test",
            data_id=number,
            item_id=pair.item_id,
            item_name=pair.item_name,
            question=pair.question,
            answer=pair.answer,
            question_type=pair.question_type,
            language=pair.language,
            temperature=pair.temperature,
            teacher=pair.teacher,
            sources=pair.sources,
        )


def main() -> int:
    """Write the run, measure both stages and print the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--pairs", type=int, default=500_000)
    parser.add_argument("--max-gb", type=float, default=1.0)
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
                "curate": {},
                "build_dataset": {},
                "report": {},
            }
        )
        path = run_dir / "pipeline.resolved.yaml"
        path.write_text(config.model_dump_json(by_alias=True), encoding="utf-8")
        stand_ins = {
            "ingest": lambda _: documents(arguments.documents),
            "generate-qa": lambda context: pairs(context, arguments.pairs),
            "curate": checked,
            "build-dataset": examples,
        }
        real = stage._generator
        stage._generator = lambda unit: stand_ins.get(unit.stage) or real(unit)
        for unit in ("ingest", "assemble", "generate-qa", "curate", "build-dataset", "report"):
            if unit in stand_ins:
                if code := run_shard(config, unit, run_dir):
                    raise SystemExit(f"{unit} could not be written: {code}")
                continue
            seen = measured(unit, path, run_dir)
            failed |= bool(seen["code"]) or seen["gb"] > arguments.max_gb
            print(f"{unit}: exit {seen['code']}, {seen['minutes']:.1f} min, {seen['gb']:.2f} GB at most", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
