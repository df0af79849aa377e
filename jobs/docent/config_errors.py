"""Turns pydantic's errors into sentences: every problem, its path in the file, and what was probably meant."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from docent.errors import ConfigError
from docent.masking import mask
from docent.run_names import RUN_NAME_RULE

MAY_HOLD_SECRETS = frozenset({"base_url", "env", "extra_body"})
"""Fields whose values are never repeated, nor anything inside them."""


def describe(error: ValidationError, model: type[BaseModel]) -> str:
    """One line per problem: dotted path, what is wrong, and a near spelling for an unknown key."""
    problems = []
    for problem in error.errors(include_url=False):
        path = [str(part) for part in problem["loc"]]
        line = f"{'.'.join(path)}: {_sentence(problem)}"
        if problem["type"] == "extra_forbidden":
            names = list(_fields_at(model, path[:-1]))
            near = difflib.get_close_matches(path[-1], names, n=1)
            line += f" - did you mean `{near[0]}`?" if near else f" - known here: {', '.join(names)}"
        problems.append(line)
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return mask("\n".join([f"{count} in the configuration", *(f"  - {line}" for line in problems)]))


def unreadable(path: Path, error: Exception) -> ConfigError:
    """What to say when the file is missing or is no YAML."""
    if isinstance(error, FileNotFoundError):
        return ConfigError("the pipeline file does not exist", str(path), "name another file, or: docent run --help")
    return ConfigError(f"the pipeline file cannot be read: {error}", str(path), "fix the file, then run again")


def _sentence(problem: Any) -> str:
    if problem["type"] == "extra_forbidden":
        return "unknown key"
    if str(problem["loc"][-1]).endswith("_env"):
        return "is the name of an environment variable (A-Z, 0-9, _): name it, never paste the secret itself"
    message: str = problem["msg"].removeprefix("Value error, ")
    if problem["loc"] == ("run", "name") and problem["type"] == "string_pattern_mismatch":
        message = RUN_NAME_RULE
    given = None if MAY_HOLD_SECRETS.intersection(problem["loc"]) else problem.get("input")
    shown = f" (given: {given!r})" if isinstance(given, str | int | float | bool) else ""
    return message[:1].lower() + message[1:] + shown


def _fields_at(model: type[BaseModel], path: list[str]) -> Iterator[str]:
    """Names of the fields that the section at `path` has."""
    for key in path:
        if key.isdigit() or key not in model.model_fields:
            continue
        inner = next(_models_in(model.model_fields[key].annotation), None)
        if inner is None:
            return
        model = inner
    yield from (field.alias or name for name, field in model.model_fields.items())


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models_in(inner)
