"""Describe values that pydantic rejects, in words for users. Reads and writes nothing.

Pydantic's own messages use Python terms (`Input should be a valid tuple`), which do not help to fix a YAML file.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from docent.config.run_names import RUN_NAME_PATTERN, RUN_NAME_RULE
from docent.messages.plurals import counted

Limits = Mapping[str, Any]

NAME_RULE = "must have 1 to {} characters from a-z, 0-9 and hyphens, and not begin or end with a hyphen"

_PATTERNS: dict[str, str] = {
    RUN_NAME_PATTERN: RUN_NAME_RULE,
    f"^$|{RUN_NAME_PATTERN}": RUN_NAME_RULE,
    r"^[a-z0-9]([a-z0-9-]{0,11}[a-z0-9])?$": NAME_RULE.format(13),
    r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$": NAME_RULE.format(63),
    r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$": "must be a Kubernetes quantity, such as 500m or 4Gi",
    r"^[A-Za-z0-9_\-]{0,40}$": "must be the name of an encoding, such as cp1252",
    r"^[a-z][a-z0-9_]{1,39}$": "must have 2 to 40 characters: a-z, 0-9 and underscores, the first one a letter",
    r"^[A-Z][A-Z0-9_]*$": "must be the name of an environment variable (A-Z, 0-9, _), never the secret itself",
}
"""Patterns of the configuration's fields, in words; a test compares them with the fields."""
_WORDS: dict[str, str | Callable[[Limits], str]] = {
    "missing": "missing",
    "extra_forbidden": "unknown key",
    "none_required": "must be null",
    **dict.fromkeys(("string_type", "string_unicode", "path_type"), "must be a text"),
    "string_too_short": lambda ctx: _at_least(ctx["min_length"], "character"),
    "string_too_long": lambda ctx: f"must have at most {ctx['max_length']} characters",
    "string_pattern_mismatch": lambda ctx: _PATTERNS.get(ctx["pattern"], f"must match the pattern {ctx['pattern']}"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "must be a whole number"),
    "int_parsing_size": "must be a smaller number",
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    "finite_number": "must be a finite number",
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    "literal_error": lambda ctx: "must be one of: " + ", ".join(re.findall(r"'([^']*)'", ctx["expected"])),
    "greater_than": lambda ctx: f"must be greater than {ctx['gt']:g}",
    "greater_than_equal": lambda ctx: f"must be {ctx['ge']:g} or greater",
    "less_than": lambda ctx: f"must be less than {ctx['lt']:g}",
    "less_than_equal": lambda ctx: f"must be {ctx['le']:g} or less",
    "too_short": lambda ctx: _at_least(ctx["min_length"], "entry", "entries"),
    "too_long": lambda ctx: f"must have at most {ctx['max_length']} entries",
    **dict.fromkeys(("tuple_type", "list_type"), "must be a list, such as [a, b]"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "must be a mapping, such as {key: value}"),
    "value_error": lambda ctx: str(ctx["error"]),
    "json_invalid": lambda ctx: f"is not JSON: {ctx['error']}",
}
"""The message for each type of pydantic error: the rest of a sentence that begins with the field."""


def words(problem: Any) -> str:
    """Return what is wrong in an entry of `ValidationError.errors()`: the rest of a sentence that names the field."""
    message = _WORDS.get(problem["type"], "is not valid")
    return message if isinstance(message, str) else message(problem.get("ctx", {}))


def _at_least(number: int, one: str, more: str = "") -> str:
    """Return the message about a text or list that is too short."""
    return f"must have at least {counted(number, one, more)}"
