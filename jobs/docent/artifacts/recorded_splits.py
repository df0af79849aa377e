"""Remember which split photos and pairs went to, so that test stays test when material is added to a run.

Reads `splits.jsonl` of the last complete `assemble` (photos) or `build-dataset` (pairs about exhibits) of the run
folder, or of the run that `assemble.splits_of` names; those stages write it anew and keep the
other lines. It is an input of the stages that read it: its digest is part of their spec hash. `Recorded.earlier` says
which lines count. A stage that runs again on material that it recorded itself reads what it read before, and its spec
hash stays. See docs/adr/0010.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from docent.artifacts.confinement import OutsideRunError, inside
from docent.artifacts.listings import RECORD, load_success
from docent.config import Assemble, PipelineConfig
from docent.errors import InputError
from docent.messages.printing import printable
from docent.records import Frozen, Split, canonical_json

log = logging.getLogger("docent.splits")

# Whose record a stage reads, and which units' output is the material that a record was made for.
RECORD_OF = {"augment-images": "assemble", "assemble": "assemble", "build-dataset": "build-dataset"}
MATERIAL = {"assemble": ("ingest", "assess-images"), "build-dataset": ("assemble", "generate-qa", "curate")}
DIGITS = 16
HELD_OUT: tuple[Split, ...] = ("test", "validation", "train")


class Line(Frozen):
    """One photo or pair and its split."""

    key: str
    """sha256 of a photo's bytes, or the key of a pair."""
    name: str
    """For people: the photo's name, or the exhibit's."""
    split: Split
    rule: str
    """Hash of the settings that decide splits: with others, everything is assigned anew."""
    material: str
    """Hash of the material with which it was assigned; of another run, its name."""


@dataclass(frozen=True)
class Recorded:
    """The lines of a run's record, read for one rule and one material.

    Attributes:
        lines: all of them, of other rules as well.
    """

    lines: tuple[Line, ...]
    rule: str
    material: str

    @cached_property
    def earlier(self) -> dict[str, Split]:
        """The split of every key that was assigned by the same rule before this material first came; the first counts.

        So material that comes back is assigned as it was, whatever was assigned in the meantime.
        """
        earlier: dict[str, Split] = {}
        for line in self.lines[: self._place]:
            if line.rule == self.rule:
                earlier.setdefault(line.key, line.split)
        return earlier

    @cached_property
    def digest(self) -> str:
        """sha256 of all lines but those of the same rule and material, which the stage writes anew; "" without any."""
        others = [[line.rule, line.material, line.key, line.split] for line in self.lines if not self._is_own(line)]
        return hashlib.sha256(canonical_json(others).encode()).hexdigest() if others else ""

    def continued(self, assigned: Iterable[tuple[str, str, Split]]) -> bytes:
        """Return the record with what was assigned now: key, name and split. Known lines stay as and where they were.

        Of a key that comes twice, as the same photo of two exhibits does, the split that is held out more counts.
        """
        added: dict[str, Line] = {}
        for key, name, split in assigned:
            known = added.get(key)
            if key not in self.earlier and (known is None or HELD_OUT.index(split) < HELD_OUT.index(known.split)):
                added[key] = Line(key=key, name=name, split=split, rule=self.rule, material=self.material)
        later = [line for line in self.lines[self._place :] if not self._is_own(line)]
        lines = (*self.lines[: self._place], *added.values(), *later)
        return "".join(f"{canonical_json(line.model_dump())}\n" for line in lines).encode()

    @cached_property
    def _place(self) -> int:
        """Where the lines of this rule and material begin; behind all others where there are none."""
        return next((place for place, line in enumerate(self.lines) if self._is_own(line)), len(self.lines))

    def _is_own(self, line: Line) -> bool:
        return (line.rule, line.material) == (self.rule, self.material)


def read_recorded(config: PipelineConfig, run_dir: Path, stage: str, digests: Mapping[str, str]) -> Recorded:
    """Read the record of a stage: its own; before there is one, that of the run that `assemble.splits_of` names.

    Args:
        digests: of the artifacts that the stage reads, by unit.

    Raises:
        InputError: the other run has no record.
    """
    owner = RECORD_OF[stage]
    material = [digests.get(unit, "") for unit in MATERIAL[owner]]
    section = config.assemble or Assemble()
    rule = [config.seed, section.split, section.test_images, section.validation_images]
    lines = _lines(run_dir, owner)
    if not lines and section.splits_of and section.splits_of != run_dir.name:
        lines = _lines_of_other(run_dir.parent / section.splits_of, owner, _hash(rule))
    return Recorded(lines, _hash(rule), _hash(material))


def _lines_of_other(run_dir: Path, owner: str, rule: str) -> tuple[Line, ...]:
    """Return what another run assigned by the same rule, whatever its material was.

    Raises:
        InputError: it assigned no photo so.
    """
    by_unit = {unit: [line for line in _lines(run_dir, unit) if line.rule == rule] for unit in ("assemble", owner)}
    if not by_unit["assemble"]:
        what = f"run {run_dir.name}, which assemble.splits_of names, has no photos in splits by the same settings"
        same = "set seed, assemble.split, test_images and validation_images as there"
        raise InputError(what, printable(str(run_dir)), f"{same}, or: docent run --run {run_dir.name}")
    return tuple(line.model_copy(update={"material": run_dir.name}) for line in by_unit[owner])


def _lines(run_dir: Path, unit: str) -> tuple[Line, ...]:
    """Return the lines of the last complete record; none where there is none or, with a warning, it is damaged."""
    success = load_success(run_dir, unit)
    listed = [file for file in success.files if file.path == RECORD] if success else []
    if not success or not listed:
        return ()
    try:
        data = inside(run_dir, f"{unit}/{success.folder}/{RECORD}").read_bytes()
        if hashlib.sha256(data).hexdigest() == listed[0].sha256:
            return tuple(Line.model_validate_json(line) for line in data.splitlines())
    except (OSError, OutsideRunError, ValidationError):
        pass
    where = printable(str(run_dir / unit / success.folder / RECORD))
    log.warning("the recorded splits are damaged or gone, so all photos or pairs are assigned again: %s", where)
    return ()


def _hash(what: Sequence[object]) -> str:
    return hashlib.sha256(canonical_json(list(what)).encode()).hexdigest()[:DIGITS]
