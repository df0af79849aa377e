"""Call the batch API of one endpoint: upload, create, find, look up, download.

Streams files in both directions and writes results to temporary files. Uses the openai package, because files and
paged lists take several requests each, and speed does not matter here. Every call is tried `llm.max_attempts` times
with the waits of retry.py; at most one batch is created per token, even if the connection fails.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Collection
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from docent.config.llm import Llm
from docent.errors import ConfigError, TemporaryError
from docent.llm.chat import RequestRefusedError
from docent.llm.pace.retry import TryFailedError, wait_s
from docent.llm.wire.endpoint import OpenAIEndpoint
from docent.llm.wire.providers import COMPLETIONS, api_base
from docent.llm.wire.transport import CONNECT_S, Reply, untrusted_certificate

if TYPE_CHECKING:
    from openai.types import Batch

log = logging.getLogger("docent.llm")

TRANSFER_S = 3600.0
"""Longest duration of one call, including the upload of a whole file."""
PIECE_BYTES = 256 * 1024
LISTED_AT_ONCE = 100
LISTED_AT_LEAST = 1000
"""List at least this many batches, whatever their dates: this machine's clock may have been far ahead."""
CLOCKS_APART_S = 3600.0
"""How far the endpoint's clock and this machine's clock may differ."""
TOKEN = "docent"
"""Key in a batch's metadata whose value is the token."""
ODD_REPLY = "the reply is not one of a batch API"
STILL_READ = frozenset({"pending", "running"})
"""States of an uploaded file that Azure has not validated yet."""
T = TypeVar("T")


class BatchApi:
    """Files and batches of one endpoint. For use in one event loop, where `close` must be called."""

    def __init__(self, llm: Llm, endpoint: OpenAIEndpoint) -> None:
        import httpx2  # used by the openai package; a stream that breaks off raises its errors
        import openai  # takes a second to import, and only batch mode needs it

        logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs every poll of a batch
        self._llm, self._endpoint, self._openai = llm, endpoint, openai
        self._failures = (openai.APIError, httpx2.HTTPError, OSError, json.JSONDecodeError, UnicodeDecodeError)
        is_azure = llm.provider == "azure"
        self.path = f"{'' if is_azure else '/v1'}{COMPLETIONS}"  # as it stands in request lines
        is_bearer = endpoint.kind.key_header[0] == "Authorization"
        headers = {} if is_bearer else {endpoint.kind.key_header[0]: endpoint.key}
        # Passed with every call: only there does the package accept that no Authorization header is sent.
        self._extra: dict[str, Any] = {} if is_bearer else {"Authorization": openai.Omit()}
        self._client = openai.AsyncOpenAI(
            api_key=endpoint.key,
            base_url=api_base(llm),
            default_headers=headers,
            default_query={"api-version": llm.api_version} if is_azure and llm.api_version else {},
            max_retries=0,
            timeout=openai.Timeout(llm.timeout_s, connect=min(CONNECT_S, llm.timeout_s)),
            http_client=openai.DefaultAsyncHttpxClient(
                follow_redirects=False, event_hooks={"response": [_refuse_web_page]}
            ),
        )

    async def upload(self, file: IO[bytes]) -> str:
        """Upload a file of requests and return its id once a batch can be created from it.

        Raises:
            ConfigError: the endpoint has no batch API, or refuses the file, the key, ...
            TemporaryError: no try got a reply.
        """
        file.flush()
        named = ("batch.jsonl", file, "application/jsonl")
        uploaded = await self._tried(
            lambda: _whole(self._client.files.create(file=named, purpose="batch", extra_headers=self._extra))
        )
        file_id, waited_s = uploaded.id, 0.0
        while uploaded.status in STILL_READ and waited_s < self._llm.deadline_s:
            waited_s += self._llm.batch_poll_s
            await asyncio.sleep(self._llm.batch_poll_s)
            uploaded = await self._tried(
                lambda: _whole(self._client.files.retrieve(file_id, extra_headers=self._extra))
            )
        return file_id

    async def create(self, file_id: str, token: str, since_s: float) -> Batch:
        """Create a batch from an uploaded file, identified by a token; before a repeated try, search for the batch.

        Raises:
            ConfigError: the endpoint refused it, so the batch does not exist.
            TemporaryError: no try got a reply; the batch may exist.
        """
        is_again = False

        async def create() -> Batch:
            nonlocal is_again
            if is_again and (existing := (await self._listed({token}, since_s)).get(token)):
                return existing
            is_again = True
            created = self._client.batches.create(
                input_file_id=file_id,
                endpoint=self.path,  # type: ignore[arg-type]  # Azure's path is not in the package's list
                completion_window="24h",
                metadata={TOKEN: token},
                extra_headers=self._extra,
            )
            return await _whole(created)

        return await self._tried(create)

    async def find(self, tokens: Collection[str], since_s: float) -> dict[str, Batch]:
        """Find the batches of the account that have one of these tokens.

        Args:
            since_s: time shortly before the first of them was created, in seconds since 1970.

        Raises:
            ConfigError, TemporaryError: as `upload`.
        """
        return await self._tried(lambda: self._listed(tokens, since_s))

    async def look(self, batch_id: str) -> Batch:
        """Return the current state of a batch. Raises ConfigError, TemporaryError as `upload`."""
        return await self._tried(lambda: _whole(self._client.batches.retrieve(batch_id, extra_headers=self._extra)))

    async def download(self, file_id: str) -> IO[bytes] | None:
        """Download results into a temporary file; return None if the endpoint no longer has them.

        Raises:
            ConfigError, TemporaryError: as `upload`.
        """
        file: IO[bytes] = tempfile.TemporaryFile(prefix="docent-batch-")

        async def download() -> IO[bytes] | None:
            file.seek(0)
            file.truncate()
            content = self._client.files.with_streaming_response.content
            try:
                async with content(file_id, extra_headers=self._extra) as reply:
                    async for piece in reply.iter_bytes(PIECE_BYTES):
                        file.write(piece)
            except self._openai.NotFoundError:
                return None
            file.seek(0)
            return file

        with ExitStack() as unless_found:
            unless_found.push(file)
            if content_file := await self._tried(download):
                unless_found.pop_all()
            return content_file

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _listed(self, tokens: Collection[str], since_s: float) -> dict[str, Batch]:
        """List batches by token, newest first, and stop at those created before `since_s`."""
        batches: dict[str, Batch] = {}
        looked_at = 0
        async for batch in self._client.batches.list(limit=LISTED_AT_ONCE, extra_headers=self._extra):
            looked_at += 1
            token = (batch.metadata or {}).get(TOKEN, "")
            if token in tokens:
                batches[token] = batch
            too_old = batch.created_at < since_s - CLOCKS_APART_S and looked_at >= LISTED_AT_LEAST
            if len(batches) == len(tokens) or too_old:
                break
        return batches

    async def _tried(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call, and repeat it after temporary failures."""
        tries = 0
        while True:
            tries += 1
            try:
                async with asyncio.timeout(TRANSFER_S):
                    return await call()
            except self._failures as error:
                meant: Exception = self._meaning_of(error)
            except (AttributeError, TypeError, ValueError):  # the package accepts any JSON as the requested object
                meant = TryFailedError(ODD_REPLY, "lost")
            if not isinstance(meant, TryFailedError):
                raise meant from None
            if tries >= self._llm.max_attempts:
                raise TemporaryError(
                    f"the endpoint's batch API did not respond in {tries} attempts; last error: {meant}",
                    self._endpoint.base_url,
                    "submitted batches continue at the endpoint; to collect their results: docent run",
                )
            log.warning("a call of the endpoint's batch API failed and is retried: %s", meant)
            await asyncio.sleep(wait_s(tries, meant.wait_s))

    def _meaning_of(self, error: Exception) -> Exception:
        """Convert an error of the package into an error of docent, without the key."""
        if isinstance(error, self._openai.APIStatusError):
            headers = error.response.headers
            return self._refused(Reply(error.status_code, headers, json.dumps(error.body).encode()))
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return untrusted_certificate(cause.verify_message, self._endpoint.base_url)
            cause = cause.__cause__ or cause.__context__
        words = self._endpoint.clean(str(error)) or type(error).__name__
        return TryFailedError(f"{words} {self._endpoint.clean(str(error.__cause__ or ''))}".strip(), "lost")

    def _refused(self, reply: Reply) -> Exception:
        """Return the error for a status of the batch API; the rejection of a request is that of the whole batch."""
        meant = self._endpoint.refused(reply)
        where = f"{self._endpoint.base_url} (HTTP {reply.status})"
        if reply.status in (404, 405):
            return ConfigError(
                "the endpoint has no batch API at this address",
                where,
                "set llm.mode to online, or check llm.base_url",
            )
        if isinstance(meant, RequestRefusedError):
            return ConfigError(
                f"the endpoint rejected the batch: {meant}",
                where,
                "if the batch is too large, lower llm.batch_requests or llm.batch_mb; otherwise set llm.mode to online",
            )
        return meant


async def _refuse_web_page(reply: Any) -> None:
    if reply.status_code == 200 and "html" in reply.headers.get("content-type", ""):
        raise ConnectionError("the reply is a web page: a proxy or a login page responded instead of the endpoint")


async def _whole(reply: Awaitable[T]) -> T:
    """Check the fields of a file or batch, because the package accepts any JSON; raise TypeError if one is wrong."""
    value = await reply
    if not isinstance(value, BaseModel) or not isinstance(getattr(value, "id", None), str):
        raise TypeError
    counts, errors = getattr(value, "request_counts", None), getattr(value, "errors", None)
    numbers = () if counts is None else (counts.completed, counts.failed, counts.total)
    batch_errors = () if errors is None else errors.data or ()
    if not all(isinstance(number, int) for number in numbers) or not all(
        isinstance(error, BaseModel) for error in batch_errors
    ):
        raise TypeError
    return value
