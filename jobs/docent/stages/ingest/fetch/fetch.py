"""Fetch one picture from the web: only from named hosts, bounded in size and time, with retries.

The addresses come from untrusted tables: no request goes to a host that the configuration does not list, nor to a
private address that it does not list (address.py), even if a name resolves or a redirect leads to one. If a proxy is
set (in the usual environment variables), the list of hosts still applies, but addresses cannot be checked, as only the
proxy resolves names. http.py makes one exchange. Writes no files.
"""

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from docent.stages.ingest.fetch.errors import BAD_ADDRESS, NOT_FETCHED, OTHER_HOST, FetchError

TRIES = 3
FIRST_WAIT_S = 0.5
MAX_REDIRECTS = 3
MAX_ADDRESS_CHARS = 2000
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Rules:
    """Limits for fetching.

    Attributes:
        hosts: allowed hosts, as `host` (default ports only) or `host:port`.
        timeout_s: limit for one try, from name resolution to the last byte, including redirects.
        max_bytes: largest allowed reply.
    """

    hosts: tuple[str, ...]
    timeout_s: float
    max_bytes: int


def fetch(address: str, rules: Rules) -> bytes:
    """Return the bytes at an address.

    Raises:
        FetchError: the address is not allowed, the reply is too large or an error, or all three tries failed.
    """
    for wait_s in (*(FIRST_WAIT_S * 2**n for n in range(TRIES - 1)), None):
        try:
            return asyncio.run(_followed(address, rules))
        except FetchError as error:
            if wait_s is None or not error.may_pass:
                raise
            time.sleep(wait_s)
    raise AssertionError  # the last try returns or raises


def shown(address: str) -> str:
    """Return an address without its query and password, which may be secrets."""
    host, path = address.partition("?")[0].rpartition("@")[::2]
    return f"{host.partition('//')[0]}//{path}" if host else path


async def _followed(address: str, rules: Rules) -> bytes:
    """Make one try, following redirects, and return the bytes."""
    from docent.stages.ingest.fetch import http as fetch_http

    try:
        async with asyncio.timeout(rules.timeout_s):
            for _ in range(MAX_REDIRECTS + 1):
                url = _allowed(address, rules.hosts)
                reply = await fetch_http.get(url, rules.hosts, rules.max_bytes)
                if isinstance(reply, bytes):
                    return reply
                address = urljoin(address, reply[: MAX_ADDRESS_CHARS + 1])
    except ValueError:  # half an IPv6 address, for instance
        raise FetchError(BAD_ADDRESS, "a redirect leads to something that is not an address") from None
    except TimeoutError:
        raise FetchError(NOT_FETCHED, f"no reply within {rules.timeout_s:g} s", may_pass=True) from None
    raise FetchError(NOT_FETCHED, f"more than {MAX_REDIRECTS} redirects")


def _allowed(address: str, hosts: tuple[str, ...]) -> SplitResult:
    """Return the parts of an address that may be requested.

    Raises:
        FetchError: it may not be requested.
    """
    try:
        url = urlsplit(address)
        host, port = (url.hostname or "").lower(), url.port
    except ValueError:
        raise FetchError(BAD_ADDRESS, "it is no address") from None
    if url.scheme not in _PORTS or not host:
        raise FetchError(BAD_ADDRESS, "only http:// and https:// addresses are fetched")
    if url.username or url.password or len(address) > MAX_ADDRESS_CHARS or not address.isprintable():
        detail = f"with a password, a control character, or more than {MAX_ADDRESS_CHARS} characters"
        raise FetchError(BAD_ADDRESS, detail)
    written = f"[{host}]" if ":" in host else host
    usual = port in (None, *_PORTS.values())
    if not ((usual and written in hosts) or f"{written}:{port or _PORTS[url.scheme]}" in hosts):
        raise FetchError(OTHER_HOST, written if usual else f"{written}:{port}")
    return url
