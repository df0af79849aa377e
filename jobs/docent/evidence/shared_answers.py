"""Word what answers of the test share with training, alike in the report and in the card of a data set.

Reads and writes nothing; the counts are those of build-dataset's `audit.json`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SharedAnswers:
    """Answers of the test that training knows.

    Attributes:
        whole: those that stand in training word for word.
        recombined: those all of whose sentences stand in training answers about the same item.
        tested: answers of the test.
        items: exhibits or sections that the test asks about; 0 where they were not counted.
        item: what one answer is about: `exhibit`, `section`, or both.
        partly: those with at least one sentence that stands in training answers about the same item, `recombined` among
            them.
    """

    whole: int
    recombined: int
    tested: int
    items: int
    item: str
    partly: int = 0


def shared_with_training(shared: SharedAnswers) -> list[str]:
    """Write a sentence for each kind of answer that training knows; none where there is no such answer."""
    sentences = []
    of = f"of {_grouped(shared.tested)} test answer{'s' * (shared.tested != 1)}"
    if shared.whole:
        stand = "stands" if shared.whole == 1 else "stand"
        sentences.append(
            f"{_grouped(shared.whole)} {of} {stand} in training word for word: remembering one is enough to be right."
        )
    if shared.recombined:
        consist = "consists" if shared.recombined == 1 else "consist"
        sentences.append(
            f"{_grouped(shared.recombined)} {of} {consist} of sentences that also stand in training answers: "
            f"{_what_it_asks_for(shared)}"
        )
    if shared.partly > shared.recombined:
        others = f"{_grouped(shared.partly - shared.recombined)} {'more' if shared.recombined else of}"
        share = "shares" if shared.partly - shared.recombined == 1 else "share"
        sentences.append(f"{others} {share} at least one sentence with training answers about the same {shared.item}.")
    return sentences


def _what_it_asks_for(shared: SharedAnswers) -> str:
    if shared.item == "section":
        return "their questions test what was trained on."
    if shared.items == 1:
        return "those questions can be answered by remembering the text."
    return "those questions ask for recognition, not for new knowledge."


def _grouped(number: int) -> str:
    """Write `2404` as `2 404`; the space does not break."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
