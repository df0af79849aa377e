"""Check the name of a run, which names a folder below the data folder and is part of Kubernetes object names."""

import re

RUN_NAME_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$"
RUN_NAME_RULE = "a run name has 1 to 16 characters from a-z, 0-9 and hyphens, and does not begin or end with a hyphen"


def is_run_name(name: str) -> bool:
    """Return whether a text is a valid run name."""
    return re.fullmatch(RUN_NAME_PATTERN, name) is not None
