"""Define the section `llm` of pipeline.yaml: the teacher and how its endpoint is used."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import parse_qsl

from pydantic import field_validator

from docent.config.fields import Section, execution, output
from docent.messages.masking import SECRET_NAME, holds_secret, is_key_field


class Llm(Section):
    """The teacher that writes questions and answers: one client for every stage that asks a model."""

    provider: Literal["offline", "openai", "azure", "openrouter", "vllm", "lmdeploy"] = output("offline")
    """`offline` extracts pairs from the source text; `openai` is any OpenAI-compatible endpoint; the others are
    `openai` with what is known of that one: how it takes a key, its paths, its extra settings."""
    base_url: str = output("https://api.openai.com/v1")
    """Address of the endpoint, usually ending with /v1, without a key or password; for `azure`
    https://NAME.openai.azure.com."""
    api_version: str = output("")
    """For `azure` with deployments, such as 2024-10-21; empty takes its /openai/v1 path, which needs none."""
    model: str = output("gpt-4o-mini")
    """Model name sent to the endpoint; for `azure` the deployment's name."""
    api_key_env: str = execution("OPENAI_API_KEY", pattern=r"^[A-Z][A-Z0-9_]*$")
    """Name of the environment variable that holds the key."""
    mode: Literal["online", "batch"] = execution("online")
    """`batch` sends requests as files to the endpoint's batch API: the same rows, cheaper, within its window."""
    top_p: float | None = output(None, gt=0, le=1)
    """Nucleus sampling; sent only when set."""
    frequency_penalty: float | None = output(None, ge=-2, le=2)
    """Sent only when set."""
    presence_penalty: float | None = output(None, ge=-2, le=2)
    """Sent only when set."""
    extra_body: dict[str, Any] = output(dict)
    """Further fields of every request as the endpoint knows them, e.g. `{top_k: 40, min_p: 0.05}` for vLLM."""
    structured_output: Literal["auto", "json_schema", "json_object", "prompt"] = output("auto")
    """How JSON is asked for; `auto` tries the endpoint once, strictest first."""
    max_in_flight: int = execution(32, ge=1)
    """Most requests at the same time, over all shards; fewer are sent while the endpoint only queues them."""
    max_attempts: int = execution(5, ge=1, le=20)
    """Tries per request before it is given up."""
    timeout_s: float = execution(120.0, gt=0)
    """Seconds to wait for one reply."""
    deadline_s: float = execution(900.0, gt=0)
    """Seconds from the first failure of a request to its last try."""
    max_reply_mb: float = execution(4.0, gt=0, le=256)
    """A longer reply is cut off and refused."""
    requests_per_minute: int | None = execution(None, ge=1)
    """Over all shards; what the endpoint says or refuses is learned beside it."""
    tokens_per_minute: int | None = execution(None, ge=1)
    """Over all shards, input and output together."""
    requests_per_day: int | None = execution(None, ge=1)
    """In any 24 hours, over all shards and runs that share the journal."""
    tokens_per_day: int | None = execution(None, ge=1)
    """In any 24 hours, over all shards and runs that share the journal."""
    max_usd: float | None = execution(None, gt=0)
    """Stop cleanly before more than this is spent on a stage; needs prices."""
    max_tokens: int | None = execution(None, ge=1)
    """Stop cleanly before more tokens than this are used by a stage, input and output together."""
    usd_per_million_input_tokens: float | None = execution(None, ge=0)
    """Price for the limit and the report; without it the list price in `llm/pace/prices.yaml`, where one stands."""
    usd_per_million_output_tokens: float | None = execution(None, ge=0)
    """Price for the limit and the report; without it the list price in `llm/pace/prices.yaml`, where one stands."""
    batch_price: float = execution(0.5, gt=0, le=1)
    """Share of the prices above that batch mode costs."""
    batch_requests: int = execution(50_000, ge=1, le=50_000)
    """Most requests in one batch file."""
    batch_mb: float = execution(190.0, gt=0, le=200)
    """Most megabytes in one batch file."""
    batch_poll_s: float = execution(30.0, gt=0)
    """Seconds between looks at a running batch."""

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
        if keys := sorted(name for name, value in fields.items() if is_key_field(name, value)):
            raise ValueError(f"{', '.join(keys)} holds a key: put it in the variable that llm.api_key_env names")
        return fields

    @property
    def needs_key(self) -> bool:
        """Whether the endpoint cannot be asked without a key; a server of one's own often can."""
        return self.provider not in ("offline", "vllm", "lmdeploy")
