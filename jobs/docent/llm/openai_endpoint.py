"""One endpoint that speaks like OpenAI: what is sent to it, and what its answers and refusals mean.

Reads the key from the variable named by `llm.api_key_env` and pictures while they are sent; writes nothing. The key
appears in no message, whatever the endpoint repeats. Waiting and trying again are the client's affair.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from docent.config import Llm
from docent.errors import ConfigError
from docent.llm.chat import Answer, ChatRequest, Message, RequestRefusedError
from docent.llm.providers import KINDS, check_address, key_of
from docent.llm.retry import How, TryFailedError, retry_after_s
from docent.llm.transport import Reply, Transport
from docent.masking import mask

MAX_MESSAGE_CHARS = 300
MAX_READ_CHARS = 16_000
RETRIED_STATUS = frozenset({408, 409, 425, 429})
MOST_TOKENS = 10**9
"""A reply that claims more tokens says nothing."""
NO_CREDIT_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(BaseModel):
    """The part of a chat completion that is used; everything else is ignored."""

    choices: list[_Choice]
    usage: _Usage | None = None


class OpenAIEndpoint:
    """A chat endpoint; `transport` is opened by the first request.

    Raises:
        ConfigError: the key's variable is not set or holds no key, or the URL cannot be used.
    """

    name = "openai"

    def __init__(self, llm: Llm, environ: Mapping[str, str]) -> None:
        check_address(llm)
        self.llm, self.kind, self.teacher, self.base_url = llm, KINDS[llm.provider], llm.model, llm.base_url
        self._url, self.key = self.kind.url(llm), key_of(llm, environ)
        header, before = self.kind.key_header
        headers = {header: before + self.key} if self.key else {}
        self._transport = Transport(self._url, headers, llm.timeout_s, int(llm.max_reply_mb * 1e6))

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """The JSON that is sent, pictures by their hash; a field that `llm.extra_body` sets to null is left out."""
        llm = self.llm
        sampling = {
            "temperature": request.temperature,
            "top_p": llm.top_p,
            "frequency_penalty": llm.frequency_penalty,
            "presence_penalty": llm.presence_penalty,
            "max_tokens": request.max_tokens,
        }
        extra = self.kind.json_extra if request.schema and self.kind.json_extra else {}
        body = {"model": llm.model, "messages": [_sent(m) for m in request.messages], **sampling, **extra}
        return {name: value for name, value in {**body, **llm.extra_body}.items() if value is not None}

    async def send(self, body: bytes, request: ChatRequest) -> tuple[Answer, Mapping[str, str]]:
        """One try: the answer, and the headers that came with it.

        Raises:
            TryFailedError: for a reason that may pass.
            RequestRefusedError: this request will never be answered, others may be.
            ConfigError: key, model, address or credit: no request will be answered.
        """
        images = [image for message in request.messages for image in message.images]
        reply = await self._transport.post(body, images)
        return self.answer_of(reply), reply.headers

    def answer_of(self, reply: Reply) -> Answer:
        """What a reply says, however it came.

        Raises:
            TryFailedError, RequestRefusedError, ConfigError: as `send`.
        """
        if reply.status == 200:
            return self._answer(reply)
        raise self.refused(reply)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    def _answer(self, reply: Reply) -> Answer:
        try:
            completion = _Completion.model_validate_json(reply.body)
        except ValidationError:
            if "html" in reply.headers.get("Content-Type", "") or reply.body.lstrip()[:1] == b"<":
                raise TryFailedError(
                    "the reply is a web page, not JSON: a proxy or a login page answers in place of the endpoint"
                ) from None
            # Whatever it is, the endpoint takes it for an answer and may ask its price.
            raise TryFailedError("the reply is not a chat completion", "lost") from None
        if not completion.choices:
            raise TryFailedError("the reply has no choices", "lost")
        choice, usage = completion.choices[0], completion.usage or _Usage()
        if choice.message.refusal and not choice.message.content:
            raise RequestRefusedError(f"the model declined: {self.clean(choice.message.refusal)}")
        used = (usage.prompt_tokens, usage.completion_tokens)
        # Half of it would be taken for all of it by the spending limits.
        told = all(tokens is not None and 0 <= tokens <= MOST_TOKENS for tokens in used)
        return Answer(choice.message.content or "", choice.finish_reason or "", *(used if told else (None, None)))

    def refused(self, reply: Reply) -> Exception:
        """What a status other than 200 means."""
        status, (said, code) = reply.status, _error_of(reply.body)
        where, said = f"{self.base_url} (HTTP {status})", self.clean(said)
        if 300 <= status < 400:
            host = self.clean(urlsplit(reply.headers.get("Location", "")).hostname or "another address")
            return ConfigError(
                f"the endpoint sends requests on to {host}; they are not followed, for the key would go there as well",
                where,
                "set llm.base_url to the address that answers itself",
            )
        if status in (401, 403):
            return ConfigError(
                f"the endpoint refuses the key in the variable {self.llm.api_key_env}",
                where,
                f"set {self.llm.api_key_env} to a key that may use {self.llm.model}, then: docent run",
            )
        if status == 402 or code in NO_CREDIT_CODES:
            return ConfigError(f"the endpoint says the account has no credit: {said}", where, "add credit")
        if status in (404, 405):
            return ConfigError(
                f"the endpoint does not know the model {self.llm.model!r} or the path: {said}",
                where,
                "check llm.model and llm.base_url (it usually ends with /v1)",
            )
        if status in RETRIED_STATUS or status >= 500:
            how: How = "busy" if status == 429 else "failed"
            return TryFailedError(f"HTTP {status}: {said}", how, retry_after_s(reply.headers), reply.headers)
        return RequestRefusedError(f"HTTP {status}: {said}")

    def clean(self, text: str) -> str:
        """A message of the endpoint, short, in one line and without the key, whatever the endpoint repeats."""
        text = mask(text[:MAX_READ_CHARS])
        printable = "".join(c if c.isprintable() else " " for c in text[: 10 * MAX_MESSAGE_CHARS])
        return " ".join(printable.split())[:MAX_MESSAGE_CHARS]


def _sent(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.content}
    pictures = [{"type": "image_url", "image_url": {"url": f"sha256:{image.sha256}"}} for image in message.images]
    return {"role": message.role, "content": [{"type": "text", "text": message.content}, *pictures]}


def _error_of(body: bytes) -> tuple[str, str]:
    """The message and the code of an error, whatever shape it has."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        text = body[:4096].decode(errors="replace")
        return "a web page" if text.lstrip()[:1] == "<" else text, ""
    error = found.get("error", found) if isinstance(found, dict) else found
    if not isinstance(error, dict):
        return str(error), ""
    return str(error.get("message") or error.get("detail") or ""), str(error.get("code") or "")
