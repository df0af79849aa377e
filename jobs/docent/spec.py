"""Compute the hashes that decide whether a unit must run.

Plan hash: stage, version, seed, the output fields of its configuration, and the plan hashes of the units it reads. It
is known before anything runs, and is part of the names of Kubernetes objects. Spec hash: the plan hash, and the digests
of inputs on disk, including recorded splits; it names the folder on disk. Reads `_SUCCESS.json` files, records of
splits and source files; writes nothing.
"""

import hashlib
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from docent.artifacts.listings import SUCCESS, load_success
from docent.artifacts.recorded_splits import RECORD_OF, read_recorded
from docent.config import PipelineConfig
from docent.errors import InputError
from docent.messages.printing import printable
from docent.pipeline import STAGES, Unit, hashed_fields, input_paths, reads_base_model, units
from docent.records import canonical_json
from docent.source_files.digests import Hashed, Snapshot, changes_since, take_snapshot
from docent.source_files.hash_index import one_at_a_time, read_hashes, write_hashes
from docent.store import Artifact, complete


def plan_hashes(config: PipelineConfig) -> dict[str, str]:
    """Return the plan hash of every unit of the run, by unit name."""
    plans: dict[str, str] = {}
    for name, unit in units(config).items():
        stage = STAGES[unit.stage]
        reads = {read: plans[read] for read in unit.reads}
        what = [unit.stage, unit.part, stage.version, config.seed, hashed_fields(config, unit), reads]
        plans[name] = hashlib.sha256(canonical_json(what).encode()).hexdigest()
    return plans


@dataclass(frozen=True)
class State:
    """The state of a unit on disk.

    Attributes:
        spec: its spec hash; None while any of its inputs is incomplete.
        artifact: its complete output, if any.
    """

    spec: str | None
    artifact: Artifact | None


class RunStates:
    """Finds the complete units in a run folder, and caches them.

    Incomplete units are checked again on every call, so that the launcher can poll.

    Args:
        verify: hash every listed file and every source instead of trusting size and time stamps.
        as_left: if the source files of a unit no longer exist, use the output of the last run.
        stage_unit: in a stage, the unit that this process works on. Only its own sources are then checked; the digests
            of earlier units' sources come from their `_SUCCESS.json`. The launcher checks all of them.
    """

    def __init__(
        self,
        config: PipelineConfig,
        run_dir: Path,
        verify: bool = False,
        as_left: bool = False,
        *,
        stage_unit: str = "",
    ) -> None:
        self.config, self.run_dir, self.verify, self.as_left = config, run_dir, verify, as_left
        self.stage_unit = stage_unit
        self.units = units(config)
        self.plans = plan_hashes(config)
        self._cache = run_dir.parent / "cache"
        self._complete: dict[str, State] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._completed_ns: dict[str, int] = {}
        self._known: dict[str, Hashed] = {}

    def of(self, name: str) -> State:
        """Return the state of one unit.

        Raises:
            InputError: a source file or folder of the configuration does not exist.
        """
        if name in self._complete:
            return self._complete[name]
        inputs = {read: self.of(read).artifact for read in self.units[name].reads}
        if not all(inputs.values()):
            return State(None, None)
        success = load_success(self.run_dir, name)
        if success is None and self._is_before(name):
            return State(None, None)
        try:
            sources = success.sources if success and self._is_before(name) else None
            digests = {read: a.digest for read, a in inputs.items() if a}
            spec = self._spec_hash(name, digests, sources or self._snapshot(name).digest)
        except InputError:
            if not (self.as_left and success):
                raise
            spec = success.spec
        is_current = success is not None and success.spec == spec
        artifact = complete(self.run_dir, name, success, self.verify) if success and is_current else None
        if artifact is None and self._forget_outdated_snapshot(name):
            return self.of(name)
        state = State(spec, artifact)
        if artifact:
            self._complete[name] = state
        return state

    def _is_before(self, name: str) -> bool:
        """Return whether this process runs a later stage than the unit, and trusts its `_SUCCESS.json`."""
        return self.stage_unit not in ("", name)

    def _spec_hash(self, name: str, digests: dict[str, str], sources: str) -> str:
        what: list[object] = [self.plans[name], digests, sources]
        stage = self.units[name].stage
        if stage in RECORD_OF and (recorded := read_recorded(self.config, self.run_dir, stage, digests).digest):
            what.append(recorded)
        return hashlib.sha256(canonical_json(what).encode()).hexdigest()

    def _forget_outdated_snapshot(self, name: str) -> bool:
        """Drop the digest of a unit's sources if another process completed the unit later, with changed sources."""
        snapshot = self._snapshots.get(name)
        success = self.run_dir / name / SUCCESS
        if snapshot is None or not success.is_file():
            return False
        completed_ns = success.stat().st_mtime_ns
        if completed_ns <= snapshot.taken_ns or completed_ns == self._completed_ns.get(name):
            return False
        self._completed_ns[name] = completed_ns
        del self._snapshots[name]
        return True

    def changed_sources(self, name: str) -> list[str]:
        """Return the changes in a unit's sources since they were hashed, as `path: what happened`."""
        return changes_since(self._snapshots[name], self.run_dir) if name in self._snapshots else []

    def sources_digest(self, name: str) -> str:
        """Return the digest of the files outside the run that a unit reads, or "" if it reads none."""
        snapshot = self._snapshot(name)
        return snapshot.digest if snapshot.paths else ""

    def keep_source_hashes(self) -> None:
        """Store the hashes of sources in the cache, so that unchanged files are not hashed again."""
        for snapshot in self._snapshots.values():
            write_hashes(self._cache, snapshot)

    def _snapshot(self, name: str) -> Snapshot:
        if name in self._snapshots:
            return self._snapshots[name]
        paths = input_paths(self.config, self.units[name])
        for path in paths:
            if not path.exists():
                next_step = _where_to_correct(self.config, self.units[name], path)
                raise InputError(f"the input of {name} does not exist", printable(str(path)), next_step)
            self._refuse_own_output(name, path)
        outwards = reads_base_model(self.units[name])
        with one_at_a_time(self._cache, paths) if self.stage_unit else nullcontext():
            if not self.verify:
                self._known |= read_hashes(self._cache, paths)
            try:
                snapshot = take_snapshot(paths, self._known, outwards)
            except PermissionError as error:
                where = printable(str(error.filename))
                raise InputError("no permission to read a source", where, "chmod -R a+rX PATH") from None
            if self.stage_unit:
                write_hashes(self._cache, snapshot)
        self._known |= snapshot.files
        self._snapshots[name] = snapshot
        return snapshot

    def _refuse_own_output(self, name: str, path: Path) -> None:
        """Refuse source files that the run itself writes: their digest would change with every run."""
        run_dir, real = self.run_dir.resolve(), path.resolve()
        if self.units[name].stage == "ingest" and (real == run_dir or run_dir in real.parents):
            raise InputError(
                "a source is inside this run's folder", printable(str(path)), "copy it elsewhere, or use --run OTHER"
            )


def _where_to_correct(config: PipelineConfig, unit: Unit, path: Path) -> str:
    """Return the next step for a missing path: the command that corrects it."""
    field = "curate.edits" if unit.stage == "curate" else "finetune.base_model"
    for number, source in enumerate(config.ingest.sources if unit.stage == "ingest" and config.ingest else ()):
        if path == source.path:
            field = f"ingest.sources.{number}.path"
        elif path == source.images_folder:
            field = f"ingest.sources.{number}.images"
    return f"correct the path in the pipeline file, or: docent run --set {field}=..."
