"""Communicate with one OpenAI-compatible endpoint: build requests, interpret replies and errors.

Reads the key from the variable named by `llm.api_key_env`, and images while they are sent; writes nothing. The key
appears in no message, whatever the endpoint echoes. Waiting and retrying are left to the client.
"""

import json
import logging
from collections.abc import Container, Mapping
from typing import Any
from urllib.parse import urlsplit

from docent.config.llm import Llm
from docent.errors import ConfigError
from docent.llm.chat import ChatRequest, Message, RequestRefusedError
from docent.llm.journal.records import Entry
from docent.llm.pace.retry import How, TryFailedError
from docent.llm.structure.json_reply import one_line
from docent.llm.wire.completions import ErrorInReplyError, NoCompletionError, read_completion
from docent.llm.wire.endpoint_errors import EndpointError, error_in, error_of
from docent.llm.wire.header_numbers import retry_after_s
from docent.llm.wire.parameters import Parameters
from docent.llm.wire.providers import KINDS, base_of, check_address, key_of, url_of
from docent.llm.wire.transport import Reply, Transport
from docent.messages.masking import MASK, MIN_SECRET_CHARS, mask

log = logging.getLogger("docent.llm")

MAX_READ_CHARS = 16_000
MAX_LOCATION_CHARS = 2000
RETRIED_STATUS = frozenset({408, 409, 425, 429})
PARAMETER_STATUS = frozenset({400, 422})
NO_CREDIT_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


class OpenAIEndpoint:
    """A chat endpoint; its connections are opened by the first request.

    Attributes:
        has_answered: whether it has ever answered, also in an earlier run: a refusal without a reason may then concern
            one request only.

    Raises:
        ConfigError: the key's variable is not set or holds no key, or the URL is invalid.
    """

    name = "openai"

    def __init__(self, llm: Llm, environ: Mapping[str, str]) -> None:
        check_address(llm)
        self.llm, self.kind, self.teacher, self.base_url = llm, KINDS[llm.provider], llm.model, base_of(llm)
        self._url, self.key = url_of(llm), key_of(llm, environ)
        self.parameters = Parameters(llm.extra_body)
        self.has_answered = False
        header, before = self.kind.key_header
        headers = {header: before + self.key} if self.key else {}
        self._has_warned_of_usage = False
        self._transport = Transport(self._url, headers, llm.timeout_s, int(llm.max_reply_mb * 1e6))

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """Return the JSON to send, images replaced by hashes, without fields that `llm.extra_body` sets to null."""
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

    async def send(self, body: bytes, request: ChatRequest) -> tuple[Entry, Mapping[str, str]]:
        """Make one try; return the answer and the headers that came with it.

        Raises:
            TryFailedError: the try failed for a reason that may be temporary.
            RequestRefusedError: this request will never be answered, but others may be.
            ConfigError: key, model, URL or credit: no request will be answered.
        """
        images = [image for message in request.messages for image in message.images]
        while True:
            sent = self.parameters.sent(body)
            reply = await self._transport.post(sent, images)
            if not _may_name_a_field(reply) or not self.takes_otherwise(reply, json.loads(sent)):
                return self.answer_of(reply), reply.headers

    def takes_otherwise(self, reply: Reply, fields: Container[str]) -> bool:
        """Return whether a reply rejects only a field of the request, which may be sent again without that field.

        Args:
            fields: the fields of the request.

        Raises:
            ConfigError: the field is one of `llm.extra_body`.
        """
        if not _may_name_a_field(reply):
            return False
        error = error_in(reply.body)
        return self.parameters.learn(error, fields, self.clean(error.message))

    def answer_of(self, reply: Reply) -> Entry:
        """Return the answer in a reply, online or from a batch.

        Raises:
            TryFailedError, RequestRefusedError, ConfigError: as `send`.
        """
        if reply.status != 200:
            raise self.refused(reply)
        answer = self._answer(reply)
        self.has_answered = True
        return answer

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    def _answer(self, reply: Reply) -> Entry:
        try:
            completion = read_completion(reply.body)
        except NoCompletionError as error:
            if "html" in reply.headers.get("Content-Type", "") or reply.body.lstrip()[:1] == b"<":
                raise TryFailedError(
                    "the reply is a web page, not JSON: a proxy or a login page answers in place of the endpoint"
                ) from None
            # Whatever it is, the endpoint considers it an answer and may charge for it.
            raise TryFailedError(str(error), "lost") from None
        except ErrorInReplyError as found_error:
            raise self._error_in_reply(found_error, reply.headers) from None
        if completion.refusal and not completion.text:
            raise RequestRefusedError(f"the model declined: {self.clean(completion.refusal)}")
        if completion.usage_unreadable and not self._has_warned_of_usage:
            self._has_warned_of_usage = True
            log.warning("cannot parse the token usage that the endpoint reports: it counts as unknown")
        text, finish_reason = self._without_key(completion.text), mask(completion.finish_reason)
        return Entry(text, finish_reason, completion.input_tokens or 0, completion.output_tokens or 0)

    def _without_key(self, text: str) -> str:
        """Mask the key in a text of the endpoint, which may repeat the request's headers."""
        if len(self.key) < MIN_SECRET_CHARS or self.key not in text:
            return text
        log.warning("a reply of the endpoint contains the API key, which is replaced by ***")
        return text.replace(self.key, MASK)

    def _error_in_reply(self, inner: ErrorInReplyError, headers: Mapping[str, str]) -> Exception:
        """Return the exception for an error in a reply with HTTP 200, by the status that the error contains."""
        error = error_of(inner.error)
        if error.status is None:
            words = self.clean(error.message or error.text)
            return TryFailedError(f"HTTP 200 with an error: {words}", "lost" if inner.begun else "failed")
        meant = self._meaning(error.status, error, headers, f"HTTP {error.status} in a reply with HTTP 200")
        if isinstance(meant, TryFailedError) and inner.begun:
            meant.how = "lost"
        return meant

    def refused(self, reply: Reply) -> Exception:
        """Return the exception for a status other than 200."""
        if 300 <= reply.status < 400:
            # Masked before the host is converted to lower case.
            location = mask(reply.headers.get("Location", "")[:MAX_LOCATION_CHARS])
            host = self.clean(_host_of(location))
            return ConfigError(
                f"the endpoint redirects requests to {host}, which docent does not follow: it would send the key there",
                f"{self.base_url} (HTTP {reply.status})",
                "set llm.base_url to the address that replies without a redirect",
            )
        return self._meaning(reply.status, error_in(reply.body), reply.headers, f"HTTP {reply.status}")

    def _meaning(self, status: int, error: EndpointError, headers: Mapping[str, str], status_text: str) -> Exception:
        """Return the exception for an error that concerns this try, this request, or all requests.

        Args:
            status_text: the status as shown in messages.
        """
        where, words = f"{self.base_url} ({status_text})", self.clean(error.message)
        if status == 401 or status == 403 and error.about != "prompt":
            if status == 403 and error.about == "unknown" and self.has_answered:
                # The key was accepted before; the sender finds out whether other requests still get replies.
                return TryFailedError(f"{status_text}: {words}")
            return ConfigError(
                f"the endpoint rejected the key in the variable {self.llm.api_key_env}"
                + (f": {words}" if words else ""),
                where,
                f"set {self.llm.api_key_env} to a key with access to {self.llm.model}, then: docent run",
            )
        if status == 402 or error.code in NO_CREDIT_CODES:
            return ConfigError(f"the account has no credit: {words}", where, "add credit to the account")
        if status in (404, 405):
            return ConfigError(
                f"the endpoint does not have the model {self.llm.model!r}, or llm.base_url is wrong: {words}",
                where,
                "check llm.model and llm.base_url (it usually ends with /v1)",
            )
        if status in RETRIED_STATUS or status >= 500:
            how: How = "busy" if status == 429 else "failed"
            return TryFailedError(f"{status_text}: {words}", how, retry_after_s(headers), headers)
        by = ", refused by the endpoint's moderation" if error.about == "prompt" else ""
        return RequestRefusedError(f"{status_text}{by}: {words}")

    def clean(self, text: str) -> str:
        """Return a message of the endpoint in one short line, without the key."""
        return one_line(mask(text[:MAX_READ_CHARS]))


def _may_name_a_field(reply: Reply) -> bool:
    """Return whether a reply is an error that may concern a field of its request; some come with HTTP 200."""
    return reply.status in PARAMETER_STATUS or reply.status == 200 and reply.body.lstrip().startswith(b'{"error"')


def _sent(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.content}
    pictures = [{"type": "image_url", "image_url": {"url": f"sha256:{image.sha256}"}} for image in message.images]
    return {"role": message.role, "content": [{"type": "text", "text": message.content}, *pictures]}


def _host_of(location: str) -> str:
    """Return the host of a redirect, for messages."""
    try:
        return urlsplit(location).hostname or "another address"
    except ValueError:  # half an IPv6 address, for instance
        return "something that is not an address"
