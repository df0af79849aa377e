"""Explain terms of the page that are no metrics. Reads nothing, writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

TERMS: tuple[tuple[str, str, str], ...] = (
    ("Teacher", "teacher", "What wrote the questions and answers: a language model, or rules without one (offline)."),
    ("Training, validation, test", "split", "Rows that are trained on, those that choose how long, and those that are "
     "set aside to test with: no row that is trained on shares a pair or a picture with them."),
    ("LoRA", "lora", "A way of training that leaves the base model as it is and adds small matrices to it."),
    ("Training noise", "training noise", "How much the result of the same training differs with another seed."),
    ("Held-out pair", "held-out", "A pair that is in validation or test, so that none like it may be trained on."),
    ("Round trip", "round trip", "A pair is left out where its question leads to other sections before its own."),
    ("Seed", "seed", "The number that every random choice derives from: the same seed gives the same run."),
    ("Shard", "shard", "A part of a unit's work that is carried out by itself."),
)  # fmt: skip
"""Each term, the word that shows that a page uses it, and its meaning."""


def terms_on(used: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the terms that texts of the page use, with their meanings."""
    text = "\n".join(used).lower()
    return tuple((term, meaning) for term, word, meaning in TERMS if word in text)
