"""A chat file and dialogues about the sample museum, in the forms in which such data sets are published.

Reads `samples/museum/raw_data.csv`: the answers are its sentences. Writes nothing but the file a test asks for.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

MUSEUM = Path(__file__).resolve().parents[1] / "samples" / "museum" / "raw_data.csv"
SKILL = "forms & surfaces, 3.5 of them"
SYSTEM = f"You are the SME (Subject Matter Expert) in {SKILL}. Please answer the questions accurately."
BOM = "\ufeff"


def sentences() -> Iterator[tuple[str, list[str]]]:
    """Name of every exhibit and the sentences about it."""
    with MUSEUM.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            yield row["item_name"], re.split(r"(?<=\.) (?=[A-Z])", row["description"])


def pairs() -> list[tuple[str, str]]:
    """54 pairs about 18 exhibits, three of each; all questions and answers differ."""
    return [(f"What is “{' '.join(said.split()[:6])} …” about?", said) for _, found in chosen() for said in found[:3]]


def chosen() -> list[tuple[str, list[str]]]:
    """The first 18 exhibits."""
    return list(sentences())[:18]


def write_chat(path: Path) -> Path:
    """Write 18 conversations of three pairs as chat JSONL that begins with a byte order mark."""
    told = pairs()
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(BOM)
        for start in range(0, len(told), 3):
            messages = [{"role": "system", "content": SYSTEM}]
            for question, answer in told[start : start + 3]:
                messages += [{"role": "user", "content": question}, {"role": "assistant", "content": f"{answer}\n"}]
            file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    return path


def dialogues() -> list[str]:
    """Two dialogues of 15 pairs, with the labels `[Visitor]` and `[Guide]`, blank lines and long answers."""
    found = []
    for half in (0, 1):
        said = [one for _, texts in list(sentences())[10 * half : 10 * half + 10] for one in texts][:75]
        turns = []
        for number in range(15):
            answer = " ".join(said[5 * number : 5 * number + 5])
            turns.append(f"[Visitor]: What is number {number + 1} of this room?\n\n[Guide]: {answer}")
        found.append("\n\n".join(turns))
    return found
