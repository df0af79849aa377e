"""Implement `docent convert instructions`: convert the questions of chat JSONL to seed rows for evolving instructions.

One row per question: `idx`, `Skill`, `Difficulty`, `Instruction`. The skill is the domain that the system message
names; a conversation without one yields no rows.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from docent.convert.conversations import text_of
from docent.convert.files import good_lines, json_line, refuse_in_place, replacing
from docent.errors import InputError

DIFFICULTY = 5
EXPECTED = 'expected: {"messages": [{"role": "system", "content": "You are an expert in valves."}, {"role": "user", ...'
# "... (Subject Matter Expert) in C++, Go and .NET 8.0. Please ...": up to the full stop that ends the sentence.
_SKILL = re.compile(
    r"\b(?:expert|specialist|SME)\b\)?\s+(?:in|on|for)\s+(.+?)(?:[.!?。]?\s*$|[.!?](?=\s+[A-Z\"'(])|。|\n)", re.I
)


@dataclass(frozen=True)
class Written:
    """Number of rows, and of conversations without a skill or a question."""

    rows: int
    without_skill: int


def convert(source: Path, out: Path) -> Written:
    """Write the rows.

    Raises:
        InputError: the source is missing, a line is not a conversation, or no conversation yields a row.
    """
    refuse_in_place([source], out)
    rows = without = 0
    with replacing(out) as file:
        for line in good_lines(source):
            messages = line.value.get("messages", [])
            skill = next((s for m in messages if m["role"] == "system" and (s := skill_of(text_of(m["content"])))), "")
            questions = [text_of(message["content"]) for message in messages if message["role"] == "user"]
            without += not (skill and questions)
            for question in questions if skill else ():
                rows += 1
                row = {"idx": rows, "Skill": skill, "Difficulty": DIFFICULTY, "Instruction": question}
                file.write(json_line(row))
        if not rows:
            what = f"none of the {without} conversations has a question and a system message that names a skill"
            raise InputError(what, str(source), EXPECTED)
    return Written(rows, without)


def skill_of(system: str) -> str:
    """Return the domain that a system message names, or "" if it names none."""
    match = _SKILL.search(system)
    return " ".join(match[1].split()) if match else ""
