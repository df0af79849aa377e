"""Generate conversations in two steps: write questions with full names, then reword them with pronouns.

Reads and writes nothing itself; both steps go through the client, so both are in the journal. Answers are kept from the
first step, because only that step includes the section.
"""

from collections.abc import Sequence
from functools import partial

from docent.llm.chat import ChatReply, ChatRequest
from docent.llm.structure.typed import TypedMaterial, TypedReply
from docent.records import QAPair, make_id
from docent.stages.generate_qa.calls import Call
from docent.stages.generate_qa.prompts import rewording_messages
from docent.stages.generate_qa.typed import BASE_TOKENS, tidy
from docent.stages.generate_qa.views import Asking
from docent.stages.generate_qa.visitor import TOKENS_PER_PAIR
from docent.text.languages import find_language


def rewording_request(call: Call, dialogue: Sequence[tuple[str, str]], code: str, asking: Asking) -> ChatRequest:
    """Build the request of the second step.

    Args:
        code: code of the language to write in.
    """
    language = find_language(code, "generate_qa.language")
    item = call.item
    return ChatRequest(
        messages=rewording_messages(call, dialogue, language, asking.section),
        temperature=call.temperature,
        max_tokens=BASE_TOKENS + TOKENS_PER_PAIR * len(dialogue),
        material=TypedMaterial(
            question_type=call.kind.name,
            name=item.document if item.kind == "section" else item.called,
            title=item.title,
            text="",
            facts=(),
            others=(),
            figures=(),
            pairs=len(dialogue),
            language=code,
            max_answer_words=asking.section.max_answer_words,
            seed=asking.seed,
            dialogue=tuple(dialogue),
        ),
        schema=TypedReply,
        problem_of=partial(problem_with, len(dialogue)),
    )


def problem_with(turns: int, reply: ChatReply) -> str:
    """Return why the questions of a reply cannot replace the original ones, or "" if they can."""
    assert isinstance(reply.value, TypedReply)
    if len(reply.value.pairs) != turns:
        return f"{len(reply.value.pairs)} turns, there are {turns}"
    return "" if all(tidy(pair.question) for pair in reply.value.pairs) else "an empty question"


def reworded(rows: Sequence[QAPair], reply: ChatReply) -> list[QAPair]:
    """Return the pairs with reworded questions, or unchanged if the reply is unusable."""
    if not isinstance(reply.value, TypedReply):
        return list(rows)
    found = []
    for row, pair in zip(rows, reply.value.pairs, strict=True):
        question = tidy(pair.question)
        new_id = make_id(
            "generate-qa", row.parents, row.question_type, row.temperature, row.index, question, row.answer
        )
        found.append(row.model_copy(update={"id": new_id, "question": question}))
    return found
