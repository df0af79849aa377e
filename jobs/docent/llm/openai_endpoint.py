"""The provider `openai`: any OpenAI-compatible endpoint (OpenAI, Azure, OpenRouter, vLLM, LMDeploy).

One request is tried up to `llm.max_attempts` times: refused connections, timeouts, broken replies, 408, 409, 425, 429
and 5xx are tried again after a random wait that doubles its bound (full jitter), or after what `Retry-After` says.
The key is read from the variable named by `llm.api_key_env` and appears in no message.
"""

from __future__ import annotations

import asyncio
import email.utils
import math
import random
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from openai import APIConnectionError, APIError, APIStatusError, AsyncOpenAI
from pydantic import BaseModel, ValidationError

from docent.config import Llm
from docent.errors import ConfigError, StoppedError, TemporaryError
from docent.llm.chat import ChatReply, ChatRequest

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
MAX_MESSAGE_CHARS = 300
RETRIED_STATUS = frozenset({408, 409, 425, 429})
NO_CREDIT_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Completion(BaseModel):
    """The part of a chat completion that is used; everything else is ignored."""

    choices: list[_Choice]
    usage: _Usage | None = None


class _TryAgainError(Exception):
    """One try failed for a reason that may pass; `wait_s` is what the endpoint asked for."""

    def __init__(self, why: str, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.wait_s = wait_s


class OpenAIEndpoint:
    """A chat endpoint.

    Raises:
        ConfigError: the key's variable is not set or holds no key, or the URL cannot be used.
    """

    name = "openai"

    def __init__(self, llm: Llm, environ: Mapping[str, str]) -> None:
        self.llm, self.teacher, self.base_url = llm, llm.model, llm.base_url
        parts = urlsplit(llm.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ConfigError(
                "llm.base_url is not the address of an endpoint",
                "llm.base_url",
                "write it as https://host/v1; a key belongs into the variable named by llm.api_key_env",
            )
        self._key = environ.get(llm.api_key_env, "").strip()
        if not self._key:
            raise ConfigError(
                f"the variable {llm.api_key_env} holds no key for {llm.base_url}",
                "llm.api_key_env",
                f"export {llm.api_key_env}=... (any word where the endpoint needs no key), then: docent run",
            )
        if not (self._key.isascii() and self._key.isprintable()):
            raise ConfigError(
                f"the key in the variable {llm.api_key_env} has characters that no key has, such as a line break",
                "llm.api_key_env",
                f"set {llm.api_key_env} again, then: docent run",
            )
        self._client: AsyncOpenAI | None = None

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """The JSON that is sent."""
        return {
            "model": self.llm.model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
        }

    async def send(self, request: ChatRequest, closing: asyncio.Event) -> ChatReply:
        """One reply, tried again where that may help; a 400 becomes a reply with `error`."""
        why = ""
        for attempt in range(1, self.llm.max_attempts + 1):
            try:
                return await self._try(self.body(request))
            except _TryAgainError as failed:
                why = str(failed)
                if attempt < self.llm.max_attempts:
                    await _pause(wait_s(attempt, failed.wait_s), closing)
        raise TemporaryError(
            f"the endpoint gave no reply in {self.llm.max_attempts} tries; the last: {why}",
            self.base_url,
            "check that it runs and llm.base_url is right, then: docent run (replies so far are kept)",
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _try(self, body: dict[str, Any]) -> ChatReply:
        if self._client is None:
            self._client = AsyncOpenAI(
                api_key=self._key, base_url=self.base_url, timeout=self.llm.timeout_s, max_retries=0
            )
        try:
            async with asyncio.timeout(self.llm.timeout_s):
                raw = await self._client.chat.completions.with_raw_response.create(**body)
        except TimeoutError:
            raise _TryAgainError(f"no reply within {self.llm.timeout_s:g} s") from None
        except APIStatusError as error:
            return self._refused(error)
        except APIConnectionError as error:
            raise _TryAgainError(self._clean(str(error.__cause__ or error))) from None
        except APIError as error:
            raise _TryAgainError(self._clean(error.message)) from None
        try:
            return _reply(_Completion.model_validate_json(raw.http_response.content))
        except ValidationError:
            raise _TryAgainError("the reply is not a chat completion") from None

    def _refused(self, error: APIStatusError) -> ChatReply:
        """What a status of 4xx or 5xx means."""
        told = error.body.get("message") if isinstance(error.body, dict) else None
        status, said = error.status_code, self._clean(str(told or error.message))
        where = f"{self.base_url} (HTTP {status})"
        if status in (401, 403):
            raise ConfigError(
                f"the endpoint refuses the key in the variable {self.llm.api_key_env}",
                where,
                f"set {self.llm.api_key_env} to a key that may use {self.llm.model}, then: docent run",
            ) from None
        if status == 402 or error.code in NO_CREDIT_CODES:
            raise ConfigError(f"the endpoint says the account has no credit: {said}", where, "add credit") from None
        if status == 404:
            raise ConfigError(
                f"the endpoint does not know the model {self.llm.model!r} or the path: {said}",
                where,
                "check llm.model and llm.base_url (it usually ends with /v1)",
            ) from None
        if status in RETRIED_STATUS or status >= 500:
            raise _TryAgainError(f"HTTP {status}: {said}", retry_after_s(error.response.headers)) from None
        return ChatReply("", "refused", error=f"HTTP {status}: {said}")

    def _clean(self, text: str) -> str:
        """A message of the endpoint, short, in one line and without the key, whatever the endpoint repeats."""
        printable = "".join(c if c.isprintable() else " " for c in text.replace(self._key, "***"))
        return " ".join(printable.split())[:MAX_MESSAGE_CHARS]


def wait_s(attempt: int, asked_for_s: float | None) -> float:
    """Seconds before the next try: what the endpoint asked for and a little, or full jitter below a doubling bound."""
    bound_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (attempt - 1))
    jitter_s = random.uniform(0, bound_s)  # decides when, never what: no row depends on it
    return jitter_s if asked_for_s is None else min(asked_for_s, LONGEST_WAIT_S) + jitter_s / 10


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for, given as a number or as a date; None where it says nothing usable."""
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    return None if math.isnan(seconds) else max(0.0, seconds)


def _reply(completion: _Completion) -> ChatReply:
    if not completion.choices:
        raise _TryAgainError("the reply has no choices")
    choice, usage = completion.choices[0], completion.usage or _Usage()
    return ChatReply(
        text=choice.message.content or "",
        finish_reason=choice.finish_reason or "",
        input_tokens=max(0, usage.prompt_tokens),
        output_tokens=max(0, usage.completion_tokens),
    )


async def _pause(seconds: float, closing: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(closing.wait(), seconds)
    except TimeoutError:
        return
    raise StoppedError("stopped while waiting for the endpoint", next_step="docent run")
