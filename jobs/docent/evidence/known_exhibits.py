"""Collect, from the rows of assemble and build-dataset, the exhibits that an answer can be about.

Sections of documents have no names here, because their titles are headings that also appear in questions. Items that
are only in the data set, for example one from another tool, are recognised by their names and training answers.
"""

from collections import defaultdict
from collections.abc import Iterable

from docent.evidence.naming import Exhibit
from docent.records import Example, Item

CAPITALISED_NOUNS = frozenset({"de", "german", "deutsch", "lb", "luxembourgish"})
COMPOUNDING = CAPITALISED_NOUNS | frozenset(
    "nl dutch nederlands af afrikaans sv swedish svenska da danish dansk no nb nn norwegian norsk is icelandic "
    "fi finnish suomi et estonian hu hungarian magyar".split()
)
"""Languages that write compounds as one word, such as `Dampfmaschinenmodell`."""


def known_exhibits(items: Iterable[Item], examples: Iterable[Example]) -> list[Exhibit]:
    """Return every item once with its training answers; items of assemble come first."""
    answers: dict[str, dict[str, None]] = defaultdict(dict)
    names: dict[str, str] = {}
    languages: dict[str, str] = {}
    for example in examples:
        names[example.item_id] = example.item_name
        languages[example.item_id] = example.language.casefold().partition("-")[0]
        if example.split == "train":
            answers[example.item_id][example.answer] = None
    known = {
        item.id: (() if item.kind == "section" else tuple(dict.fromkeys((item.name, item.called))), item.text)
        for item in items
    }
    unknown = {item: ((name,), None) for item, name in names.items() if item not in known}
    return [
        Exhibit(
            item,
            called,
            text,
            tuple(answers[item]),
            capitalised_nouns=languages.get(item) in CAPITALISED_NOUNS,
            compounds=languages.get(item) in COMPOUNDING,
        )
        for item, (called, text) in (*known.items(), *unknown.items())
    ]
