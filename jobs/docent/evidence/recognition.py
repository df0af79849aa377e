"""Which exhibit an answer is about, said from the answer alone, so that nonsense scores no better than chance.

Reads answers and exhibits in memory, writes nothing. An answer is about the exhibit that it names; where it names
none, about the exhibit of which it states at least two facts that no other has. One answer is about one exhibit or
none, whichever is asked for: an answer that does not depend on the photo is right for one exhibit in n, at most.

- The first sentence that names an exhibit decides, and in it the first name. Where that sentence names others as well,
  which no text about the first one names, the names say nothing, and facts decide: `a cube or a torus`.
- What the question says is not told by the answer: its names and facts do not count.
- Of exhibits of the same name facts decide.
- Where there is one exhibit only, nothing can be told apart: there is no result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from docent.evidence.distinct_facts import Key, exhibit_by_facts, find_facts, keys_of
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
    distinct = dict.fromkeys(said)
    by_name = {one: exhibit_by_name(one, names) for one in distinct}
    unnamed = {one: told_keys(one) for one, item in by_name.items() if item is None}
    facts = find_facts(exhibits, frozenset[Key]().union(*unnamed.values()))
    by_facts = {one: exhibit_by_facts(keys, facts) for one, keys in unnamed.items()}
    return [by_name[one] or by_facts.get(one) for one in said]


def exhibit_by_name(said: Said, names: Names) -> str | None:
    """The exhibit that an answer names; None where it names none, several, or only what the question names."""
    asked = _all_items(mention.items for mention in names.mentions(said.question))
    for sentence in split_sentences(said.answer):
        mentions = names.mentions(sentence)
        if mentions:
            first, *others = (mention.items for mention in mentions)
            if len(first) > 1 or not asked.isdisjoint(first):
                return None
            (item,) = first
            return item if all(other & ({item} | names.beside[item]) for other in others) else None
    return None


def told_keys(said: Said) -> frozenset[Key]:
    """Keys of facts that the answer has and the question has not."""
    return keys_of(said.answer) - keys_of(said.question)


def _all_items(items: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*items)
