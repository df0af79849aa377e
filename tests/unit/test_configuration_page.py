"""docs/configuration.md has every key once, where its section is, and README.md stays short."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from docent.config import PipelineConfig

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
configuration_page = importlib.import_module("configuration_page")


def keys_of(schema: dict[str, Any], part: dict[str, Any], path: str) -> Iterator[str]:
    """Keys without further keys below them, from the JSON schema that the model gives."""
    for name, inner in part.get("properties", {}).items():
        ways = [inner, *inner.get("allOf", ()), *inner.get("anyOf", ())]
        references = [way["$ref"] for way in ways if "$ref" in way]
        sections = [schema["$defs"][reference.rsplit("/")[-1]] for reference in references]
        below = [key for section in sections for key in keys_of(schema, section, f"{path}{name}.")]
        yield from below or [f"{path}{name}"]


def test_every_key_stands_once_under_the_heading_of_its_section() -> None:
    schema = PipelineConfig.model_json_schema(by_alias=True)
    found: list[str] = []
    for part in configuration_page.configuration_page().split("\n## ")[1:]:
        keys = re.findall(r"^\| `([^`]+)` \|", part, re.MULTILINE)
        assert {key.partition(".")[0] for key in keys} == {part.split("\n")[0]}
        found += keys
    assert len(found) == len(set(found)) > 200
    mapping = "kubernetes.resources"  # of units to sections, which are listed by the keys of one
    assert set(keys_of(schema, schema, "")) - {mapping} <= set(found)
    assert {"llm.model", "ingest.sources[].kind", f"{mapping}.tolerations[].key"} <= set(found)


def test_a_line_of_the_table_is_one_line_with_its_bars_escaped() -> None:
    class Section(BaseModel):
        name: str = Field("a", description="One of\n a|b.", json_schema_extra={"effect": "execution"})

    rows = list(configuration_page.config_table(configuration_page.all_fields(Section, "s.")))
    assert rows[2:] == ["| `s.name` | `a` | no | One of a\\|b. |"]


def test_the_readme_is_short_and_leads_to_the_tables() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) < 250
    for page in ("docs/configuration.md", "docs/errors.md"):
        assert f"({page})" in readme and (ROOT / page).is_file()
