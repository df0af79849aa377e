"""Proof: a fine-tuned model follows the photo.

Give every test question the photo of another exhibit, and its answers are about the exhibit on that photo, and at
chance or below about the one that was asked for. Reads a finished run (`runs/demo` by default); writes what was seen to
docs/proofs.json. Exit 1 when an approach does not fall to chance.
Run alone: `.venv/bin/python scripts/prove/permuted.py [--run-dir runs/demo]`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kills import note

from docent.evidence.known_exhibits import known_exhibits
from docent.evidence.recognition import AnswerText, recognised_exhibits
from docent.launcher.runs.settings import resolved_config
from docent.models.chat import open_photo
from docent.models.decoding import limit_of
from docent.models.inference import generate
from docent.models.loading import load_tuned
from docent.records import Example, Item
from docent.spec import RunStates


@dataclass(frozen=True)
class Permuted:
    """Shares of answers, over all test examples.

    Attributes:
        about_asked: about the exhibit that the row belongs to, whose photo was taken away.
        about_shown: about the exhibit on the photo that was shown instead.
        chance: one over the number of exhibits.
    """

    about_asked: float
    about_shown: float
    chance: float


def exchange_photos(examples: Sequence[Example], seed: int) -> list[Example]:
    """For each example one whose photo shows another exhibit: exhibits change places in a ring of random order."""
    names = sorted({example.item_id for example in examples})
    random.Random(seed).shuffle(names)
    follower = dict(zip(names, [*names[1:], names[0]], strict=True))
    photos = {name: [e for e in examples if e.item_id == name] for name in names}
    return [
        photos[follower[example.item_id]][index % len(photos[follower[example.item_id]])]
        for index, example in enumerate(examples)
    ]


def answer_permuted(run_dir: Path, approach: str, seed: int = 1) -> Permuted:
    """Let one approach of a finished run answer every test question about the photo of another exhibit."""
    config = resolved_config(run_dir)
    states = RunStates(config, run_dir)
    dataset, tuned = states.of("build-dataset").artifact, states.of(f"finetune-{approach}").artifact
    assembled = states.of("assemble").artifact
    if dataset is None or tuned is None or config.finetune is None or config.answer is None:
        raise SystemExit(f"{run_dir} is not finished; next: docent run")
    rows = list(dataset.rows(Example))
    tests = [e for e in rows if e.split == "test"]
    shown = exchange_photos(tests, seed)
    model, processor = load_tuned(config.finetune.base_model, tuned.subfolder("model"), config.finetune.dtype)
    trained_on = (e.answer for e in rows if e.split == "train")
    limit = limit_of(processor, config.answer.max_new_tokens, trained_on).max_new_tokens
    texts: list[str] = []
    for start in range(0, len(tests), config.answer.batch_size):
        part = slice(start, start + config.answer.batch_size)
        photos = [open_photo(dataset.file(example.file)) for example in shown[part]]
        questions = [example.question for example in tests[part]]
        texts += [written.text for written in generate(model, processor, photos, questions, limit)]
    items = list(assembled.rows(Item)) if assembled else []
    said = [AnswerText(example.question, text) for example, text in zip(tests, texts, strict=True)]
    found = recognised_exhibits(said, known_exhibits(items, rows))
    return Permuted(
        sum(item == e.item_id for item, e in zip(found, tests, strict=True)) / len(tests),
        sum(item == e.item_id for item, e in zip(found, shown, strict=True)) / len(tests),
        1 / len({e.item_id for e in tests}),
    )


def main() -> int:
    """Check every fine-tuned approach of the run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run-dir", type=Path, default=Path("runs/demo"))
    run_dir = parser.parse_args().run_dir
    config = resolved_config(run_dir)
    seen: dict[str, object] = {}
    failed = False
    for approach in config.finetune.approaches if config.finetune else ():
        found = answer_permuted(run_dir, approach.name)
        seen[approach.name] = {name: round(value, 4) for name, value in vars(found).items()}
        failed = failed or found.about_asked > found.chance
    note("permuted_photos", seen)
    print(json.dumps(seen, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
