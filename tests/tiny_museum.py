"""Photos on disk, items and pairs for tests of the stages after generate-qa."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from docent import stage
from docent.context import Context
from docent.records import Document, ImageFile, Item, PlannedImage, QAPair, Section, Span, Split, make_id

COLORS = {"red-cube": (200, 40, 40), "green-ball": (40, 190, 60), "blue-cone": (50, 70, 210)}
SPLITS: tuple[Split, ...] = ("train", "train", "train", "validation", "test")
TEMPERATURES = (0.4, 0.7, 0.9)


def photo(color: tuple[int, int, int], number: int, size: tuple[int, int] = (40, 40)) -> bytes:
    """A JPEG of a block of that colour; every number is another picture."""
    image = Image.new("RGB", size, (230, 230, 225))
    ImageDraw.Draw(image).rectangle((4 + number, 6, 24 + number, 30), fill=color)
    data = io.BytesIO()
    image.save(data, "JPEG", quality=90)
    return data.getvalue()


def image_row(name: str, number: int, file: str = "", sha256: str = "", group: str = "") -> ImageFile:
    """A photo's row."""
    return ImageFile(
        id=make_id("ingest", (), name, number),
        name=f"{name}-{number}.jpg",
        unit="ingest",
        file=file or f"files/{name}-{number}.jpg",
        sha256=sha256 or f"sha of {name}-{number}",
        width_px=40,
        height_px=40,
        group=group or f"{name}-{number}",
    )


def item_row(name: str, images: Sequence[ImageFile], splits: Sequence[Split] = SPLITS) -> Item:
    """An item with its photos planned."""
    return Item(
        id=make_id("assemble", (), name),
        name=name,
        text=f"The {name} is a form.",
        source=Span(file="raw.csv", first_line=1, last_line=1),
        document_id="d",
        document="raw",
        images=tuple(PlannedImage(image=i, split=s) for i, s in zip(images, splits, strict=True)),
    )


def pair_rows(item: Item, per_temperature: int = 3, temperatures: Sequence[float] = TEMPERATURES) -> list[QAPair]:
    """Pairs of an item, all different; the hottest first, so that nobody relies on their order."""
    return [
        QAPair(
            id=make_id("generate-qa", (item.id,), temperature, index),
            parents=(item.id,),
            item_id=item.id,
            item_name=item.name,
            question="What is this?",
            answer=f"This is the {item.name}, number {index} at {temperature}.",
            question_type="description",
            language="English",
            temperature=temperature,
            index=index,
            teacher="offline-extractive",
            sources=(item.source,),
        )
        for temperature in reversed(temperatures)
        for index in range(per_temperature)
    ]


def fill_upstream(with_stage: Callable[[str, Callable[[Context], Any]], None]) -> None:
    """Let ingest save photos, assemble plan them, and generate-qa write pairs, without their real stages."""
    with_stage("ingest", _ingest)
    with_stage("assemble", lambda ctx: iter(_items(ctx)))
    with_stage("generate-qa", lambda ctx: (pair for item in ctx.rows(Item) for pair in pair_rows(item)))


def replaced_stages(patch: pytest.MonkeyPatch) -> Callable[[str, Callable[[Context], Any]], None]:
    """Like the fixture `with_stage`, for fixtures that live longer than a test."""
    real = stage._generator
    replaced: dict[str, Callable[[Context], Any]] = {}
    patch.setattr(stage, "_generator", lambda unit: replaced.get(unit.stage) or real(unit))
    return replaced.__setitem__


def sections(tmp_path: Path, **more: Any) -> dict[str, Any]:
    """The least configuration of the stages before build-dataset, and `more`."""
    source = tmp_path / "source"
    source.mkdir(exist_ok=True)
    return {
        "run": {"input_wait_s": 0},
        "ingest": {"sources": [{"kind": "exhibits-folder", "path": str(source)}]},
        "assemble": {},
        "generate_qa": {"shards": 1},
        "build_dataset": {},
        **more,
    }


def _ingest(ctx: Context) -> Iterator[Document]:
    for name, color in COLORS.items():
        images = []
        for number in range(len(SPLITS)):
            row = image_row(name, number)
            images.append(row.model_copy(update={"file": ctx.save(photo(color, number), "jpg")}))
        span = Span(file="raw.csv", first_line=1, last_line=1)
        section = Section(index=0, title=name, text=f"The {name} is a form.", source=span)
        yield Document(
            id=make_id("ingest", (), name), kind="exhibit", name=name, sections=(section,), images=tuple(images)
        )


def _items(ctx: Context) -> list[Item]:
    return [item_row(document.name, document.images) for document in ctx.rows(Document)]
