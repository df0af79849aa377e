"""Define the section `llm` of pipeline.yaml: the teacher, its limits and its prices.

Reads and writes nothing. The string under a field is its help text in the YAML schema and docs/configuration.md.
"""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import parse_qsl

from pydantic import field_validator

from docent.config.fields import ConfigSection, execution, output
from docent.messages.masking import SECRET_NAME, holds_secret, is_key_field


class Llm(ConfigSection):
    """The teacher that writes questions and answers, used by every stage that asks a model."""

    provider: Literal["offline", "openai", "azure", "openrouter", "vllm", "lmdeploy"] = output("offline")
    """`offline` extracts pairs from the source text without a model; `openai` is any OpenAI-compatible endpoint; the
    others are OpenAI-compatible, too, with their own headers, paths and extra fields."""
    base_url: str = output("https://api.openai.com/v1")
    """Base URL of the endpoint, usually ending in /v1, without a key or password; for `azure`
    https://NAME.openai.azure.com."""
    api_version: str = output("")
    """API version for `azure` with deployments, such as 2024-10-21; empty selects its /openai/v1 path, which needs
    none."""
    model: str = output("gpt-4o-mini")
    """Model name sent to the endpoint; for `azure` the name of the deployment."""
    api_key_env: str = execution("OPENAI_API_KEY", pattern=r"^[A-Z][A-Z0-9_]*$")
    """Name of the environment variable that holds the API key."""
    mode: Literal["online", "batch"] = execution("online")
    """`online` sends each request by itself; `batch` uploads requests to the endpoint's batch API: same rows, lower
    price, results within hours."""
    top_p: float | None = output(None, gt=0, le=1)
    """Nucleus sampling threshold; sent only when set."""
    frequency_penalty: float | None = output(None, ge=-2, le=2)
    """Penalty for frequent tokens; sent only when set."""
    presence_penalty: float | None = output(None, ge=-2, le=2)
    """Penalty for tokens that occurred before; sent only when set."""
    extra_body: dict[str, Any] = output(dict)
    """Additional fields for every request, such as `{top_k: 40, min_p: 0.05}` for vLLM; null removes a field."""
    structured_output: Literal["auto", "json_schema", "json_object", "prompt"] = output("auto")
    """How JSON is requested; `auto` finds the strictest way that the endpoint supports with one small request."""
    max_in_flight: int = execution(32, ge=1)
    """Maximum number of concurrent requests across all shards; docent sends fewer while the endpoint only queues
    them."""
    max_attempts: int = execution(5, ge=1, le=20)
    """Maximum number of attempts per request; HTTP 429 does not count."""
    timeout_s: float = execution(120.0, gt=0)
    """Timeout of one attempt, from sending to the last byte of the reply."""
    deadline_s: float = execution(900.0, gt=0)
    """Maximum time between the first failure of a request and its last attempt."""
    max_reply_mb: float = execution(4.0, gt=0, le=256)
    """Maximum size of a reply; a longer one counts as a failed attempt."""
    requests_per_minute: int | None = execution(None, ge=1)
    """Limit across all shards. docent also adapts to rate-limit headers and 429s."""
    tokens_per_minute: int | None = execution(None, ge=1)
    """Limit across all shards, input and output tokens together."""
    requests_per_day: int | None = execution(None, ge=1)
    """Limit for any 24 hours, across all shards and runs that share the journal."""
    tokens_per_day: int | None = execution(None, ge=1)
    """Limit for any 24 hours, across all shards and runs that share the journal, input and output tokens together."""
    max_usd: float | None = execution(None, gt=0)
    """Spending limit of a stage in USD: the stage stops before it would exceed it. Needs prices."""
    max_tokens: int | None = execution(None, ge=1)
    """Token limit of a stage, input and output together: the stage stops before it would exceed it."""
    usd_per_million_input_tokens: float | None = execution(None, ge=0)
    """Price for the spending limit and the report; the default is the list price in `llm/pace/prices.yaml`, if any."""
    usd_per_million_output_tokens: float | None = execution(None, ge=0)
    """Price for the spending limit and the report; the default is the list price in `llm/pace/prices.yaml`, if any."""
    batch_price: float = execution(0.5, gt=0, le=1)
    """Price of batch mode as a share of the prices above."""
    batch_requests: int = execution(50_000, ge=1, le=50_000)
    """Maximum number of requests in one batch file."""
    batch_mb: float = execution(190.0, gt=0, le=200)
    """Maximum size of one batch file in megabytes."""
    batch_poll_s: float = execution(30.0, gt=0)
    """Interval at which the state of running batches is polled."""

    @field_validator("base_url")
    @classmethod
    def _without_secrets(cls, address: str) -> str:
        """Refuse an address that would put a password or key into `pipeline.resolved.yaml`, without repeating it."""
        parts = address.partition("://")[2] or address
        host, _, query = parts.partition("?")
        named = any(SECRET_NAME.search(name) for name, _ in parse_qsl(query))
        if "@" in host.partition("/")[0] or named or holds_secret("", address):
            raise ValueError("holds a password or key: put it in the environment variable that llm.api_key_env names")
        return address

    @field_validator("extra_body")
    @classmethod
    def _without_keys(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """Refuse a field that would put a key into `pipeline.resolved.yaml`, without repeating it."""
        if found := sorted(name for name, value in fields.items() if is_key_field(name, value)):
            raise ValueError(f"{', '.join(found)} holds a key: put it in the variable that llm.api_key_env names")
        return fields

    @property
    def needs_key(self) -> bool:
        """Whether the endpoint requires a key; a local server often does not."""
        return self.provider not in ("offline", "vllm", "lmdeploy")
