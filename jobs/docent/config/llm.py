"""Define the section `llm` of pipeline.yaml: the teacher, its limits and its prices.

Reads and writes nothing. The string under a field is its help text in the YAML schema and docs/configuration.md.
"""

from typing import Any, Literal
from urllib.parse import parse_qsl

from pydantic import field_validator

from docent.config.fields import ConfigSection, execution, output
from docent.messages.masking import SECRET_NAME, holds_secret, is_key_field


class Llm(ConfigSection):
    """The teacher: the model, or the offline method, that writes questions, answers and descriptions of pictures."""

    provider: Literal["offline", "openai", "azure", "openrouter", "vllm", "lmdeploy"] = output("offline")
    """Kind of teacher. `offline` extracts question-answer pairs from the source text without a model. `openai` is any
    OpenAI-compatible endpoint. `azure`, `openrouter`, `vllm` and `lmdeploy` are OpenAI-compatible endpoints with
    headers, paths or fields that only they use."""
    base_url: str = output("https://api.openai.com/v1")
    """Base URL of the endpoint, usually ending in /v1 (`azure`: https://NAME.openai.azure.com). Without a key or
    password."""
    api_version: str = output("")
    """API version for `azure` endpoints whose URLs name a deployment, such as 2024-10-21. Empty uses the path
    /openai/v1, which needs no version."""
    model: str = output("gpt-4o-mini")
    """Model name to send to the endpoint; for `azure`, the name of the deployment."""
    api_key_env: str = execution("OPENAI_API_KEY", pattern=r"^[A-Z][A-Z0-9_]*$")
    """Name of the environment variable that contains the API key."""
    mode: Literal["online", "batch"] = execution("online")
    """`online` sends each request directly and receives its reply within seconds. `batch` uploads requests as files to
    the endpoint's batch API, which is cheaper but takes up to several hours."""
    top_p: float | None = output(None, gt=0, le=1)
    """Nucleus sampling threshold (0 to 1). null does not send it, so the endpoint's default applies."""
    frequency_penalty: float | None = output(None, ge=-2, le=2)
    """Penalty for tokens that grows with the number of their occurrences (-2 to 2). null does not send it."""
    presence_penalty: float | None = output(None, ge=-2, le=2)
    """Penalty for tokens that occurred at least once (-2 to 2). null does not send it."""
    extra_body: dict[str, Any] = output(dict)
    """Additional fields of every request, such as `{top_k: 40, min_p: 0.05}` for vLLM. null removes a field."""
    structured_output: Literal["auto", "json_schema", "json_object", "prompt"] = output("auto")
    """How requests ask for JSON: with a schema (`json_schema`), as any JSON object (`json_object`), or only in the
    prompt (`prompt`). `auto` sends one small test request and uses the strictest way that the endpoint supports."""
    max_in_flight: int = execution(32, ge=1)
    """Maximum number of concurrent requests over all shards. docent sends fewer if the endpoint only queues them."""
    max_attempts: int = execution(5, ge=1, le=20)
    """Maximum number of attempts per request. Attempts that end with HTTP 429 (rate limit) do not count."""
    timeout_s: float = execution(120.0, gt=0)
    """Maximum duration of one attempt in seconds, from sending the request to the last byte of the reply."""
    deadline_s: float = execution(900.0, gt=0)
    """Keep retrying a failed request for this many seconds after its first failed attempt."""
    max_reply_mb: float = execution(4.0, gt=0, le=256)
    """Maximum size of a reply in megabytes. An attempt with a larger reply has failed."""
    requests_per_minute: int | None = execution(None, ge=1)
    """Maximum requests per minute, over all shards; null sets no limit. Rate-limit headers are always followed."""
    tokens_per_minute: int | None = execution(None, ge=1)
    """Maximum number of input and output tokens per minute, over all shards; null sets no limit."""
    requests_per_day: int | None = execution(None, ge=1)
    """Maximum requests within 24 hours, over all shards and runs that share the journal; null sets no limit."""
    tokens_per_day: int | None = execution(None, ge=1)
    """Maximum number of input and output tokens within 24 hours, over all shards and all runs that share the journal of
    replies; null sets no limit."""
    max_usd: float | None = execution(None, gt=0)
    """Spending limit of a stage in USD: it stops before it would exceed it. Needs prices. null sets no limit."""
    max_tokens: int | None = execution(None, ge=1)
    """Limit of input and output tokens of a stage: it stops before it would exceed it. null sets no limit."""
    usd_per_million_input_tokens: float | None = execution(None, ge=0)
    """Price of one million input tokens in USD, for `max_usd`, `docent estimate` and the report. null uses the list
    price in `llm/pace/prices.yaml`, if it has one for the model."""
    usd_per_million_output_tokens: float | None = execution(None, ge=0)
    """Price of one million output tokens in USD, for `max_usd`, `docent estimate` and the report. null uses the list
    price in `llm/pace/prices.yaml`, if it has one for the model."""
    batch_price: float = execution(0.5, gt=0, le=1)
    """Price in `batch` mode as a fraction of the two prices above; 0.5 means half price."""
    batch_requests: int = execution(50_000, ge=1, le=50_000)
    """Maximum number of requests in one batch file."""
    batch_mb: float = execution(190.0, gt=0, le=200)
    """Maximum size of one batch file in megabytes."""
    batch_poll_s: float = execution(30.0, gt=0)
    """Seconds between two checks of whether running batches have finished."""

    @field_validator("base_url")
    @classmethod
    def _without_secrets(cls, address: str) -> str:
        """Refuse an address that would put a password or key into `pipeline.resolved.yaml`, without repeating it."""
        parts = address.partition("://")[2] or address
        host, _, query = parts.partition("?")
        named = any(SECRET_NAME.search(name) for name, _ in parse_qsl(query))
        if "@" in host.partition("/")[0] or named or holds_secret("", address):
            raise ValueError(
                "contains a password or key; set it in the environment variable named by llm.api_key_env instead"
            )
        return address

    @field_validator("extra_body")
    @classmethod
    def _without_keys(cls, fields: dict[str, Any]) -> dict[str, Any]:
        """Refuse a field that would put a key into `pipeline.resolved.yaml`, without repeating it."""
        if found := sorted(name for name, value in fields.items() if is_key_field(name, value)):
            raise ValueError(
                f"{', '.join(found)} contains a key; set it in the variable named by llm.api_key_env instead"
            )
        return fields

    @property
    def needs_key(self) -> bool:
        """Return whether the endpoint requires a key; a local server often does not."""
        return self.provider not in ("offline", "vllm", "lmdeploy")
