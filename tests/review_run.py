"""The units of a small run for the review: a Markdown manual with a figure, pairs of every verdict, hostile texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from docent.artifacts.listings import OutputFile
from docent.records import Fact, Figure, ImageFile, Item, QAPair, Reject, Span, make_id
from docent.store import Artifact
from tests.listed import UNKNOWN, success_of

FILE = "manual.md"
BREAKS_OUT = "</li><script>document.title='broken'</script>"
TEXT = f"The pump turns at 1,450 revolutions.\n\nOpen the valve first. {{{{VIEW}}}}\n{BREAKS_OUT}"
HOSTILE = "<script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"
FORMULA = '=HYPERLINK("http://example.org";"look")'


def span(first: int, last: int | None = None, page: int | None = None) -> Span:
    return Span(file=FILE, first_line=first, last_line=last or first, page=page)


def make_inputs(folder: Path, pairs: int = 6) -> dict[str, Artifact]:
    """Complete units by name; `pairs` of them, the first six each of another kind."""
    files = folder / "ingest" / "files"
    files.mkdir(parents=True)
    Image.effect_noise((400, 300), 60).convert("RGB").save(files / "view.png")
    view = ImageFile(
        id="f" * 16, name="view.png", unit="ingest", file="files/view.png", sha256="0" * 64, width_px=400,
        height_px=300, group="view",
    )  # fmt: skip
    items = [
        Item(
            id="a" * 16, kind="section", name="Pump: Starting", text=TEXT, source=span(10, 14), document_id="d",
            document="Pump", title="Starting", figures=(Figure(token="{{VIEW}}", image=view),),
            facts=(
                Fact(text="The pump turns at 1,450 revolutions.", source=span(11)),
                Fact(text="Open the valve first.", source=span(13)),
            ),
        ),
        Item(
            id="b" * 16, kind="section", name="Pump: Care", text="Oil it daily.", source=span(20, 21), document_id="d",
            document="Pump", title="Care", facts=(Fact(text="Oil it daily.", source=span(21)),),
        ),
    ]  # fmt: skip
    asked = [
        ("How fast does the pump turn?", "It turns at 1,450 revolutions.", (span(11),), ()),
        (HOSTILE, "An answer of someone hostile.", (span(13),), ()),
        (FORMULA, "-5 degrees", (span(13),), ()),
        ("What is in the view?", "The valve.", (span(13),), (view,)),
        ("How do speed and oil go together?", "Both matter.", (span(10, 14), span(20, 21)), ()),
        ("유지 보수는 언제 합니까?", "매일.", (span(21),), ()),
    ]
    rows = [
        pair(number, *(asked[number] if number < len(asked) else (f"Question {number}?", "Text.", (span(21),), ())))
        for number in range(pairs)
    ]
    kept = {0: ("pass", ""), 1: ("warn", ""), 3: ("pass", "approved"), 4: ("pass", "edited")}
    judged = [
        row.model_copy(
            update={
                "id": make_id("curate", (row.id,)), "parents": (row.id,), "verdict": kept[number][0],
                "reasons": ("question names the exhibit",) if kept[number][0] == "warn" else (),
                "reviewed": kept[number][1],
                **({"answer": "Both matter, the oil daily."} if kept[number][1] == "edited" else {}),
            }
        )
        for number, row in enumerate(rows)
        if number in kept
    ]  # fmt: skip
    rejects = [Reject(reason="unsupported number", raw="", parents=(rows[2].id,), detail="Pump: 5")]
    return {
        "ingest": artifact(folder, "ingest", [], files=[{"path": "files/view.png", "size": 0, "sha256": UNKNOWN}]),
        "assemble": artifact(folder, "assemble", items),
        "generate-qa": artifact(folder, "generate-qa", rows),
        "curate": artifact(folder, "curate", judged, rejects),
    }


def pair(number: int, question: str, answer: str, sources: tuple[Span, ...], figures: tuple[ImageFile, ...]) -> QAPair:
    return QAPair(
        id=make_id("generate-qa", (), number), item_id=("b" if sources == (span(21),) else "a") * 16,
        item_name="Pump: Starting", question=question, answer=answer, question_type="fact" if number % 2 else "summary",
        difficulty="easy", language="en", temperature=0.7, index=number, teacher="test", sources=sources,
        figures=figures,
    )  # fmt: skip


def artifact(folder: Path, unit: str, rows: list[Any], rejects: list[Any] | None = None, **more: Any) -> Artifact:
    """A complete unit with these rows."""
    (folder / unit).mkdir(exist_ok=True)
    success: dict[str, Any] = {"stage": unit, **more}
    for name, listed in (("parts", rows), ("rejects", rejects or [])):
        path = folder / unit / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row.model_dump(mode="json")) + "\n" for row in listed))
        success[name] = [OutputFile.of(path.parent, path).model_dump() | {"rows": len(listed)}]
    return Artifact(unit, folder / unit, success_of(**success))
