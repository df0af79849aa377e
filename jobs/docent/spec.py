"""Hashes that decide whether a unit must run.

Plan hash: stage, version, seed, the output fields of its configuration, the plan hashes of what it reads. Known before
anything runs; it names Kubernetes objects. Spec hash: plan hash and the digests of the inputs found on disk; it names
the folder on disk. Reads `_SUCCESS.json` files and source files; writes nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from docent.config import PipelineConfig
from docent.errors import InputError
from docent.pipeline import STAGES, Unit, hashed_fields, input_paths, units
from docent.records import canonical_json
from docent.store import Artifact, digest_of_paths, find_artifact


def plan_hashes(config: PipelineConfig) -> dict[str, str]:
    """Plan hash of every unit of the run, by unit name."""
    found: dict[str, str] = {}
    for name, unit in units(config).items():
        stage = STAGES[unit.stage]
        reads = {read: found[read] for read in unit.reads}
        what = [unit.stage, unit.part, stage.version, config.seed, hashed_fields(config, unit), reads]
        found[name] = hashlib.sha256(canonical_json(what).encode()).hexdigest()
    return found


def spec_hash(config: PipelineConfig, unit: Unit, plan_hash: str, inputs: dict[str, Artifact]) -> str:
    """Spec hash of a unit whose inputs are all complete.

    Raises:
        InputError: a source file or folder of the configuration does not exist.
    """
    paths = input_paths(config, unit)
    for path in paths:
        if not path.exists():
            raise InputError(f"{unit.name} cannot find its input", str(path), "mend the path in the pipeline file")
    digests = {name: artifact.digest for name, artifact in sorted(inputs.items())}
    what = [plan_hash, digests, digest_of_paths(paths)]
    return hashlib.sha256(canonical_json(what).encode()).hexdigest()


@dataclass(frozen=True)
class State:
    """How a unit stands on disk.

    Attributes:
        spec: its spec hash; None while something it reads is not complete.
        artifact: its complete output, if any.
    """

    spec: str | None
    artifact: Artifact | None


def inspect(config: PipelineConfig, run_dir: Path, verify: bool = False) -> dict[str, State]:
    """State of every unit of the run, without running anything.

    Args:
        verify: hash every listed file instead of trusting size and time.
    """
    plans = plan_hashes(config)
    states: dict[str, State] = {}
    for name, unit in units(config).items():
        states[name] = inspect_unit(config, run_dir, unit, plans[name], states, verify)
    return states


def inspect_unit(
    config: PipelineConfig, run_dir: Path, unit: Unit, plan_hash: str, states: dict[str, State], verify: bool = False
) -> State:
    """State of one unit, given the states of the units that it reads."""
    inputs = {read: states[read].artifact for read in unit.reads}
    complete = {name: artifact for name, artifact in inputs.items() if artifact is not None}
    if len(complete) < len(inputs):
        return State(None, None)
    spec = spec_hash(config, unit, plan_hash, complete)
    return State(spec, find_artifact(run_dir, unit.name, spec, verify))
