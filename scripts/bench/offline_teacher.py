"""Grade the offline teacher on documents that its rules were not written for.

`write` runs docent over the sealed documents up to `curate` and draws pairs of every question type and language, by a
seed: `graded/pairs.jsonl` next to them (id, language, type, question, answer, and the document to read). People who do
not know the rules grade them, one line `id,grade,reason` each, in `graded/grades*.csv`. `table` prints the summary
for docs/benchmarks.md.
Run it: `.venv/bin/python scripts/bench/offline_teacher.py write` or `... table`; `--documents tests/fixtures/sealed`
and `sealed-2` select the earlier sets. Kinds of material without documents in a language are left out.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from docent.artifacts.listings import Success
from docent.artifacts.side_files import load_json
from docent.records import QAPair
from docent.store import Artifact

ROOT = Path(__file__).resolve().parents[2]
SEALED = ROOT / "tests" / "fixtures" / "sealed-3"
GRADES = ("useful", "weak", "wrong")
SOURCES = {
    "en": (("markdown", "manual"), ("pdf", "report.pdf"), ("csv", "stock.csv"), ("txt", "notes.txt")),
    **{code: (("markdown", "manual.md"),) for code in ("de", "fr", "es", "ja", "ko", "zh")},
}
PER_TYPE, PER_LANGUAGE = 20, 30
SEED = 14


def main() -> int:
    """Draw pairs, or summarise their grades."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("write", "table"))
    parser.add_argument("--documents", type=Path, default=SEALED)
    parser.add_argument("--per-type", type=int, default=PER_TYPE, help="English pairs of every type")
    parser.add_argument(
        "--alone", nargs="*", default=[], metavar="TYPE", help="English types drawn from runs of their own"
    )
    args = parser.parse_args()
    sealed = args.documents.resolve()
    graded = sealed / "graded"
    if args.what == "table":
        print(table(read_pairs(graded), read_grades(graded)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        drawn = [
            pair
            for language in SOURCES
            if (sealed / language).is_dir()
            for pair in drawn_pairs(sealed / language, Path(folder), args.per_type, args.alone)
        ]
    graded.mkdir(exist_ok=True)
    (graded / "pairs.jsonl").write_text("".join(f"{json.dumps(p, ensure_ascii=False)}\n" for p in drawn), "utf-8")
    print(f"{len(drawn)} pairs in {graded / 'pairs.jsonl'}")
    return 0


def drawn_pairs(folder: Path, data: Path, per_type: int, alone: Iterable[str]) -> list[dict[str, Any]]:
    """Draw pairs of one language: English per question type, other languages per kind of material.

    Args:
        folder: the documents of the language, named by its code.
        data: folder for the runs.
        alone: English question types that each get their own run, because `curate` would reject their pairs as
            duplicates of other types' pairs.
    """
    language = folder.name
    sources = [(kind, path) for kind, path in SOURCES[language] if (folder / path).exists()]
    documents = written_pairs(folder, "documents", sources, ["all", "styles"], data) if sources else []
    museum = (("exhibits-folder", "museum"),)
    visitors = written_pairs(folder, "museum", museum, ["visitor"], data) if (folder / "museum").is_dir() else []
    turns: dict[str, list[str]] = defaultdict(list)
    for pair in documents:
        if pair.conversation:
            turns[pair.conversation].append(f"{pair.question} {pair.answer}")
    if language != "en":
        pairs = [*_drawn(documents, PER_LANGUAGE), *_drawn(visitors, PER_LANGUAGE)]
    else:
        by_type: dict[str, list[QAPair]] = defaultdict(list)
        for pair in (*documents, *visitors):
            by_type[pair.question_type].append(pair)
        by_type |= {name: written_pairs(folder, name, sources, [name], data) for name in alone}
        pairs = [pair for name in sorted(by_type) for pair in _drawn(by_type[name], per_type)]
    return [_row(pair, language, turns[pair.conversation] if pair.conversation else []) for pair in pairs]


def written_pairs(
    folder: Path, name: str, sources: Iterable[tuple[str, str]], types: list[str], data: Path
) -> list[QAPair]:
    """Run docent up to `curate` on these sources of a folder, and return the pairs that it keeps."""
    language = folder.name
    run = f"{language}-{name}".replace("_", "-")[:16].rstrip("-")  # a run may have no longer name
    config = {
        "run": {"name": run},
        "ingest": {
            "sources": [{"kind": kind, "path": str(folder / path)} for kind, path in sources],
            "max_reject_rate": 1,
        },
        "assess_images": {},
        "assemble": {"split": "published"},  # no photo is looked at
        "generate_qa": {"types": types, "language": language, "max_reject_rate": 1},
        "curate": {"max_reject_rate": 1},
    }
    file = data / f"{run}.yaml"
    file.write_text(yaml.safe_dump(config, allow_unicode=True), "utf-8")
    command = [sys.executable, "-m", "docent", "run", str(file), "--data", str(data), "--to", "curate", "--yes"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)
    unit = data / run / "curate"
    success = load_json(unit / "_SUCCESS.json")
    assert success is not None
    return list(Artifact("curate", unit / success["folder"], Success.model_validate(success)).rows(QAPair))


def read_pairs(graded: Path) -> list[dict[str, Any]]:
    """Read the drawn pairs."""
    return [json.loads(line) for line in (graded / "pairs.jsonl").read_text("utf-8").splitlines()]


def read_grades(graded: Path) -> dict[str, str]:
    """Return pair id -> grade.

    Raises:
        ValueError: a grade is not in GRADES.
    """
    grades = {}
    for path in sorted(graded.glob("grades*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["grade"] not in GRADES:
                    raise ValueError(f"{path.name}: {row['id']} has the grade {row['grade']!r}")
                grades[row["id"]] = row["grade"]
    return grades


def table(pairs: Iterable[dict[str, Any]], grades: dict[str, str]) -> str:
    """Return Markdown: the number of graded pairs and their grades, by language and type."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for pair in pairs:
        grade = grades[pair["id"]]
        counts[pair["language"], pair["type"] if pair["language"] == "en" else pair["about"]][grade] += 1
        counts[pair["language"], "all"][grade] += 1
    lines = ["| language | type | graded | useful | weak | wrong |", "| --- | --- | ---: | ---: | ---: | ---: |"]
    for (language, name), count in sorted(counts.items(), key=lambda entry: (entry[0][0] != "en", entry[0])):
        shares = (f"{count[grade] / count.total():.0%} ({count[grade]})" for grade in GRADES)
        lines.append(f"| {language} | {name} | {count.total()} | {' | '.join(shares)} |")
    return "\n".join(lines)


def _drawn(pairs: list[QAPair], most: int) -> list[QAPair]:
    """Draw at most `most` items by the seed, in their original order."""
    chosen = sorted(random.Random(SEED).sample(range(len(pairs)), min(most, len(pairs))))
    return [pairs[index] for index in chosen]


def _row(pair: QAPair, language: str, turns: list[str]) -> dict[str, Any]:
    own = f"{pair.question} {pair.answer}"
    span = pair.sources[0] if pair.sources else None
    return {
        "id": pair.id,
        "language": language,
        "type": pair.question_type,
        "about": "exhibit" if pair.question_type == "visitor" else "document",
        "item": pair.item_name,
        "turns_before": turns[: turns.index(own)] if own in turns else [],
        "question": pair.question,
        "answer": pair.answer,
        "file": span.file if span else "",
        "lines": f"{span.first_line}-{span.last_line}" if span else "",
    }


if __name__ == "__main__":
    sys.exit(main())
