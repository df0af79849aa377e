"""Define options that several verbs share, and load the configuration, folder and run that they refer to.

Reads the pipeline file and the folder of runs; writes nothing.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
import yaml

from docent.config import PipelineConfig, Run, load_config
from docent.config.run_names import RUN_NAME_RULE, is_run_name
from docent.errors import LauncherError
from docent.launcher.runs.settings import RESOLVED

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_FILE = Path("pipeline.yaml")
DEFAULT_DATA = Path("runs")
DEFAULT_NAMESPACE = "docent"


def options(*chosen: Callable[[F], F]) -> Callable[[F], F]:
    """Combine several options into one decorator; --help lists them in the given order."""

    def add(function: F) -> F:
        for option in reversed(chosen):
            function = option(function)
        return function

    return add


def _checked_run_name(_: click.Context, option: click.Parameter, name: str | None) -> str | None:
    """Refuse an invalid run name, which could be a path to another folder."""
    if name is not None and not is_run_name(name):
        raise click.BadParameter(RUN_NAME_RULE, param=option)
    return name


PATH = click.Path(path_type=Path)
_run_option = partial(click.option, "--run", "run_name", callback=_checked_run_name)
_namespace_option = partial(click.option, "--namespace", "-n", envvar="DOCENT_NAMESPACE", show_envvar=True)

file_argument = click.argument("file", type=PATH, required=False)
run_name = _run_option(help="Name of the run; default: run.name in FILE.")
run_here = _run_option(
    help="Name of the run; default: run.name in FILE. Without FILE, an existing run keeps its stored settings "
    "(pipeline.resolved.yaml in its folder), and a new run uses pipeline.yaml.",
)
which_run = _run_option(help="Name of the run; default: the most recently used one.")
run_argument = click.argument("run_name", metavar="[RUN]", required=False, callback=_checked_run_name)
named_run = click.argument("named", metavar="[RUN]", required=False, callback=_checked_run_name)
data = click.option("--data", type=PATH, default=DEFAULT_DATA, help="Folder that contains the runs; default: runs.")
sets = click.option(
    "--set", "sets", multiple=True, metavar="A.B=C", help="Override a configuration value; may be repeated."
)
as_json = click.option("-o", "output", type=click.Choice(["table", "json"]), default="table", help="Output format.")
yes = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
units_range = options(
    click.option("--from", "first", metavar="UNIT", help="Run this unit and all units that depend on it."),
    click.option("--to", "last", metavar="UNIT", help="Run this unit and all units that it depends on."),
    click.option("--only", metavar="UNIT", help="Run only this unit."),
)
backend = click.option(
    "--backend",
    type=click.Choice(["local", "kubernetes"]),
    default="local",
    envvar="DOCENT_BACKEND",
    show_default=True,
    show_envvar=True,
    help="Where the run is executed: on this machine (local), or in the cluster of the current kube context.",
)
namespace_of_file = _namespace_option(help="Namespace on the cluster; default: kubernetes.namespace in FILE.")
namespace = _namespace_option(default=DEFAULT_NAMESPACE, show_default=True, help="Namespace on the cluster.")


def read_config(
    file: Path | None, run_name: str | None, sets: Sequence[str], namespace: str | None = None
) -> PipelineConfig:
    """Load the configuration of a verb that takes a pipeline file (by default pipeline.yaml).

    Raises:
        ConfigError: the file or an override is invalid.
    """
    named = {"run.name": run_name, "kubernetes.namespace": namespace}
    return load_config(
        file or DEFAULT_FILE, [*sets, *(f"{key}={json.dumps(value)}" for key, value in named.items() if value)]
    )


def read_run(file: Path | None, run_name: str | None, data: Path, sets: Sequence[str]) -> tuple[PipelineConfig, Path]:
    """Load the configuration, and return it with the folder of its run on this machine.

    If no file is given, an existing run keeps its stored configuration, whichever file it came from; environment
    variables and overrides change it in the same way as a file.

    Raises:
        ConfigError: the file or an override is invalid.
        LauncherError: (2) no file is given, and the name is similar to that of an existing run.
    """
    from docent.launcher.verbs.known_runs import refuse_typo

    if file is None and run_name and not (data / run_name).is_dir() and run_name != name_in(DEFAULT_FILE):
        refuse_typo(data, run_name)
    if file is None and run_name and (resolved := data / run_name / RESOLVED).is_file():
        file = resolved
    config = read_config(file, run_name, sets)
    return config, data / config.run.name


def name_in(file: Path) -> str:
    """Return the run name in a pipeline file, even if the rest is invalid, or "" if the file cannot be read."""
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return ""
    run = raw.get("run") if isinstance(raw, dict) else None
    name = run.get("name") if isinstance(run, dict) else None
    return name if isinstance(name, str) and is_run_name(name) else Run().name


def find_run(data: Path, run_name: str | None) -> Path:
    """Return the folder of the named run, or of the most recently used one.

    Raises:
        LauncherError: (102) the run does not exist, or there are no runs.
    """
    from docent.launcher.verbs.known_runs import no_such_run

    if run_name:
        if not (data / run_name).is_dir():
            raise no_such_run(data, run_name)
        return data / run_name
    locks = [path for path in data.glob("*/.lock") if path.is_file() and is_run_name(path.parent.name)]
    runs = sorted(locks, key=lambda path: path.stat().st_mtime)
    if not runs:
        raise LauncherError(102, "the folder contains no runs", str(data), "docent run")
    return runs[-1].parent
