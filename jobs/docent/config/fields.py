"""Define configuration fields with their effect, and select the fields that change output.

Reads and writes nothing. `output` fields enter the hash of the stages that use them; `execution` fields never do.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def output(default: Any = ..., **limits: Any) -> Any:
    """Define a field whose value changes what the stage writes."""
    return _field("output", default, limits)


def execution(default: Any = ..., **limits: Any) -> Any:
    """Define a field that changes how a stage runs, never what it writes."""
    return _field("execution", default, limits)


def _field(effect: str, default: Any, limits: Mapping[str, Any]) -> Any:
    value = {"default_factory": default} if callable(default) else {"default": default}
    return Field(json_schema_extra={"effect": effect}, **value, **limits)


class ConfigSection(BaseModel):
    """Base class of all sections of the file: it refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, frozen=True, allow_inf_nan=False)


def output_fields(section: BaseModel) -> dict[str, Any]:
    """Return the fields of a section that change what is written, as JSON values, including nested sections."""
    fields: dict[str, Any] = {}
    for name, field in type(section).model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("effect") == "output":
            fields[name] = _plain(getattr(section, name))
    return fields


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return output_fields(value)
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value.as_posix() if isinstance(value, Path) else value
