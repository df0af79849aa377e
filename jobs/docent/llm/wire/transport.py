"""Send HTTP requests to one endpoint: one bounded reply each, no redirects, no retries.

Reads images from their files in chunks while they are sent; writes nothing. Uses aiohttp, because a request takes a
tenth of the time that the openai package needs (docs/benchmarks.md).
"""

import asyncio
import base64
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from docent.errors import ConfigError
from docent.llm.chat import Image
from docent.llm.pace.deadline import deadline
from docent.llm.pace.retry import NO_CONNECTION, TryFailedError
from docent.messages.masking import mask
from docent.messages.printing import printable

PIECE_BYTES = 3 * 256 * 1024
"""Bytes of an image read and encoded at a time; a multiple of three, so that base64 chunks join without padding."""
CONNECT_S = 30.0
MAX_WORDS_CHARS = 200
_IMAGE = re.compile(rb'(?<="url":)"sha256:([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP reply."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Connections to one endpoint, opened as needed. For use in one event loop, where `close` must be called.

    Args:
        url: URL of every request; HTTPS_PROXY, HTTP_PROXY and NO_PROXY are looked up for it once.
        headers: headers of every request, including the key.
        timeout_s: limit of one request, from its first byte to the last byte of the reply (deadline.py).
        max_reply_bytes: a longer reply is not read to its end.
    """

    def __init__(self, url: str, headers: Mapping[str, str], timeout_s: float, max_reply_bytes: int) -> None:
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=min(CONNECT_S, timeout_s))
        self._url, self._timeout_s, self._max_reply_bytes = url, timeout_s, max_reply_bytes
        # aiohttp would look the proxy up in a thread for every request.
        parts = urlsplit(url)
        self._proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, body: bytes, images: Sequence[Image]) -> Reply:
        """Send a body, with images in place of their hashes, and return the reply.

        Raises:
            TryFailedError: there is no connection, or the reply is late, too long or breaks off.
            ConfigError: the endpoint's certificate is not trusted, or an image is missing.
        """
        if self._session is None:
            # The pacer counts places in flight; a second limit here would only hide them.
            connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=60)
            cookies = aiohttp.DummyCookieJar()  # nothing an endpoint sets is sent anywhere
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout, cookie_jar=cookies)
        headers, data = self._headers, body
        if images:
            parts = split_at_pictures(body, images)
            headers = {**headers, "Content-Length": str(_size(parts))}
            data = _streamed(parts)  # type: ignore[assignment]
        try:
            async with (
                deadline(self._timeout_s),
                self._session.post(
                    self._url, data=data, headers=headers, allow_redirects=False, proxy=self._proxy
                ) as reply,
            ):
                return Reply(reply.status, reply.headers, await self._read(reply))
        except aiohttp.ConnectionTimeoutError:
            raise TryFailedError(f"{NO_CONNECTION}the endpoint's machine does not answer") from None
        except TimeoutError:
            raise TryFailedError(f"no reply within {self._timeout_s:g} s", "lost") from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise untrusted_certificate(_words_of(error.certificate_error), self._url) from None
        except aiohttp.ClientConnectorError as error:
            raise TryFailedError(f"{NO_CONNECTION}{error.os_error.strerror or _words_of(error)}") from None
        except (aiohttp.ClientError, ssl.SSLError, ConnectionError, ValueError) as error:
            # aiohttp raises a ValueError for an invalid length or header.
            raise TryFailedError(f"the connection broke off: {_words_of(error)}", "lost") from None

    async def _read(self, reply: aiohttp.ClientResponse) -> bytes:
        """Read the body up to the limit; a body with a stated length is read at once."""
        length = reply.content_length
        if length is not None and length <= self._max_reply_bytes and "Content-Encoding" not in reply.headers:
            return await reply.read()
        content = bytearray()
        async for piece in reply.content.iter_any():
            content += piece
            if len(content) > self._max_reply_bytes:
                reply.close()
                raise TryFailedError(f"the reply is longer than {self._max_reply_bytes / 1e6:g} MB", "lost")
        return bytes(content)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def untrusted_certificate(why: str, url: str) -> ConfigError:
    """Return the error for an endpoint whose certificate is not signed by a known authority."""
    return ConfigError(
        f"the endpoint's certificate is not trusted: {why}",
        url,
        "set SSL_CERT_FILE to the file of your certificate authority, then: docent run",
    )


def _words_of(error: BaseException) -> str:
    """Describe an error in one line; its text may come from the endpoint."""
    words = getattr(error, "message", "") or str(error) or type(error).__name__
    return printable(" ".join(mask(str(words)).split()), MAX_WORDS_CHARS)


def split_at_pictures(body: bytes, images: Sequence[Image]) -> list[bytes | Image]:
    """Split a body at its images.

    A hash as `url` occurs only where an image belongs: within text, JSON escapes the quotes.
    """
    known = {image.sha256.encode(): image for image in images}
    parts: list[bytes | Image] = []
    end = 0
    for match in _IMAGE.finditer(body):
        if image := known.get(match[1]):
            parts += [body[end : match.start()] + f'"data:{image.media_type};base64,'.encode(), image]
            end = match.end() - 1
    return [*parts, body[end:]]


def sent_size(part: bytes | Image) -> int:
    """Return the bytes of a part as it is sent. Raises OSError if an image is missing."""
    return len(part) if isinstance(part, bytes) else 4 * ((part.path.stat().st_size + 2) // 3)


def _size(parts: Sequence[bytes | Image]) -> int:
    try:
        return sum(sent_size(part) for part in parts)
    except OSError as error:
        raise ConfigError(
            f"cannot read an image of a request: {error.strerror}",
            str(error.filename),
            "restore the file, or run the stage that generated it again: docent retry",
        ) from None


async def _streamed(parts: Sequence[bytes | Image]) -> AsyncIterator[bytes]:
    for part in parts:
        if isinstance(part, bytes):
            yield part
            continue
        with part.path.open("rb") as file:
            while piece := await asyncio.to_thread(_encoded, file):
                yield piece


def _encoded(file: IO[bytes]) -> bytes:
    return base64.b64encode(file.read(PIECE_BYTES))
