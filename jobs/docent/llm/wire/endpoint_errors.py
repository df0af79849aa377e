"""Parse errors of an endpoint: message, code, status, and whether a refusal concerns one prompt.

Reads bodies of replies that are not completions; writes and sends nothing. endpoint.py decides how to react.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from docent.resources import read_yaml

MAX_ERROR_CHARS = 4096
"""Most characters of an error's text that are searched."""
_STATUS_NAMES = ("code", "status", "status_code", "http_status", "error_code")
_WORDS = read_yaml(__package__, "endpoint_errors.yaml")
_STATUS_OF_CODE: dict[str, int] = {code: status for status, codes in _WORDS["codes"].items() for code in codes}
_MODERATION, _KEY, UNSUPPORTED = (
    re.compile("|".join(_WORDS[name]), re.IGNORECASE) for name in ("moderation", "key", "unsupported")
)
_OF_MODERATION = ("flagged_input", "reasons", "content_filter_result", "content_filter_results")
"""Details that only moderation adds: OpenRouter's `metadata`, Azure's `innererror`."""


@dataclass(frozen=True, slots=True)
class EndpointError:
    """One error of an endpoint.

    Attributes:
        message: its message, of any length; "a web page" for HTML.
        code: its code, or "" if it has none that is text.
        status: the HTTP status that it stands for, or None if it names none.
        param: the request field that it concerns, or "" if it names none.
        about: the subject of a refusal (HTTP 403); "unknown" if its words fit both or neither.
        text: the complete error as text, for searches.
    """

    message: str
    code: str = ""
    status: int | None = None
    about: Literal["prompt", "key", "unknown"] = "unknown"
    text: str = ""
    param: str = ""


def error_in(body: bytes) -> EndpointError:
    """Parse the error in the body of a reply, in any form."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        text = body[:MAX_ERROR_CHARS].decode(errors="replace")
        if text.lstrip()[:1] == "<":
            return EndpointError("a web page")
        return EndpointError(text, about=_about(text, {}), text=text)
    return error_of(value)


def error_of(value: Any) -> EndpointError:
    """Parse the error in parsed JSON: in `error` or at the top level."""
    error = value.get("error") or value.get("errors") or value if isinstance(value, dict) else value
    if isinstance(error, list) and error and isinstance(error[0], dict):
        error = error[0]
    try:
        text = json.dumps(error, ensure_ascii=False)[:MAX_ERROR_CHARS]
    except RecursionError:
        return EndpointError("an error that cannot be read")
    if not isinstance(error, dict):
        return EndpointError(str(error), about=_about(str(error), {}), text=text)
    message = str(next((error[name] for name in ("message", "detail", "msg", "error_msg") if error.get(name)), ""))
    code = next((value for name in ("code", "type") if isinstance(value := error.get(name), str)), "")
    about = _about(f"{code} {message}"[:MAX_ERROR_CHARS], error)
    param = error.get("param")
    return EndpointError(
        f"{message}{_details_of(error)}", code, _status_of(error), about, text, param if isinstance(param, str) else ""
    )


def _about(words: str, error: dict[str, Any]) -> Literal["prompt", "key", "unknown"]:
    """Return the subject of an error: by its details first, because the message may quote the prompt."""
    details = [error.get(name) for name in ("metadata", "innererror")]
    if any(isinstance(detail, dict) and any(detail.get(name) for name in _OF_MODERATION) for detail in details):
        return "prompt"
    about_prompt, about_key = bool(_MODERATION.search(words)), bool(_KEY.search(words))
    return "unknown" if about_prompt == about_key else "prompt" if about_prompt else "key"


def _status_of(error: dict[str, Any]) -> int | None:
    """Return the status of a numeric code, or the status that a named code stands for."""
    values = [error[name] for name in (*_STATUS_NAMES, "type") if error.get(name)]
    for value in values:
        if str(value).isascii() and str(value).isdigit() and 400 <= int(str(value)[:4]) <= 599:
            return int(str(value)[:4])
    return next((known for value in values if (known := _STATUS_OF_CODE.get(str(value).lower()))), None)


def _details_of(error: dict[str, Any]) -> str:
    """Return OpenRouter's details: the reasons of a moderation, and the message of the upstream server."""
    details = error.get("metadata")
    if not isinstance(details, dict):
        return ""
    reasons = details.get("reasons")
    reason = ", ".join(map(str, reasons)) if isinstance(reasons, list) else ""
    raw = details.get("raw")
    return "".join(f" ({piece})" for piece in (reason, raw if isinstance(raw, str) else "") if piece)
