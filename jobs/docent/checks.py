"""Check before a run that its stages support the configuration, so that none fails hours later.

Reads the configuration; writes nothing and sends no requests. The types in `config/` check single values. A stage with
further checks is a package with a module `checks`; its function `check(config)` returns lines for the user, which are
printed to standard error.
"""

import importlib
import importlib.util
from pathlib import Path

import click

from docent.config import PipelineConfig
from docent.errors import ConfigError
from docent.pipeline import STAGES, describes, units


def check_stages(config: PipelineConfig) -> None:
    """Check that every stage of the run supports the configuration; print the notes that the checks return.

    Raises:
        ConfigError: a stage does not support the configuration.
    """
    stages = dict.fromkeys(unit.stage for unit in units(config).values())
    if "ingest" in stages:
        check_teacher_sees(config)
    for package in (STAGES[stage].run.partition(":")[0] for stage in stages):
        if _has_checks(package):
            for line in importlib.import_module(f"{package}.checks").check(config):
                click.echo(line, err=True)


def check_teacher_sees(config: PipelineConfig) -> None:
    """Check that the teacher can read pictures if it describes them; not in stage ingest, which is slow to import.

    Raises:
        ConfigError: descriptions are requested from a teacher that cannot read pictures.
    """
    if describes(config) and config.llm.provider == "offline":
        raise ConfigError(
            "ingest.describe needs a model that reads pictures; the offline teacher cannot",
            "llm.provider: offline",
            "configure an endpoint (llm.provider, llm.base_url, llm.model), or --set ingest.describe.enabled=false",
        )


def _has_checks(package: str) -> bool:
    """Return whether a stage has a module `checks`; look at files only, to import no stage without one."""
    spec = importlib.util.find_spec(package)
    folders = (spec.submodule_search_locations or ()) if spec else ()
    return any((Path(folder) / "checks.py").is_file() for folder in folders)
