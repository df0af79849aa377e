"""How the models wrote their answers, and how many of them were cut at the limit of tokens.

Reads the rows of answer and each unit's `generation.json`; writes nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from docent.context import Context
from docent.errors import InputError
from docent.messages.plurals import joined
from docent.records import Answer
from docent.stages.report.inputs.summary import file_of
from docent.stages.report.sentences.amounts import counted

FILE = "generation.json"
SAID = ("do_sample", "num_beams", "repetition_penalty", "no_repeat_ngram_size", "min_length")
"""Settings whose value the run card says; all of them are in the file."""


@dataclass(frozen=True)
class Ended:
    """How the answers of one model ended.

    Attributes:
        cut: how many ended at the limit.
        answers: how many there are.
        limit_tokens: the limit; None where the unit does not say.
    """

    arm: str
    cut: int
    answers: int
    limit_tokens: int | None

    @property
    def said(self) -> str:
        """`2 of 60 answers of lora were cut at the limit of 218 tokens`."""
        limit = f" of {self.limit_tokens} tokens" if self.limit_tokens else ""
        many = f"{self.cut} of {counted(self.answers, 'answer')}" if self.cut else "No answer"
        return f"{many} of {self.arm} {'was' if self.cut < 2 else 'were'} cut at the limit{limit}"


def read_ended(ctx: Context) -> tuple[Ended, ...]:
    """A row for each model that wrote its answers, in the order of the units."""
    cut: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    for answer in ctx.stream(Answer):
        if answer.ended is not None:
            answers[answer.arm] += 1
            cut[answer.arm] += answer.ended == "length"
    limits = {arm: said.get("max_new_tokens") for arm, said in _read(ctx).items()}
    return tuple(Ended(arm, cut[arm], answers[arm], limits.get(arm)) for arm in answers)


def generation_entries(ctx: Context) -> list[tuple[str, str]]:
    """What the run card says about how answers were generated; nothing where no model wrote any."""
    said = _read(ctx)
    if not said:
        return []
    limits: dict[int, list[str]] = {}
    for arm, one in said.items():
        limits.setdefault(one["max_new_tokens"], []).append(arm)
    of = [f"{limit} tokens{f' ({joined(arms)})' if len(limits) > 1 else ''}" for limit, arms in limits.items()]
    first = next(iter(said.values()))
    settings = ", ".join(f"{name} {json.dumps(first['settings'].get(name))}" for name in SAID)
    chosen = ", the longest training answer and a tenth" if first["longest_training_answer_tokens"] else ""
    found = [("Generation", f"greedy, at most {joined(of)}{chosen}; {settings}; all settings are in {FILE}")]
    ignored = {name: value for one in said.values() for name, value in one["ignored"].items()}
    if ignored:
        unused = ", ".join(f"{name} {json.dumps(value)[:80]}" for name, value in ignored.items())
        found.append(("Settings of the model that were not used", unused))
    return found


def marked(ended: Sequence[Ended]) -> tuple[Ended, ...]:
    """Models some of whose answers were cut."""
    return tuple(one for one in ended if one.cut)


def _read(ctx: Context) -> dict[str, dict[str, Any]]:
    """Model to what its unit says about generating.

    Raises:
        InputError: a file is not what answer writes.
    """
    found: dict[str, dict[str, Any]] = {}
    for artifact in ctx.artifacts(Answer):
        path = file_of(artifact, FILE)
        if path is None:
            continue
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            said["max_new_tokens"], said["longest_training_answer_tokens"], said["settings"], said["ignored"]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{FILE} cannot be read: {error}", str(path), "docent run --verify") from None
        found[artifact.part] = said
    return found
