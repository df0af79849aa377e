"""Split an English main clause into subject, verb and rest, as far as words and their order allow.

An ambiguous sentence has no clause. Reads and writes nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from docent.teacher.english.grammar.verbs import BASES, PAST, THIRD, is_measure, is_participle
from docent.teacher.source.words import ENGLISH

# A longer subject is mostly a misread sentence.
MAX_SUBJECT_WORDS = 10
MAX_LEAD_WORDS = 8
BE = ("is", "are", "was", "were")
MODALS = ("must", "should", "can", "may", "will", "cannot")
DETERMINERS = frozenset(ENGLISH["determiners"].split())
PREPOSITIONS = frozenset(ENGLISH["prepositions"].split())
_BREAKS = frozenset(ENGLISH["breaks"].split())
# Subjects that begin with these words need another sentence, or are not noun phrases.
_NO_SUBJECT = frozenset(ENGLISH["no_subject"].split())
# Words that make a subject refer outside of its sentence, or a subject that is the document itself.
_POINTS = re.compile(ENGLISH["pointing"])
_PLURALS = frozenset("people men women children feet teeth mice staff personnel police data media criteria".split())
_SINGULARS = frozenset(ENGLISH["singulars"].split())
_STARTERS = DETERMINERS | PREPOSITIONS | frozenset("it them itself themselves as no only up than not also".split())
# Last words of a phrase that continues, so that the subject is not complete yet.
_NO_LAST = DETERMINERS | PREPOSITIONS | frozenset(ENGLISH["no_last"].split())
# Two things have a verb in the plural: an apparent second subject begins a clause of its own.
_TWO_SUBJECTS = re.compile(r" and (?:the|an?|every|each|its|all) ")
_LEAD = re.compile(ENGLISH["leads"])


@dataclass(frozen=True)
class Clause:
    """A main clause.

    Attributes:
        subject: the subject as written at the beginning of the sentence.
        verb: the finite verb, such as `has`, `must` or `carries`.
        base: its base form, or "" for forms of `be` and modal verbs.
        tense: its form, which determines whether a question uses `do` or the verb itself.
        rest: the text after the verb, without the final punctuation.
        lead: the adverbial before the subject, for example `In summer`, or "" for none.
    """

    subject: str
    verb: str
    base: str
    tense: Literal["be", "modal", "singular", "plural", "past"]
    rest: str
    lead: str = ""


def read_clause(sentence: str) -> Clause | None:
    """Return the main clause with which a sentence begins, or None if it is ambiguous."""
    main = sentence.strip().rstrip(".!")
    lead = ""
    if adverbial := _LEAD.match(f"{main} "):
        lead, main = adverbial[1], main[adverbial.end() :]
        if len(lead.split()) > MAX_LEAD_WORDS or _POINTS.search(lead) or re.search(r"\wing\b", lead):
            return None
        main = main[:1].upper() + main[1:]
    tokens = main.split()
    for place in range(1, min(len(tokens) - 1, MAX_SUBJECT_WORDS + 1)):
        token = tokens[place]
        if token.lower() in _BREAKS or tokens[place - 1].endswith((",", ";", ":")):
            return None
        tense = _tense(tokens, place)
        if tense is None:
            continue
        subject = " ".join(tokens[:place])
        is_singular = tense == "singular" or token in ("is", "was")
        if not is_subject(subject) or (is_singular and _TWO_SUBJECTS.search(subject)):
            return None
        base = {"singular": THIRD.get(token, "have"), "past": PAST.get(token, "have"), "plural": token}.get(tense, "")
        return Clause(subject, token, base, tense, " ".join(tokens[place + 1 :]), lead)
    return None


def _tense(tokens: Sequence[str], place: int) -> Literal["be", "modal", "singular", "plural", "past"] | None:
    """Return the kind of finite verb that a word is at its position, or None if it is not a finite verb."""
    token, before, after = tokens[place], tokens[place - 1], tokens[place + 1]
    if token in BE:
        return "be"
    if token in MODALS:
        return "modal"
    if token in ("has", "have", "had"):
        return {"has": "singular", "have": "plural", "had": "past"}[token]  # type: ignore[return-value]
    low = before.lower()
    if low in DETERMINERS or low in PREPOSITIONS or not re.fullmatch(r"[a-z]+", token):
        return None
    if low in ("and", "or") or _strong_later(tokens, place):
        return None
    starts = _starts(after)
    if token in THIRD and not is_plural(before) and starts is not False:
        return "singular"
    if token in BASES and is_plural(before) and starts and low not in BASES:
        return "plural"
    if token in PAST and token not in BASES and starts and after not in ("by", "to") and len(tokens) > place + 2:
        return "past"
    return None


def _starts(word: str) -> bool | None:
    """Check whether a word can follow a verb; None if it may also be a noun of the subject."""
    low = word.lower().strip(",;")
    if low in _STARTERS or word[:1].isdigit() or word[:1].isupper() or low.endswith("ly"):
        return True
    return False if low in BE or low in MODALS or low in ("has", "have", "had", "and", "or") else None


def _strong_later(tokens: Sequence[str], place: int) -> bool:
    """Check whether a more certain verb follows in the same clause: `the pump filters are cleaned`."""
    for token, before in zip(tokens[place + 1 : place + 8], tokens[place:], strict=False):
        low = token.lower().strip(",;:.")
        if low in _BREAKS or low in ("and", "or", "to") or before.endswith((",", ";", ":")):
            return False
        if low in BE or low in MODALS or low in ("has", "have"):
            return True
        if token in THIRD and before.lower() not in DETERMINERS | PREPOSITIONS and not is_plural(before):
            return place + 1 < len(tokens) and tokens[place + 1] != token
    return False


def is_plural(word: str) -> bool:
    """Check whether a noun is a plural, as far as its form shows."""
    low = word.lower()
    is_s = low.endswith("s") and not low.endswith(("ss", "us", "is", "ics", "os")) and len(low) > 3
    return low in _PLURALS or (is_s and low not in _SINGULARS)


def is_subject(subject: str) -> bool:
    """Check whether words are a noun phrase that is clear by itself."""
    tokens = subject.split()
    first = tokens[0].lower()
    if not 1 <= len(tokens) <= MAX_SUBJECT_WORDS or first in _NO_SUBJECT or first.endswith("ly"):
        return False
    if re.search(r"[,;:()\"“”…]|\bto\b|\b(?:n't|no)\b", subject) or _POINTS.search(subject):
        return False
    if first in BASES and not first.endswith(("ing", "ice")) and len(tokens) > 1 and tokens[1].lower() in DETERMINERS:
        return False  # `Check the pump ...`
    if _has_verb(tokens):
        return False
    last = tokens[-1].lower()
    if last in _NO_LAST or last.endswith("ly"):
        return False
    return any(c.isalpha() for c in tokens[0])


def _has_verb(tokens: Sequence[str]) -> bool:
    """Check whether an apparent subject contains a verb: `The pier shows vertical`."""
    for place in range(2, len(tokens) - 1):
        is_verb = tokens[place] in THIRD and tokens[place - 1].lower() not in DETERMINERS | PREPOSITIONS
        if is_verb and tokens[place + 1].lower() not in PREPOSITIONS | {"and", "or"}:
            return True
    return False


def as_inside(phrase: str, text: str) -> str:
    """Return a phrase from the beginning of a sentence as it is written inside one."""
    first, _, rest = phrase.partition(" ")
    small = first[:1].lower() + first[1:]
    if not first[:1].isupper() or first[1:] != first[1:].lower() or first == "I" or any(c.isdigit() for c in first):
        return phrase
    low = small.lower()
    if low in DETERMINERS | PREPOSITIONS or re.search(rf"(?<![.!?] )(?<!^)(?<!\n)\b{re.escape(small)}\b", text):
        return f"{small} {rest}".strip()
    if re.search(rf"[a-z,;] {re.escape(first)}\b", text):
        return phrase  # a name: it is capitalized inside a sentence too
    if re.search(r"[A-Z]", rest):
        return phrase
    is_common = is_measure(low) or is_plural(low) or low.endswith(("ing", "ion", "ment", "ness", "ity", "ance", "ence"))
    if is_common or is_participle(low) or (rest and rest[0].islower()):
        return f"{small} {rest}".strip()
    return phrase
