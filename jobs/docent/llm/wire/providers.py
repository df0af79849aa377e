"""Describe each kind of endpoint in one row; the rest of docent treats all of them alike.

Reads the key's variable; writes nothing. Any other OpenAI-compatible server is `openai` with its own URL.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from docent.config.llm import Llm
from docent.errors import ConfigError
from docent.messages.masking import remember_secret

COMPLETIONS = "/chat/completions"


@dataclass(frozen=True)
class Kind:
    """One kind of endpoint.

    Attributes:
        key_header: name of the key's header, and the prefix of its value.
        json_extra: additional fields of a request for JSON.
        batches: whether it has OpenAI's batch API.
    """

    key_header: tuple[str, str] = ("Authorization", "Bearer ")
    json_extra: Mapping[str, Any] | None = None
    batches: bool = False


def base_of(llm: Llm) -> str:
    """Return the base URL without the path of completions, which many products show as part of it."""
    whole = llm.base_url.rstrip("/")
    return whole.removesuffix(COMPLETIONS) if whole.endswith(COMPLETIONS) else llm.base_url


def api_base(llm: Llm) -> str:
    """Return the URL below which all paths of the API are, without a slash at its end."""
    base = base_of(llm).rstrip("/")
    if llm.provider != "azure":
        return base
    return f"{base.removesuffix('/openai/v1')}/openai{'' if llm.api_version else '/v1'}"


def url_of(llm: Llm) -> str:
    """Return the URL of completions; for Azure with deployment and version, or the newer one that needs neither."""
    if llm.provider == "azure" and llm.api_version:
        name, version = quote(llm.model, safe=""), quote(llm.api_version, safe="")
        return f"{api_base(llm)}/deployments/{name}{COMPLETIONS}?api-version={version}"
    return f"{api_base(llm)}{COMPLETIONS}"


KINDS: dict[str, Kind] = {
    "openai": Kind(batches=True),
    "azure": Kind(key_header=("api-key", ""), batches=True),
    # Without this a model may be served by a provider that ignores response_format.
    "openrouter": Kind(json_extra={"provider": {"require_parameters": True}}),
    "vllm": Kind(),
    "lmdeploy": Kind(),
}


def check_address(llm: Llm) -> None:
    """Refuse a URL that cannot be an endpoint's, or that has a password in it, without repeating it.

    Raises:
        ConfigError: the URL is refused; the message names the field.
    """
    try:
        parts = urlsplit(llm.base_url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:  # half an IPv6 address, an invalid port
        usable = False
    if not usable:
        raise ConfigError(
            "llm.base_url is not a valid URL of an endpoint",
            "llm.base_url",
            "write it as https://host/v1, without the key, which is read from the variable named by llm.api_key_env",
        )


def key_of(llm: Llm, environ: Mapping[str, str]) -> str:
    """Return the key, or "" if the endpoint needs none and none is given.

    Raises:
        ConfigError: it is required and missing, or it cannot be a key.
    """
    key = environ.get(llm.api_key_env, "").strip()
    if not key and llm.needs_key:
        raise ConfigError(
            f"the variable {llm.api_key_env}, which should contain the key for {llm.base_url}, is empty or not set",
            "llm.api_key_env",
            f"export {llm.api_key_env}=... (any word if the endpoint needs no key), then: docent run",
        )
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(
            f"the key in the variable {llm.api_key_env} contains characters that keys cannot have, such as line breaks",
            "llm.api_key_env",
            f"set {llm.api_key_env} again, then: docent run",
        )
    remember_secret(key)
    return key
