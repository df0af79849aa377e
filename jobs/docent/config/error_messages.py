"""Format the errors of a configuration: every problem with its path, where it was set, and the likely correct name.

Reads and writes nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from docent.config.lookup import choices_at, unknown_key
from docent.config.overrides import FIX, Override
from docent.config.validation_messages import words
from docent.errors import ConfigError
from docent.messages.masking import mask
from docent.messages.plurals import counted

MAY_HOLD_SECRETS = frozenset({"base_url", "env", "extra_body"})
"""Fields whose values, including nested ones, are never repeated in messages."""
MAX_GIVEN_CHARS = 100


def describe(error: ValidationError, model: type[BaseModel], overrides: Sequence[Override] = ()) -> str:
    """Return one line per problem: path, what is wrong, the likely correct key, and which override it comes from."""
    problems = []
    for problem in error.errors(include_url=False):
        path = [str(part) for part in problem["loc"] if part != "[key]"]
        line = f"{'.'.join(path)}: {_sentence(problem, path, model)}"
        cause = _override_of(problem, overrides)
        problems.append(f"{line} (set by {cause.origin})" if cause and cause.origin != "--set" else line)
    count = counted(len(problems), "problem")
    return mask("\n".join([f"{count} in the configuration", *(f"  - {line}" for line in problems)]))


def refused(
    error: ValidationError, model: type[BaseModel], path: Path | None, overrides: Sequence[Override]
) -> ConfigError:
    """Return the error of an invalid configuration: about the file, or about overrides.

    Args:
        path: the pipeline file; None if there is none.
        overrides: values set on the command line and by environment variables.
    """
    what = describe(error, model, overrides)
    causes = [_override_of(problem, overrides) for problem in error.errors(include_url=False)]
    if path is not None and not all(causes):
        return ConfigError(what, str(path), f"edit {path}, then: docent plan {path}")
    origins = dict.fromkeys(cause.shown for cause in causes if cause)
    where = ", ".join(origins) or "--set"
    missing = [".".join(map(str, one["loc"])) for one in error.errors(include_url=False) if one["type"] == "missing"]
    added = "".join(f" --set {dotted}=..." for dotted in missing)
    return ConfigError(what, where, f"add{added}, then run the command again" if added else FIX)


def unreadable(path: Path, error: Exception) -> ConfigError:
    """Return the error of a pipeline file that is missing or not valid YAML."""
    if isinstance(error, FileNotFoundError):
        next_step = "correct the path; without FILE, docent reads pipeline.yaml in the working directory"
        return ConfigError("the pipeline file does not exist", str(path), next_step)
    if isinstance(error, IsADirectoryError):
        return ConfigError("the path of the pipeline file is a folder", str(path), "name a file in it")
    if isinstance(error, UnicodeDecodeError):
        why = f"byte {error.start + 1} is not UTF-8"
        return ConfigError(f"the pipeline file is not a text file: {why}", str(path), "save it as UTF-8")
    return ConfigError(f"the pipeline file cannot be read: {error}", str(path), "fix the file, then run again")


def _sentence(problem: Any, path: Sequence[str], model: type[BaseModel]) -> str:
    if problem["type"] == "extra_forbidden":
        return unknown_key(path, model)
    message = words(problem)
    if problem["type"] == "missing" and (choices := choices_at(model, path)):
        message += f": one of {', '.join(choices)}"
    if str(path[-1] if path else "").endswith("_env"):
        return message  # somebody may have put the secret itself there
    given = None if MAY_HOLD_SECRETS.intersection(path) else problem.get("input")
    shown = f" (given: {given!r:.{MAX_GIVEN_CHARS}})" if isinstance(given, str | int | float | bool) else ""
    return message + shown


def _override_of(problem: Any, overrides: Sequence[Override]) -> Override | None:
    """Return the last override that caused a problem: at its path, in or around it, or next to a missing key."""
    path = tuple(str(part).replace("-", "_") for part in problem["loc"] if part != "[key]")
    for override in reversed(overrides):
        keys = override.keys
        if path[: len(keys)] == keys or keys[: len(path)] == path:
            return override
        if problem["type"] == "missing" and override.is_new and keys[: len(path) - 1] == path[:-1]:
            return override
    return None
