"""Explain the terms of the page that are not metrics. Reads `terms.yaml` of this package."""

from collections.abc import Sequence

from docent.resources import read_yaml

TERMS: list[dict[str, str]] = read_yaml(__package__, "terms.yaml")


def terms_on(used: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return (term, meaning) of the glossary terms that the texts use."""
    text = "\n".join(used).lower()
    return tuple((row["term"], row["meaning"]) for row in TERMS if row["word"] in text)
