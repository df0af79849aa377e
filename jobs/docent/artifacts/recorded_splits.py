"""Record the splits of photos and pairs, so that they stay the same when material is added to a run.

Reads `splits.jsonl` of the last complete `assemble` (photos) or `build-dataset` (pairs about exhibits) of the run
folder, or of the run that `assemble.splits_of` names; those stages rewrite their own lines and keep the others. The
record is an input of the stages that read it: its digest is part of their spec hash. `Recorded.earlier` selects the
lines that apply. A stage that runs again on material that it has already recorded reads the same lines as the first
time, so that its spec hash stays the same. See docs/adr/0010.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from docent.artifacts.confinement import OutsideRunError, inside
from docent.artifacts.listings import RECORD, load_success
from docent.config import PipelineConfig
from docent.config.stages import Assemble
from docent.errors import InputError
from docent.messages.printing import printable
from docent.records import Frozen, Split, canonical_json

log = logging.getLogger("docent.splits")

# The unit whose record a stage reads, and the units whose output is the material of a record.
RECORD_OF = {"augment-images": "assemble", "assemble": "assemble", "build-dataset": "build-dataset"}
MATERIAL = {"assemble": ("ingest", "assess-images"), "build-dataset": ("assemble", "generate-qa", "curate")}
DIGITS = 16
HELD_OUT: tuple[Split, ...] = ("test", "validation", "train")


class RecordedSplit(Frozen):
    """One photo or pair and its split."""

    key: str
    """sha256 of a photo's bytes, or the key of a pair."""
    name: str
    """Name of the photo or of the exhibit, for people who read the file."""
    split: Split
    rule: str
    """Hash of the settings that decide splits; if they change, everything is assigned again."""
    material: str
    """Hash of the material that was assigned, or the name of the run that the line was copied from."""


@dataclass(frozen=True)
class Recorded:
    """The lines of a run's record, with the current rule and material.

    Attributes:
        lines: all lines, including those of other rules.
    """

    lines: tuple[RecordedSplit, ...]
    rule: str
    material: str

    @cached_property
    def earlier(self) -> dict[str, Split]:
        """The split of every key that this rule assigned before this material first appeared; the first entry wins.

        So material that is removed and added again later gets the same splits as before.
        """
        earlier: dict[str, Split] = {}
        for line in self.lines[: self._place]:
            if line.rule == self.rule:
                earlier.setdefault(line.key, line.split)
        return earlier

    @cached_property
    def digest(self) -> str:
        """sha256 of all lines except those of this rule and material, which the stage rewrites; "" if none."""
        others = [[line.rule, line.material, line.key, line.split] for line in self.lines if not self._is_own(line)]
        return hashlib.sha256(canonical_json(others).encode()).hexdigest() if others else ""

    def continued(self, assigned: Iterable[tuple[str, str, Split]]) -> bytes:
        """Return the record with new assignments (key, name and split) added. Known lines keep their text and place.

        If a key occurs twice, as with the same photo of two exhibits, test wins over validation, and both over train.
        """
        added: dict[str, RecordedSplit] = {}
        for key, name, split in assigned:
            known = added.get(key)
            if key not in self.earlier and (known is None or HELD_OUT.index(split) < HELD_OUT.index(known.split)):
                added[key] = RecordedSplit(key=key, name=name, split=split, rule=self.rule, material=self.material)
        later = [line for line in self.lines[self._place :] if not self._is_own(line)]
        lines = (*self.lines[: self._place], *added.values(), *later)
        return "".join(f"{canonical_json(line.model_dump())}\n" for line in lines).encode()

    @cached_property
    def _place(self) -> int:
        """Index of the first line of this rule and material, or the number of lines if there is none."""
        return next((place for place, line in enumerate(self.lines) if self._is_own(line)), len(self.lines))

    def _is_own(self, line: RecordedSplit) -> bool:
        return (line.rule, line.material) == (self.rule, self.material)


def read_recorded(config: PipelineConfig, run_dir: Path, stage: str, digests: Mapping[str, str]) -> Recorded:
    """Read the record of a stage, or of the run that `assemble.splits_of` names if the stage has no record yet.

    Args:
        digests: digest of each artifact that the stage reads, by unit.

    Raises:
        InputError: the other run has no record of photos with the same settings.
    """
    owner = RECORD_OF[stage]
    material = [digests.get(unit, "") for unit in MATERIAL[owner]]
    section = config.assemble or Assemble()
    rule = [config.seed, section.split, section.test_images, section.validation_images]
    lines = _lines(run_dir, owner)
    if not lines and section.splits_of and section.splits_of != run_dir.name:
        lines = _lines_of_other(run_dir.parent / section.splits_of, owner, _hash(rule))
    return Recorded(lines, _hash(rule), _hash(material))


def _lines_of_other(run_dir: Path, owner: str, rule: str) -> tuple[RecordedSplit, ...]:
    """Return the lines that another run assigned by the same rule, regardless of its material.

    Raises:
        InputError: the other run assigned no photo by this rule.
    """
    by_unit = {unit: [line for line in _lines(run_dir, unit) if line.rule == rule] for unit in ("assemble", owner)}
    if not by_unit["assemble"]:
        what = f"run {run_dir.name} (assemble.splits_of) has no splits that were assigned with the same settings"
        same = "use its seed, assemble.split, assemble.test_images and assemble.validation_images"
        raise InputError(what, printable(str(run_dir)), f"{same}, or: docent run --run {run_dir.name}")
    return tuple(line.model_copy(update={"material": run_dir.name}) for line in by_unit[owner])


def _lines(run_dir: Path, unit: str) -> tuple[RecordedSplit, ...]:
    """Return the lines of the last complete record, or none if it is missing or, with a warning, damaged."""
    success = load_success(run_dir, unit)
    listed = [file for file in success.files if file.path == RECORD] if success else []
    if not success or not listed:
        return ()
    try:
        data = inside(run_dir, f"{unit}/{success.folder}/{RECORD}").read_bytes()
        if hashlib.sha256(data).hexdigest() == listed[0].sha256:
            return tuple(RecordedSplit.model_validate_json(line) for line in data.splitlines())
    except (OSError, OutsideRunError, ValidationError):
        pass
    where = printable(str(run_dir / unit / success.folder / RECORD))
    log.warning("recorded splits are missing or damaged; all splits are assigned again: %s", where)
    return ()


def _hash(what: Sequence[object]) -> str:
    return hashlib.sha256(canonical_json(list(what)).encode()).hexdigest()[:DIGITS]
