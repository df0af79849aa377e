"""`ingest.max_reject_rate` is a share of photos and exhibits: one bad photo among many stops nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from docent.config import PipelineConfig
from docent.stage import run_shard

PHOTOS = 6


def museum(folder: Path, broken: int) -> PipelineConfig:
    """Four exhibits of six photos each, some of which end in the middle."""
    for number in range(4):
        exhibit = folder / "museum" / f"jug-{number}"
        exhibit.mkdir(parents=True)
        (exhibit / "description.txt").write_text(f"Jug {number} is made of clay.", encoding="utf-8")
        for photo in range(PHOTOS):
            path = exhibit / f"{photo}.jpg"
            Image.radial_gradient("L").rotate(7 * photo + 31 * number).convert("RGB").save(path)
            if number * PHOTOS + photo < broken:
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = {"kind": "exhibits-folder", "path": str(folder / "museum")}
    return PipelineConfig.model_validate({"run": {"input_wait_s": 0}, "ingest": {"sources": [source]}})


@pytest.mark.parametrize(("broken", "code"), [(1, 0), (3, 42)])
def test_the_rate_counts_photos(tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: int, code: int) -> None:
    assert run_shard(museum(tmp_path, broken), "ingest", tmp_path / "run") == code
    assert ("ingest rejected 3 of 28 (limit 5%): 3 x does not decode" in caplog.text) == (code == 42)
