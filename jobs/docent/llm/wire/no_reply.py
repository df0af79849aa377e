"""Build the error for an endpoint that replied to no try."""

from __future__ import annotations

from urllib.parse import urlsplit

from docent.config import Llm
from docent.errors import ConfigError, PipelineError, TemporaryError

NO_CONNECTION = "no connection: "
"""How the cause of a try begins that reached no endpoint."""


def no_reply(why: str, tries: int, llm: Llm, base_url: str) -> PipelineError:
    """Return the error that ends a stage whose endpoint did not reply.

    Args:
        why: cause of the last try.
        base_url: of the endpoint, without secrets.
    """
    if why.startswith("HTTP 403"):
        return ConfigError(
            f"the endpoint refuses every request now: {why}",
            base_url,
            f"check the key in the variable {llm.api_key_env} (replies so far are kept), then: docent run",
        )
    what = f"the endpoint gave no reply in {tries} tries; the last: {why}"
    if why.startswith(NO_CONNECTION):
        parts = urlsplit(base_url)
        return TemporaryError(
            what,
            base_url,
            "start the endpoint, or find its address, and write it for HOST:PORT (replies so far are kept): "
            f"docent run --set llm.base_url={parts.scheme}://HOST:PORT{parts.path}",
        )
    rate = "it refuses for its rate or quota: set llm.requests_per_minute, or wait"
    advice = rate if why.startswith("HTTP 429") else "look why the endpoint fails"
    return TemporaryError(what, base_url, f"{advice} (replies so far are kept), then: docent run")
