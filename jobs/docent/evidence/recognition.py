"""Recognise the exhibit that an answer is about from the answer alone: nonsense scores no better than chance.

Reads answers and exhibits in memory, writes nothing. An answer is about the exhibit that it names; where it names
none, about the exhibit of which it states at least two facts that no other has. One answer is about one exhibit or
none, whichever is asked for: an answer that does not depend on the photo is right for one exhibit in n, at most.

- Of several names the first one counts, where it stands more often than each of the others. What texts about that
  exhibit name as well does no harm: `the dual of the cube`. Else the names say nothing, and facts decide: `a cube or a
  torus`. An answer that states as many facts of other exhibits is about none.
- Where the facts are of another exhibit than the name, the name counts, unless texts about that exhibit have this name:
  `its corners sit over the centres of the faces of a cube` is about the octahedron.
- What the question says is not told by the answer: its names and facts do not count. `Klein bottle` does, where the
  question asks for `this bottle`.
- Of exhibits of the same name facts decide.
- Where there is one exhibit only, nothing can be told apart: there is no result.
"""

from __future__ import annotations

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
    """Return for each answer the id of the exhibit that it is about; None where it does not tell."""
    names = Names(exhibits)
    keys = {answer: keys_beyond_question(answer) for answer in answers}
    facts = find_facts(exhibits, frozenset[Key]().union(*keys.values()))
    about: dict[AnswerText, str | None] = {}
    for answer, own in keys.items():
        named, stated = exhibit_by_name(answer, names), exhibit_by_facts(own, facts)
        about[answer] = stated if named is None or (stated and named in names.beside[stated]) else named
    return [about[answer] for answer in answers]


def exhibit_by_name(text: AnswerText, names: Names) -> str | None:
    """Return the exhibit that an answer names; None for none, several, or only what the question names."""
    mentions = [mention for sentence in split_sentences(text.answer) for mention in names.mentions(sentence)]
    if not mentions or len(mentions[0].items) > 1:
        return None
    (item,) = mentions[0].items
    own = [mention for mention in mentions if item in mention.items]
    in_question = {one for mention in names.mentions(text.question) if mention.full for one in mention.items}
    words = frozenset(map(canonical, words_in(text.question)))
    if item in in_question or all(words.issuperset(mention.words) for mention in own):
        return None
    others = Counter(mention.items for mention in mentions if mention.items.isdisjoint(names.beside[item] | {item}))
    return item if max(others.values(), default=0) < len(own) else None


def keys_beyond_question(text: AnswerText) -> frozenset[Key]:
    """Return keys of facts that the answer has and the question has not."""
    return keys_of(text.answer) - keys_of(text.question)
