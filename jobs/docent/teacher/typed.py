"""The offline teacher for typed questions about documents: extractive, deterministic, JSON of the request's schema.

It reads the `TypedMaterial` of a request. Beyond fixed wordings (`The ... of ... is`, `True.`) every word of an answer
stands in the section, so that no answer states what the section does not. Where the section has less than was asked
for the reply has fewer pairs. Question types that need an idea of one's own are refused: see WRITES. Reads and writes
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from docent.llm.chat import RequestRefusedError
from docent.llm.structure.typed import TypedMaterial
from docent.teacher.english.writers import judged as english_judged
from docent.teacher.english.writers import passages as english_passages
from docent.teacher.english.writers import steps as english_steps
from docent.teacher.english.writers import summary as english_summary
from docent.teacher.english.writers import writers as english
from docent.teacher.english.writers.dialogue import reworded
from docent.teacher.english.writers.section import Desk, Draft
from docent.teacher.languages.writers import write_elsewhere
from docent.teacher.source.statements import cleaned, length_words
from docent.teacher.source.words import words_of_language
from docent.text.sentences import count_words, plain, words_of

TYPED_VERSION = 9
"""Raised when typed replies change: it is part of the request, so that the journal holds no outdated ones."""
Writer = Callable[[Desk], Iterator[Draft]]
WRITERS: dict[str, Writer] = {
    "factual_recall": english.factual_recall,
    "fact_based": english.fact_based,
    "short_answer": english.short_answer,
    "long_answer": english_passages.long_answer,
    "boolean": english_judged.boolean,
    "true_false_fill_blank": english_judged.true_false_fill_blank,
    "summarization": english_summary.summarization,
    "summary": english_summary.summarization,
    "section_summary": english_summary.section_summary,
    "process_workflow": english_steps.process_workflow,
    "application": english.application,
    "comparative_analysis": english.comparative_analysis,
    "conversation": english.conversation,
}
"""The question types that are written without a model in English, each with its writer."""
MAX_STEPS, MAX_FIGURES = 4, 4
MIN_CAPTION_SHARE, MIN_CAPTION_WORDS = 0.5, 2


def write_typed(material: TypedMaterial, temperature: float) -> str:
    """The reply to a request, as JSON of TypedReply or ReasonedReply.

    Raises:
        ConfigError: the language is not one of its own.
        RequestRefusedError: the question type is not one of WRITES.
    """
    if words_of_language(material.language).code != "en":
        return write_elsewhere(material, temperature)
    if material.question_type not in WRITERS:
        raise RequestRefusedError(
            f"the offline teacher does not write {material.question_type}: that needs a model (llm.provider: openai)"
        )
    desk = Desk(material, temperature)
    drafts = reworded(desk) if material.dialogue else chosen(desk)
    return json.dumps({"pairs": [_as_json(desk, draft) for draft in drafts]}, ensure_ascii=False)


def chosen(desk: Desk) -> list[Draft]:
    """As many drafts as were asked for: none too long, no question or answer twice."""
    material = desk.material
    kept: list[Draft] = []
    seen: set[str] = set()
    for draft in WRITERS[material.question_type](desk):
        if len(kept) >= material.pairs:
            break
        keys = {f"q {plain(draft.question)}", f"a {plain(draft.answer)}"}
        too_long = max(count_words(draft.answer), length_words(draft.answer) // 2) > material.max_answer_words
        if too_long and material.question_type == "boolean":
            break  # what follows would no longer be in turn
        if too_long or not draft.answer.strip() or (seen & keys and material.question_type != "boolean"):
            continue
        seen |= keys
        kept.append(draft)
    return kept


def _as_json(desk: Desk, draft: Draft) -> dict[str, Any]:
    question, answer = cleaned(draft.question), cleaned(draft.answer)
    pair: dict[str, Any] = {"question": question, "answer": answer, "figures": _figures(desk, draft)}
    if desk.material.reasoning:
        told = (statement.text for statement in draft.evidence[:MAX_STEPS])
        pair["reasoning_steps"] = [desk.frame("step_found", sentence=desk.words.quoted(text)) for text in told]
    return pair


def _figures(desk: Desk, draft: Draft) -> list[str]:
    """Figures that the statements of an answer show, mention by number, or share half of the caption's words with."""
    said = " ".join(statement.whole for statement in draft.evidence)
    return [t for t, caption in desk.material.figures if _is_shown(t, cleaned(caption), said, desk)][:MAX_FIGURES]


def _is_shown(token: str, caption: str, said: str, desk: Desk) -> bool:
    name = token.strip("{} ").replace("_", " ").casefold()
    folded = said.casefold()
    if (len(name) > 3 and name in folded) or (caption.strip() and caption.strip().casefold() in folded):
        return True
    own = {word for word in words_of(caption) if len(word) > 2 and word not in desk.words.stop}
    shared = own & set(words_of(said))
    return len(shared) >= MIN_CAPTION_WORDS and len(shared) >= MIN_CAPTION_SHARE * len(own)
