"""Define the settings (knobs) of the mock endpoint.

Reads and writes no files; used by `endpoint.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Knobs:
    """Settings of the endpoint. All are optional.

    Attributes:
        latency_s: seconds from the complete request to the answer; 429 and other rejections are sent immediately.
        latency_sigma: standard deviation of a log-normal latency with median latency_s, derived from each request's
            content.
        slots: maximum number of requests answered at the same time; others wait in order of arrival, without a 429.
        rate_per_s: token bucket of requests per second, full at the start.
        burst: size of that bucket; by default rate_per_s.
        tokens_per_s: token bucket of tokens per second; a request costs the sum of `usage`.
        token_burst: size of that bucket; by default tokens_per_s.
        retry_after: seconds in the Retry-After header of every 429; null: no such header.
        rate_headers: whether every reply has OpenAI's x-ratelimit-* headers, with the state at admission.
        p_429 ... p_hostile: shares of requests with that fault, drawn in order of arrival with `seed`; each request has
            at most one fault. p_429 is a 429 although the limits are not reached; p_hang is never answered; p_truncated
            is cut in the middle with finish_reason "length"; p_fenced has its JSON in a ```json fence; p_broken has an
            extra comma or a missing brace with finish_reason "stop"; p_wrong_schema is JSON of another form; p_hostile
            is the kind that `hostile` names (endpoint_hostile.py: empty, null, control, nested_fence, huge; html,
            no_json, no_choices, invalid_utf8, redirect, cut_off, endless, error_inside, open_stream).
        honours: the strictest supported response_format: json_schema, json_object or none.
        on_unknown_format: whether a stricter response_format is ignored or rejected with 400.
        unknown_fields: {name: name that the error suggests, or ""}: requests with such a field are rejected with 400.
        prose: if only the prompt asks for JSON, the answer has a sentence before and after the JSON.
        shape: form of JSON without a schema: one {question, answer} ("pair"), a list with one ("list"), no JSON
            ("text").
        typed: requests for pairs about a section get valid answers (endpoint_typed.py).
        short_for: {word: n}: the first n typed answers to prompts with that word lack one pair.
        keep: number of small request bodies shown in /stats as `sent`.
        tool_calls: whether requests with tools are answered with tool calls.
        answer_bytes: length of an answer.
        items: number of items in a list if the schema does not define it.
        usage: [prompt, completion] tokens of every answer; null: the reply has no usage.
        key: the required API key, in Authorization (Bearer) or api-key; without it the reply is 401.
        batch_delay_s: seconds from the creation of a batch to its end.
        batch_expire_after: number of processed lines after which a batch expires.
        batch_p_line_error: share of lines in the error file.
        batch_p_refused: share of lines answered with 400; the same lines every time.
        batch_fails: number of batches that end as failed.
        batch_max_requests, batch_max_bytes: limits of a batch; larger ones are rejected with 400.
        max_life_s: time after which the process ends.
    """

    latency_s: float = 0.0
    latency_sigma: float = 0.0
    slots: int | None = None
    rate_per_s: float | None = None
    burst: float | None = None
    tokens_per_s: float | None = None
    token_burst: float | None = None
    retry_after: float | None = None
    rate_headers: bool = False
    p_429: float = 0.0
    p_500: float = 0.0
    p_hang: float = 0.0
    p_truncated: float = 0.0
    p_fenced: float = 0.0
    p_broken: float = 0.0
    p_wrong_schema: float = 0.0
    p_hostile: float = 0.0
    hostile: str = "html"
    honours: str = "json_schema"
    on_unknown_format: str = "ignore"
    unknown_fields: dict[str, str] = field(default_factory=dict)
    prose: bool = False
    shape: str = "pair"
    typed: bool = False
    short_for: dict[str, int] = field(default_factory=dict)
    keep: int = 0
    tool_calls: bool = False
    answer_bytes: int = 200
    items: int = 1
    usage: tuple[int, int] | None = (100, 50)
    key: str | None = None
    model: str = "mock"
    seed: int = 0
    batch_delay_s: float = 0.0
    batch_expire_after: int | None = None
    batch_p_line_error: float = 0.0
    batch_p_refused: float = 0.0
    batch_fails: int = 0
    batch_max_requests: int = 50_000
    batch_max_bytes: int = 200 * 1024 * 1024
    max_life_s: float = 3600.0

    @classmethod
    def of(cls, given: dict[str, Any]) -> Knobs:
        """Parse knobs from JSON. Raises ValueError for an unknown name."""
        known = {known.name for known in fields(cls)}
        if unknown := set(given) - known:
            raise ValueError(f"no such knob: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
        return cls(**given)
