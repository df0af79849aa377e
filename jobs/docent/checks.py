"""Check that the stages can do what a configuration asks for, before the first one starts rather than hours later.

Reads the configuration; writes nothing and asks nobody. The types of `config/` check single values; here stands what
a stage knows better: one that does is a package with a module `checks`, which has `check(config)`; it
returns lines for people, which go to standard error.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

import click

from docent.config import PipelineConfig
from docent.errors import ConfigError
from docent.pipeline import STAGES, describes, units


def check_stages(config: PipelineConfig) -> None:
    """Ask every stage of the run whether it can do what the configuration says; print what people should know.

    Raises:
        ConfigError: one cannot.
    """
    stages = dict.fromkeys(unit.stage for unit in units(config).values())
    if "ingest" in stages:
        check_teacher_sees(config)
    for package in (STAGES[stage].run.partition(":")[0] for stage in stages):
        if _has_checks(package):
            for line in importlib.import_module(f"{package}.checks").check(config):
                click.echo(line, err=True)


def check_teacher_sees(config: PipelineConfig) -> None:
    """Whether pictures can be described; here, because stage ingest is heavy to import.

    Raises:
        ConfigError: descriptions are wanted of a teacher that cannot see.
    """
    if describes(config) and config.llm.provider == "offline":
        raise ConfigError(
            "ingest.describe needs a teacher that sees pictures, and the offline teacher does not",
            "llm.provider: offline",
            "name an endpoint (llm.provider, llm.base_url, llm.model), or --set ingest.describe.enabled=false",
        )


def _has_checks(package: str) -> bool:
    """Return whether a stage has something to check; looks at files, so that the others are not imported."""
    spec = importlib.util.find_spec(package)
    folders = (spec.submodule_search_locations or ()) if spec else ()
    return any((Path(folder) / "checks.py").is_file() for folder in folders)
