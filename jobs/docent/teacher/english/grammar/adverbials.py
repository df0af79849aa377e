"""Find the beginning of adverbials in an English predicate: time, manner, duration, condition.

A question must include those that its answer leaves out. Reads and writes nothing.
"""

import re
from dataclasses import replace

from docent.teacher.english.grammar.amounts import ABOUT, COUNTED, NUMBER, TIMES, UNIT
from docent.teacher.english.grammar.clauses import PREPOSITIONS
from docent.teacher.english.grammar.question import MAX_ADVERBIAL_WORDS, PRONOUN, Question
from docent.teacher.source.words import ENGLISH

WHEN_TAIL = re.compile(ENGLISH["when_tail"])
CUT = re.compile(ENGLISH["next_clause"])
# Where a new statement begins that does not continue the one before.
NEXT_STATEMENT = re.compile(ENGLISH["next_statement"])
_CONDITION = re.compile(ENGLISH["condition"])
TAIL = re.compile(r" (?P<tail>(?P<link>every|before|after|when|if|once|until|as soon as|whenever) [^,]{3,80})$")
HOW_TAIL = re.compile(r" (?:by (?:[a-z]+ing|means of|hand)\b|using|with the help of|through (?:a|an|the) )")
# `every two weeks` is a frequency, `every radiator` is not.
_OFTEN = re.compile(ENGLISH["frequency"])
WITHIN = re.compile(
    rf"((?:(?! (?:if|when|unless|not|only)\b)[^,]){{3,60}}?) within ((?:{NUMBER}|an?|one|two|three|four|"
    rf"five|six|ten) (?:\w+ )?{TIMES})( (?:after|of|before) [^,]+)?$"
)
_AFTER_WHILE = re.compile(rf"(?:only |again )?after {ABOUT}(?:some |another |a few |the )?(?:{COUNTED}|{TIMES})")
_ONCE_ONLY = re.compile(ENGLISH["once_only"])
LONG_TAIL = re.compile(rf" (for {UNIT}(?: {TIMES})?|for (?:a|one|two|three|four|five|six|seven|ten) {TIMES})$")


def is_frequency(words: str) -> bool:
    """Check whether words with `every` state a time or a distance; True for words without it."""
    return not words.lower().startswith("every") or _OFTEN.match(words) is not None


def is_clear_time(words: str) -> bool:
    """Check whether an adverbial of time is clear.

    False for `every radiator` and for `after six minutes`, whose starting point is missing; `once and wait` is a
    frequency.
    """
    return is_frequency(words) and _AFTER_WHILE.fullmatch(words) is None and _ONCE_ONLY.match(words) is None


def with_adverbials(asked: Question, rest: str) -> Question | None:
    """Add the adverbials of the sentence that the short answer does not contain; return None if they do not fit.

    Args:
        rest: the rest of the clause after its verb.
    """
    if not asked.short:
        return asked
    begin = rest.find(asked.short)
    left = rest[begin + len(asked.short) :] if begin >= 0 else rest
    behind = NEXT_STATEMENT.split(left, maxsplit=1)[0].strip(" ,") if begin >= 0 else ""
    while behind and behind.split()[0] in asked.question.rstrip("?").split():
        behind = behind.partition(" ")[2]
    question = asked.question
    if behind:
        is_adverbial = behind.split()[0] in PREPOSITIONS - {"of", "per"} and len(behind.split()) <= MAX_ADVERBIAL_WORDS
        counted = asked.short.partition(" ")[2]
        is_part = behind.startswith("of ") and question.startswith(f"How many {counted} ")
        if not (is_adverbial or is_part) or asked.kind != "value" or PRONOUN.search(behind):
            return None
        # `How many spans of 9 m each does the bridge have?`
        question = (
            question.replace(counted, f"{counted} {behind}", 1) if is_part else f"{question.rstrip('?')} {behind}?"
        )
    condition = _CONDITION.search(left)
    return None if condition and condition[0].rstrip() not in question else replace(asked, question=question)


def cut(rest: str) -> str:
    """Return the rest of a clause up to the next clause."""
    end = CUT.search(rest)
    return (rest[: end.start()] if end else rest).strip(" ,")
