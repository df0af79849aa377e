"""Parse the `[Visitor]` / `[Guide]` dialogue that models write into pairs.

A reply is untrusted text: anything that does not have the expected form is refused with a reason, never guessed.
"""

import re
from collections.abc import Sequence

from docent.llm.wire.thoughts import without_thoughts

VISITOR, GUIDE = "Visitor", "Guide"
# The label at the start of a line, also in Markdown bold, with the colon inside or outside of it.
_LABEL = re.compile(rf"^[ \t>*_]*\[({VISITOR}|{GUIDE})\][ \t*_]*:?[ \t*_]*", re.IGNORECASE | re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_FENCE = re.compile(r"^[ \t]*```[\w-]*[ \t]*$", re.MULTILINE)


class UnusableReplyError(ValueError):
    """Raised if a reply does not contain what was requested; the message is a short reason."""


def parse_dialogue(text: str, pairs: int) -> list[tuple[str, str]]:
    """Return the first `pairs` questions and answers of a dialogue.

    Only the text after the model's thoughts counts. White space is collapsed and right single quotes become ASCII
    apostrophes, as in the published data.

    Raises:
        UnusableReplyError: there are fewer pairs, labels do not alternate, or a question or answer is empty.
    """
    turns = _turns(text)
    if len(turns) < 2 * pairs:
        raise UnusableReplyError(f"{len(turns)} labels, {2 * pairs} were asked for")
    return _alternating(turns[: 2 * pairs])


def parse_shorter_dialogue(text: str, pairs: int) -> list[tuple[str, str]]:
    """Return the pairs of a well-formed dialogue that has fewer than `pairs`, otherwise none.

    Args:
        text: a complete reply; one that was cut off by its length would end with half an answer.
    """
    turns = _turns(text)
    if len(turns) % 2 or len(turns) >= 2 * pairs:
        return []
    try:
        return _alternating(turns)
    except UnusableReplyError:
        return []


def _turns(text: str) -> list[tuple[str, str]]:
    """Return speaker and text of each turn, in order."""
    text = _FENCE.sub("", without_thoughts(text))
    # Result of the split: text before the first label, then label and text in turn.
    _, *pieces = _LABEL.split(text)
    words = (" ".join(_CONTROL.sub(" ", piece).replace("\u2019", "'").split()) for piece in pieces[1::2])
    return [(name.capitalize(), words) for name, words in zip(pieces[::2], words, strict=True)]


def _alternating(wanted: list[tuple[str, str]]) -> list[tuple[str, str]]:
    pairs = len(wanted) // 2
    if [name for name, _ in wanted] != [VISITOR, GUIDE] * pairs:
        raise UnusableReplyError("labels do not alternate")
    if not all(said for _, said in wanted):
        raise UnusableReplyError("an empty question or answer")
    return [(question, answer) for (_, question), (_, answer) in zip(wanted[::2], wanted[1::2], strict=True)]


def format_dialogue(pairs: Sequence[tuple[str, str]]) -> str:
    """Format pairs as a dialogue that `parse_dialogue` reads."""
    return "\n\n".join(f"[{VISITOR}]: {question}\n[{GUIDE}]: {answer}" for question, answer in pairs)


def without_labels(text: str) -> str:
    """Remove the brackets of labels from a source text, so that it cannot be mistaken for turns of the dialogue."""
    return re.sub(rf"\[({VISITOR}|{GUIDE})\]", r"\1", text, flags=re.IGNORECASE)
