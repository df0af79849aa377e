"""Which exhibit an answer is about, said from the answer alone, so that nonsense scores no better than chance.

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
class Said:
    """A question and the answer to it."""

    question: str
    answer: str


def exhibits_told(said: Sequence[Said], exhibits: Sequence[Exhibit]) -> list[str | None]:
    """For each answer the id of the exhibit that it is about; None where it does not tell."""
    names = Names(exhibits)
    keys = {one: told_keys(one) for one in said}
    facts = find_facts(exhibits, frozenset[Key]().union(*keys.values()))
    told: dict[Said, str | None] = {}
    for one, own in keys.items():
        named, stated = exhibit_by_name(one, names), exhibit_by_facts(own, facts)
        told[one] = stated if named is None or (stated and named in names.beside[stated]) else named
    return [told[one] for one in said]


def exhibit_by_name(said: Said, names: Names) -> str | None:
    """The exhibit that an answer names; None where it names none, several, or only what the question names."""
    named = [mention for sentence in split_sentences(said.answer) for mention in names.mentions(sentence)]
    if not named or len(named[0].items) > 1:
        return None
    (item,) = named[0].items
    own = [mention for mention in named if item in mention.items]
    asked = {one for mention in names.mentions(said.question) if mention.full for one in mention.items}
    given = frozenset(map(canonical, words_in(said.question)))
    if item in asked or all(given.issuperset(mention.words) for mention in own):
        return None
    others = Counter(mention.items for mention in named if mention.items.isdisjoint(names.beside[item] | {item}))
    return item if max(others.values(), default=0) < len(own) else None


def told_keys(said: Said) -> frozenset[Key]:
    """Keys of facts that the answer has and the question has not."""
    return keys_of(said.answer) - keys_of(said.question)
