"""Build the two messages of a request about a section: the system message, and the user message with the material.

Reads templates/ next to this module; writes nothing. All text from a document is enclosed in tags that it cannot close,
and contains no chat-template tokens. Domain, persona and the policy for pictures come from the configuration only.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from docent.config.stages import GenerateQA
from docent.llm.chat import Image, Message
from docent.records import Figure, Item
from docent.stages.generate_qa.calls import Call
from docent.stages.generate_qa.question_types import instruction_of, read_yaml, wording
from docent.stages.generate_qa.views import (
    RELATED_CHARS,
    Asking,
    View,
    media_type,
    shown_text,
    window,
)
from docent.text.languages import Language
from docent.text.prompt_safety import as_material

MAX_META_KEYS, MAX_META_CHARS = 30, 300
_PLACE = re.compile(r"\{(\w+)\}")


def messages_for(call: Call, view: View, asking: Asking) -> tuple[Message, ...]:
    """Return the system and the user message of a call; the user message includes the pictures."""
    section = asking.section
    system = system_prompt(section, section.reasoning, len(view.figures) > 0)
    images = tuple(
        Image(asking.path_of(figure.image), figure.image.sha256, kind)
        for figure in view.figures
        if figure.image is not None and (kind := media_type(figure.image)) is not None
    )
    parts = [*_material(call.item, view, section), _task(call, view, section)]
    return Message("system", system), Message("user", "\n\n".join(parts), images)


def rewording_messages(
    call: Call, dialogue: Sequence[tuple[str, str]], language: Language, section: GenerateQA
) -> tuple[Message, ...]:
    """Return the messages of the second step of a conversation, which rewords its questions."""
    turns = "\n".join(f"Question: {question}\nAnswer: {answer}" for question, answer in dialogue)
    phrases = wording(language.code)
    task = "\n".join([phrases.pronouns.strip(), _pairs_wanted(len(dialogue)), phrases.line])
    system = _filled(read_yaml("templates/frame.yaml")["rewording_system"], {"about": _about(section)})
    user = f"{_document(call.item)}\n\n{_tagged('dialogue', turns)}\n\n{task}"
    return Message("system", system), Message("user", user)


def system_prompt(section: GenerateQA, reasoning: bool, has_figures: bool) -> str:
    """Return the system prompt that all questions of the run share; it contains no text of a document."""
    frame = read_yaml("templates/frame.yaml")
    lines = frame["system_lines"]
    paragraphs = [_filled(frame["system"], {"about": _about(section)}).rstrip()]
    paragraphs += [_filled(lines["persona"], {"persona": section.persona})] if section.persona else []
    picture_line = lines["figures" if has_figures else "no_figures"]
    paragraphs += [_filled(picture_line, {"image_policy": section.image_policy})]
    paragraphs += [lines["reasoning"]] if reasoning else []
    return "\n".join(paragraphs)


def _material(item: Item, view: View, section: GenerateQA) -> list[str]:
    parts = [_document(item), _tagged("section", _titled(item.title, view.text))]
    if view.partner is not None:
        text = window(shown_text(view.partner), section.max_section_chars)
        parts.append(_tagged("second_section", _titled(view.partner.title, text)))
    for other in view.related:
        parts.append(_tagged("related_section", _titled(other.title, window(shown_text(other), RELATED_CHARS))))
    if view.fact is not None:
        parts.append(_tagged("fact", view.fact.text))
    if view.figures:
        parts.append(_tagged("figures", "\n".join(_listed(figure) for figure in view.figures)))
    return parts


def _document(item: Item) -> str:
    """Return the document's title and its own description, in tags."""
    fields = [("title", item.document if item.kind == "section" else item.called)]
    fields += [(key, value) for key, value in item.meta.items() if key.lower() != "title"][:MAX_META_KEYS]
    return _tagged("document", "\n".join(f"{one_line(key)}: {one_line(value)}" for key, value in fields))


def _task(call: Call, view: View, section: GenerateQA) -> str:
    task = read_yaml("templates/frame.yaml")["task"]
    language = view.language
    words = {True: language.true, False: language.false}
    places = {"true": language.true, "false": language.false, "pairs": call.kind.quota}
    tasks = [_filled(instruction_of(call.kind, language).strip(), places), _pairs_wanted(call.kind.quota)]
    tasks.append(_filled(task["words"], {"words": answer_words(call, section)}))
    if view.truths:
        tasks.append(_filled(task["truths"], {"truths": ", ".join(words[truth] for truth in view.truths)}))
    return "\n".join([*tasks, wording(language.code).line])


def answer_words(call: Call, section: GenerateQA) -> int:
    """Return the maximum number of words in an answer."""
    return min(call.kind.answer_words or section.max_answer_words, section.max_answer_words)


def one_line(text: str) -> str:
    """Return a value on one line, cut to MAX_META_CHARS."""
    return " ".join(text.split())[:MAX_META_CHARS]


def _about(section: GenerateQA) -> str:
    about = read_yaml("templates/frame.yaml")["system_lines"]["about"]
    return _filled(about, {"domain": section.domain}) if section.domain else ""


def _pairs_wanted(pairs: int) -> str:
    task = read_yaml("templates/frame.yaml")["task"]
    return _filled(task["one" if pairs == 1 else "several"], {"pairs": pairs})


def _listed(figure: Figure) -> str:
    return f"{figure.token}: {one_line(figure.caption)}" if figure.caption.strip() else figure.token


def _titled(title: str, text: str) -> str:
    return f"Title: {one_line(title)}\n\n{text.strip()}" if title else text.strip()


def _tagged(tag: str, text: str) -> str:
    return f"<{tag}>\n{as_material(text)}\n</{tag}>"


def _filled(template: str, places: Mapping[str, Any]) -> str:
    """Fill the placeholders of a template in one pass; inserted text is not searched for further placeholders."""
    return _PLACE.sub(lambda found: str(places.get(found[1], found[0])), template)
