"""Answer generate-qa's prompts about sections with valid pairs, built from the section's own sentences.

Reads and writes no files; used by `endpoint.py` with the setting `typed`. The prompt states how many pairs are wanted,
how long answers may be and further constraints; the answer meets all of them, so that missing rows in a run are never
the endpoint's fault.
"""

from __future__ import annotations

import json
import re
from typing import Any

_WANTED = re.compile(r"Write exactly (\d+) pairs?")
_WORDS = re.compile(r"An answer has at most (\d+) words")
_TRUTHS = re.compile(r"The answers begin, in turn, with: (.+)\.")
_TURN = re.compile(r"^Question: (.*)\nAnswer: (.*)$", re.MULTILINE)


def typed_answer(messages: list[dict[str, Any]], mark: str, reasoned: bool, short: int) -> str:
    """Return the JSON for one request.

    Args:
        mark: text that makes this request's questions differ from those of other requests.
        reasoned: whether every pair has reasoning steps.
        short: number of pairs to leave out.
    """
    prompt = text_of(next(message for message in messages if message["role"] == "user"))
    count = int(_WANTED.findall(prompt)[-1]) - short
    if dialogue := between(prompt, "dialogue"):
        turns = _TURN.findall(dialogue)[: max(count, 0)]
        pairs = [
            pair("And what of it, then?" if at else question, answer) for at, (question, answer) in enumerate(turns)
        ]
    else:
        pairs = [section_pair(prompt, at, mark) for at in range(count)]
    if reasoned:
        pairs = [{**one, "reasoning_steps": ["The section says so.", "So it holds."]} for one in pairs]
    return json.dumps({"pairs": pairs}, ensure_ascii=False)


def visitor_answer(messages: list[dict[str, Any]], mark: str) -> str:
    """Return a dialogue of visitors and a guide with as many pairs as the system message asks for."""
    count = int(re.findall(r"Write exactly (\d+) pairs", text_of(messages[0]))[-1])
    description = between(text_of(messages[1]), "description").replace("\n", " ")
    letters = "abcdefghijklmnopqrst"
    pairs = [
        f"[Visitor]: What is told here, {mark} {letters[at]}?\n[Guide]: Telling {letters[at]}: {description}"
        for at in range(count)
    ]
    return "\n\n".join(pairs)


def section_pair(prompt: str, at: int, mark: str) -> dict[str, Any]:
    """Return one pair built from one sentence of the section."""
    section = between(prompt, "section").partition("\n\n")[2] or between(prompt, "section")
    sentences = re.findall(r"[^.!?]+[.!?]", section) or [section]
    answer = " ".join((between(prompt, "fact") or sentences[at % len(sentences)]).split())
    most = int(_WORDS.findall(prompt)[-1])
    question = f"What is said about matter {mark} number {at + 1}?"
    if truths := _TRUTHS.search(prompt):
        answer = f"{truths[1].split(', ')[at]}. {answer}"
    elif "____" in prompt:
        question = f"Fill the blank of {mark}: ____ {' '.join(answer.split()[1:])}"
    figure = re.search(r"^(\S+?)(?:: .*)?$", between(prompt, "figures"), re.MULTILINE)
    return pair(question, " ".join(answer.split()[:most]), [figure[1]] if figure else [])


def pair(question: str, answer: str, figures: list[str] | None = None) -> dict[str, Any]:
    """Return one pair as the schema defines it."""
    return {"question": question, "answer": answer, "figures": figures or []}


def between(prompt: str, tag: str) -> str:
    """Return the text between the first opening tag and its closing tag, "" if there is none."""
    match = re.search(rf"^<{tag}>\n(.*?)\n</{tag}>$", prompt, re.DOTALL | re.MULTILINE)
    return match[1].strip() if match else ""


def text_of(message: dict[str, Any]) -> str:
    """Return the text of a message with or without pictures."""
    content = message["content"]
    return content if isinstance(content, str) else next(part["text"] for part in content if part["type"] == "text")
