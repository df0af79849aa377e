"""Ask visitors' questions about exhibits with the published method, as free text.

Reads templates/visitor.yaml; writes nothing.
"""

import re
from collections.abc import Iterator
from functools import partial

from docent.llm.chat import ChatReply, ChatRequest, Material, Message
from docent.llm.structure.dialogue import UnusableReplyError, parse_dialogue, parse_shorter_dialogue
from docent.records import QAPair, Reject, make_id
from docent.stages.generate_qa.calls import Call, unwritten
from docent.stages.generate_qa.question_types import VISITOR, language_of, read_yaml
from docent.stages.generate_qa.views import Asking
from docent.teacher.offline import TEACHER
from docent.text.markdown.figures import with_descriptions
from docent.text.prompt_safety import as_material, restored, visible

TOKENS_PER_PAIR = 600
"""Maximum tokens per pair of a reply; 5 pairs get 3000 tokens, as in the published method."""
MAX_RAW_CHARS = 2000
NOT_WRITTEN = "not written by the offline teacher"
NO_MORE = "no more answers in the text"
"""Reason for missing visitors' pairs: the offline teacher asks no question twice about an exhibit."""
_PLACE = re.compile(r"\{(name|text)\}")


def request_for(call: Call, asking: Asking) -> ChatRequest:
    """Return the request of a call: prompt, and the same material in structured form for the offline teacher."""
    prompts, section = read_yaml("templates/visitor.yaml"), asking.section
    language = language_of(call.item.language, section).name
    text = visible(with_descriptions(call.item.text, call.item.figures))
    system = prompts["system"].format(pairs=section.pairs_per_call, words=section.max_answer_words, language=language)
    # The material must not close its own tag and continue as instructions.
    name = as_material(re.sub(r"[<>]", " ", visible(call.item.called)))
    # Filled in one pass, so that an exhibit named `{text}` keeps its name.
    places = {"name": name, "text": as_material(text)}
    user = _PLACE.sub(lambda place: places[place[1]], prompts["user"])
    return ChatRequest(
        messages=(Message("system", system), Message("user", user)),
        temperature=call.temperature,
        max_tokens=TOKENS_PER_PAIR * section.pairs_per_call,
        material=Material(
            name=visible(call.item.name),
            spoken_name=visible(call.item.spoken_name),
            text=text,
            temperatures=tuple(sorted(set(section.temperatures))),
            temperature=call.temperature,
            pairs=section.pairs_per_call,
            max_answer_words=section.max_answer_words,
            language=language,
            seed=asking.seed,
        ),
        problem_of=partial(problem_with, section.pairs_per_call),
    )


def problem_with(pairs: int, reply: ChatReply) -> str:
    """Return why a complete reply cannot be used, or "" if it can."""
    try:
        parse_dialogue(reply.text, pairs)
    except UnusableReplyError as error:
        return str(error)
    return ""


def rows_of(call: Call, reply: ChatReply, asking: Asking, teacher: str) -> Iterator[QAPair | Reject]:
    """Yield the pairs of one reply, and report missing ones."""
    item, wanted = call.item, asking.section.pairs_per_call
    if reply.error or reply.problem:
        pairs = [] if reply.error or not reply.whole else parse_shorter_dialogue(reply.text, wanted)
    else:
        pairs = parse_dialogue(reply.text, wanted)
    if not pairs:
        yield rejected(call, reply, teacher)
        return
    for index, pair in enumerate(pairs):
        question, answer = (restored(visible(text)) for text in pair)
        yield QAPair(
            id=make_id("generate-qa", (item.id,), call.temperature, index, question, answer),
            parents=(item.id,),
            item_id=item.id,
            item_name=item.name,
            question=question,
            answer=answer,
            question_type=VISITOR,
            language=language_of(item.language, asking.section).code,
            temperature=call.temperature,
            index=index,
            teacher=teacher,
            sources=(item.source,),
        )
    if missing := wanted - len(pairs):
        reason = NO_MORE if teacher == TEACHER else "fewer pairs than asked for"
        yield unwritten(call, reason, reply.text[:MAX_RAW_CHARS], reply.problem, missing)


def rejected(call: Call, reply: ChatReply, teacher: str) -> Reject:
    """Return the reject of a call whose reply contained no usable pair."""
    why = "refused by the teacher" if reply.error else "reply not usable"
    offline = NO_MORE if call.kind.name == VISITOR else NOT_WRITTEN
    reason = offline if teacher == TEACHER else why
    return unwritten(call, reason, reply.text[:MAX_RAW_CHARS], reply.error or reply.problem)
