"""Masks secrets in text that comes from the network or the environment, before it is logged, stored or printed.

Reads the environment, and the values given to `remember_secret`; writes nothing. Every message that may quote an
endpoint, a proxy or an address passes `mask`; the log formatters (logs.py) pass every line through it as well.
"""

from __future__ import annotations

import re

MASK = "***"
MIN_SECRET_CHARS = 8
"""Shorter values are placeholders such as `none`; replacing them everywhere would corrupt unrelated text."""

_USERINFO = re.compile(r"(?<=://)[^\s/@?#'\"<>]{1,500}(?=@)")
_AUTHORIZATION = re.compile(r"\b(bearer|basic)\s+[^\s,;'\"]{4,}", re.IGNORECASE)
_remembered: set[str] = set()


def remember_secret(value: str) -> None:
    """Have `mask` replace this value from now on, whatever stands around it."""
    if len(value) >= MIN_SECRET_CHARS:
        _remembered.add(value)


def mask(text: str) -> str:
    """The text with every known secret, and whatever looks like a credential, replaced by `***`."""
    for secret in sorted(_remembered, key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _USERINFO.sub(MASK, text)
    return _AUTHORIZATION.sub(rf"\1 {MASK}", text)
