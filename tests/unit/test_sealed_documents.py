"""Documents that the offline teacher is graded on stay as they were when they were sealed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

SETS = sorted((Path(__file__).resolve().parents[1] / "fixtures").glob("sealed*"))


@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
def test_a_sealed_set_has_its_documents_and_their_hashes(folder: Path) -> None:
    listed = dict(reversed(line.split("  ", 1)) for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines())
    assert listed
    for name, digest in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    languages = {Path(name).parts[0] for name in listed}
    there = {str(p.relative_to(folder)) for code in languages for p in (folder / code).rglob("*") if p.is_file()}
    assert there == set(listed)


def test_there_are_sealed_sets() -> None:
    assert len(SETS) >= 19
