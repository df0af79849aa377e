"""`_SUCCESS.json` of outputs that no stage wrote."""

from __future__ import annotations

from typing import Any

from docent.artifacts.listings import SCHEMA, SPEC_DIGITS, Success

UNKNOWN = "0" * 64


def success_of(stage: str, **known: Any) -> Success:
    """The listing of a complete unit; what is not given is empty."""
    empty: dict[str, Any] = {name: [] for name in ("parts", "rejects", "files", "markers", "failed_shards")}
    counts = {"rows": 0, "rejected": 0, "reject_reasons": {}}
    named = {"schema": SCHEMA, "stage": stage, "unit": stage, "spec": UNKNOWN, "folder": UNKNOWN[:SPEC_DIGITS]}
    return Success.model_validate({**empty, **counts, **named, "digest": UNKNOWN, **known})
