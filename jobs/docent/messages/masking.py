"""Mask secrets in text that comes from the network or the environment, before it is logged, stored or printed.

Reads the environment, and the values given to `remember_secret`; writes nothing. Every message that may quote an
endpoint, a proxy or an address goes through `mask`, and so do the log formatters (logs.py), the launcher's messages and
the last lines of a worker. Mask text before cutting it to length: a secret that was cut in two is only recognised by
its first or last characters.
"""

import base64
import binascii
import json
import os
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote

MASK = "***"
MIN_SECRET_CHARS = 8
"""Shorter values are placeholders such as `none`; replacing them everywhere would corrupt unrelated text."""
MIN_TOKEN_CHARS = 20
"""Text before the `@` of an address, without a colon, counts as a user name such as `postgres` if it is shorter."""
EDGE_CHARS = 12
"""A truncated secret is recognised by this many of its first or last characters."""

SECRET_NAME = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIAL|TOKEN(?!IZER|S(?:$|_))|APIKEY|(?:^|[_-])KEY(?:$|[_-])|_(?:PWD|PASS)(?:$|_)",
    re.IGNORECASE,
)
"""Names of variables whose values are secrets."""
KEY_FIELDS = frozenset({"api_key", "apikey", "access_token", "authorization", "password", "secret", "token"})
"""Request fields in which some endpoints expect a key."""
_NAMES_A_FILE = re.compile(r"_(?:FILE|PATH|DIR)$|^GOOGLE_APPLICATION_CREDENTIALS$", re.IGNORECASE)
_NAMES_A_PROXY = re.compile(r"_PROXY$", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)([^\s/?#'\"<>]{1,500})@")  # up to the last @: passwords may contain one
_PERCENT = re.compile(r"%[0-9A-F]{2}")
_AUTHORIZATION = re.compile(r"\b(bearer|basic)[ \t]+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_BASE64 = re.compile(r"^[A-Za-z0-9+/]+={0,2}$")
# Patterns that are always credentials: OpenAI and similar, Hugging Face, GitHub, AWS, Slack, JSON Web Tokens.
_SHAPES = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{20,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
    r"|A[SK]IA[A-Z0-9]{16}|xox[abprs]-[A-Za-z0-9-]{10,}|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)"
)
_remembered: set[str] = set()


def remember_secret(value: str) -> None:
    """Make `mask` replace this value from now on, in any context."""
    if len(value) >= MIN_SECRET_CHARS:
        _remembered.add(value)


def mask(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the text with every known secret, and everything that looks like a credential, replaced by `***`.

    Known secrets are remembered values, the values of variables named like secrets (`PGPASSWORD`, `HF_TOKEN`), and
    passwords inside addresses in the environment (`HTTPS_PROXY`), each also percent-encoded, JSON-escaped or base64.
    """
    secrets = {form for value in (*_remembered, *_secrets_of(environ)) for form in _forms(value)}
    longest_first = sorted(secrets, key=len, reverse=True)
    for secret in longest_first:
        text = text.replace(secret, MASK)
    for secret in longest_first:
        text = _without_cut(text, secret)
    text = _USERINFO.sub(f"{MASK}@", text)
    text = _AUTHORIZATION.sub(_without_credentials, text)
    return _SHAPES.sub(MASK, text)


def holds_secret(name: str, value: str) -> bool:
    """Return whether a variable is a secret rather than a setting, by its name or its value."""
    named = bool(SECRET_NAME.search(name)) and not _NAMES_A_FILE.search(name)
    return named or bool(_USERINFO.search(value) or _SHAPES.search(value) or _userinfos(name, value))


def is_key_field(name: str, value: object) -> bool:
    """Return whether a field of a request is a credential; `prompt_cache_key` and `stop_token_ids` are not."""
    return isinstance(value, str) and (name.lower().replace("-", "_") in KEY_FIELDS or holds_secret("", value))


def _secrets_of(environ: Mapping[str, str]) -> Iterator[str]:
    for name, value in environ.items():
        if SECRET_NAME.search(name) and not _NAMES_A_FILE.search(name):
            yield value
        elif "@" in value:
            for userinfo in _userinfos(name, value):
                _, colon, password = userinfo.partition(":")
                if colon or len(userinfo) >= MIN_TOKEN_CHARS:
                    yield userinfo
                yield password


def _userinfos(name: str, value: str) -> list[str]:
    """Return user names with passwords in a variable; a proxy's address may lack a scheme and contain any character."""
    if "@" in value and _NAMES_A_PROXY.search(name):
        before = value.rpartition("@")[0]
        return [before.partition("://")[2] if "://" in before else before]
    return _USERINFO.findall(value)


def _forms(secret: str) -> Iterator[str]:
    """Yield the forms in which a secret may be repeated: itself, percent-encoded or decoded, JSON-escaped, base64."""
    if len(secret) < MIN_SECRET_CHARS:
        return
    decoded = unquote(secret)
    encoded = [quote(secret, safe=safe, errors="surrogateescape") for safe in ("", "/")]
    in_lower_case = (_PERCENT.sub(lambda match: match[0].lower(), form) for form in encoded)
    in_base64 = base64.b64encode(decoded.encode("utf-8", "surrogateescape")).decode()
    forms = (secret, decoded, *encoded, *in_lower_case, in_base64, json.dumps(secret)[1:-1])
    yield from (form for form in forms if len(form) >= MIN_SECRET_CHARS)


def _without_cut(text: str, secret: str) -> str:
    """Mask the start or end of the secret if the rest of it was cut off."""
    if len(secret) > EDGE_CHARS:
        text = _without_start(text, secret)
        text = _without_start(text[::-1], secret[::-1])[::-1]
    return text


def _without_start(text: str, secret: str) -> str:
    """Mask every place where the text matches the start of the secret, as far as it matches."""
    start = text.find(secret[:EDGE_CHARS])
    while start >= 0:
        length = len(os.path.commonprefix([text[start : start + len(secret)], secret]))
        text = text[:start] + MASK + text[start + length :]
        start = text.find(secret[:EDGE_CHARS], start + len(MASK))
    return text


def _without_credentials(match: re.Match[str]) -> str:
    """Mask the text after `Bearer` or `Basic`, unless it is an ordinary word, as in "basic information"."""
    value = match[0][len(match[1]) :].strip()
    return f"{match[1]} {MASK}" if _is_credential(value) else match[0]


def _is_credential(value: str) -> bool:
    if not value.isalpha():
        return True
    try:
        return bool(_BASE64.match(value)) and ":" in base64.b64decode(value, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return False
