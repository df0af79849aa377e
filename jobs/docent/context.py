"""Define the context of a running stage: its configuration, its inputs, its shard, and where it writes output.

A stage is `def run(ctx: Context) -> Iterator[Row | Reject]`. It reads the rows of earlier units through `ctx.rows`,
selects its own block with `ctx.mine`, saves pictures with `ctx.save`, and yields rows. Other stages see its rows
only after stage.py has committed the shard.
"""

import hashlib
import os
import random
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from docent.artifacts.confinement import inside
from docent.artifacts.durable import sync_file, sync_folder, temporary_name, write_durably
from docent.artifacts.listings import RECORD, OutputFile
from docent.artifacts.recorded_splits import Recorded, read_recorded
from docent.artifacts.summaries import UnitSummary
from docent.config import PipelineConfig
from docent.errors import InputError
from docent.messages.printing import printable
from docent.pipeline import STAGES, Unit, section_of
from docent.progress import Progress
from docent.ranks import peers
from docent.records import ImageFile, QAPair, Row, Split, canonical_json
from docent.store import Artifact, Shard

PICTURES = "pictures"
"""The key in `usage` under which `ingest` records how many pictures its rows hold."""
R = TypeVar("R", bound=Row)
T = TypeVar("T")


@dataclass
class Context:
    """One shard of one unit while it runs.

    Attributes:
        inputs: complete artifacts of the units that this unit reads, by unit name.
        folder: `<run>/<unit>/<spec10>`, the folder of all output.
        progress: where the stage reports its progress.
        stop: set once SIGTERM arrives; long loops then save and raise StoppedError.
        usage: tokens, usd and seconds for the marker; see `spend`.
    """

    config: PipelineConfig
    unit: Unit
    run_dir: Path
    folder: Path
    shard: Shard
    inputs: dict[str, Artifact]
    progress: Progress
    stop: threading.Event = field(default_factory=threading.Event)
    usage: dict[str, float] = field(default_factory=dict)
    _files: dict[str, Path] = field(default_factory=dict)
    _unpublished: dict[str, Path] = field(default_factory=dict)

    @property
    def section(self) -> Any:
        """The config section of this stage."""
        return section_of(self.config, self.unit.stage)

    @property
    def cache(self) -> Path:
        """`<data>/cache`: content-keyed, shared by runs."""
        return self.run_dir.parent / "cache"

    @property
    def journal(self) -> Path:
        """The journal of requests to teachers, shared by stages, shards and runs."""
        return self.cache / "llm" / "journal"

    @property
    def scratch(self) -> Path:
        """A folder for checkpoints, which is kept if an attempt is killed and is never part of the output."""
        path = self.folder / "checkpoints"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def writers(self, kind: type[Row]) -> list[Artifact]:
        """Return the inputs that create rows of a type, in pipeline order; empty if their stages are skipped."""
        return writers(self.inputs, kind)

    def revisers(self, kind: type[Row]) -> list[Artifact]:
        """Return the inputs whose rows replace rows that `writers` created, such as curated pairs."""
        return revisers(self.inputs, kind)

    def artifacts(self, kind: type[Row]) -> list[Artifact]:
        """Return the inputs to read rows of a type from: those that revised them, or else those that created them."""
        return self.revisers(kind) or self.writers(kind)

    def artifact(self, kind: type[Row]) -> Artifact | None:
        """Return the first of `artifacts`, or None if the stage that writes such rows is skipped."""
        return next(iter(self.artifacts(kind)), None)

    def rows(self, kind: type[R]) -> list[R]:
        """Return all rows of a type, unit by unit, in order; empty if the stage that writes them is skipped."""
        return list(self.stream(kind))

    def stream(self, kind: type[R]) -> Iterator[R]:
        """Yield the rows of a type one at a time, for stages whose rows may not fit into memory."""
        return (row for artifact in self.artifacts(kind) for row in artifact.rows(kind))

    def pairs(self) -> Iterator[QAPair]:
        """Yield question-answer pairs, whichever stages wrote them; the curated pairs if a stage curates."""
        return self.stream(QAPair)

    def count(self, kind: type[Row]) -> int:
        """Return how many rows `stream` yields, without reading them."""
        return sum(artifact.success.rows for artifact in self.artifacts(kind))

    def mine(self, rows: Sequence[T]) -> Sequence[T]:
        """Return the contiguous block of `rows` that this shard works on."""
        return rows[self.shard.block(len(rows))]

    def image_path(self, image: ImageFile) -> Path:
        """Return the path of a picture, whichever unit wrote it.

        Raises:
            InputError: the row names a unit that is not an input of this one, or a file that the unit does not list.
        """
        if image.unit not in self.inputs:
            raise InputError(
                f"picture {image.id} belongs to unit {printable(image.unit)}, which is not an input",
                str(self.run_dir),
                "docent run --verify",
            )
        return self.inputs[image.unit].file(image.file)

    def rng(self, *what: Any) -> random.Random:
        """Return a random generator seeded only by the run's seed and `what`, never by shard or attempt."""
        text = canonical_json([self.config.seed, *what])
        return random.Random(hashlib.sha256(text.encode()).digest())

    def recorded_splits(self) -> Recorded:
        """Return the splits assigned earlier, for a stage that reads a record of them (recorded_splits.py)."""
        digests = {name: artifact.digest for name, artifact in self.inputs.items()}
        return read_recorded(self.config, self.run_dir, self.unit.stage, digests)

    def record_splits(self, recorded: Recorded, assigned: Iterable[tuple[str, str, Split]]) -> None:
        """Rewrite the record, adding the key, name and split of every new assignment."""
        self.output_file(RECORD, recorded.continued(assigned))

    def spend(self, **amounts: float) -> None:
        """Add to the shard's usage, e.g. `spend(input_tokens=120, usd=0.002)`."""
        for name, amount in amounts.items():
            self.usage[name] = self.usage.get(name, 0.0) + amount

    def save(self, data: bytes, suffix: str) -> str:
        """Store bytes under a name derived from their hash; return the path for a row, `files/<sha16>.<suffix>`."""
        name = f"files/{hashlib.sha256(data).hexdigest()[:16]}.{suffix}"
        path = inside(self.folder, name)
        if name not in self._files and peers.rank() == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not (path.is_file() and path.read_bytes() == data):
                write_durably(path, data)
            self._files[name] = path
        return name

    def output_folder(self, name: str) -> Path:
        """Return an empty folder whose content becomes `<spec10>/<name>/` when the shard commits."""
        if name not in self._unpublished:
            shutil.rmtree(self.output_path(name), ignore_errors=True)
            self.output_path(name).mkdir(parents=True)
        return self._unpublished[name]

    def output_file(self, name: str, data: bytes) -> None:
        """Store one named output next to the rows, e.g. `summary.json`."""
        if peers.rank() == 0:  # the ranks of a training share the folder, and only rank 0 publishes
            path = self.folder / name
            write_durably(path, data)
            self._files[name] = path

    def output_summary(self, summary: UnitSummary) -> None:
        """Store a summary of the unit under the file name of its class."""
        self.output_file(summary.file, summary.to_json(ensure_ascii=False, allow_nan=False))

    def output_path(self, name: str) -> Path:
        """Return the path for an output that is too large for memory; the commit renames it to `<spec10>/<name>`."""
        return self._unpublished.setdefault(name, temporary_name(self.folder / name))

    def publish(self) -> list[OutputFile]:
        """Move output files and folders into place and return an entry for every file; `commit` calls this once."""
        published = list(self._files.values())
        for name, temporary in self._unpublished.items():
            final = self.folder / name
            if final.is_dir():
                shutil.rmtree(final)
            for path in filter(Path.is_file, [temporary, *temporary.rglob("*")]):
                sync_file(path)
            os.replace(temporary, final)
            published += filter(Path.is_file, [final, *sorted(final.rglob("*"))])
        sync_folder(self.folder)
        return [OutputFile.of(self.folder, path) for path in published]

    def discard(self) -> None:
        """Remove output files and folders that were not published."""
        for temporary in self._unpublished.values():
            shutil.rmtree(temporary, ignore_errors=True)
            if temporary.is_file():
                temporary.unlink()


def writers(inputs: Mapping[str, Artifact], kind: type[Row]) -> list[Artifact]:
    """Return the units that create rows of a type, without those that only revise them."""
    return [a for a in inputs.values() if (stage := STAGES[a.success.stage]).writes is kind and not stage.revises]


def revisers(inputs: Mapping[str, Artifact], kind: type[Row]) -> list[Artifact]:
    """Return the units that revise rows of a type: their rows replace the rows that they read."""
    return [a for a in inputs.values() if (stage := STAGES[a.success.stage]).writes is kind and stage.revises]
