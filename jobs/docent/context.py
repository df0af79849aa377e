"""What a stage sees while it runs: its configuration, its inputs, its shard, and where to put what it makes.

A stage is `def run(ctx: Context) -> Iterator[Row | Reject]`. It reads rows of the units before it through `ctx.rows`,
takes its own block with `ctx.mine`, saves pictures with `ctx.save`, and yields rows. Nothing it yields counts before
the shell (stage.py) has committed the shard.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from docent.artifacts.confinement import inside
from docent.artifacts.listings import RECORD
from docent.artifacts.recorded_splits import Recorded, read_recorded
from docent.config import PipelineConfig
from docent.errors import InputError
from docent.messages.printing import printable
from docent.pipeline import Unit, section_of
from docent.progress import Progress
from docent.ranks import peers
from docent.records import ImageFile, Row, Split, canonical_json
from docent.store import Artifact, Shard, listing, sync_folder, temporary_name, write_durably

PICTURES = "pictures"
"""The amount under which `ingest` notes how many pictures its rows hold."""
R = TypeVar("R", bound=Row)
T = TypeVar("T")


@dataclass
class Context:
    """One shard of one unit at work.

    Attributes:
        inputs: complete artifacts of the units it reads, by unit name.
        folder: `<run>/<unit>/<spec10>`, where everything it makes ends up.
        progress: tell it `total` and how far it is.
        stop: set when SIGTERM arrived; long loops save and raise StoppedError.
        usage: tokens, usd and seconds for the marker; add to it.
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
    _folders: dict[str, Path] = field(default_factory=dict)
    _growing: dict[str, Path] = field(default_factory=dict)

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
        """A folder that survives kills and is never an output; the same for every attempt of this spec."""
        path = self.folder / "checkpoints"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def artifacts(self, stage: str) -> list[Artifact]:
        """Complete units of a stage that this unit reads; empty when that stage is skipped."""
        return [a for name, a in self.inputs.items() if name == stage or name.startswith(f"{stage}-")]

    def rows(self, stage: str, kind: type[R]) -> list[R]:
        """All rows of a stage, unit after unit, in order; empty when that stage is skipped."""
        return [row for artifact in self.artifacts(stage) for row in artifact.rows(kind)]

    def stream(self, stage: str, kind: type[R]) -> Iterator[R]:
        """The same rows one at a time, for stages that may have more of them than memory."""
        return (row for artifact in self.artifacts(stage) for row in artifact.rows(kind))

    def count(self, stage: str) -> int:
        """How many rows `stream` gives, known without reading them."""
        return sum(int(artifact.success["rows"]) for artifact in self.artifacts(stage))

    def mine(self, rows: Sequence[T]) -> Sequence[T]:
        """The contiguous block of `rows` that this shard works on."""
        return rows[self.shard.block(len(rows))]

    def image_path(self, image: ImageFile) -> Path:
        """Where a picture lies, whichever unit made it.

        Raises:
            InputError: the row names a unit that this one does not read, or a file that the unit does not list.
        """
        if image.unit not in self.inputs:
            raise InputError(
                f"the picture {image.id} is of a unit that is not read: {printable(image.unit)}",
                str(self.run_dir),
                "docent run --verify",
            )
        return self.inputs[image.unit].file(image.file)

    def rng(self, *what: Any) -> random.Random:
        """A random generator that depends on the run's seed and on `what` alone, never on shard or attempt."""
        text = canonical_json([self.config.seed, *what])
        return random.Random(hashlib.sha256(text.encode()).digest())

    def recorded_splits(self) -> Recorded:
        """Which split photos or pairs went to before; of a stage that reads a record (recorded_splits.py)."""
        digests = {name: artifact.digest for name, artifact in self.inputs.items()}
        return read_recorded(self.config, self.run_dir, self.unit.stage, digests)

    def record_splits(self, recorded: Recorded, assigned: Iterable[tuple[str, str, Split]]) -> None:
        """Write the record anew, with the key, name and split of everything that was assigned now."""
        self.output_file(RECORD, recorded.continued(assigned))

    def spend(self, **amounts: float) -> None:
        """Add to the shard's usage, e.g. `spend(input_tokens=120, usd=0.002)`."""
        for name, amount in amounts.items():
            self.usage[name] = self.usage.get(name, 0.0) + amount

    def save(self, data: bytes, suffix: str) -> str:
        """Store bytes under a name made of their hash; returns the path for a row, `files/<sha16>.<suffix>`."""
        name = f"files/{hashlib.sha256(data).hexdigest()[:16]}.{suffix}"
        path = inside(self.folder, name)
        if name not in self._files and peers.rank() == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not (path.is_file() and path.read_bytes() == data):
                write_durably(path, data)
            self._files[name] = path
        return name

    def output_folder(self, name: str) -> Path:
        """An empty folder whose content becomes `<spec10>/<name>/` when the shard commits."""
        if name not in self._folders:
            path = temporary_name(self.folder / name)
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
            self._folders[name] = path
        return self._folders[name]

    def output_file(self, name: str, data: bytes) -> None:
        """Store one named output beside the rows, e.g. `summary.json`."""
        if peers.rank() == 0:  # the ranks of a training share the folder, and the first one publishes
            path = self.folder / name
            write_durably(path, data)
            self._files[name] = path

    def output_path(self, name: str) -> Path:
        """Where to write a named output that is too large for memory; it becomes `<spec10>/<name>` at the commit."""
        if name not in self._growing:
            path = temporary_name(self.folder / name)
            path.unlink(missing_ok=True)
            self._growing[name] = path
        return self._growing[name]

    def made_so_far(self) -> dict[str, Path]:
        """Where every named output lies now, before the commit, by the path it will have inside the unit's folder.

        The record of splits is left out: it is for the next run alone.
        """
        found = {**self._files, **self._growing}
        found.pop(RECORD, None)
        for name, made in self._folders.items():
            found |= {f"{name}/{path.relative_to(made).as_posix()}": path for path in made.rglob("*") if path.is_file()}
        return dict(sorted(found.items()))

    def publish(self) -> list[dict[str, Any]]:
        """Move output files and folders into place and list every file; called once by the shell."""
        for name, made in self._growing.items():
            _sync_file(made)
            os.replace(made, self.folder / name)
            self._files[name] = self.folder / name
        if self._growing:
            sync_folder(self.folder)
        listed = [listing(self.folder, path) for path in self._files.values()]
        for name, made in self._folders.items():
            final = self.folder / name
            if final.exists():
                shutil.rmtree(final)
            _sync_files(made)
            os.replace(made, final)
            listed += [listing(self.folder, path) for path in sorted(final.rglob("*")) if path.is_file()]
        return listed

    def discard(self) -> None:
        """Remove output files and folders that were not published."""
        for made in self._growing.values():
            made.unlink(missing_ok=True)
        for made in self._folders.values():
            shutil.rmtree(made, ignore_errors=True)


def _sync_files(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            _sync_file(path)


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
