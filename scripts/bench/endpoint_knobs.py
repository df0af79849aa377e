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
        latency_s: from the whole request to the answer; 429 and other refusals come at once.
        latency_sigma: of the logarithm; latency_s is then the median, each request's own follows from its content.
        slots: answered at the same time; the rest queue, first come first served, and see no 429.
        rate_per_s, burst: token bucket of requests, full at the start; burst is rate_per_s where it is left out.
        tokens_per_s, token_burst: token bucket of tokens; a request costs the sum of `usage`.
        retry_after: seconds in the header of every 429; null: no such header.
        rate_headers: OpenAI's x-ratelimit-* with every reply, as things stood at admission.
        p_429 ... p_wrong_schema: shares of arrivals with that fault, drawn one after the other with `seed`, at most one
            fault each. p_429 is a 429 although there is room; p_hang is never answered; p_truncated is cut in the
            middle with finish_reason "length"; p_fenced has its JSON in a ```json fence; p_broken has a comma too many
            or a brace too few with finish_reason "stop"; p_wrong_schema is JSON of another form; p_hostile is what
            `hostile` names (endpoint_hostile.py: empty, null, control, nested_fence, huge; html, no_json, no_choices,
            invalid_utf8, redirect, cut_off, endless, error_inside, open_stream).
        honours: the strongest response_format that is followed: json_schema, json_object or none.
        on_unknown_format: a response_format beyond it is ignored or refused with 400.
        unknown_fields: {name: name that the error suggests, or ""}: requests with such a field are refused with 400.
        prose: where JSON is asked for by the prompt alone, it comes with a sentence before and after it.
        shape: of JSON without a schema: one {question, answer} ("pair"), a list with one ("list"), never JSON ("text").
        typed: requests for pairs about a section get valid answers (endpoint_typed.py).
        short_for: {word: times}: this often, a typed answer to a prompt with that word lacks one pair.
        keep: number of small request bodies shown in /stats as `sent`.
        tool_calls: requests with tools are answered through them.
        answer_bytes: length of an answer. items: items of a list that a schema leaves open.
        usage: [prompt, completion] tokens of every answer; null: the reply has no usage.
        key: what Authorization (Bearer) or api-key must hold, else 401.
        batch_delay_s: from the creation of a batch to its end. batch_expire_after: so many lines are done, then it
            expires. batch_p_line_error: share of lines in the error file. batch_p_refused: share of lines answered 400,
            the same ones whenever they come. batch_fails: so many batches end as failed.
        batch_max_requests, batch_max_bytes: more is refused with 400.
        max_life_s: then the process ends.
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
