"""Pictures beside a single Markdown file: what is read of them is hashed."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from docent.config import PipelineConfig
from docent.config.sources import Source
from docent.records import Document, Reject
from docent.source_files.markdown_pictures import pictures_beside
from docent.spec import RunStates
from docent.stages.ingest import list_sources, load
from docent.stages.ingest.images import Intake, Limits

TEXT = """# Parts

![one](one.png) and ![two](views/deep/two.png), a <img src="name%20with%20space.png">, ![u](uber-größe.png).

![escaped](under\\_score.png)
"""


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    for name in ("one", "views/deep/two", "name with space", "uber-größe", "under_score", "other", "unnamed/three"):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((40, 40), 50).save(path)
    (tmp_path / "manual.md").write_text(TEXT, encoding="utf-8")
    return tmp_path / "manual.md"


def spec(manual: Path) -> str | None:
    config = PipelineConfig.model_validate({"ingest": {"sources": [{"kind": "markdown", "path": str(manual)}]}})
    return RunStates(config, manual.parent / "runs" / "demo").of("ingest").spec


def test_what_the_text_names_is_taken_and_nothing_else(manual: Path) -> None:
    found = pictures_beside(Source(kind="markdown", path=manual))
    assert [path.name for path in found] == [
        "name with space.png", "one.png", "uber-größe.png", "under_score.png", "views",
    ]  # fmt: skip


def test_a_picture_that_is_read_changes_the_hash_and_another_does_not(manual: Path) -> None:
    before = spec(manual)
    for name in ("other.png", "unnamed/three.png"):
        Image.effect_noise((40, 40), 90).save(manual.parent / name)
        assert spec(manual) == before
    for name in ("one.png", "views/deep/two.png", "name with space.png"):
        Image.effect_noise((40, 40), 90).save(manual.parent / name)
        assert spec(manual) != before
        before = spec(manual)


def test_no_picture_is_read_that_is_not_hashed(manual: Path) -> None:
    manual.write_text("# Parts\n\nSee ![n](un&#110;amed/three.png) and ![one](one.png).\n")
    config = PipelineConfig.model_validate({"ingest": {"sources": [{"kind": "markdown", "path": str(manual)}]}})
    assert config.ingest
    intake = Intake(config.ingest, Limits(10**6, 10**6), lambda data, suffix: "files/x.png")
    rows = [row for listed in list_sources(config.ingest.sources) for row in load(listed, intake)]  # type: ignore[arg-type]
    read = [
        figure.image.name
        for row in rows
        if isinstance(row, Document)
        for f in row.sections
        for figure in f.figures
        if figure.image
    ]
    hashed = {path.name for path in pictures_beside(config.ingest.sources[0])}
    assert {name.split("_")[0] for name in read} <= hashed
    assert "one.png" in read and all(isinstance(row, Document | Reject) for row in rows)
