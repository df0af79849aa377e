"""Texts that look like numbers or truth values stay texts in manifests, also for parsers of other YAML versions."""

from __future__ import annotations

import pytest
import yaml

from docent.launcher.render import to_yaml

LIKE_NUMBERS = ["2024", "1e3", "0755", "0o17", "0x1f", "1_000", "on", "y", "null", "~", ".5", "1.0", "12e-3"]


@pytest.mark.parametrize("name", LIKE_NUMBERS)
def test_a_name_that_looks_like_a_number_is_quoted(name: str) -> None:
    text = to_yaml({"metadata": {"labels": {"run": name}}})
    assert text.split("run: ")[1][0] in "\"'"
    assert yaml.safe_load(text)["metadata"]["labels"]["run"] == name


def test_ordinary_names_stay_plain() -> None:
    assert to_yaml({"name": "docent-1e3x"}) == "name: docent-1e3x\n"
