"""Read the generation settings of the models, and how many answers were cut at the token limit.

Reads the rows of answer and each unit's `generation.json`; writes nothing.
"""

import json
from collections import Counter
from dataclasses import dataclass

from docent.artifacts.summaries import Generation, read_summary
from docent.context import Context
from docent.messages.plurals import joined
from docent.records import Answer
from docent.stages.report.sentences.amounts import counted

SHOWN = ("do_sample", "num_beams", "repetition_penalty", "no_repeat_ngram_size", "min_length")
"""Generation settings that the run card shows; `generation.json` has all of them."""


@dataclass(frozen=True)
class Ended:
    """How many answers of one model were cut at the token limit.

    Attributes:
        arm: name of the model.
        cut: number of answers that ended at the limit.
        answers: number of all answers.
        limit_tokens: the limit; None if the unit did not record it.
    """

    arm: str
    cut: int
    answers: int
    limit_tokens: int | None

    @property
    def sentence(self) -> str:
        """The counts as a sentence: `2 of 60 answers of lora were cut at the limit of 218 tokens`."""
        limit = f" of {self.limit_tokens} tokens" if self.limit_tokens else ""
        many = f"{self.cut} of {counted(self.answers, 'answer')}" if self.cut else "No answer"
        return f"{many} of {self.arm} {'was' if self.cut < 2 else 'were'} cut at the limit{limit}"


def read_ended(ctx: Context) -> tuple[Ended, ...]:
    """Return how many answers of each generating model were cut, in unit order."""
    cut: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    for answer in ctx.stream(Answer):
        if answer.ended is not None:
            answers[answer.arm] += 1
            cut[answer.arm] += answer.ended == "length"
    limits = {arm: generation.max_new_tokens for arm, generation in _read(ctx).items()}
    return tuple(Ended(arm, cut[arm], answers[arm], limits.get(arm)) for arm in answers)


def generation_entries(ctx: Context) -> list[tuple[str, str]]:
    """Return the run card's entries about generation settings, or none if no model generated answers."""
    files = _read(ctx)
    if not files:
        return []
    limits: dict[int, list[str]] = {}
    for arm, generation in files.items():
        limits.setdefault(generation.max_new_tokens, []).append(arm)
    of = [f"{limit} tokens{f' ({joined(arms)})' if len(limits) > 1 else ''}" for limit, arms in limits.items()]
    first = next(iter(files.values()))
    settings = ", ".join(f"{name} {json.dumps(first.settings.get(name))}" for name in SHOWN)
    chosen = ", the longest training answer and a tenth" if first.longest_training_answer_tokens else ""
    entries = [
        ("Generation", f"greedy, at most {joined(of)}{chosen}; {settings}; all settings are in {Generation.file}")
    ]
    ignored = {name: value for generation in files.values() for name, value in generation.ignored.items()}
    if ignored:
        unused = ", ".join(f"{name} {json.dumps(value)[:80]}" for name, value in ignored.items())
        entries.append(("Settings of the model that were not used", unused))
    return entries


def _read(ctx: Context) -> dict[str, Generation]:
    """Return model -> generation settings, for models that have a `generation.json`.

    Raises:
        InputError: a file does not have the format that answer writes.
    """
    files = {a.part: read_summary(a, Generation) for a in ctx.artifacts(Answer)}
    return {arm: generation for arm, generation in files.items() if generation}
