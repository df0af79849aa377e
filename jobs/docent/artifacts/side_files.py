"""Base classes and readers for the JSON files that docent writes next to rows.

Reads the files that it is given; writes nothing.
"""

import json
import stat
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from docent.config.validation_messages import words


class SideFile(BaseModel):
    """A file that holds one JSON object. Unknown keys are ignored on reading, since a later version may write more."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    def to_json(self, indent: int | None = 1, **options: Any) -> bytes:
        """Return the content of the file.

        Args:
            options: keyword arguments of `json.dumps`.
        """
        value = self.model_dump(by_alias=True)
        return (json.dumps(value, indent=indent, **options) + "\n").encode("utf-8", "replace")


class StrictSideFile(SideFile):
    """A file that controls later steps, so types are strict: `"7"` or `true` instead of 7 is an error."""

    model_config = ConfigDict(strict=True)


def load_json(path: Path) -> dict[str, Any] | None:
    """Return a JSON object, or None if the file is absent, torn, or not a regular file."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would block the reader forever
            return None
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def first_problem(error: ValidationError) -> str:
    """Return the first problem of a value: the path of the field and a few words."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))} {words(first)}"
