"""Long answers in English: summaries, steps, and paragraphs about one thing, each in the section's own sentences.

For the offline teacher. Tables count as the sentences that their cells give. Reads and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from docent.llm.offline_desk import Desk, Draft, is_telling
from docent.llm.offline_english import Asked, finished
from docent.llm.offline_english_pairs import asked_in, section_of, stands_alone, trimmed
from docent.llm.offline_grammar import DETERMINERS, as_inside, read_clause
from docent.llm.offline_source import Statement
from docent.llm.offline_verbs import BASES
from docent.text.sentences import plain

LONG_SENTENCES = (4, 3)
MIN_SUBJECT_CHARS, MAX_SUBJECT_WORDS, MIN_HEAD_CHARS = 3, 4, 5
MAX_STEPS, MIN_STEPS = 20, 2
_GENERIC = re.compile(
    r"(?:summary|overview|introduction|general|outlook|conclusions?|notes?|background|preface|foreword|"
    r"results?|discussion|about .*|"
    r"abstract|further .*|general .*|miscellaneous|appendix|contents|aims?|scope|purpose|how .*|what .*|"
    r"why .*|when .*|page.*|part.*)",
    re.IGNORECASE,
)
_INTRO = re.compile(
    r"^\W*(?:(?:to|in order to) ([a-z]+ (?:[^,:]|,(?! (?:proceed|follow|do|carry)))+?)(?:, (?:proceed|"
    r"follow|do|carry|take|perform) [^:]*)?|"
    r"(?:how to|proceed as follows to|follow these steps to|take these steps to) ([^:]+)|([a-z]+ (?:the|"
    r"an?) [^:]+?) (?:as follows|like this|in this "
    r"(?:order|way)|in these steps|in the following (?:order|way|steps)))\s*:?\s*$",
    re.IGNORECASE,
)


def _marked(text: str) -> str:
    return text if text[-1:] in ".!?:”" else f"{text}."


def process_workflow(desk: Desk) -> Iterator[Draft]:
    """Numbered steps in their order, asked for by what they lead to."""
    runs = _numbered_runs(desk)
    for run in runs:
        question = _steps_question(desk, run, is_only=len(runs) == 1)
        lines = step_lines(run)
        if question and MIN_STEPS <= len(lines) <= MAX_STEPS:
            yield Draft(question, "\n".join(lines), tuple(run))


def step_lines(run: Sequence[Statement]) -> list[str]:
    """Every step with all its sentences, counted from 1."""
    steps: dict[int, list[str]] = {}
    for statement in run:
        steps.setdefault(statement.block, []).append(_marked(statement.text))
    return [f"{number}. {' '.join(told)}" for number, told in enumerate(steps.values(), 1)]


def _steps_question(desk: Desk, run: Sequence[Statement], is_only: bool) -> str:
    """What the steps are for: by the sentence that leads to them, or else by the heading."""
    if found := _INTRO.match(_line_before(desk.material.text, run[0].text)):
        aim = next(filter(None, found.groups())).strip()
        aim = aim[0].lower() + aim[1:]
        is_aim = found[1] is not None or found[2] is not None or aim.split()[0] in BASES
        if is_aim and aim.split()[0] not in (*DETERMINERS, "be") and not re.search(r"\b(?:it|them|this|these)\b", aim):
            return _asked(desk, f"How do you {aim}?")
    if led := re.match(
        r"\W*((?:before|after|when|if) (?:you |[a-z]+ing |the )[^:,]{3,80}):\s*$",
        _line_before(desk.material.text, run[0].text),
        re.I,
    ):
        return _asked(desk, f"What should you do {led[1][0].lower()}{led[1][1:]}?")
    title = desk.material.title.strip("# .:")
    if not is_only or not title or not is_telling(title) or plain(title) == plain(desk.name):
        return ""
    title = re.sub(r"^(?:\d+(?:\.\d+)*\.?|[A-Z]\.) ", "", title)
    first, _, rest = title.partition(" ")
    inside = title if re.search(r"[A-Z]", title[1:2]) else title[0].lower() + title[1:]
    if found := re.match(r"how to (.+)", title, re.IGNORECASE):
        return _asked(desk, f"How do you {found[1]}?")
    if first.lower() in BASES and re.match(r"(?:the|an?|your|all|both|up|on|off) ", f"{rest} ") and rest:
        return _asked(desk, f"How do you {inside}?")
    if first.lower().endswith("ing") and rest:
        return _asked(desk, f"What are the steps for {inside}?")
    return f"Which steps does {desk.doc} give for {desk.words.quoted(title)}?"


def _asked(desk: Desk, question: str) -> str:
    asked = finished(Asked(question))
    return asked_in(asked.question, asked.general, desk.name, desk.doc)


def _line_before(text: str, first: str) -> str:
    """The last line before the first step."""
    begin = first[:40]
    found = text.replace("**", "").replace("`", "").find(begin)
    above = text.replace("**", "").replace("`", "")[: max(found, 0)].splitlines()
    lines = [line for line in above if re.search(r"[A-Za-z]{2}", line)]
    lines = [line for line in lines if not line.startswith("#")]
    if not lines:
        return ""
    last = lines[-1]
    return re.split(r"(?<=[.!?])\s+", last.strip())[-1]


def long_answer(desk: Desk) -> Iterator[Draft]:
    """Three or four sentences about one thing: those of a section that name it, or a paragraph with its heading."""
    made: dict[str, Draft] = {}
    for statement in desk.prose:
        clause = read_clause(statement.text) if stands_alone(statement) and not statement.label else None
        told = _naming(desk, clause.subject) if clause is not None and not clause.lead else []
        if clause is None or len(told) < min(LONG_SENTENCES) or told[0] != statement:
            continue
        subject = as_inside(clause.subject, desk.material.text)
        question = asked_in(f"What should you know about {subject}?", True, desk.name, desk.place)
        answer = desk.words.joined([_marked(trimmed(s.text) if stands_alone(s) else s.text) for s in told])
        made.setdefault(question, Draft(question, answer, tuple(told)))
    made |= {draft.question: draft for draft in _on_title(desk) if draft.question not in made}
    yield from desk.shuffled(list(made.values()))


def _naming(desk: Desk, subject: str) -> list[Statement]:
    """The sentences that name a thing, each with those behind it that go on about it with a pronoun; at most four."""
    bare = re.sub(r"^(?:the|an?|every|each|all|most) ", "", subject.lower())
    if len(bare) < MIN_SUBJECT_CHARS or len(bare.split()) > MAX_SUBJECT_WORDS:
        return []
    head = bare.split()[-1]
    told: list[Statement] = []
    for statement in desk.prose:
        last = told[-1] if told else None
        follows = last is not None and (statement.place, statement.block) == (last.place + 1, last.block)
        # Further on in its paragraph the last word is enough: `the fuse` behind `the thermal fuse`.
        named = head if follows and len(head) >= MIN_HEAD_CHARS else bare
        names = re.search(rf"\b{re.escape(named)}s?\b(?! [a-z]+(?:s|er|or)\b)", statement.folded)
        if (names and stands_alone(statement) and not statement.label) or (follows and _goes_on(statement.text)):
            told.append(statement)
    return told[: max(LONG_SENTENCES)]


def _on_title(desk: Desk) -> Iterator[Draft]:
    """A section that is one paragraph of three or four sentences, asked for by its heading."""
    title = re.sub(r"^(?:\d+(?:\.\d+)*\.?|[A-Z]\.) ", "", desk.material.title.strip("# .:"))
    told = [s for s in desk.every if s.kind == "sentence"]
    is_whole = len(desk.every) in LONG_SENTENCES and len(told) == len(desk.every) and len({s.block for s in told}) == 1
    is_whole = is_whole and all(s.asked for s in told) and stands_alone(told[0]) and not section_of(desk).rows
    is_topic = 1 <= len(title.split()) <= 4 and title.replace(" ", "").isalpha() and not _GENERIC.fullmatch(title)
    if is_whole and is_topic and plain(title) != plain(desk.name):
        inside = title if re.search(r"[A-Z]", title[1:]) else title[0].lower() + title[1:]
        question = asked_in(f"What should you know about {inside}?", True, desk.name, desk.doc)
        yield Draft(question, desk.words.joined([trimmed(told[0].text), *(s.text for s in told[1:])]), tuple(told))


def _goes_on(text: str) -> bool:
    return re.match(r"(?:It|They|Its|Their|This|These|He|She|His|Her)\b", text) is not None


def _numbered_runs(desk: Desk) -> list[list[Statement]]:
    """The numbered lists of a section, each whole and counted from 1, or with the same number at every item."""
    runs: list[list[Statement]] = []
    for step in (s for s in desk.every if s.kind == "step"):
        number = int(re.sub(r"\D", "", step.label))
        last = runs[-1][-1] if runs else None
        goes_on = last is not None and step.place == last.place + 1
        if goes_on and last is not None and number - int(re.sub(r"\D", "", last.label)) in (0, 1):
            runs[-1].append(step)
        else:
            runs.append([step])
    return [run for run in runs if int(re.sub(r"\D", "", run[0].label)) == 1 and len({s.block for s in run}) > 1]
