"""Prove that a million pairs of 1 KB pass through curate and build-dataset in little memory.

Writes a run into a temporary folder: items and pairs as `assemble` and `generate-qa` write them, with the project's
own store; then runs `docent stage curate` and `docent stage build-dataset` as processes and prints minutes and peak
memory of each. Exits with 1 if one fails or uses more than --max-gb.
Run it: `.venv/bin/python scripts/prove/million_rows.py [--rows 1000000] [--stages curate] [--keep FOLDER]`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docent import stage
from docent.config import PipelineConfig
from docent.context import Context
from docent.records import Document, Item, QAPair, Section, Span, make_id
from docent.stage import run_shard

PAIRS_PER_ITEM = 20
SENTENCES_PER_ITEM = 24
ANSWER_SENTENCES = 7
STAGES = ("curate", "build-dataset")
_SYLLABLES = "ba ce di fo gu ka le mi no pu ra se ti vo zu bel cor dan fen gil har".split()
_LINKS = ("is joined to", "stands behind", "weighs less than", "is older than", "was cut from", "rests on", "faces")
TYPES = ("fact_based", "factual_recall", "inference", "summarization", "long_answer")


def items_of(count: int) -> Iterator[Item]:
    """Yield sections of synthetic prose: 24 sentences with numbers and invented words each."""
    for number in range(count):
        rng = random.Random(number)
        sentences = [sentence_of(rng) for _ in range(SENTENCES_PER_ITEM)]
        first = 1 + number * SENTENCES_PER_ITEM
        span = Span(file="million.md", first_line=first, last_line=first + SENTENCES_PER_ITEM - 1)
        yield Item(
            id=make_id("assemble", (), number),
            kind="section",
            name=f"Million rows: section {number}",
            title=f"Section {number}",
            text="\n".join(sentences),
            source=span,
            document_id="million",
            document="Million rows",
        )


def word_of(rng: random.Random) -> str:
    """Return a word of two to four syllables."""
    return "".join(rng.choices(_SYLLABLES, k=rng.randrange(2, 5)))


def sentence_of(rng: random.Random) -> str:
    """Return a sentence of about 17 words and a number."""
    words = [word_of(rng) for _ in range(8)]
    link, other = rng.choice(_LINKS), rng.choice(_LINKS)
    parts = ("The", words[0], words[1], link, "the", words[2], "of", words[3], words[4], "and", other, "the", words[5])
    return f"{' '.join(parts)} with {rng.randrange(2, 999)} {words[6]} {words[7]}."


def pairs_of(count: int) -> Iterator[QAPair]:
    """Yield `count` pairs of about 1 KB of question and answer; every 50th repeats the one before it."""
    items = items_of(-(-count // PAIRS_PER_ITEM))
    item, sentences, before = next(items), [""], None
    for number in range(count):
        if number % PAIRS_PER_ITEM == 0:
            item = next(items) if number else item
            sentences = item.text.splitlines()
        rng = random.Random(f"pair {number}")
        if number % 50 == 49 and before is not None:
            yield _row(item, before.question, before.answer, number)
            continue
        chosen = rng.sample(sentences, ANSWER_SENTENCES)
        about = " ".join(chosen[0].split()[1:3])
        before = _row(item, f"What is told of the {about}, and of what is near it?", " ".join(chosen), number)
        yield before


def _row(item: Item, question: str, answer: str, number: int) -> QAPair:
    return QAPair(
        id=make_id("generate-qa", (item.id,), number),
        parents=(item.id,),
        item_id=item.id,
        item_name=item.name,
        question=question,
        answer=answer,
        question_type=TYPES[number % len(TYPES)],
        difficulty="easy",
        language="English",
        temperature=0.7,
        index=number % PAIRS_PER_ITEM,
        teacher="rules",
        sources=(item.source,),
    )


def documents(_: Context) -> Iterator[Document]:
    """Yield the one document of the run; its text is in the items."""
    span = Span(file="million.md", first_line=1, last_line=1)
    section = Section(index=1, title="Million rows", text="Million rows", source=span)
    yield Document(id="million", kind="text", name="Million rows", sections=(section,))


def write_run(run_dir: Path, rows: int) -> Path:
    """Write the complete units before curate; return the path of the configuration."""
    config = PipelineConfig.model_validate(
        {
            "run": {"name": run_dir.name, "input_wait_s": 0},
            "ingest": {"sources": [{"kind": "txt", "path": str(run_dir.parent / "million.txt")}]},
            "assemble": {},
            "generate_qa": {"shards": 1, "types": list(TYPES)},
            "curate": {},
            "build_dataset": {},
        }
    )
    run_dir.mkdir(parents=True)
    (run_dir.parent / "million.txt").write_text("Million rows.\n")
    generators = {
        "ingest": documents,
        "assemble": lambda _: items_of(-(-rows // PAIRS_PER_ITEM)),
        "generate-qa": lambda _: pairs_of(rows),
    }
    stage._generator = lambda unit: generators[unit.stage]  # the shell writes the rows, these functions make them
    for unit in generators:
        if code := run_shard(config, unit, run_dir):
            raise SystemExit(f"{unit} could not be written: {code}")
    path = run_dir / "pipeline.resolved.yaml"
    path.write_text(config.model_dump_json(by_alias=True))
    return path


def measured(unit: str, config: Path, run_dir: Path) -> dict[str, Any]:
    """Run one stage as a process; return its minutes, exit code and peak resident memory in GB."""
    started_s = time.monotonic()
    command = [sys.executable, "-m", "docent", "stage", unit, "--config", str(config), "--run-dir", str(run_dir)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    success = run_dir / unit / "_SUCCESS.json"
    written = json.loads(success.read_text()) if success.exists() else {"rows": 0, "reject_reasons": {}}
    return {
        "code": os.waitstatus_to_exitcode(status),
        "minutes": (time.monotonic() - started_s) / 60,
        "gb": used.ru_maxrss * 1024 / 1e9,
        "rows": written["rows"],
        "rejected": written["reject_reasons"],
    }


def main() -> int:
    """Write the run, measure the stages and print the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--stages", default=",".join(STAGES), help="stages to run, comma-separated")
    parser.add_argument("--max-gb", type=float, default=2.0)
    parser.add_argument("--keep", type=Path, help="keep the run in this folder (default: a temporary folder)")
    arguments = parser.parse_args()
    failed = False
    temporary = contextlib.nullcontext(arguments.keep) if arguments.keep else tempfile.TemporaryDirectory()
    with temporary as folder:
        run_dir = Path(folder).resolve() / "runs" / "million"
        started_s = time.monotonic()
        config = run_dir / "pipeline.resolved.yaml" if run_dir.exists() else write_run(run_dir, arguments.rows)
        print(f"{arguments.rows} pairs written in {(time.monotonic() - started_s) / 60:.1f} min", flush=True)
        for unit in arguments.stages.split(","):
            seen = measured(unit, config, run_dir)
            failed |= bool(seen["code"]) or seen["gb"] > arguments.max_gb
            rejected = ", ".join(f"{count} x {reason}" for reason, count in seen["rejected"].items()) or "nothing"
            print(
                f"{unit}: exit {seen['code']}, {seen['minutes']:.1f} min, {seen['gb']:.2f} GB at most, "
                f"{seen['rows']} rows, rejected {rejected}",
                flush=True,
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
