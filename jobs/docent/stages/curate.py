"""Stage curate: keep, mark or reject every pair, each with its reason.

Reads the pairs of `generate-qa` and the items of `assemble` they are about; writes `QAPair` rows with a verdict.
`GATES` reject, `WARNINGS` mark; to add one, write a function and a line. Run alone:
`docent stage curate --config pipeline.yaml --run-dir runs/demo`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from docent.config import Curate
from docent.context import Context
from docent.errors import InputError
from docent.records import Item, QAPair, Reject, make_id
from docent.text.numbers import unsupported_numbers
from docent.text.sentences import contains_name, count_words, plain, readable_name

MAX_RAW_CHARS = 2000

Seen = set[tuple[str, str]]
"""Questions with answers that were kept so far for the item, in a form without case, accents and spacing."""
Gate = Callable[[QAPair, Item, Seen, Curate], str | None]
"""Details of what is wrong, or None when nothing is."""


def empty(pair: QAPair, item: Item, seen: Seen, section: Curate) -> str | None:
    """A question or an answer without a single letter or digit."""
    blank = [name for name in ("question", "answer") if not any(c.isalnum() for c in getattr(pair, name))]
    return f"no {' and no '.join(blank)}" if blank else None


def too_short(pair: QAPair, item: Item, seen: Seen, section: Curate) -> str | None:
    """Fewer words than an answer needs."""
    words = count_words(pair.answer)
    return f"{words} words, at least {section.min_answer_words}" if words < section.min_answer_words else None


def too_long(pair: QAPair, item: Item, seen: Seen, section: Curate) -> str | None:
    """More words than an answer may have."""
    words = count_words(pair.answer)
    return f"{words} words, at most {section.max_answer_words}" if words > section.max_answer_words else None


def duplicate(pair: QAPair, item: Item, seen: Seen, section: Curate) -> str | None:
    """The same question with the same answer about the same item, at whatever temperature."""
    return "kept before" if _normal_form(pair) in seen else None


def unsupported_number(pair: QAPair, item: Item, seen: Seen, section: Curate) -> str | None:
    """Numbers that the item's name and text do not have; the teacher made them up."""
    found = unsupported_numbers(pair.answer, f"{readable_name(item.name)}\n{item.text}")
    return ", ".join(found) if len(found) > section.max_unsupported_numbers else None


def question_names_exhibit(pair: QAPair, item: Item, seen: Seen, section: Curate) -> str | None:
    """A question that gives the answer away to a model that does not look at the picture."""
    return pair.question if contains_name(pair.question, item.name) else None


# Tried in this order; the first that finds something rejects the pair under its name.
GATES: dict[str, Gate] = {
    "empty": empty,
    "too short": too_short,
    "too long": too_long,
    "duplicate": duplicate,
    "unsupported number": unsupported_number,
}

WARNINGS: dict[str, Gate] = {"question names the exhibit": question_names_exhibit}


def run(ctx: Context) -> Iterator[QAPair | Reject]:
    """Every pair with its verdict, in the order of the pairs.

    Raises:
        InputError: a pair is about an item that `assemble` does not have.
    """
    section: Curate = ctx.section
    items = {item.id: item for item in ctx.rows("assemble", Item)}
    seen: dict[str, Seen] = {item_id: set() for item_id in items}
    pairs = ctx.rows("generate-qa", QAPair)
    for done, pair in enumerate(ctx.mine(pairs), 1):
        item = items.get(pair.item_id)
        if item is None:
            raise InputError(f"pair {pair.id} is about no known item", pair.item_name, "docent run --from assemble")
        yield judge(pair, item, seen[item.id], section)
        ctx.progress.update(done, len(pairs), pair.item_name)


def judge(pair: QAPair, item: Item, seen: Seen, section: Curate) -> QAPair | Reject:
    """The pair with a verdict, or why it is rejected; a kept pair is added to `seen`."""
    for reason, gate in GATES.items():
        detail = gate(pair, item, seen, section)
        if detail is not None:
            raw = f"[Visitor]: {pair.question}\n[Guide]: {pair.answer}"
            return Reject(reason=reason, raw=raw[:MAX_RAW_CHARS], parents=(pair.id,), detail=f"{item.name}: {detail}")
    seen.add(_normal_form(pair))
    reasons = tuple(reason for reason, gate in WARNINGS.items() if gate(pair, item, seen, section) is not None)
    changes = {"id": make_id("curate", (pair.id,)), "parents": (pair.id,), "verdict": "warn" if reasons else "pass"}
    return pair.model_copy(update={**changes, "reasons": reasons})


def _normal_form(pair: QAPair) -> tuple[str, str]:
    return plain(pair.question), plain(pair.answer)
