"""Read, check and apply people's decisions about pairs, from the CSV of `docent review`.

Reads `curate.edits`; writes nothing. table.py lists the columns; `id`, `decision`, `edited_question` and
`edited_answer` are used, all others may be missing or moved. A decision is `approve`, `reject`, `edit` or empty. An
edited pair is a new row whose parent is the original.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docent.errors import InputError
from docent.records import QAPair, Reject, make_id
from docent.stages.curate.gates.gates import reject
from docent.stages.curate.review.table import NEXT_STEP, read_table
from docent.text.encodings.spreadsheet import unguarded
from docent.text.sentences import plain

DECISIONS = ("", "approve", "reject", "edit")
MAX_PROBLEMS = 20
REJECTED, NOT_APPROVED = "rejected by a reviewer", "not approved"
_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Edit:
    """A decision. `question` and `answer` are "" if they do not change."""

    decision: str
    question: str
    answer: str
    note: str
    line: int


class Edits:
    """All decisions by the id of the `generate-qa` pair; empty if there is no file."""

    def __init__(self, path: Path | None) -> None:
        """Read the file.

        Raises:
            InputError: the file cannot be used; the error names all problems with their lines.
        """
        self.path = path
        self._edits = read_edits(path) if path is not None else {}
        self._used: set[str] = set()
        self._refused: dict[tuple[str, str, str], int] = {}

    def apply(self, pair: QAPair, require_approval: bool) -> QAPair | Reject:
        """Apply a person's decision to a pair; return it unchanged, approved or edited, or return its reject.

        A later pair with the same words as one that was rejected or edited is rejected, too, because reviewers saw it
        only as a duplicate.
        """
        edit = self._edits.get(pair.id)
        words = (pair.item_id, plain(pair.question), plain(pair.answer))
        if edit is None and words in self._refused:
            return reject(pair, REJECTED, f"the same words as line {self._refused[words]}")
        if edit is None:
            return reject(pair, NOT_APPROVED, "no decision") if require_approval else pair
        self._used.add(pair.id)
        if edit.decision in ("reject", "edit"):
            self._refused[words] = edit.line
        if edit.decision == "reject":
            return reject(pair, REJECTED, edit.note or f"line {edit.line}")
        if edit.decision == "approve":
            return pair.model_copy(update={"reviewed": "approved"})
        question, answer = edit.question or pair.question, edit.answer or pair.answer
        changes = {"question": question, "answer": answer, "reviewed": "edited", "parents": (pair.id,)}
        return pair.model_copy(update={**changes, "id": make_id("curate", (pair.id,), "edit", question, answer)})

    @property
    def unused(self) -> list[int]:
        """Return the lines of decisions whose pair the run does not have; they may come from an earlier run."""
        return sorted(edit.line for pair_id, edit in self._edits.items() if pair_id not in self._used)

    def figures(self) -> dict[str, int]:
        """Return the number of decisions with and without a pair, and of each decision among the former."""
        met = Counter(edit.decision for pair_id, edit in self._edits.items() if pair_id in self._used)
        decided = {"approved": met["approve"], "edited": met["edit"], "rejected": met["reject"]}
        return {"matched": met.total(), "unmatched": len(self._edits) - met.total(), **decided}


def read_edits(path: Path) -> dict[str, Edit]:
    """Return the decisions in the CSV by pair id; rows without a decision are skipped.

    Raises:
        InputError: the file is missing or not a CSV, or rows are invalid or contradictory; names all problems at once.
    """
    problems: list[str] = []
    edits: dict[str, Edit] = {}
    for line, row in read_table(path):
        edit = _edit(line, row)
        problems += [f"line {line}: {problem}" for problem in _problems(row, edit, edits.get(row["id"]))]
        if edit.decision:
            edits.setdefault(row["id"], edit)
    if problems:
        more = [f"and {len(problems) - MAX_PROBLEMS} more"] if len(problems) > MAX_PROBLEMS else []
        what = "\n  - ".join(["invalid decisions", *problems[:MAX_PROBLEMS], *more])
        raise InputError(what, str(path), NEXT_STEP)
    return edits


def _edit(line: int, row: dict[str, str]) -> Edit:
    question, answer = (unguarded(row[name]) for name in ("edited_question", "edited_answer"))
    return Edit(row["decision"].lower(), question, answer, unguarded(row.get("note", "")), line)


def _problems(row: dict[str, str], edit: Edit, earlier: Edit | None) -> Iterator[str]:
    if not _ID.fullmatch(row["id"]):
        yield f"id {row['id'][:40]!r} is not the id of a pair (16 hexadecimal digits)"
    if edit.decision not in DECISIONS:
        yield f"decision {edit.decision[:40]!r} is not one of approve, reject, edit"
    elif edit.decision == "edit" and not (edit.question or edit.answer):
        yield "decision is edit, but edited_question and edited_answer are empty"
    elif edit.decision != "edit" and (edit.question or edit.answer):
        yield f"edited text, but decision is {edit.decision or 'empty'}: set it to edit, or clear the edited columns"
    decided = (edit.decision, edit.question, edit.answer)
    if earlier is not None and edit.decision and decided != (earlier.decision, earlier.question, earlier.answer):
        yield f"the decision contradicts line {earlier.line}, which is about the same pair"
    if "\0" in edit.question + edit.answer:
        yield "the text contains a NUL character"
