"""Which exhibits a model takes for which others: wrong answers that name another exhibit.

Reads the rows of assemble, answer and score; writes nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from docent.context import Context
from docent.records import Answer, Item, Score
from docent.stages.report.labels import label
from docent.stages.report.wording import ACCURACY
from docent.text.sentences import plain, readable_name

MAX_SHOWN = 3
MAX_EXHIBITS = 1000
# What tells two exhibits of one name apart is not said in answers: `Vase (blue-vase)`.
_ADDED = re.compile(r" \([^()]*\)$")


@dataclass(frozen=True)
class Confusion:
    """An exhibit, another one that answers about it named, and how many did."""

    exhibit: str
    other: str
    answers: int


def read_confusions(ctx: Context, model: str) -> tuple[Confusion, ...]:
    """The most frequent confusions of one model; none where answers are not scored.

    Args:
        model: name of a fine-tuned approach.
    """
    unit = f"answer-{model}"
    if unit not in ctx.inputs or "score" not in ctx.inputs:
        return ()
    called, labels = {}, {}
    for item in ctx.stream("assemble", Item):
        if item.kind == "exhibit":
            called[item.id], labels[item.id] = item.called, label(item, 0)
    names = _names(called)
    scores = ctx.stream("score", Score)
    wrong = {s.example_id for s in scores if s.arm == model and s.metrics.get(ACCURACY, 1.0) < 0.5}
    if not names or not wrong or len(names) > MAX_EXHIBITS:
        return ()
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(names, key=len, reverse=True)))})s?(?!\w)")
    found: Counter[tuple[str, str]] = Counter()
    for answer in ctx.inputs[unit].rows(Answer):
        if answer.example_id in wrong:
            said = {names[_name(match, names)] for match in pattern.findall(plain(readable_name(answer.answer)))}
            if len(said) == 1 and answer.item_id in labels and (other := said.pop()) != answer.item_id:
                found[labels[answer.item_id], labels[other]] += 1
    return tuple(Confusion(a, b, n) for (a, b), n in sorted(found.items(), key=lambda e: (-e[1], e[0]))[:MAX_SHOWN])


def _names(called: Mapping[str, str]) -> dict[str, str]:
    """Ids of exhibits by their names as they are compared; names that several exhibits have are left out.

    Args:
        called: names by id, as answers say them.
    """
    found: dict[str, list[str]] = {}
    for identity, name in called.items():
        found.setdefault(plain(readable_name(_ADDED.sub("", name))), []).append(identity)
    return {name: ids[0] for name, ids in found.items() if name and len(ids) == 1}


def _name(match: str, names: dict[str, str]) -> str:
    return match if match in names else match.removesuffix("s")
