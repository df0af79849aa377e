"""`--set a.b=c`: change one value of a pipeline file before it is checked. Reads and writes nothing on disk."""

from __future__ import annotations

from typing import Any

import yaml

from docent.errors import ConfigError
from docent.masking import mask

QUOTES = ("", "'", '"', "|", ">", "&", "*", "!")
"""A value that begins so is YAML's own way of writing a text."""
NOTHING = ("null", "Null", "NULL", "~")


def apply_override(raw: dict[str, Any], override: str) -> None:
    """Set one `a.b=c` inside the raw mapping; c is YAML, list items are numbered from 0.

    Raises:
        ConfigError: the override cannot be read or leads nowhere.
    """
    dotted, equals, text = override.partition("=")
    shown = mask(override)
    keys = [key.replace("-", "_") for key in dotted.strip().split(".")]
    if not equals or not all(keys):
        raise ConfigError(f"cannot read the override {shown!r}", "--set", "write it as --set section.field=value")
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        said = mask(str(error))
        raise ConfigError(f"the value of {dotted} is not YAML: {said}", "--set", "quote the value") from None
    plain = text.strip()
    if isinstance(value, str | None) and value != plain and plain[:1] not in QUOTES and plain not in NOTHING:
        value = plain  # ` #` begins a comment in YAML, and is part of a path here
    at: Any = raw
    for key, following in zip(keys[:-1], keys[1:], strict=True):
        at = _step(at, key, [] if following.isdecimal() else {}, shown)
    _put(at, keys[-1], value, shown)


def _step(at: Any, key: str, empty: Any, override: str) -> Any:
    """Go one level down, making what is missing."""
    if isinstance(at, dict):
        if at.get(key) is None:
            at[key] = empty
        return at[key]
    if isinstance(at, list) and key.isdecimal() and int(key) <= len(at):
        if int(key) == len(at):
            at.append(empty)
        return at[int(key)]
    raise ConfigError(f"{key!r} in {override!r} leads nowhere", "--set", "list items are numbered from 0")


def _put(at: Any, key: str, value: Any, override: str) -> None:
    if isinstance(at, dict):
        at[key] = value
    elif isinstance(at, list) and key.isdecimal() and int(key) <= len(at):
        at[int(key) : int(key) + 1] = [value]
    else:
        raise ConfigError(f"{key!r} in {override!r} leads nowhere", "--set", "list items are numbered from 0")
