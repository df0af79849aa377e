"""Recognise which exhibit an answer is about, without knowing the right one: nonsense scores no better than chance.

An answer is about the exhibit that it names. If it names none, it is about the exhibit of which it states at least two
facts that no other exhibit has. The result is one exhibit or none and does not depend on the right one: an answer that
does not depend on the photo is right for at most one exhibit in n.

- If an answer has several names, the first one counts if it occurs more often than each of the others. Names that also
  occur in texts about that exhibit are ignored (`the dual of the cube`). Otherwise (`a cube or a torus`) facts decide.
  An answer with at least as many facts about other exhibits is about none.
- If the name and the facts point to different exhibits, the name counts, unless texts about the exhibit with the facts
  contain that name: `its corners sit over the centres of the faces of a cube` is about the octahedron.
- Names and facts that are in the question do not count. `Klein bottle` counts if the question only has `this bottle`.
- If several exhibits have the same name, facts decide.
- `exhibit_accuracy` has no value if there is only one exhibit, as there is nothing to distinguish.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from docent.evidence.distinct_facts import Key, exhibit_by_facts, find_facts, keys_of
from docent.evidence.name_words import canonical, words_in
from docent.evidence.naming import Exhibit, Names
from docent.text.sentences import split_sentences


@dataclass(frozen=True)
class AnswerText:
    """A question and the answer to it."""

    question: str
    answer: str


def recognised_exhibits(answers: Sequence[AnswerText], exhibits: Sequence[Exhibit]) -> list[str | None]:
    """Return for each answer the id of the exhibit that it is about, or None if none is recognised."""
    names = Names(exhibits)
    keys = {answer: keys_of(answer.answer) - keys_of(answer.question) for answer in answers}
    facts = find_facts(exhibits, frozenset[Key]().union(*keys.values()))
    about: dict[AnswerText, str | None] = {}
    for answer, own in keys.items():
        named, stated = exhibit_by_name(answer, names), exhibit_by_facts(own, facts)
        about[answer] = stated if named is None or (stated and named in names.also_named[stated]) else named
    return [about[answer] for answer in answers]


def exhibit_by_name(text: AnswerText, names: Names) -> str | None:
    """Return the exhibit that an answer names, or None for no name, an ambiguous name, or one from the question."""
    mentions = [mention for sentence in split_sentences(text.answer) for mention in names.mentions(sentence)]
    if not mentions or len(mentions[0].items) > 1:
        return None
    (item,) = mentions[0].items
    own = [mention for mention in mentions if item in mention.items]
    in_question = {one for mention in names.mentions(text.question) if mention.full for one in mention.items}
    words = frozenset(map(canonical, words_in(text.question)))
    if item in in_question or all(words.issuperset(mention.words) for mention in own):
        return None
    others = Counter(mention.items for mention in mentions if mention.items.isdisjoint(names.also_named[item] | {item}))
    return item if max(others.values(), default=0) < len(own) else None
