"""The data card: a README.md with the head that the Hugging Face hub reads. Built from rows and settings alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from docent import __version__
from docent.config import BuildDataset
from docent.records import SPLITS, Example


def data_card(examples: Sequence[Example], section: BuildDataset, leaks: int, test_images: int) -> bytes:
    """Markdown: what is in the data set, who wrote it, what to know before using it."""
    teachers = sorted({row.teacher for row in examples})
    items = len({row.item_id for row in examples})
    name = _line(section.name)
    lines = [
        "---",
        f"pretty_name: {json.dumps(name, ensure_ascii=False)}",
        f"license: {json.dumps(_line(section.license), ensure_ascii=False)}",
        "task_categories:",
        "- image-text-to-text",
        "tags:",
        "- synthetic",
        "---",
        "",
        f"# {name}",
        "",
        f"Questions and answers about photos of {items} exhibit{'s' * (items != 1)}, one row per photo and question.",
        "",
        *_table(examples),
        "",
        f"- **Answers written by:** {', '.join(map(_line, teachers))}. They are generated, not checked by a person.",
        f"- **Leaks:** {leaks} of {test_images} test photos descend from, or are the same file as, a photo in "
        "training or validation. Copies that were saved anew or trimmed are found only by the hashes of "
        "`assess-images`, within its threshold.",
        "- **Every exhibit is in every split** that it has photos for: the test asks for unseen photos, not exhibits.",
        f"- **Licence:** {_line(section.license)}.",
        f"- **Made by:** docent {__version__}, stage `build-dataset`; `audit.json` lists each leak.",
        "",
        "| file | what it is |",
        "| --- | --- |",
        "| `images/<split>/` | the photos with `metadata.csv`, for `load_dataset('imagefolder', data_dir='images')` |",
        "| `hf/` | the same for `load_from_disk`: image, data_id, item_name, image_name, dialog |",
        "| `chat-<split>.jsonl` | OpenAI fine-tuning messages; photos are paths relative to the file |",
    ]
    return ("\n".join(lines) + "\n").encode()


def _table(examples: Iterable[Example]) -> list[str]:
    """Rows, photos, exhibits and temperatures of each split."""
    lines = ["| split | rows | photos | exhibits | rows by temperature |", "| --- | ---: | ---: | ---: | --- |"]
    rows = list(examples)
    for split in SPLITS:
        inside = [row for row in rows if row.split == split]
        temperatures = sorted(Counter(row.temperature for row in inside).items())
        listed = ", ".join(f"{temperature:g}: {number}" for temperature, number in temperatures) or "-"
        photos, exhibits = len({row.image_name for row in inside}), len({row.item_id for row in inside})
        lines.append(f"| {split} | {len(inside)} | {photos} | {exhibits} | {listed} |")
    return lines


def _line(text: str) -> str:
    """Text that stays on its line and opens no markup."""
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|")
