"""Prove that answers unrelated to the photo name the right exhibit no more often than chance.

Scores nonsense made from a finished run (`runs/demo` by default) against its test questions: random words of the
museum's texts, the answers of other exhibits, the question repeated, no answer. Writes the results to docs/proofs.json,
for `exhibit_accuracy` and also for `nearest_exhibit`. Exits with 1 if the 95 % interval of the former is above chance,
for nonsense or for the run's base model.
Run it: `.venv/bin/python scripts/prove/nonsense.py [--run-dir runs/demo]`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from kills import note

from docent.evidence.encoder import encode, load_encoder
from docent.evidence.known_exhibits import known_exhibits
from docent.evidence.metrics import score_answers
from docent.launcher.runs.settings import resolved_config
from docent.records import Answer, Example, Item, make_id
from docent.spec import RunStates
from docent.stages.score.summary import arm_means

METRICS = ("exhibit_accuracy", "nearest_exhibit")
SEEDS = 5
SALAD_WORDS = (8, 25, 80)


def nonsense(tests: Sequence[Example], vocabulary: Sequence[str]) -> dict[str, list[str]]:
    """Return one answer per test question and seed, by kind of nonsense; kinds without randomness repeat."""
    answers: dict[str, list[str]] = {}
    for words in SALAD_WORDS:
        salads = _seeded(lambda rng, n=words: [" ".join(rng.choices(vocabulary, k=n)) for _ in tests])
        answers[f"{words} words of the museum at random"] = salads
    answers["answers shuffled between the exhibits"] = _seeded(lambda rng: _shuffled(tests, rng))
    answers["answers of another exhibit"] = _exchanged(tests) * SEEDS
    answers["the question repeated"] = [example.question for example in tests] * SEEDS
    answers["no answer"] = [""] * len(tests) * SEEDS
    return answers


def _seeded(make: Callable[[random.Random], list[str]]) -> list[str]:
    return [answer for seed in range(SEEDS) for answer in make(random.Random(seed))]


def _shuffled(tests: Sequence[Example], rng: random.Random) -> list[str]:
    answers = [example.answer for example in tests]
    rng.shuffle(answers)
    return answers


def _exchanged(tests: Sequence[Example]) -> list[str]:
    """Return for each question the reference answer of a question about the next exhibit."""
    items = list(dict.fromkeys(example.item_id for example in tests))
    follower = dict(zip(items, [*items[1:], items[0]], strict=True))
    answers = {example.item_id: example.answer for example in tests}
    return [answers[follower[example.item_id]] for example in tests]


def answer_rows(arm: str, answers: Sequence[str], tests: Sequence[Example]) -> list[Answer]:
    """Return answers as rows of an arm; each repetition of a question gets its own example id."""
    return [
        Answer(
            id=make_id("nonsense", (example.id,), arm, str(number)),
            arm=arm,
            example_id=f"{example.id}-{number}",
            item_id=example.item_id,
            item_name=example.item_name,
            image_name=example.image_name,
            question=example.question,
            answer=answer,
            reference=example.answer,
        )
        for number, answer in enumerate(answers)
        for example in (tests[number % len(tests)],)
    ]


def main() -> int:
    """Score the nonsense and the run's own answers by both metrics."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run-dir", type=Path, default=Path("runs/demo"))
    run_dir = parser.parse_args().run_dir
    config = resolved_config(run_dir)
    states = RunStates(config, run_dir)
    dataset, assembled = states.of("build-dataset").artifact, states.of("assemble").artifact
    if dataset is None or assembled is None:
        raise SystemExit(f"{run_dir} is not finished; next: docent run")
    examples, items = list(dataset.rows(Example)), list(assembled.rows(Item))
    tests = [example for example in examples if example.split == "test"]
    vocabulary = [word for item in items for word in item.text.split()]
    rows = [row for arm, answers in nonsense(tests, vocabulary).items() for row in answer_rows(arm, answers, tests)]
    base = states.of("answer-base").artifact
    rows += list(base.rows(Answer)) if base else []
    train = [(example.item_id, example.answer) for example in examples if example.split == "train"]
    model = load_encoder()
    scores = score_answers(rows, train, known_exhibits(items, examples), lambda texts: encode(model, texts))
    chance = 1 / len({item for item, _ in train})
    seen = {
        arm: {name: means[name].model_dump(include={"mean", "ci", "n"}) for name in METRICS}
        for arm, means in arm_means(scores).items()
    }
    note("nonsense", {"chance": round(chance, 4), **seen})
    print(json.dumps(seen, indent=1))
    return 1 if any(means["exhibit_accuracy"]["ci"][0] > chance for means in seen.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
