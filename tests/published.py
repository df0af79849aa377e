"""The published material that some tests compare with, and the pytest plugin that skips them where it is missing.

Reads the environment variable DOCENT_PUBLISHED_DATA: the path of a folder that holds it as `documents/`, `museum/`,
`photos/` and `qa/`. No file of it is part of this repository. Tests that need it are marked `published`; only those:
`make test-published DOCENT_PUBLISHED_DATA=FOLDER`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "DOCENT_PUBLISHED_DATA"
# Absolute from the start, since tests change the working directory.
FOLDER = Path(os.environ[VARIABLE]).absolute() if os.environ.get(VARIABLE) else None


def published(name: str) -> Path:
    """Path of one file or folder of the published material.

    Raises:
        LookupError: the variable is not set: the test lacks the mark `published`.
    """
    if FOLDER is None:
        raise LookupError(f"{VARIABLE} is not set: mark this test `published`")
    return FOLDER / name


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a variable that names no folder: its tests would pass as skipped.

    Raises:
        pytest.UsageError: the variable is set and names no folder.
    """
    if FOLDER is not None and not FOLDER.is_dir():
        raise pytest.UsageError(f"{VARIABLE} names no folder: {FOLDER}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests marked `published` where the variable is not set."""
    if FOLDER is None:
        skip = pytest.mark.skip(reason=f"needs the published material: set {VARIABLE} to its folder")
        for item in items:
            if item.get_closest_marker("published"):
                item.add_marker(skip)
