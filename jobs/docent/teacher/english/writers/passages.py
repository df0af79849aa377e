"""Write long answers in English: all sentences of a section about one thing.

Reads and writes nothing.
"""

import re
from collections.abc import Iterator

from docent.teacher.english.grammar.clarity import stands_alone, with_document
from docent.teacher.english.grammar.clauses import PREPOSITIONS, as_inside, read_clause
from docent.teacher.english.grammar.verbs import THIRD
from docent.teacher.english.section import EnglishSection
from docent.teacher.english.writers.steps import marked
from docent.teacher.english.writers.summary import SECTION_SUMMARY_WORDS, as_text, is_named, units_of
from docent.teacher.section import Draft
from docent.teacher.source.references import references_of
from docent.teacher.source.statements import Statement, length_words

LONG_SENTENCES = (3, 5)
# A shorter subject, or the last word of a longer one, is often part of the name of something else.
MIN_SUBJECT_CHARS, MAX_SUBJECT_WORDS, MIN_HEAD_CHARS = 3, 4, 5
_BARE_HEADING = re.compile(r"^(?:\d+(?:\.\d+)*\.?|[A-Z]\.) ")
_PRONOUN_FIRST = re.compile(r"(?:It|They|Its|Their|This|These|He|She|His|Her)\b")
# Words that may follow a noun without forming another noun with it.
_NO_NOUNS = frozenset("is was has does as this its or for after over under never ever either neither however".split())


def long_answer(section: EnglishSection) -> Iterator[Draft]:
    """Yield long answers about one thing: all sentences that name it, or a section by its heading."""
    drafts: dict[str, Draft] = {}
    for statement in section.prose:
        clause = read_clause(statement.text) if stands_alone(statement) and not statement.label else None
        sentences = _naming(section, clause.subject) if clause is not None and not clause.lead else []
        if clause is None or not sentences or sentences[0] != statement:
            continue
        subject = as_inside(clause.subject, section.material.text)
        question = with_document(f"What should you know about {subject}?", section.name, section.place)
        answer = section.words.joined([marked(s.text) for s in sentences])
        drafts.setdefault(question, Draft(question, answer, tuple(sentences)))
    drafts |= {draft.question: draft for draft in _on_title(section) if draft.question not in drafts}
    yield from section.shuffled(list(drafts.values()))


def _naming(section: EnglishSection, subject: str) -> list[Statement]:
    """Return the sentences about a thing, each with those that it needs; [] if they are too many or too few."""
    bare = re.sub(r"^(?:the|an?|every|each|all|most) ", "", subject.lower())
    if len(bare) < MIN_SUBJECT_CHARS or len(bare.split()) > MAX_SUBJECT_WORDS:
        return []
    others = (statement for statement in section.every if statement.kind == "step" or statement.label)
    if any(_names(statement.folded, bare) for statement in others):
        return []  # what steps and items say about it would be missing
    head = bare.split()[-1]
    naming: list[Statement] = []
    for statement in section.sentences:
        last = naming[-1] if naming else None
        follows = last is not None and (statement.place, statement.block) == (last.place + 1, last.block)
        # Later in its paragraph the last word is enough: `the fuse` after `the thermal fuse`.
        is_known = follows and len(head) >= MIN_HEAD_CHARS
        if _names(statement.folded, f"the {head}" if is_known else bare) or (
            follows and _PRONOUN_FIRST.match(statement.text)
        ):
            naming.append(statement)
    references = references_of([statement.text for statement in section.sentences], "en")
    places = references.closed([section.sentences.index(statement) for statement in naming])
    whole = [section.sentences[place] for place in places]
    if places and places[-1] - places[0] >= len(places):
        return []  # the sentences between them belong to it as well
    if not _is_topic(section, bare, whole):
        return []
    return whole if min(LONG_SENTENCES) <= len(whole) <= max(LONG_SENTENCES) else []


def _is_topic(section: EnglishSection, thing: str, told: list[Statement]) -> bool:
    """Check whether a section is about a thing: its heading ends with it, or three of four quoted sentences name it.

    `Boiler room` is not about the boiler, and `heat` is not a topic because one sentence of three begins with it.
    """
    title = _BARE_HEADING.sub("", section.material.title.strip("# .:")).lower()
    named = re.search(rf"\b{re.escape(thing)}(?P<behind>s?\b.*)", title)
    if named is not None:
        return re.match(r"s?(?:$| (?:of|for|in|on|at|with|and)\b)", named["behind"]) is not None
    return " " in thing or sum(_names(statement.folded, thing) for statement in told) * 4 >= len(told) * 3


def _names(folded: str, thing: str) -> bool:
    """Check whether a sentence names a thing, and not another one named after it: `the winch motor`."""
    for found in re.finditer(rf"\b{re.escape(thing)}s?\b(?: ([a-z]+))?", folded):
        following = found[1] or ""
        is_compound = re.fullmatch(r"[a-z]{2,}(?:er|or)s?", following) and following not in PREPOSITIONS | _NO_NOUNS
        if not is_compound and (not following.endswith("s") or following in THIRD or following in _NO_NOUNS):
            return True
    return False


def _on_title(section: EnglishSection) -> Iterator[Draft]:
    """Yield a complete section that consists of three or more sentences, with a question that names its heading."""
    units = units_of(section)
    is_prose = len(units) >= min(LONG_SENTENCES) and all(unit.parts == 1 for unit in units)
    answer = as_text(units)
    has_title = section.place != section.doc and is_named(section)
    if is_prose and has_title and length_words(answer) <= SECTION_SUMMARY_WORDS:
        question = f"What does {section.place} say in detail?"
        yield Draft(question, answer, tuple(s for s in section.every if s.text in answer))
