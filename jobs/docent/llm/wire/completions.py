"""Parse the body of an HTTP 200: one chat completion in any of the forms that endpoints use, or an error.

Reads bytes; writes and sends nothing. Text is in `content` as a string or as a list of parts; thoughts are left out
wherever they are; errors come in place of the choices or inside one. endpoint.py maps errors to exceptions.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from docent.llm.structure.json_reply import one_line
from docent.llm.structure.lenient_json import read_json
from docent.llm.wire.event_stream import BrokenStreamError, is_stream, joined, without_keep_alive
from docent.llm.wire.finish_reasons import MAX_WORD_CHARS, is_whole, noted

THOUGHTS = frozenset(
    {"thinking", "redacted_thinking", "reasoning", "reasoning_content", "reasoning_text", "summary_text", "thought"}
)
"""Types of parts, and names of message fields, that hold thoughts."""
_KINDS = ("text", "refusal", "other")
_WITHOUT_CHOICES = ("error", "errors", "message", "msg", "detail", "code", "status_code")
"""An error that an endpoint sends without the field `error` has one of these fields."""
MOST_TOKENS = 10**9
"""More tokens than this are not plausible."""
MAX_DIGITS = 20


class NoCompletionError(ValueError):
    """Raised if the body contains neither a completion nor an error; the message describes it."""


class ErrorInReplyError(ValueError):
    """Raised if there is an error in place of a completion, or inside one.

    Args:
        error: the error as the endpoint sent it.
        begun: whether a part of a reply came before it, which may have been paid for.
    """

    def __init__(self, error: Any, begun: bool) -> None:
        super().__init__("an error inside of a reply")
        self.error, self.begun = error, begun


@dataclass(frozen=True, slots=True)
class Completion:
    """One reply.

    Attributes:
        finish_reason: the endpoint's value; for a reply without text, also which field has its words.
        refusal: the words with which the model declined, or "" if it did not.
        input_tokens: None if the endpoint does not report both counts; `output_tokens` likewise.
        usage_unreadable: whether it reports them in a form that cannot be parsed.
    """

    text: str
    finish_reason: str
    refusal: str
    input_tokens: int | None
    output_tokens: int | None
    usage_unreadable: bool


def read_completion(body: bytes) -> Completion:
    """Parse the completion in a body.

    Raises:
        NoCompletionError: it contains none.
        ErrorInReplyError: it contains an error instead.
    """
    body_object = _object_of(body)
    choices = body_object.get("choices")
    choice: Any = choices[0] if isinstance(choices, list) and choices else {}
    message: Any = choice.get("message") if isinstance(choice, dict) else None
    texts, refusals, others = _parts_of(message.get("content")) if isinstance(message, dict) else ([], [], [])
    text, finish_reason = _whole("".join(texts)), _finish_reason(choice) if isinstance(choice, dict) else ""
    used = _tokens_reported(body_object.get("usage"))
    error = _error_of(body_object, choice)
    if error is not None and not (text.strip() and finish_reason and is_whole(finish_reason)):
        raise ErrorInReplyError(error, bool(text) or bool(used and used[1]))
    if not isinstance(choices, list) or not isinstance(message, dict):
        raise NoCompletionError("the reply has no choices" if choices == [] else "the reply is not a chat completion")
    refused = message.get("refusal")
    refusal = _whole("".join([*refusals, refused if isinstance(refused, str) else ""]))
    where = "" if text.strip() else ", ".join(dict.fromkeys([*_elsewhere(message, finish_reason), *others]))
    unreadable = used is None and bool(body_object.get("usage"))
    sent, received = used or (None, None)
    return Completion(text, noted(finish_reason, where), refusal, sent, received, unreadable)


def _object_of(body: bytes) -> dict[str, Any]:
    body = without_keep_alive(body)
    try:
        value = joined(body) if is_stream(body) else read_json(body)
    except BrokenStreamError as error:
        raise NoCompletionError(f"the reply is {error}") from None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise NoCompletionError("the reply is not a chat completion")
    return value


def _whole(text: str) -> str:
    """Join surrogate pairs in a text, which JSON uses for some characters."""
    try:
        return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except ValueError:
        raise NoCompletionError("the reply is not a chat completion: it contains half of a surrogate pair") from None


def _parts_of(content: Any) -> tuple[list[str], list[str], list[str]]:
    """Return the texts, the refusals and descriptions of all other parts of `content`."""
    parts = content if isinstance(content, list) else [content]
    sorted_parts = [_sorted_part(part) for part in parts if part is not None]
    texts, refusals, others = ([words for kind, words in sorted_parts if kind == which] for which in _KINDS)
    return texts, refusals, others


def _sorted_part(part: Any) -> tuple[str, str]:
    """Return the kind of a part (one of `_KINDS`) and its text; for omitted content, only a description."""
    if isinstance(part, str):
        return "text", part
    if not isinstance(part, dict):
        raise NoCompletionError("the reply is not a chat completion")
    kind = str(part.get("type") or "text")
    text = part.get("text")
    text = text.get("value") if isinstance(text, dict) else text
    if kind in THOUGHTS or part.get("thought") is True:
        return "other", "parts with thoughts only"
    if kind == "refusal":
        return "refusal", str(part.get("refusal") or text or "")
    if kind in ("text", "output_text") and isinstance(text, str):
        return "text", text
    return "other", f"a part of type {kind[:MAX_WORD_CHARS]} only"


def _elsewhere(message: dict[str, Any], finish_reason: str) -> Iterable[str]:
    """Yield the fields that contain the words of a message without text, unless the finish reason explains them."""
    yield from (f"text in {name} only" for name in ("reasoning_content", "reasoning", "thinking") if message.get(name))
    if (message.get("tool_calls") or message.get("function_call")) and not finish_reason.startswith(("tool", "func")):
        yield "a tool call only"


def _finish_reason(choice: dict[str, Any]) -> str:
    details = choice.get("finish_details")
    detailed = details.get("type") if isinstance(details, dict) else None
    reason = choice.get("finish_reason") or detailed or choice.get("native_finish_reason") or ""
    return one_line(str(reason)[:MAX_WORD_CHARS].replace(";", " "))


def _error_of(completion: dict[str, Any], choice: Any) -> Any:
    """Return the error in a reply, or None if there is none; `{}` and a code of 0 are not errors."""
    for error in (completion.get("error"), choice.get("error") if isinstance(choice, dict) else None):
        if any(error.values()) if isinstance(error, dict) else error:
            return error
    if not completion.get("choices") and any(completion.get(name) for name in _WITHOUT_CHOICES):
        return completion
    return None


def _tokens_reported(usage: Any) -> tuple[int, int] | None:
    """Return the tokens of prompt and reply; None if one of them is not reported.

    One count alone would be taken as the total by the spending limits. Numbers written as text count, fractions are
    rounded up; values that are negative, too large or not numbers are ignored.

    Args:
        usage: the member `usage` of a completion, as JSON values.
    """
    if not isinstance(usage, dict):
        return None
    prompt, reply = _tokens(usage.get("prompt_tokens")), _tokens(usage.get("completion_tokens"))
    return None if prompt is None or reply is None else (prompt, reply)


def _tokens(value: Any) -> int | None:
    if isinstance(value, str) and len(value) <= MAX_DIGITS:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_TOKENS:
        return None
    return math.ceil(value)
