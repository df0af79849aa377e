"""Write questions for the numbered steps of an English section, by their aim.

A list is quoted in full, with every sentence of its steps. Reads and writes nothing.
"""

import re
from collections.abc import Iterator, Sequence

from docent.teacher.english.grammar.clarity import with_document
from docent.teacher.english.grammar.clauses import DETERMINERS
from docent.teacher.english.grammar.instructions import is_order
from docent.teacher.english.grammar.question import Question, finished
from docent.teacher.english.grammar.verbs import BASES
from docent.teacher.english.section import EnglishSection
from docent.teacher.section import Draft, is_telling
from docent.teacher.source.blocks import Block, blocks_of
from docent.teacher.source.words import ENGLISH
from docent.text.sentences import count_words, plain

# One step is not a procedure; more than 20 are not an answer that people would read.
MAX_STEPS, MIN_STEPS = 20, 2
_INTRO = re.compile(ENGLISH["step_leads"])
# Content of another part of the document.
_ELSEWHERE = re.compile(ENGLISH["said_elsewhere"])
_NUMBERED = re.compile(r"^ {0,3}\d{1,2}[.)] ", re.MULTILINE)
_LEAD = re.compile(r"\W*((?:before|after|when|if) (?:you |[a-z]+ing |the )[^:,]{3,80}):\s*$", re.IGNORECASE)


def process_workflow(section: EnglishSection) -> Iterator[Draft]:
    """Yield the numbered steps in order, with a question that names their aim."""
    blocks = blocks_of(section.material.text, "", section.words)
    leads = ["", *(block.parts[-1] if block.kind == "paragraph" else "" for block in blocks)]
    counted = len(_NUMBERED.findall(section.material.text))
    if counted > sum(len(block.parts) for block in blocks if block.kind == "steps"):
        return  # a list that is interrupted by a note continues after it
    lists = [(block.parts, lead) for block, lead in zip(blocks, leads, strict=False) if block.kind == "steps"]
    is_all = len(lists) == 1 and not _goes_on(blocks) and _is_most(blocks)
    for steps, lead in lists:
        # The sentence before the steps may say that they apply to a part of what the heading names.
        is_of_a_part = lead.endswith(":") and not re.search(r"\b(?:follow\w*|steps?|proceed|order)\b", lead)
        question = _question(section, lead, is_all and not is_of_a_part)
        if any(_ELSEWHERE.search(step) for step in steps):
            continue
        if question and MIN_STEPS <= len(steps) <= MAX_STEPS:
            evidence = (s for s in section.every if s.kind == "step" and any(s.text in step for step in steps))
            yield Draft(question, "\n".join(step_lines(steps)), tuple(evidence))


def _goes_on(blocks: Sequence[Block]) -> bool:
    """Check whether the text after the last step contains further instructions."""
    last = max(place for place, block in enumerate(blocks) if block.kind == "steps")
    behind = [part for block in blocks[last + 1 :] if block.kind == "paragraph" for part in block.parts]
    return any(is_order(part) or re.match(r"(?:Then|Finally|Next|After that|Afterwards)\b", part) for part in behind)


def _is_most(blocks: Sequence[Block]) -> bool:
    """Check whether the steps have at least half of the words of the section."""
    words = [(block.kind, sum(map(count_words, block.parts))) for block in blocks]
    return 2 * sum(count for kind, count in words if kind == "steps") >= sum(count for _, count in words)


def step_lines(steps: Sequence[str]) -> list[str]:
    """Return the steps, numbered from 1."""
    return [f"{number}. {marked(step)}" for number, step in enumerate(steps, 1)]


def marked(text: str) -> str:
    """Return a text with a full stop or another mark at its end."""
    return text if text[-1:] in ".!?:”" else f"{text}."


def _question(section: EnglishSection, lead: str, is_all: bool) -> str:
    """Return the question for the steps: by the sentence that introduces them, or else by the heading.

    Args:
        is_all: whether the steps are the complete procedure that the heading names.
    """
    if aim_of := _INTRO.match(lead):
        aim = next(filter(None, aim_of.groups())).strip()
        aim = aim[0].lower() + aim[1:]
        is_aim = aim_of[1] is not None or aim_of[2] is not None or aim.split()[0] in BASES
        if is_aim and aim.split()[0] not in (*DETERMINERS, "be") and not re.search(r"\b(?:it|them|this|these)\b", aim):
            return _with_document(section, f"How do you {aim}?")
    if led := _LEAD.match(lead):
        return _with_document(section, f"What should you do {led[1][0].lower()}{led[1][1:]}?")
    return _by_title(section) if is_all else ""


def _by_title(section: EnglishSection) -> str:
    """Return the question for the steps that names the heading."""
    title = section.material.title.strip("# .:")
    if not title or not is_telling(title) or plain(title) == plain(section.name):
        return ""
    title = re.sub(r"^(?:\d+(?:\.\d+)*\.?|[A-Z]\.) ", "", title)
    first, _, rest = title.partition(" ")
    inside = title if re.search(r"[A-Z]", title[1:2]) else title[0].lower() + title[1:]
    if how_to := re.match(r"how to (.+)", title, re.IGNORECASE):
        return _with_document(section, f"How do you {how_to[1]}?")
    if first.lower() in BASES and re.match(r"(?:the|an?|your|all|both|up|on|off) ", f"{rest} ") and rest:
        return _with_document(section, f"How do you {inside}?")
    is_object = re.match(r"(?:the|an?|your|all) ", rest) is not None  # as in `Opening the case`
    if not is_object and re.match(r"(?:missing|existing|remaining|opening|working|running|training)$", first, re.I):
        return ""  # `Missing children` is nothing that people do
    if first.lower().endswith("ing") and rest:
        return _with_document(section, f"What are the steps for {inside}?")
    if not title.endswith("ing"):
        return ""  # `Hardness`, `Your kit`
    return f"Which steps does {section.doc} give for {section.words.quoted(title)}?"


def _with_document(section: EnglishSection, question: str) -> str:
    asked = finished(Question(question))
    return with_document(asked.question, section.name, section.doc)
