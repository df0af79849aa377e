"""Prove that a fine-tuned model follows the photo.

Asks every test question with the photo of another exhibit: the answers must be about the exhibit on that photo, and
about the original exhibit no more often than chance. Reads a finished run (`runs/demo` by default); writes the results
to docs/proofs.json. Exits with 1 if an approach stays above chance.
Run it: `.venv/bin/python scripts/prove/permuted.py [--run-dir runs/demo]`.
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
        about_asked: about the row's own exhibit, whose photo was replaced.
        about_shown: about the exhibit on the photo shown instead.
        chance: one over the number of exhibits.
    """

    about_asked: float
    about_shown: float
    chance: float


def exchange_photos(examples: Sequence[Example], seed: int) -> list[Example]:
    """Return for each example one whose photo shows another exhibit: exhibits are rotated in random order."""
    names = sorted({example.item_id for example in examples})
    random.Random(seed).shuffle(names)
    follower = dict(zip(names, [*names[1:], names[0]], strict=True))
    photos = {name: [e for e in examples if e.item_id == name] for name in names}
    return [
        photos[follower[example.item_id]][index % len(photos[follower[example.item_id]])]
        for index, example in enumerate(examples)
    ]


def answer_permuted(run_dir: Path, approach: str, seed: int = 1) -> Permuted:
    """Answer every test question about the photo of another exhibit with one approach of a finished run."""
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
    answers = [AnswerText(example.question, text) for example, text in zip(tests, texts, strict=True)]
    recognised = recognised_exhibits(answers, known_exhibits(items, rows))
    return Permuted(
        sum(item == e.item_id for item, e in zip(recognised, tests, strict=True)) / len(tests),
        sum(item == e.item_id for item, e in zip(recognised, shown, strict=True)) / len(tests),
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
        shares = answer_permuted(run_dir, approach.name)
        seen[approach.name] = {name: round(value, 4) for name, value in vars(shares).items()}
        failed = failed or shares.about_asked > shares.chance
    note("permuted_photos", seen)
    print(json.dumps(seen, indent=1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
