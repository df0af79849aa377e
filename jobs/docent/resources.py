"""Read the YAML files that are stored next to modules: word lists, prompts, tables."""

from functools import cache
from importlib import resources
from typing import Any

import yaml


@cache  # several modules read the same file of word lists
def read_yaml(package: str, name: str) -> Any:
    """Return the content of a YAML file in a package; callers share it and must not change it."""
    return yaml.safe_load(resources.files(package).joinpath(name).read_text(encoding="utf-8"))
