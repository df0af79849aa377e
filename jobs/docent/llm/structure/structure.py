"""Request JSON from a model, which may not comply.

There are three ways, called rungs: the endpoint constrains the reply to the schema (`json_schema`), it constrains it to
JSON (`json_object`), or only the prompt asks for it (`prompt`). `choose_rung` finds the strictest one that an endpoint
really enforces; `read_reply` parses the reply on any rung. Reads, writes and sends nothing itself.
"""

import contextlib
import json
import re
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from docent.llm.chat import RequestRefusedError
from docent.llm.journal.records import Entry
from docent.llm.structure.json_reply import one_line
from docent.llm.structure.json_schema import strict_form
from docent.llm.wire.finish_reasons import is_whole
from docent.records import canonical_json

Rung = Literal["json_schema", "json_object", "prompt"]
RUNGS: tuple[Rung, ...] = get_args(Rung)
"""Strictest first."""
MAX_SHOWN_CHARS = 4_000
PROBE_QUESTION = "What is the capital of France, and how many letters has its name?"
"""Does not mention JSON; only an endpoint that reads the schema can reply with its fields."""
PROBE_MAX_TOKENS = 1_024
"""A reply takes about a dozen; a model that thinks first may need hundreds, and an unused limit costs nothing."""


class Probe(BaseModel):
    """What the probe asks for: its field names are told by the schema alone, so nobody hits on them by chance."""

    model_config = ConfigDict(extra="forbid")

    name_of_the_capital: str
    letters_in_the_name: int


def ask_for_json(body: dict[str, Any], schema: type[BaseModel], rung: Rung) -> dict[str, Any]:
    """Return a request body that asks for an object of a schema; `body` itself is not changed.

    The two native rungs set `response_format`. The two lower ones state the schema in the system message, which also
    contains the word JSON that endpoints require with `json_object`.
    """
    asking = dict(body)
    if rung == "json_schema":
        asking["response_format"] = response_format(schema)[0]
        return asking
    if rung == "json_object":
        asking["response_format"] = {"type": "json_object"}
    asking["messages"] = _instructed(body["messages"], _instruction(schema))
    return asking


@cache
def response_format(schema: type[BaseModel]) -> tuple[dict[str, Any], str]:
    """Return the `response_format` of the rung `json_schema`, and its canonical JSON. It is shared: never modify it."""
    form, strict = strict_form(schema)
    name = re.sub(r"[^A-Za-z0-9_-]", "_", schema.__name__)[:64]
    described = {"type": "json_schema", "json_schema": {"name": name, "schema": form, "strict": strict}}
    return described, canonical_json(described)


def correction(body: dict[str, Any], reply_text: str, problem: str) -> dict[str, Any]:
    """Return the body of the correction turn: the same request, the beginning of the reply, and its problem."""
    # Lone surrogates can be neither sent nor hashed; some endpoints refuse an empty turn.
    shown = reply_text[:MAX_SHOWN_CHARS].encode("utf-8", "replace").decode() if reply_text.strip() else "(nothing)"
    wish = f"This reply cannot be used: {one_line(problem)}. Answer again with the JSON object alone, complete, "
    turns = [
        {"role": "assistant", "content": shown},
        {"role": "user", "content": wish + "without Markdown and without a word before or after it."},
    ]
    return {**body, "messages": [*body["messages"], *turns]}


async def choose_rung(ask: Callable[[Rung], Awaitable[Entry]]) -> Rung:
    """Find the strictest rung that an endpoint supports, with at most two replies.

    Some endpoints refuse `response_format`, others accept and ignore it, so the reply decides: a request that is
    refused, or a reply that is cut by its length or is not the plain object requested, leads to the next rung. `prompt`
    is always possible and not tried.

    Args:
        ask: sends the probe on a rung.

    Raises:
        PipelineError: any error of `ask` except RequestRefusedError, for instance because the endpoint is down.
    """
    for rung in RUNGS[:-1]:
        with contextlib.suppress(RequestRefusedError, ValidationError):
            reply = await ask(rung)
            Probe.model_validate_json(reply.text, strict=True)  # plain JSON: no fences, no prose
            if is_whole(reply.finish_reason):
                return rung
    return RUNGS[-1]


@cache
def _instruction(schema: type[BaseModel]) -> str:
    form = json.dumps(strict_form(schema)[0], ensure_ascii=False, separators=(",", ":"))
    return (
        "Answer with one JSON object and nothing else: no Markdown, no words before or after it. "
        f"It has to fit this JSON Schema:\n{form}"
    )


def _instructed(messages: list[dict[str, Any]], instruction: str) -> list[dict[str, Any]]:
    """Append an instruction to the system message, which is added if there is none."""
    if not messages or messages[0]["role"] not in ("system", "developer"):
        return [{"role": "system", "content": instruction}, *messages]
    first, content = messages[0], messages[0]["content"]
    addition = f"\n\n{instruction}" if isinstance(content, str) else [{"type": "text", "text": instruction}]
    return [{**first, "content": content + addition}, *messages[1:]]
