"""Learn from refusals which request fields an endpoint does not accept, and leave them out.

Newer models refuse `max_tokens` and name `max_completion_tokens`; some accept no `temperature`. The request that
determines the journal's key is not changed; the request that is sent is derived from it here, so that replies are found
again whichever spelling the endpoint required. Reads and writes nothing but the log.
"""

import json
import logging
import re
from collections.abc import Container, Mapping
from typing import Any

from docent.errors import ConfigError
from docent.llm.wire.endpoint_errors import UNSUPPORTED, EndpointError
from docent.records import canonical_json

log = logging.getLogger("docent.llm")

_SETTINGS = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
ADAPTED: dict[str, str | None] = {"max_tokens": "max_completion_tokens", **dict.fromkeys(_SETTINGS)}
"""New name by field; None for settings that may be omitted, for which the model then uses its defaults."""


class Parameters:
    """The request fields that one endpoint does not accept.

    Args:
        extra_body: fields that the configuration adds to every request; they are never left out.
    """

    def __init__(self, extra_body: Mapping[str, Any]) -> None:
        self._extra_body = extra_body
        # As in ADAPTED: None for a field that is left out.
        self._changed: dict[str, str | None] = {}

    def sent(self, body: bytes) -> bytes:
        """Return a request in the form that this endpoint accepts."""
        if not self._changed:
            return body
        fields = json.loads(body)
        for old, new in self._changed.items():
            value = fields.pop(old, None)
            if new and value is not None:
                fields.setdefault(new, value)
        return canonical_json(fields).encode()

    def learn(self, error: EndpointError, fields: Container[str], said: str) -> bool:
        """Record the field that a rejection names; return whether to send the request again without it.

        Each new request lacks one more field, so repeating ends.

        Args:
            error: the error of HTTP 400 or 422.
            fields: the fields of the refused request.
            said: the error's message, without secrets, for the log.

        Raises:
            ConfigError: it names a field of `llm.extra_body`, which every request has.
        """
        if not UNSUPPORTED.search(error.text):
            return False
        for name, new in ADAPTED.items():
            is_meant = _names(error.text, new) if new else _is_about(error, name)
            if is_meant and name in fields and name not in self._extra_body:
                if name not in self._changed:
                    self._changed[name] = new
                    now = f"sent as {new}" if new else "left out, and the model uses its default"
                    log.warning("the endpoint does not accept %s, which is %s from now on: %s", name, now, said)
                return True
        for name, value in self._extra_body.items():
            if value is not None and _is_about(error, name):
                raise ConfigError(
                    f"the endpoint does not accept the field {name!r} of llm.extra_body: {said}",
                    "llm.extra_body",
                    f"remove {name} or set it to a value that the model accepts, then: docent run",
                )
        return False


def _is_about(error: EndpointError, name: str) -> bool:
    """Return whether an error concerns a field: by its `param`, or if its text names the field."""
    return error.param.rpartition(".")[2] == name if error.param else _names(error.text, name)


def _names(text: str, name: str) -> bool:
    """Return whether a text contains the name of a field as a separate word."""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text) is not None
