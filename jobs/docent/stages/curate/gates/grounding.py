"""Check an answer against its source: numbers, units, names, and whether the source answers the question.

Reads and writes nothing. All checks are lexical: they find text that is missing in the source, but no contradictions.
"""

from docent.stages.curate.gates.cases import VISITOR, Case
from docent.stages.curate.gates.sources import Stated
from docent.text.names import NOUNS_WITH_CAPITALS, unsupported_names
from docent.text.numbers.marks import readings
from docent.text.numbers.numbers import numbers_of, supported_by
from docent.text.numbers.quantities import changed_counts, changed_units, claimed_text, is_rounded, written_out
from docent.text.terms import STOP_WORDS_OF, content_stems, support, terms_of

MIN_CONTENT_WORDS = 3
"""Texts with fewer content words are too short to compute a share."""
LOW_SUPPORT = 0.5

# Types whose questions suppose something, such as a number or a name, that the answer may repeat.
SUPPOSING = frozenset({"hypothetical", "application", "true_false_fill_blank", "boolean", "contextual_ambiguity"})
# Types whose questions need not use words of the source.
FREE_QUESTIONS = frozenset(
    {VISITOR, "hypothetical", "application", "critical_analysis", "contextual_ambiguity", "conversation", "inference"}
)


def unsupported_number(case: Case) -> str | None:
    """Reject numbers that are not in the source, or only with other units or for other objects."""
    supposed = case.pair.question if case.pair.question_type in SUPPOSING else ""
    stated = stated_for(case)
    known = stated.numbers | supported_by(written_out(supposed)) if supposed else stated.numbers
    answers = readings(claimed_text(written_out(case.pair.answer)), case.code)
    answer, unsupported = min(((text, _unknown(text, known)) for text in answers), key=lambda read: len(read[1]))
    unsupported += changed_units(answer, stated.units)
    if case.same_language:
        asked = changed_counts(supposed, stated.counts)
        counted = (c for c in changed_counts(answer, stated.counts) if c not in asked)
        unsupported += [count for count in counted if count.split(" ")[0] not in unsupported]
    return ", ".join(unsupported) if len(unsupported) > case.section.max_unsupported_numbers else None


def stated_for(case: Case) -> Stated:
    """Return the numbers of the source, with number marks read in the source's language, or else in the pair's."""
    source = case.source
    return source.stated if (source.language or case.code) in ("", "en") else source.stated_in_all_marks


def _unknown(text: str, known: frozenset[str]) -> list[str]:
    """Return the distinct numbers of a text that are neither known nor rounded from known ones."""
    unknown = [number for number in dict.fromkeys(numbers_of(text)) if number not in known]
    return [number for number in unknown if not is_rounded(number, known)]


def unsupported_name(case: Case) -> str | None:
    """Reject proper names that the source does not have, if pair and source are in the same language."""
    if case.code in NOUNS_WITH_CAPITALS or not case.same_language or not case.source.in_latin_letters:
        return None
    supposed = case.pair.question if case.pair.question_type in SUPPOSING else ""
    unsupported = unsupported_names(case.pair.answer, case.source.names, frozenset(terms_of(supposed)))
    return ", ".join(unsupported) if len(unsupported) > case.section.max_unsupported_names else None


def unanswerable(case: Case) -> str | None:
    """Reject a question about something that the source does not mention, or an answer with few words of the source."""
    if not case.same_language:
        return None
    section, kind = case.section, case.pair.question_type
    share = answer_support(case)
    if share < section.min_answer_support:
        return f"{share:.0%} of the answer's words are in the source, at least {section.min_answer_support:.0%}"
    asked = content_stems(case.pair.question)
    if kind in FREE_QUESTIONS or case.code not in STOP_WORDS_OF or len(asked) < MIN_CONTENT_WORDS:
        return None  # without a list of stop words, question words would count as content
    share = support(asked, case.source.stems)
    if share < section.min_question_support:
        return f"{share:.0%} of the question's words are in the source, at least {section.min_question_support:.0%}"
    return None


def answer_support(case: Case) -> float:
    """Return the share of the answer's content words that are in the source; 1.0 if it has fewer than three."""
    stems = content_stems(case.pair.answer)
    known = case.source.stems
    if case.pair.question_type in SUPPOSING:
        known = known | frozenset(content_stems(case.pair.question))
    return support(stems, known) if len(stems) >= MIN_CONTENT_WORDS else 1.0


def low_support(case: Case) -> str | None:
    """Mark an answer with more than half of its content words missing in the source."""
    share = answer_support(case) if case.same_language else 1.0
    return f"{share:.0%} of the answer's words are in the source" if share < LOW_SUPPORT else None


def number_in_question(case: Case) -> str | None:
    """Mark a question that states a number that the source does not have."""
    if case.pair.question_type in SUPPOSING:
        return None
    known = stated_for(case).numbers
    questions = readings(claimed_text(written_out(case.pair.question)), case.code)
    unknown = [[n for n in numbers_of(text) if len(n) > 1 and n not in known] for text in questions]
    fewest = min(unknown, key=len)
    return ", ".join(fewest) or None
