"""Word what answers of the test share with training, alike in the report and in the card of a data set.

Reads and writes nothing; the counts are those of build-dataset's `audit.json`.
"""

from __future__ import annotations

from docent.artifacts.summaries import LeakAudit


def shared_with_training(audit: LeakAudit, tested: int, items: int, item: str) -> list[str]:
    """Write a sentence for each kind of answer that training knows; none where there is no such answer.

    Args:
        audit: with how many answers stand in training word for word, how many consist of sentences of training answers
            about the same item, and how many have at least one such sentence.
        tested: answers of the test.
        items: exhibits or sections that the test asks about; 0 where they were not counted.
        item: what one answer is about: `exhibit`, `section`, or both.
    """
    sentences = []
    whole, recombined = audit.test_answers_also_in_train, audit.test_answers_of_training_sentences
    partly = audit.test_answers_with_training_sentences
    of = f"of {_grouped(tested)} test answer{'s' * (tested != 1)}"
    if whole:
        stand = "stands" if whole == 1 else "stand"
        sentences.append(
            f"{_grouped(whole)} {of} {stand} in training word for word: remembering one is enough to be right."
        )
    if recombined:
        consist = "consists" if recombined == 1 else "consist"
        sentences.append(
            f"{_grouped(recombined)} {of} {consist} of sentences that also stand in training answers: "
            f"{_what_it_asks_for(items, item)}"
        )
    if partly > recombined:
        others = f"{_grouped(partly - recombined)} {'more' if recombined else of}"
        share = "shares" if partly - recombined == 1 else "share"
        sentences.append(f"{others} {share} at least one sentence with training answers about the same {item}.")
    return sentences


def _what_it_asks_for(items: int, item: str) -> str:
    if item == "section":
        return "their questions test what was trained on."
    if items == 1:
        return "those questions can be answered by remembering the text."
    return "those questions ask for recognition, not for new knowledge."


def _grouped(number: int) -> str:
    """Write `2404` as `2 404`; the space does not break."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
