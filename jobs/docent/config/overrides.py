"""Apply overrides such as `--set a.b=c` to a pipeline file before it is validated. Reads and writes nothing on disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any

import yaml
from pydantic import BaseModel

from docent.config.lookup import is_known, kinds_at, unknown_key
from docent.errors import ConfigError
from docent.messages.masking import mask
from docent.messages.plurals import counted

QUOTES = ("", "'", '"', "|", ">", "&", "*", "!")
"""First characters of values that YAML itself reads as text."""
NOTHING = ("null", "Null", "NULL", "~")
FIX = "correct it, then run the command again; docs/configuration.md lists all keys"


@dataclass(frozen=True)
class Override:
    """A value that overrides the pipeline file.

    Attributes:
        keys: the path of the value; items of a list are numbered from 0.
        origin: `--set`, or the name of the environment variable.
        is_new: whether the section or item around it did not exist before.
    """

    keys: tuple[str, ...]
    origin: str = "--set"
    is_new: bool = False

    @property
    def shown(self) -> str:
        """Return where the value was set, without the value, which may be a secret."""
        return f"--set {'.'.join(self.keys)}" if self.origin == "--set" else self.origin


def apply_override(
    raw: dict[str, Any], override: str, model: type[BaseModel] | None = None, origin: str = "--set"
) -> Override:
    """Set one `a.b=c` in the raw mapping; c is used as text if the field is a text, and read as YAML otherwise.

    Args:
        model: the configuration model; without it, any key is accepted.
        origin: where the override was given, for messages.

    Raises:
        ConfigError: the override cannot be read, or its path does not exist.
    """
    dotted, equals, text = override.partition("=")
    where = f"--set {mask(dotted.strip())}" if origin == "--set" else origin
    keys = tuple(key.replace("-", "_") for key in dotted.strip().split("."))
    if not equals or not all(keys):
        raise ConfigError(f"cannot read {mask(override)!r}", where, "write it as --set section.field=value")
    if model and not is_known(model, keys):
        raise ConfigError(f"{mask('.'.join(keys))}: {unknown_key(keys, model, whole_path=True)}", where, FIX)
    kinds = kinds_at(model, keys) if model else set()
    text_only = kinds - {NoneType} in ({str}, {Path})
    if text_only and not text.strip():
        value = None if NoneType in kinds else ""  # an empty path would be the working directory
    else:
        value = _value(text, dotted, where, text_only)
    at: Any = raw
    is_new = False
    for number in range(1, len(keys)):
        slot = _slot(at, keys[:number], where)
        if at[slot] is None:
            at[slot] = [] if keys[number].isdecimal() else {}
            is_new = True
        at = at[slot]
    at[_slot(at, keys, where)] = value
    return Override(keys, origin, is_new)


def _value(text: str, dotted: str, where: str, text_only: bool) -> Any:
    """Return the value to set. A text field accepts any text unchanged, such as `2024` or `a: b`, except `null`."""
    plain = text.strip()
    if text_only and plain not in NOTHING and not (len(plain) > 1 and plain[0] in "'\"" and plain[-1] == plain[0]):
        return plain
    try:
        value = yaml.safe_load(text)
    except ValueError:  # what looks like a date and is none, as 2024-99-99
        return plain
    except yaml.YAMLError:
        what = f"the value of {dotted} is not valid YAML"
        raise ConfigError(what, where, f"put it in quotes, such as --set '{dotted}=\"...\"'") from None
    if isinstance(value, str | None) and value != plain and plain[:1] not in QUOTES and plain not in NOTHING:
        return plain  # ` #` begins a comment in YAML, and is part of a path here
    return value


def _slot(at: Any, path: Sequence[str], where: str) -> Any:
    """Return the last key of a path, as a key or an index; if it is missing, add it with the value None."""
    key = path[-1]
    if isinstance(at, dict):
        at.setdefault(key)
        return key
    if isinstance(at, list) and key.isdecimal() and int(key) <= len(at):
        if int(key) == len(at):
            at.append(None)
        return int(key)
    raise _leads_nowhere(at, path, where)


def _leads_nowhere(at: Any, path: Sequence[str], where: str) -> ConfigError:
    """Return the error of a path that does not exist: an index past the end of a list, or a key of a single value."""
    before = ".".join(path[:-1])
    if isinstance(at, list) and path[-1].isdecimal():
        what = f"entry {path[-1]} does not exist: {before} has {counted(len(at), 'entry', 'entries')}"
        return ConfigError(what, where, f"entries are numbered from 0; the next one to add is {before}.{len(at)}")
    kind = "a list, with entries numbered from 0" if isinstance(at, list) else "a single value, without keys"
    return ConfigError(f"{before} is {kind}", where, f"set all of it: --set '{before}=...'")
