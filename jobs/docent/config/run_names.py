"""Check the name of a run, which names a folder below the data folder and is part of Kubernetes object names."""

from __future__ import annotations

import re

RUN_NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$"
RUN_NAME_RULE = "the name of a run has 1 to 16 characters: a-z, 0-9 and hyphens, none of them at an end"


def is_run_name(name: str) -> bool:
    """Return whether a run may be called so."""
    return re.fullmatch(RUN_NAME_PATTERN, name) is not None
