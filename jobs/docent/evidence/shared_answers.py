"""Write sentences about test answers that are also in training, for the report and for the data set's card.

The counts are from build-dataset's `audit.json`.
"""

from docent.artifacts.summaries import LeakAudit


def shared_with_training(audit: LeakAudit, tested: int, items: int, item: str) -> list[str]:
    """Return a sentence for each kind of overlap between test answers and training that occurs.

    Args:
        audit: the numbers of test answers that are in training word for word, that consist of sentences from training
            answers about the same item, and that have at least one such sentence.
        tested: number of test answers.
        items: number of exhibits or sections in the test; 0 if not counted.
        item: word for what an answer is about: `exhibit`, `section`, or `exhibit or section`.
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
    """Format `2404` as `2 404`, with a non-breaking space."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
