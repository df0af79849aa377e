"""Ask typed questions about sections: build the request of a call, check its reply, and build the rows.

Reads and writes nothing. If a reply has fewer pairs than requested, the client asks once for a correction; the usable
pairs of the last reply are kept, and missing ones are reported.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import partial

from docent.llm.chat import ChatReply, ChatRequest
from docent.llm.structure.json_reply import read_reply
from docent.llm.structure.typed import ReasonedPair, ReasonedReply, TypedMaterial, TypedPair, TypedReply
from docent.records import ImageFile, QAPair, Reject, make_id
from docent.stages.generate_qa.calls import Call, unwritten
from docent.stages.generate_qa.prompts import answer_words, messages_for
from docent.stages.generate_qa.views import Asking, View, shown_text, view_of, window
from docent.stages.generate_qa.visitor import MAX_RAW_CHARS, TOKENS_PER_PAIR, rejected
from docent.text.languages import truth_of
from docent.text.prompt_safety import restored, visible
from docent.text.sentences import plain
from docent.text.terms import length_in_words

BASE_TOKENS = 512
"""Number of tokens for the JSON around the pairs."""
BLANK = "___"
Pair = TypedPair | ReasonedPair


def request_for(call: Call, asking: Asking) -> ChatRequest:
    """Return the request of a call: prompt, pictures, and the same material in structured form (offline teacher)."""
    section = asking.section
    view = view_of(call, asking)
    per_pair = TOKENS_PER_PAIR * (2 if section.reasoning else 1)
    return ChatRequest(
        messages=messages_for(call, view, asking),
        temperature=call.temperature,
        max_tokens=BASE_TOKENS + per_pair * call.kind.quota,
        material=material_of(call, view, asking),
        schema=ReasonedReply if section.reasoning else TypedReply,
        problem_of=partial(problem_with, call, view, answer_words(call, section)),
    )


def material_of(call: Call, view: View, asking: Asking) -> TypedMaterial:
    """Return the input of the offline teacher."""
    near = [*([view.partner] if view.partner else []), *view.related]
    item = call.item
    return TypedMaterial(
        question_type=call.kind.name,
        name=item.document if item.kind == "section" else item.called,
        title=item.title,
        text=view.text,
        facts=tuple(visible(fact.text) for fact in view.facts),
        others=tuple((other.title, window(shown_text(other), asking.section.max_section_chars)) for other in near),
        figures=tuple((figure.token, figure.caption) for figure in view.figures),
        pairs=call.kind.quota,
        language=view.language.code,
        max_answer_words=answer_words(call, asking.section),
        seed=asking.seed,
        reasoning=asking.section.reasoning,
        truths=view.truths,
    )


def problem_with(call: Call, view: View, words: int, reply: ChatReply) -> str:
    """Return why a reply that fits its schema cannot be used unchanged, or "" if it can."""
    assert isinstance(reply.value, TypedReply | ReasonedReply)
    usable, problems = _sorted_out(call, view, words, reply.value.pairs)
    if len(usable) >= call.kind.quota:
        return ""
    wanted, count = call.kind.quota, len(reply.value.pairs)
    if count < wanted:
        return f"{count} pairs, {wanted} were asked for" + (f"; {problems[0]}" if problems else "")
    return problems[0]


def rows_of(call: Call, reply: ChatReply, asking: Asking, teacher: str) -> Iterator[QAPair | Reject]:
    """Yield the usable pairs of one reply; report unlisted figures and missing pairs."""
    view, words = view_of(call, asking), answer_words(call, asking.section)
    usable, problems = usable_pairs(call, view, words, reply)
    for position, pair in enumerate(usable):
        row, unknown = _row(call, view, position, pair, teacher)
        yield row
        for name in unknown:
            detail = f"{call.kind.name}: {call.about}: the pair was kept without it"
            yield Reject(reason="figure that was not listed", raw=name[:200], parents=(row.id,), detail=detail)
    if not usable:
        yield rejected(call, reply, teacher)
    elif missing := call.kind.quota - len(usable):
        why = reply.problem or (problems[0] if problems else "no more pairs in the reply")
        yield unwritten(call, "fewer pairs than asked for", reply.text[:MAX_RAW_CHARS], why, missing)


def usable_pairs(call: Call, view: View, words: int, reply: ChatReply) -> tuple[list[Pair], list[str]]:
    """Return the usable pairs of a reply, at most the quota, and the problems of the others."""
    value = reply.value
    if value is None and not reply.error and reply.whole:
        value = read_reply(reply.text, ReasonedReply).value or read_reply(reply.text, TypedReply).value
    if not isinstance(value, TypedReply | ReasonedReply):
        return [], []
    usable, problems = _sorted_out(call, view, words, value.pairs)
    return usable[: call.kind.quota], problems


def tidy(text: str) -> str:
    """Remove invisible characters and redundant white space; line breaks of lists and steps stay."""
    lines = (" ".join("".join(map(_printed, line)).split()) for line in restored(visible(text)).splitlines())
    return "\n".join(line for line in lines if line).replace("\u2019", "'")


def _printed(character: str) -> str:
    """Return the character, or a space for a control character; the remaining format characters are intended."""
    return character if character.isprintable() or unicodedata.category(character) == "Cf" else " "


def _sorted_out(call: Call, view: View, words: int, pairs: Sequence[Pair]) -> tuple[list[Pair], list[str]]:
    usable: list[Pair] = []
    problems: list[str] = []
    asked: set[str] = set()
    for number, pair in enumerate(pairs, 1):
        question = plain(pair.question)
        problem = "its question is a repetition" if question in asked else _problem(call, view, words, pair)
        asked.add(question)
        if problem:
            problems.append(f"pair {number}: {problem}")
        else:
            usable.append(pair)
    return usable, problems


def _problem(call: Call, view: View, words: int, pair: Pair) -> str:
    """Return what is wrong with a pair, or "" if nothing is."""
    answer = tidy(pair.answer)
    if not tidy(pair.question) or not answer:
        return "its question or answer is empty"
    if (length := length_in_words(answer)) > words:
        return f"its answer has {length} words, at most {words} were asked for"
    if call.kind.verbatim and plain(answer).rstrip(".") not in plain(view.text):
        return "its answer does not stand in the section word for word"
    truth, form = truth_of(answer, view.language), call.kind.form
    begins = f"its answer begins neither with {view.language.true} nor with {view.language.false}"
    if form == "boolean" and truth is None:
        return begins
    if form == "cloze" and BLANK not in pair.question:
        if truth is None:
            return f"there is no blank in its question, and {begins}"
        if truth is False and length_in_words(answer) < 3:
            return "its answer does not correct the false statement"
    return ""


def _row(call: Call, view: View, position: int, pair: Pair, teacher: str) -> tuple[QAPair, list[str]]:
    """Return the row of a pair, and the figure names in it that are not in the list."""
    item, kind = call.item, call.kind
    index = call.unit * kind.quota + position
    parents = (item.id, view.partner.id) if view.partner else (item.id,)
    question, answer = tidy(pair.question), tidy(pair.answer)
    figures, unknown = _named_figures(view, pair.figures)
    is_conversation = kind.form == "conversation"
    row = QAPair(
        id=make_id("generate-qa", parents, kind.name, call.temperature, index, question, answer),
        parents=parents,
        item_id=item.id,
        item_name=item.name,
        question=question,
        answer=answer,
        question_type=kind.name,
        difficulty=kind.difficulty,
        language=view.language.code,
        temperature=call.temperature,
        index=index,
        teacher=teacher,
        sources=view.sources,
        figures=figures,
        reasoning=tuple(filter(None, map(tidy, pair.reasoning_steps))) if isinstance(pair, ReasonedPair) else (),
        held_out=kind.held_out,
        conversation=make_id("conversation", (item.id,), kind.name, call.temperature) if is_conversation else "",
    )
    return row, unknown


def _named_figures(view: View, names: Sequence[str]) -> tuple[tuple[ImageFile, ...], list[str]]:
    """Return the distinct pictures that were named, in list order, and the names that are not in the list."""
    listed = {_bare(figure.token): figure.image for figure in view.figures}
    wanted = {_bare(name) for name in names}
    found = {image.sha256: image for token, image in listed.items() if token in wanted and image is not None}
    return tuple(found.values()), [name for name in dict.fromkeys(names) if name.strip() and _bare(name) not in listed]


def _bare(token: str) -> str:
    """Return a token without the braces and spaces around its name, which models often omit."""
    return token.strip().strip("{}").strip()
