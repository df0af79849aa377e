"""What a sentence is about: its terms, those first that tell it from the other sentences.

For the offline teacher. Every term stands in the sentence as it is. No word class is known, only words that no term
has, the case of letters, and the particles and articles of a language. Reads and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from docent.llm.offline_clauses import before_verb, is_no_noun, names_a_thing, stands_as_noun
from docent.llm.offline_source import Statement
from docent.llm.offline_verbs import FORMS as VERBS
from docent.llm.offline_words import Words

MAX_TOPIC_WORDS = 3
"""A longer run without a capital is no term but half of a clause."""
MAX_NAME_WORDS = 5
UNIT_WORDS = frozenset(
    "% ° °c °f mm cm m km g kg t ms s h min gb mb kb tb hz khz mhz ghz v kv a ma w kw mw l ml pa kpa db px dpi ft "
    "in lb mph metres meters metre meter seconds second minutes minute hours hour days day weeks week months "
    "month years year kilograms kilogram grams tonnes tons litres liters degrees percent volts watts inches feet "
    "miles kilometres centimetres millimetres stunden sekunden minuten tage jahre meter prozent heures minutes "
    "secondes jours ans mètres horas segundos minutos días años metros 평 년 월 일 시간 분 초 개 명".split()
)
_TOKEN = re.compile(r"[^\W_]+(?:[.'’/+&-][^\W_]+)*")
KOREAN_PARTICLE = re.compile(
    r"(?<=[가-힣]{2})(?:에서는|에서|에게|으로|부터|까지|보다|처럼|이나|과의|와의|에는|은|는|이|가|을|를|의|에|로|와|과|도|만)$"
)
_KO_VERB = re.compile(
    r"(?:다|요|고|며|면|하여|해서|하는|있는|되는|된|한|할|될|들어|위해|통해|있으며|합니다|됩니다|입니다|함께|에게)$"
)
# A whole run, of which two neighbours are no Latin letters: looked at once, from its beginning.
_JA_NOUN = re.compile(
    r"(?<![一-龯々ァ-ヴーA-Za-z0-9])(?=[一-龯々ァ-ヴーA-Za-z0-9]*?[一-龯々ァ-ヴー]{2})[一-龯々ァ-ヴーA-Za-z0-9]+"
)
_ZH_HEAD = re.compile(
    r"^([^，。、：；！？\s]{2,12}?)(?:是|在|由|位于|有|可|将|应|需|包|分|必|会|能|为|用|与|和|的|每|对|高|重|最|长|宽)"
)
_ARTICLED = {
    "fr": re.compile(
        r"(?:\b(?:les?|la|une?|des|du|aux?|cette|cet|ces?|chaque)\s|\b[ld]['’])"
        r"([a-zà-ÿ-]{3,}(?: (?:de la |de l['’]|du |des |de |d['’])[a-zà-ÿ-]{3,})?)"
    ),
    "es": re.compile(
        r"\b(?:el|la|los|las|un|una|unos|unas|del|al|cada)\s"
        r"([a-zà-ÿ]{3,}(?: (?:de la |de los |de las |del |de )[a-zà-ÿ]{3,})?)",
        re.IGNORECASE,
    ),
}
_NAMED = re.compile(r"(?<=[a-zà-ÿ,] )[A-ZÀ-Þ][\w-]{2,}(?: [A-ZÀ-Þ][\w-]+){0,3}")
"""Names in the midst of a French or Spanish sentence; nouns there stand behind an article."""
_LATIN = re.compile(r"[A-Za-z][\w.-]{2,}")
_QUOTED = re.compile(r"[“「《『]([^“”「」《》『』]{2,20})[”」》』]")


@dataclass(frozen=True)
class Topic:
    """A term and how well it tells one sentence from the others; lower is better."""

    term: str
    rank: tuple[int, int, int]


def topics_of(statement: Statement, every: Sequence[Statement], words: Words) -> list[str]:
    """Terms of a statement, those first that the other statements seldom have."""
    found: dict[str, Topic] = {}
    everything = "\n".join(other.folded for other in every)
    for order, (term, proper) in enumerate(_candidates(statement.text, words)):
        folded = term.casefold()
        shared = everything.count(folded) - statement.folded.count(folded)
        weight = 2 * proper - (len(term.split()) - 2) ** 2 if words.code not in ("ja", "zh") else min(len(term), 6)
        if words.code == "en" and not proper and not stands_as_noun(statement.text, statement.folded.find(folded)):
            weight -= 1
        found.setdefault(folded, Topic(term, (min(max(shared, 0), 3), -weight, order)))
    return [topic.term for topic in sorted(found.values(), key=lambda topic: topic.rank)]


def _candidates(text: str, words: Words) -> Iterator[tuple[str, bool]]:
    """Terms of a sentence, each with whether it looks like a name."""
    if words.code == "ko":
        yield from ((term, False) for term in _korean(text, words))
    elif words.code in ("ja", "zh"):
        pattern = _JA_NOUN if words.code == "ja" else _ZH_HEAD
        found = [
            m.group(m.lastindex or 0)
            for m in (*_QUOTED.finditer(text), *pattern.finditer(text), *_LATIN.finditer(text))
        ]
        yield from (
            (term, False) for term in found if term not in words.stop and not words.leans(term) and not _counts(term)
        )
    elif words.code in _ARTICLED:
        named = [(m[0], True) for m in _NAMED.finditer(text)]
        nouns = [(m[1], False) for m in _ARTICLED[words.code].finditer(text)]
        yield from ((term, is_name) for term, is_name in [*named, *nouns] if term.split()[0].lower() not in words.stop)
    else:
        yield from _spaced(text, words)


def _opens(term: str, words: Words) -> bool:
    """Whether a piece is how a sentence begins rather than a term."""
    return words.leans(term) or words.finds("sequence", term) is not None


def _counts(term: str) -> bool:
    """Whether a term is a number with its unit."""
    return re.search(r"\d", term) is not None and not re.search(r"[A-Za-z]{2}", term)


def _korean(text: str, words: Words) -> Iterator[str]:
    """Nouns without their particles; the word before joins one that has none of its own."""
    before = ""
    for raw in re.findall(r"[^\s,.!?()\"“”‘’:;·]+", text):
        noun = KOREAN_PARTICLE.sub("", raw)
        verbal = (
            _KO_VERB.search(raw) or raw in words.stop or noun in words.stop or not re.search(r"[가-힣A-Za-z]", noun)
        )
        if verbal or len(noun) < 2 or (noun == raw and len(raw) == 2 and raw[-1] in "을를"):
            before = ""
            continue
        yield f"{before} {noun}".strip()
        before = noun if noun == raw else ""


def _spaced(text: str, words: Words) -> Iterator[tuple[str, bool]]:
    """Runs of words that no stop word, verb or mark divides."""
    run: list[re.Match[str]] = []
    for token in [*_TOKEN.finditer(text), None]:
        # `Rondo 40` is one name.
        is_model = bool(run) and token is not None and token[0].isdigit() and run[-1][0][0].isupper()
        stops = token is None or (_divides(token[0], words) and not is_model)
        if stops and token is not None and words.code == "en":
            stops = not names_a_thing(text, token, run)  # `the glass cover is`
        if run and (stops or token is None or text[run[-1].end() : token.start()] != " "):
            is_of_unit = token is not None and len(token[0]) > 2 and token[0].lower() in UNIT_WORDS
            if is_of_unit and len(run) == 1 and words.code == "en":
                run = []  # `square metres`
            elif term := _run(text, run, words):
                yield term
            run = []
        if token is not None and not stops:
            run.append(token)


def _divides(token: str, words: Words) -> bool:
    low = token.lower()
    if low in words.stop or low in UNIT_WORDS or (token.isdigit() and len(token) < 4):
        return True
    return words.code == "en" and (
        low in VERBS or low.endswith("ly") or (token.endswith("ed") and token.islower() and len(low) > 4)
    )


def _run(text: str, run: list[re.Match[str]], words: Words) -> tuple[str, bool] | None:
    """A run as a term: in German from its first to its last noun."""
    if words.code == "de":
        nouns = [place for place, token in enumerate(run) if token[0][0].isupper() and token.start() > 0]
        if not nouns:
            return None
        run = run[nouns[0] : nouns[-1] + 1]
    elif words.code == "en" and is_no_noun(text, run[0]):
        return None
    elif words.code == "en":
        run = run[: before_verb(text, run)]  # `glass scatters the light`
    term = text[run[0].start() : run[-1].end()]
    if len(run) > MAX_NAME_WORDS or (len(run) > MAX_TOPIC_WORDS and term[1:] == term[1:].lower()):
        return None
    first = run[0].start() == 0
    named = re.search(r"[A-ZÀ-Þ0-9]", term[1:] if first else term) is not None and words.code != "de"
    if words.code == "en" and len(run) == 1 and not named and term.endswith(("ing", "est", "ous", "ful", "ive")):
        return None  # rather what something is like than what it is
    if first and not named and len(run) == 1 and not term[0].islower():
        return None  # the first word of a sentence may be anything
    if first and not named and text[0].isupper():
        term = term[0].lower() + term[1:]
        if term not in text.lower():
            return None
    return (term, named) if re.search(r"[^\W\d_]{3}", term) and not re.match(r"\d", term) else None


def shared_term(statements: Sequence[Statement], others: Sequence[Statement], words: Words, avoid: str) -> str:
    """The term by which two sections touch: named in both, in few sentences, not in the document's title."""
    best: tuple[tuple[int, int, int], str] | None = None
    away = avoid.casefold()
    for order, statement in enumerate(statements):
        for term, proper in _candidates(statement.text, words):
            folded = term.casefold()
            if folded in away or len(term) < (4 if words.code not in ("ko", "ja", "zh") else 2):
                continue
            if count := sum(_names(other, folded, words) for other in others):
                rank = (-len(term.split()) - 2 * proper, count, order)
                best = min(best, (rank, term)) if best else (rank, term)
    return best[1] if best else ""


def _names(statement: Statement, folded: str, words: Words) -> bool:
    """Whether a statement has a term; in English as a noun: `lifts` may be a verb, `light` be that of `light bulb`."""
    if folded not in statement.folded:
        return False
    if words.code != "en":
        return True
    return any(re.search(rf"(?<!\w){re.escape(folded)}$", t.casefold()) for t, _ in _candidates(statement.text, words))
