"""Store and load the settings of a run, and the settings of the current launch, which are not stored with the run yet.

Reads and writes `<run>/pipeline.resolved.yaml` (stored), `<run>/pipeline.attempt.yaml` and `<run>/launch.json` (of the
current launch, or of one that ended before any of its units succeeded). None of them contains secrets.
"""

import json
from pathlib import Path

from docent.artifacts.attempt import is_held
from docent.artifacts.durable import write_durably
from docent.config import PipelineConfig, dump_config, load_config
from docent.errors import ConfigError, LauncherError

RESOLVED = "pipeline.resolved.yaml"
ATTEMPT = "pipeline.attempt.yaml"
LAUNCH = "launch.json"


def write_attempt(config: PipelineConfig, run_dir: Path, chosen: list[str]) -> Path:
    """Write the settings and units of a launch, next to the stored settings; return the settings file for its workers.

    Args:
        chosen: names of the units that the launch is to run.
    """
    write_durably(run_dir / LAUNCH, (json.dumps({"units": chosen}) + "\n").encode())
    path = run_dir / ATTEMPT
    write_durably(path, dump_config(config).encode())
    return path


def store(config: PipelineConfig, run_dir: Path) -> None:
    """Store the settings with the run; leave the file untouched if nothing changed."""
    if not is_stored(config, run_dir):
        write_durably(run_dir / RESOLVED, dump_config(config).encode())


def is_stored(config: PipelineConfig, run_dir: Path) -> bool:
    """Return whether these settings equal those stored with the run."""
    path = run_dir / RESOLVED
    return path.is_file() and path.read_bytes() == dump_config(config).encode()


def forget_attempt(run_dir: Path) -> None:
    """Remove the files of `write_attempt`, once the settings are stored and no worker reads them any more."""
    for name in (ATTEMPT, LAUNCH):
        (run_dir / name).unlink(missing_ok=True)


def file_in_force(run_dir: Path, at_work: bool) -> Path:
    """Return the path of the settings to inspect a run with.

    Args:
        at_work: whether a launcher is working on the run now; if so, the settings of the current launch are used.
    """
    attempt, resolved = run_dir / ATTEMPT, run_dir / RESOLVED
    return attempt if attempt.is_file() and (at_work or not resolved.is_file()) else resolved


def resolved_config(run_dir: Path) -> PipelineConfig:
    """Load the configuration to inspect a run with: that of the current launch, or else the stored one.

    Raises:
        LauncherError: (102) there is no such run; (105) its configuration is damaged or from another version.
    """
    path = file_in_force(run_dir, is_locked(run_dir))
    if not path.is_file():
        raise LauncherError(
            102, f"run {run_dir.name!r} does not exist", str(run_dir), f"docent run --run {run_dir.name}"
        )
    try:
        return load_config(path, environ={})
    except ConfigError as error:
        what = f"the configuration of run {run_dir.name!r} cannot be read: {error.what}"
        next_step = f"to replace it by a pipeline file: docent run pipeline.yaml --run {run_dir.name}"
        raise LauncherError(105, what, str(path), next_step) from None


def is_locked(run_dir: Path) -> bool:
    """Return whether a launcher is working on this run now."""
    return is_held(run_dir / ".lock")
