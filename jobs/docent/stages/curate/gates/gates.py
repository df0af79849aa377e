"""List the gates of curate in two tables: GATES reject a pair, WARNINGS mark it.

A gate is a function that takes a case and returns the problem or None, and a line in a table. Reads and writes nothing.
"""

from docent.records import QAPair, Reject, make_id
from docent.stages.curate.gates.cases import VISITOR, Case, Gate
from docent.stages.curate.gates.forms import leftover_in, refusal_in
from docent.stages.curate.gates.grounding import (
    low_support,
    number_in_question,
    unanswerable,
    unsupported_name,
    unsupported_number,
)
from docent.stages.curate.gates.language import wrong_language as language_of
from docent.teacher.offline import TEACHER
from docent.text.sentences import contains_name, plain
from docent.text.terms import length_in_words

MAX_RAW_CHARS = 2000
COPIED_WORDS = 12

# Types whose answers should not repeat the words of the source.
OWN_WORDS = frozenset(
    "inference application hypothetical critical_analysis technical_explanation comparative_analysis "
    "multi_hop_reasoning cause_effect".split()
)
# Types whose question may be a sentence with a gap, a statement to judge, or a visitor's exclamation.
ANY_QUESTION = frozenset({VISITOR, "true_false_fill_blank", "boolean", "conversation"})
_ASKS = frozenset(
    "analyze analyse assess calculate choose compare complete contrast consider critique define describe determine "
    "discuss distinguish evaluate explain give identify illustrate imagine list name outline provide say show state "
    "suggest summarise summarize suppose tell write".split()
)


def empty(case: Case) -> str | None:
    """Reject a question or an answer without any letter or digit."""
    blank = [name for name in ("question", "answer") if not any(c.isalnum() for c in getattr(case.pair, name))]
    return f"no {' and no '.join(blank)}" if blank else None


def refusal(case: Case) -> str | None:
    """Reject an answer that refuses to answer."""
    phrase = refusal_in(case.pair.answer)
    return phrase if phrase and phrase not in case.source.plain else None


def malformed(case: Case) -> str | None:
    """Reject leftover labels, JSON, tags or fences, and an answer that only repeats the question."""
    pair = case.pair
    if plain(pair.question).strip(" ?.") == plain(pair.answer).strip(" ?."):
        return "the answer is the question"
    for name, text in (("question", pair.question), ("answer", pair.answer)):
        if leftover := leftover_in(text, case.source.text):
            return f"{name} with {leftover}"
    return None


def too_short(case: Case) -> str | None:
    """Reject an answer with fewer words than its type requires."""
    section, words = case.section, length_in_words(case.pair.answer)
    least = section.min_answer_words_by_type.get(case.pair.question_type, section.min_answer_words)
    return f"{words} words, at least {least}" if words < least else None


def too_long(case: Case) -> str | None:
    """Reject an answer with more words than the configured maximum."""
    words = length_in_words(case.pair.answer)
    return f"{words} words, at most {case.section.max_answer_words}" if words > case.section.max_answer_words else None


def wrong_language(case: Case) -> str | None:
    """Reject a question or an answer that is certainly not in the language that the pair should be in."""
    for name, text in (("answer", case.pair.answer), ("question", case.pair.question)):
        if detected := language_of(text, case.code):
            return f"{name} in {detected}, not {case.pair.language}"
    return None


def duplicate(case: Case) -> str | None:
    """Reject a pair whose question and answer equal those of a kept pair, at any temperature."""
    return "kept before" if case.fingerprint in case.kept.exact else None


def near_duplicate(case: Case) -> str | None:
    """Reject a pair whose question and answer nearly equal those of a kept pair."""
    near = case.kept.near
    return "nearly the same was kept before" if near is not None and near.repeats(case.sketch) else None


def asked_before(case: Case) -> str | None:
    """Reject a question that was asked about another section, such as the main points of a section in two parts."""
    other = case.kept.asked.get(case.question) if case.question is not None else None
    return "another section of the document answers it" if other not in (None, case.pair.item_id) else None


def same_meaning(case: Case) -> str | None:
    """Reject a pair whose embedding is close to that of a kept pair about the same item."""
    limit = case.section.embedding_similarity
    if limit is None or case.vector is None:
        return None
    cosine = case.kept.closest(case.pair.item_id, case.sketch.facts, case.vector)
    return f"cosine {cosine:.3f} with one kept before" if cosine >= limit else None


def lost_round_trip(case: Case) -> str | None:
    """Reject a question whose section is not among the first results of a search in all sections."""
    limit = case.section.round_trip_rank
    if limit is None or case.rank is None or 1 <= case.rank <= limit:
        return None
    return f"its section is no. {case.rank} for the question" if case.rank else "no word in common with its section"


def question_names_exhibit(case: Case) -> str | None:
    """Mark a question that names the exhibit, so that a model could answer it without looking at the picture."""
    visits = case.pair.question_type == VISITOR
    return case.pair.question if visits and contains_name(case.pair.question, case.source.own.name) else None


def not_a_question(case: Case) -> str | None:
    """Mark a question with neither a question mark nor an imperative (from a list of English verbs)."""
    question = case.pair.question.strip()
    if case.pair.question_type in ANY_QUESTION or any(mark in question for mark in "?？؟;:"):
        return None
    if case.code not in ("", "en"):
        return None
    return None if _ASKS & set(plain(question).split()[:8]) else question


def copied(case: Case) -> str | None:
    """Mark an answer of a model that copies the source although its type requires different words."""
    if case.pair.question_type not in OWN_WORDS or length_in_words(case.pair.answer) < COPIED_WORDS:
        return None
    if case.pair.teacher == TEACHER:
        return None
    return "word for word in the source" if plain(case.pair.answer) in case.source.plain else None


# Tried in this order; the first gate that finds a problem rejects the pair with its name as the reason.
GATES: dict[str, Gate] = {
    "empty": empty,
    "refusal": refusal,
    "format": malformed,
    "too short": too_short,
    "too long": too_long,
    "wrong language": wrong_language,
    "duplicate": duplicate,
    "near duplicate": near_duplicate,
    "embedding duplicate": same_meaning,
    "asked of another section": asked_before,
    "unsupported number": unsupported_number,
    "unsupported name": unsupported_name,
    "unanswerable": unanswerable,
    "round trip": lost_round_trip,
}

WARNINGS: dict[str, Gate] = {
    "question names the exhibit": question_names_exhibit,
    "not a question": not_a_question,
    "number in the question": number_in_question,
    "low support": low_support,
    "not in own words": copied,
}

# Gates that apply even to pairs that a person approved.
ALWAYS = frozenset({"empty", "duplicate"})


def judge(case: Case) -> QAPair | Reject:
    """Return the pair with a verdict, or a reject with the reason; remember a pair that is kept.

    A pair that a person approved or edited is kept, with the names of failed gates as warnings.
    """
    overruled = []
    for reason, gate in GATES.items():
        detail = gate(case)
        if detail is None:
            continue
        if case.pair.reviewed and reason not in ALWAYS:
            overruled.append(reason)
            continue
        return reject(case.pair, reason, detail)
    reasons = (*overruled, *(reason for reason, gate in WARNINGS.items() if gate(case) is not None))
    sketch = case.sketch if case.kept.near is not None or case.vector is not None else None
    case.kept.add(case.pair.item_id, (case.fingerprint, case.question), sketch, case.vector)
    return _kept(case.pair, reasons)


def reject(pair: QAPair, reason: str, detail: str) -> Reject:
    """Return the reject of a pair; an edited pair is recorded under the id of its original."""
    raw = f"[Visitor]: {pair.question}\n[Guide]: {pair.answer}"
    parents = pair.parents if pair.reviewed == "edited" else (pair.id,)
    return Reject(reason=reason, raw=raw[:MAX_RAW_CHARS], parents=parents, detail=f"{pair.item_name}: {detail}")


def _kept(pair: QAPair, reasons: tuple[str, ...]) -> QAPair:
    own = {} if pair.reviewed == "edited" else {"id": make_id("curate", (pair.id,)), "parents": (pair.id,)}
    return pair.model_copy(update={**own, "verdict": "warn" if reasons else "pass", "reasons": reasons})
