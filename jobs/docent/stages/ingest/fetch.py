"""Get one picture from the web: only from named hosts, bounded in size and time, tried again where that may help.

An address comes from a table that a stranger may have written, so that nothing is asked of hosts that the configuration
does not name, nor of private addresses that it does not name as such, wherever a name or a redirect leads. Behind
a proxy (the usual variables) the hosts hold too, while the proxy alone knows the addresses. Writes nothing.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
import urllib.request
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

TRIES = 3
FIRST_WAIT_S = 0.5
MAX_REDIRECTS = 3
MAX_ADDRESS_CHARS = 2000
_PIECE_BYTES = 64 * 1024
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)

BAD_ADDRESS = "address cannot be used"
OTHER_HOST = "host is not in ingest.rows.image_hosts"
PRIVATE = "private address is not in ingest.rows.image_hosts"
TOO_LARGE = "picture too large"
NOT_FETCHED = "picture cannot be fetched"


@dataclass(frozen=True)
class Rules:
    """What may be fetched.

    Attributes:
        hosts: `host`, which allows the usual ports, or `host:port`.
        timeout_s: for one try.
    """

    hosts: tuple[str, ...]
    timeout_s: float
    max_bytes: int


class FetchError(Exception):
    """A picture that is not fetched.

    Attributes:
        reason: one of the constants of this module.
        may_pass: whether another try may help.
    """

    def __init__(self, reason: str, detail: str = "", may_pass: bool = False) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail, self.may_pass = reason, detail, may_pass


def fetch(address: str, rules: Rules) -> bytes:
    """The bytes at an address.

    Raises:
        FetchError: not allowed, too large, not there, or not to be had after three tries.
    """
    for wait_s in (*(FIRST_WAIT_S * 2**n for n in range(TRIES - 1)), None):
        try:
            return _followed(address, rules, time.monotonic() + rules.timeout_s)
        except FetchError as error:
            if wait_s is None or not error.may_pass:
                raise
            time.sleep(wait_s)
    raise AssertionError  # the last try returns or raises


def shown(address: str) -> str:
    """An address without its query and password, which may be secrets."""
    host, path = address.partition("?")[0].rpartition("@")[::2]
    return f"{host.partition('//')[0]}//{path}" if host else path


def _followed(address: str, rules: Rules, deadline_s: float) -> bytes:
    """One try, with its redirects."""
    for _ in range(MAX_REDIRECTS + 1):
        url = _allowed(address, rules.hosts)
        found = _get(url, rules, deadline_s)
        if isinstance(found, bytes):
            return found
        address = urljoin(address, found)
    raise FetchError(NOT_FETCHED, f"more than {MAX_REDIRECTS} redirects")


def _allowed(address: str, hosts: tuple[str, ...]) -> SplitResult:
    """The parts of an address that may be asked.

    Raises:
        FetchError: it may not.
    """
    try:
        url = urlsplit(address)
        host, port = (url.hostname or "").lower(), url.port
    except ValueError:
        raise FetchError(BAD_ADDRESS, "it is no address") from None
    if url.scheme not in _PORTS or not host:
        raise FetchError(BAD_ADDRESS, "only http:// and https:// addresses are fetched")
    if url.username or url.password or len(address) > MAX_ADDRESS_CHARS or not address.isprintable():
        raise FetchError(BAD_ADDRESS, f"with a password, or more than {MAX_ADDRESS_CHARS} characters")
    written = f"[{host}]" if ":" in host else host
    usual = port in (None, *_PORTS.values())
    if not ((usual and written in hosts) or f"{written}:{port or _PORTS[url.scheme]}" in hosts):
        raise FetchError(OTHER_HOST, written if usual else f"{written}:{port}")
    return url


def _get(url: SplitResult, rules: Rules, deadline_s: float) -> bytes | str:
    """The body of a reply, or where it leads to."""
    connection, target = _connection(url, _left_s(deadline_s))
    try:
        connection.connect()
        if target.startswith("/"):
            _check_peer(connection.sock, rules.hosts)
        headers = {"User-Agent": "docent", "Accept": "image/*", "Accept-Encoding": "identity"}
        connection.request("GET", target, headers=headers)
        link = connection.sock  # the reply takes it over, yet its time is set here
        reply = connection.getresponse()
        if reply.status in _REDIRECTS and reply.headers.get("Location"):
            return str(reply.headers["Location"])
        if reply.status != 200:
            raise FetchError(NOT_FETCHED, f"HTTP {reply.status}", reply.status >= 500 or reply.status in (408, 429))
        return _body(reply, link, rules.max_bytes, deadline_s)
    except ssl.SSLCertVerificationError as error:
        raise FetchError(NOT_FETCHED, f"certificate: {error.verify_message}") from None
    except TimeoutError:
        raise FetchError(NOT_FETCHED, f"no reply within {rules.timeout_s:g} s", may_pass=True) from None
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise FetchError(NOT_FETCHED, _words_of(error), may_pass=not isinstance(error, UnicodeError)) from None
    finally:
        connection.close()


def _connection(url: SplitResult, timeout_s: float) -> tuple[http.client.HTTPConnection, str]:
    """A connection that is not open yet, and what to ask it for: a path, or a whole address of a proxy."""
    host, port = str(url.hostname), url.port or _PORTS[url.scheme]
    target = quote(f"{url.path or '/'}{'?' + url.query if url.query else ''}", safe="/%:?=&+,;@!$'()*~#[]")
    proxy = urllib.request.getproxies().get(url.scheme)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    if not proxy or urllib.request.proxy_bypass(host):
        return kind(host, port, timeout=timeout_s), target
    at = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    connection = kind(at.hostname or "", at.port or 80, timeout=timeout_s)
    if url.scheme == "https":
        connection.set_tunnel(host, port)
    return connection, f"{url.scheme}://{url.netloc}{target}"


def _check_peer(link: socket.socket, hosts: tuple[str, ...]) -> None:
    """Whom we are connected to, whatever its name promised.

    Raises:
        FetchError: a private address that is not listed as one.
    """
    peer = ipaddress.ip_address(link.getpeername()[0].partition("%")[0])
    peer = getattr(peer, "ipv4_mapped", None) or peer
    written = f"[{peer}]" if peer.version == 6 else str(peer)
    listed = {host if host.endswith("]") else host.rpartition(":")[0] or host for host in hosts}
    if not peer.is_global and not {written, *(("localhost",) if peer.is_loopback else ())} & listed:
        raise FetchError(PRIVATE, written)


def _body(reply: http.client.HTTPResponse, link: socket.socket, max_bytes: int, deadline_s: float) -> bytes:
    """All of a reply, however slowly it comes and whatever length it promised."""
    found = bytearray()
    while True:
        link.settimeout(_left_s(deadline_s))
        piece = reply.read1(_PIECE_BYTES)
        found += piece
        if len(found) > max_bytes:
            raise FetchError(TOO_LARGE, f"more than {max_bytes} bytes")
        if not piece:
            break
    promised = reply.headers.get("Content-Length", "")
    if promised.isdecimal() and len(found) < int(promised):
        raise FetchError(NOT_FETCHED, f"cut off after {len(found)} of {promised} bytes", may_pass=True)
    return bytes(found)


def _left_s(deadline_s: float) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _words_of(error: BaseException) -> str:
    """What went wrong, without numbers of ports that differ at every run."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:200]
