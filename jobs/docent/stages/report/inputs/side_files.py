"""Read the side files that other stages list beside their rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from docent.config.validation_messages import words
from docent.errors import InputError
from docent.store import Artifact


class SideFile(BaseModel):
    """A side file of a stage. Unknown keys are ignored, so that it may hold more than the page shows."""

    model_config = ConfigDict(frozen=True, extra="ignore")


F = TypeVar("F", bound=SideFile)


def file_of(artifact: Artifact | None, name: str) -> Path | None:
    """Return the path of a file that the artifact lists; None where it lists none of that name."""
    if artifact is None or name not in artifact.file_names:
        return None
    return artifact.file(name)


def read_side_file(artifact: Artifact | None, name: str, kind: type[F]) -> F | None:
    """Read a JSON file; None where the artifact lists none of that name.

    Raises:
        InputError: the file is not what its stage writes.
    """
    path = file_of(artifact, name)
    if path is None:
        return None
    try:
        return kind.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        why = f"{'.'.join(map(str, first['loc']))} {words(first)}"
    except json.JSONDecodeError as error:
        why = f"it is not JSON: {error}"
    raise InputError(f"{name} cannot be read: {why}", str(path), "docent run --verify") from None
