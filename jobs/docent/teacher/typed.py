"""Write typed questions about documents: extractive and deterministic, as JSON of the request's schema.

Except for fixed wordings (`The ... of ... is`, `True.`), every word of an answer is in the section, so that no answer
contains facts that are not in the section. If the section has less than was requested, the reply has fewer pairs.
Question types that need original ideas are refused. Reads and writes nothing.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from docent.llm.chat import RequestRefusedError
from docent.llm.structure.typed import TypedMaterial
from docent.teacher.english.section import EnglishSection
from docent.teacher.english.writers import judged as english_judged
from docent.teacher.english.writers import passages as english_passages
from docent.teacher.english.writers import steps as english_steps
from docent.teacher.english.writers import summary as english_summary
from docent.teacher.english.writers import writers as english
from docent.teacher.english.writers.dialogue import reworded
from docent.teacher.languages.section import NonEnglishSection
from docent.teacher.languages.writers import WRITERS as NON_ENGLISH_WRITERS
from docent.teacher.languages.writers import types_in
from docent.teacher.section import Draft, TeacherSection
from docent.teacher.source.statements import cleaned
from docent.teacher.source.words import LANGUAGES, words_of_language
from docent.text.sentences import plain

TYPED_VERSION = 9
"""Raised when typed replies change: part of the request, so that outdated replies in the journal are not used."""
Writer = Callable[[EnglishSection], Iterator[Draft]]
WRITERS: dict[str, Writer] = {
    "factual_recall": english.factual_recall,
    "fact_based": english.fact_based,
    "short_answer": english.short_answer,
    "long_answer": english_passages.long_answer,
    "boolean": english_judged.boolean,
    "true_false_fill_blank": english_judged.true_false_fill_blank,
    "summarization": english_summary.summary,
    "summary": english_summary.summary,
    "section_summary": partial(english_summary.summary, max_words=english_summary.SECTION_SUMMARY_WORDS),
    "process_workflow": english_steps.process_workflow,
    "application": english.application,
    "comparative_analysis": english.comparative_analysis,
    "conversation": english.conversation,
}
"""The question types that are written without a model in English, each with its writer."""
MAX_STEPS, MAX_FIGURES = 4, 4


def write_typed(material: TypedMaterial, temperature: float) -> str:
    """Return the reply to a request, as JSON of TypedReply or ReasonedReply.

    Raises:
        ConfigError: the language is not supported.
        RequestRefusedError: questions of this type cannot be written in the language.
    """
    code = words_of_language(material.language).code
    kind = material.question_type
    if kind not in (WRITERS if code == "en" else types_in(code)):
        language = "" if code == "en" else f" in {LANGUAGES[code]}"
        raise RequestRefusedError(
            f"the offline teacher does not write {kind}{language}: that needs a model (llm.provider: openai)"
        )
    section: TeacherSection
    if code == "en":
        section = english = EnglishSection(material, temperature)
        drafts = reworded(english) if material.dialogue else chosen(english, WRITERS[kind](english))
    else:
        section = other = NonEnglishSection(material, temperature)
        drafts = chosen(other, NON_ENGLISH_WRITERS[kind](other))
    return json.dumps({"pairs": [_as_json(section, draft) for draft in drafts]}, ensure_ascii=False)


def chosen(section: TeacherSection, drafts: Iterator[Draft]) -> list[Draft]:
    """Return the requested number of drafts, without long ones and without repeated questions or answers."""
    material = section.material
    is_boolean = material.question_type == "boolean"
    kept: list[Draft] = []
    seen: set[str] = set()
    for draft in drafts:
        if len(kept) >= material.pairs:
            break
        keys = {f"q {plain(draft.question)}", f"a {plain(draft.answer)}"}
        too_long = section.length(draft.answer) > material.max_answer_words
        if too_long and is_boolean:
            break  # later drafts would no longer alternate as requested
        if too_long or not draft.answer.strip() or (seen & keys and not is_boolean):
            continue
        seen |= keys
        kept.append(draft)
    return kept


def _as_json(section: TeacherSection, draft: Draft) -> dict[str, Any]:
    evidence = " ".join(statement.whole for statement in draft.evidence)
    figures = [token for token, caption in section.material.figures if _is_shown(section, token, caption, evidence)]
    pair: dict[str, Any] = {"question": cleaned(draft.question), "answer": cleaned(draft.answer)}
    pair["figures"] = figures[:MAX_FIGURES]
    if section.material.reasoning:
        quoted = (section.words.quoted(statement.text) for statement in draft.evidence[:MAX_STEPS])
        pair["reasoning_steps"] = [section.frame("step_found", sentence=sentence) for sentence in quoted]
    return pair


def _is_shown(section: TeacherSection, token: str, caption: str, evidence: str) -> bool:
    """Check that an answer's evidence mentions a figure by its number or its caption."""
    name, caption = token.strip("{} ").replace("_", " ").casefold(), cleaned(caption)
    folded = evidence.casefold()
    is_mentioned = (len(name) > 3 and name in folded) or (caption.strip() and caption.strip().casefold() in folded)
    return bool(is_mentioned) or section.shows(caption, evidence)
