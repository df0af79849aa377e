"""Make one HTTP exchange for a picture, with aiohttp: a request and a bounded reply, or the target of a redirect.

Writes no files. The caller sets the time limit: nothing here blocks, so the limit also covers name resolution, slow
headers, chunk sizes and trailers, and closing connections. aiohttp bounds the size and number of headers. The address
is checked when the socket is created, so a name that resolves differently the next time cannot evade the check.
"""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import Future
from typing import Any
from urllib.parse import SplitResult, quote
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from docent.messages.masking import mask
from docent.messages.printing import printable
from docent.stages.ingest.fetch.address import is_reachable, shown_address
from docent.stages.ingest.fetch.errors import NOT_FETCHED, PRIVATE, TOO_LARGE, FetchError

_HEADERS = {"User-Agent": "docent", "Accept": "image/*", "Accept-Encoding": "identity"}
_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_WORDS_CHARS = 200


async def get(url: SplitResult, hosts: Collection[str], max_bytes: int) -> bytes | str:
    """Return the body of a reply, or the address that a redirect names.

    Args:
        url: an address that may be requested.
        hosts: hosts in the configuration; they decide which private addresses docent may connect to.

    Raises:
        FetchError: the connection is refused or fails, the reply is too large, or its status is not 200.
    """
    refused: list[str] = []
    try:
        async with _session(url, hosts, refused) as (session, target, proxy):
            request = session.get(target, headers=_HEADERS, allow_redirects=False, proxy=proxy)
            async with request as reply:
                if reply.status in _REDIRECTS and "Location" in reply.headers:
                    return reply.headers["Location"]
                if reply.status != 200:
                    may_pass = reply.status >= 500 or reply.status in (408, 429)
                    raise FetchError(NOT_FETCHED, f"HTTP {reply.status}", may_pass)
                return await _body(reply, max_bytes)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        if refused:
            raise FetchError(PRIVATE, refused[0]) from None
        raise _meaning_of(error) from None


@contextlib.asynccontextmanager
async def _session(
    url: SplitResult, hosts: Collection[str], refused: list[str]
) -> AsyncIterator[tuple[aiohttp.ClientSession, URL, str | None]]:
    """Open a session for one request; yield it with the URL as sent and the proxy, or None if there is no proxy."""
    host = str(url.hostname)
    written = f"[{host}]" if ":" in host else host.encode("idna").decode("ascii")
    path = quote(f"{url.path or '/'}{'?' + url.query if url.query else ''}", safe="/%:?=&+,;@!$'()*~#[]")
    port = f":{url.port}" if url.port else ""
    proxy = None if proxy_bypass(host) else getproxies().get(url.scheme)
    if proxy and "//" not in proxy:
        proxy = f"http://{proxy}"
    sockets = None if proxy else _checked_sockets(hosts, refused)
    connector = aiohttp.TCPConnector(resolver=_Resolver(), socket_factory=sockets, force_close=True)
    session = aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )
    async with session:
        yield session, URL(f"{url.scheme}://{written}{port}{path}", encoded=True), proxy


def _checked_sockets(
    hosts: Collection[str], refused: list[str]
) -> Callable[[tuple[int, int, int, str, tuple[str, int]]], socket.socket]:
    """Return a function that checks an address, and creates the socket that connects to it."""

    def make(info: tuple[int, int, int, str, tuple[str, int]]) -> socket.socket:
        family, kind, protocol, _, where = info
        if not is_reachable(where[0], hosts):
            refused.append(shown_address(where[0]))
            raise OSError("a private address")
        return socket.socket(family, kind, protocol)

    return make


class _Resolver(AbstractResolver):
    """Resolve names in a thread that is abandoned when the time limit is reached."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        future: Future[list[Any]] = Future()
        future.set_running_or_notify_cancel()  # from now on, the time limit cannot cancel it, only stop waiting for it

        def look_up() -> None:
            try:
                future.set_result(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
            except (OSError, UnicodeError) as error:
                future.set_exception(error)

        # Not the loop's own pool: asyncio.run would wait for its threads, and exceed the time limit.
        threading.Thread(target=look_up, name="resolver", daemon=True).start()
        return [
            ResolveResult(
                hostname=host,
                host=str(where[0]),
                port=port,
                family=address_family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for address_family, _, protocol, _, where in await asyncio.wrap_future(future)
        ]

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""


async def _body(reply: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """Return the complete body of a reply, within `max_bytes` even if the announced length is smaller."""
    body = bytearray()
    try:
        async for piece in reply.content.iter_any():
            body += piece
            if len(body) > max_bytes:
                raise FetchError(TOO_LARGE, f"more than {max_bytes} bytes")
    except aiohttp.ClientPayloadError:
        promised = "" if reply.content_length is None else f" of {reply.content_length}"
        raise FetchError(NOT_FETCHED, f"cut off after {len(body)}{promised} bytes", may_pass=True) from None
    return bytes(body)


def _meaning_of(error: Exception) -> FetchError:
    """Return the error without port numbers, which differ between runs, and without the address: it may be secret."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
        cause = getattr(error, "certificate_error", error)
        words = getattr(cause, "verify_message", "") or "not trusted"
        return FetchError(NOT_FETCHED, f"certificate: {words}")
    if isinstance(error, aiohttp.ClientConnectorError):
        error = error.os_error
    problem = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error) or type(error).__name__
    words = printable(" ".join(mask(str(problem)).split()), _MAX_WORDS_CHARS)
    return FetchError(NOT_FETCHED, words, may_pass=not isinstance(error, UnicodeError))
