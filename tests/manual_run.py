"""A small manual with figures, and a run over it whose documents and items are there, for tests of what comes after."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docent.artifacts.listings import Success
from docent.config import PipelineConfig
from docent.context import Context
from docent.records import Document, Fact, Figure, ImageFile, Item, QAPair, Reject, Section, Span, make_id
from docent.stage import run_shard
from docent.stages.assemble import section_items
from docent.store import Artifact, Shard

WithStage = Callable[[str, Callable[[Context], Any]], None]
TITLES = ("Start", "Pump", "Filter", "Alarm", "Storage", "Transport", "Cleaning", "Electrics", "Disposal")
TEXT = (
    "The {name} of the Aquilo 300 works at 24 V and takes about 3.5 A in service. "
    "Check the {name} every 6 months with the key number {number}. "
    "If the {name} gets warmer than 60 degrees, the red lamp {number} flashes. "
    "Water must never reach the {name}, because the seal {number} swells."
)


def figure(number: int, picture: bytes, file: str) -> Figure:
    """A figure with its picture."""
    image = ImageFile(
        id=make_id("ingest", (), number),
        name=f"figure-{number}.png",
        unit="ingest",
        file=file,
        sha256=hashlib.sha256(picture).hexdigest(),
        width_px=8,
        height_px=8,
        group=f"figure-{number}",
    )
    return Figure(token=f"{{{{FIGURE_{number}}}}}", caption=f"View {number} of the device", image=image)


def png(shade: int) -> bytes:
    """A tiny picture."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 10, 200)).save(file, "PNG")
    return file.getvalue()


def section(number: int, figures: Sequence[Figure] = ()) -> Section:
    """The section of this number, four sentences that are facts as well."""
    text = TEXT.format(name=TITLES[number].lower(), number=number + 11)
    span = Span(file="manual.md", first_line=10 * number + 1, last_line=10 * number + 8)
    sentences = [f"{part.strip()}." for part in text.replace("3.5", "3,5").split(".") if part.strip()]
    lines = enumerate((sentence.replace("3,5", "3.5") for sentence in sentences), span.first_line)
    facts = tuple(Fact(text=told, source=Span(file="manual.md", first_line=at, last_line=at)) for at, told in lines)
    told = " ".join([text, *(one.token for one in figures)])
    return Section(index=number + 1, title=TITLES[number], text=told, source=span, facts=facts, figures=tuple(figures))


def manual(sections: int, figures: dict[int, Sequence[Figure]] | None = None, **fields: Any) -> Document:
    """A document of so many sections."""
    given = figures or {}
    values: dict[str, Any] = {
        "id": make_id("ingest", (), "manual", sections, fields.get("name", "")),
        "kind": "markdown",
        "name": "Aquilo 300 service manual",
        "sections": tuple(section(number, given.get(number, ())) for number in range(sections)),
        "meta": {"title": "Aquilo 300 service manual", "maker": "Example Works"},
    }
    return Document(**{**values, **fields})


def items_of(document: Document, related: int = 2) -> list[Item]:
    """What assemble makes of it."""
    return list(section_items(document, related))


@dataclass
class ManualRun:
    """Runs over documents that a function makes in place of ingest."""

    tmp_path: Path
    with_stage: WithStage
    documents: Callable[[Context], Iterator[Document]]

    def config(self, llm: dict[str, Any] | None = None, shards: int = 1, **generate_qa: Any) -> PipelineConfig:
        """The pipeline file."""
        source = self.tmp_path / "source"
        source.mkdir(exist_ok=True)
        return PipelineConfig.model_validate(
            {
                "run": {"input_wait_s": 0},
                "llm": {"timeout_s": 20, **(llm or {})},
                "ingest": {"sources": [{"kind": "markdown", "path": str(source)}]},
                "assemble": {"related_sections": 2},
                "generate_qa": {"shards": shards, "temperatures": [0.4], "max_reject_rate": 1.0, **generate_qa},
            }
        )

    def run(self, config: PipelineConfig, name: str = "a") -> int:
        """Run all up to generate-qa; the worst exit code."""
        run_dir = self.tmp_path / "runs" / name
        run_dir.mkdir(parents=True, exist_ok=True)
        self.with_stage("ingest", self.documents)
        assert [run_shard(config, unit, run_dir) for unit in ("ingest", "assemble")] == [0, 0]
        assert config.generate_qa is not None
        count = config.generate_qa.shards
        return max(run_shard(config, "generate-qa", run_dir, Shard(index, count)) for index in range(count))

    def artifact(self, name: str = "a") -> Artifact:
        """What generate-qa wrote."""
        folder = self.tmp_path / "runs" / name / "generate-qa"
        success = json.loads((folder / "_SUCCESS.json").read_text())
        return Artifact("generate-qa", folder / success["folder"], Success.model_validate(success))

    def pairs(self, name: str = "a") -> list[QAPair]:
        """Its pairs."""
        return list(self.artifact(name).rows(QAPair))

    def rejects(self, name: str = "a") -> list[Reject]:
        """Its rejects."""
        return list(self.artifact(name).rejects())
