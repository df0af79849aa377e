"""build-dataset: pairs meet photos; splits, leak count, exports.

Reads: Item rows of assemble, QAPair rows of curate (of generate-qa where curate is skipped), photos.
Writes: Example rows; `images/<split>/` with `metadata.csv`, `hf/`, `chat-<split>.jsonl`, `README.md`, `audit.json`.
Run alone: `docent stage build-dataset --config pipeline.yaml --run-dir runs/demo`
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from docent.context import Context
from docent.errors import InputError
from docent.evidence.leaks import Placed, find_leaks
from docent.records import SPLITS, Example, Item, QAPair, Reject, make_id
from docent.stages.build_dataset.card import data_card
from docent.stages.build_dataset.exports import chat_jsonl, image_names, metadata_csv, save_dataset_dict
from docent.stages.build_dataset.pairing import Match, Unpaired, pair_items
from docent.text.sentences import plain, split_sentences


def run(ctx: Context) -> Iterator[Example | Reject]:
    """Yield the rows of the data set in the order train, validation, test, then what was left out.

    Raises:
        InputError: no photo got a pair.
    """
    items = ctx.rows("assemble", Item)
    pairs = ctx.rows("curate" if "curate" in ctx.inputs else "generate-qa", QAPair)
    matches, unpaired = pair_items(items, pairs, ctx.section.pairs_per_train_image)
    if not matches:
        raise InputError(
            f"no row can be made from {len(items)} items and {len(pairs)} pairs", "build_dataset", "docent status"
        )
    names = image_names([(match.item, match.image) for match in matches])
    examples = _examples(matches, names)
    folder = ctx.output_folder("images")
    _copy_photos(ctx, matches, names, folder)
    _export(ctx, examples, folder)
    _audit(ctx, examples, matches, names)
    yield from examples
    yield from map(_reject, unpaired)


def _examples(matches: Sequence[Match], names: dict[str, str]) -> list[Example]:
    found: list[Example] = []
    numbers = dict.fromkeys(SPLITS, 0)
    for match in matches:
        pair, image = match.pair, match.image
        name = names[image.id]
        found.append(
            Example(
                id=make_id("build-dataset", (pair.id, image.id), match.split),
                parents=(pair.id, image.id),
                split=match.split,
                data_id=numbers[match.split],
                item_id=match.item.id,
                item_name=match.item.name,
                image_name=name,
                files=(f"images/{match.split}/{name}",),
                group=image.group,
                question=pair.question,
                answer=pair.answer,
                temperature=pair.temperature,
                teacher=pair.teacher,
                question_type=pair.question_type,
                difficulty=pair.difficulty,
                language=pair.language,
                sources=pair.sources,
                reasoning=pair.reasoning,
                conversation=pair.conversation,
            )
        )
        numbers[match.split] += 1
    return found


def _copy_photos(ctx: Context, matches: Sequence[Match], names: dict[str, str], folder: Path) -> None:
    for split in SPLITS:
        (folder / split).mkdir()
    for done, match in enumerate(matches, 1):
        target = folder / match.split / names[match.image.id]
        if not target.exists():
            shutil.copyfile(ctx.image_path(match.image), target)
        ctx.progress.update(done, len(matches), "photos")


def _export(ctx: Context, examples: Sequence[Example], folder: Path) -> None:
    for split in SPLITS:
        rows = [row for row in examples if row.split == split]
        (folder / split / "metadata.csv").write_bytes(metadata_csv(rows))
        ctx.output_file(f"chat-{split}.jsonl", chat_jsonl(rows))
    save_dataset_dict(examples, folder, ctx.output_folder("hf"))


def _audit(ctx: Context, examples: Sequence[Example], matches: Sequence[Match], names: dict[str, str]) -> None:
    """Count what the test shares with the rest, and say so in `audit.json` and on the card."""
    placed = {
        match.image.id: Placed(
            names[match.image.id], match.item.name, match.split, match.image.group, match.image.sha256
        )
        for match in matches
    }
    leaks = find_leaks(placed.values())
    test_images = sum(picture.split == "test" for picture in placed.values())
    trained = {row.answer for row in examples if row.split == "train"}
    audit = {
        "leaks": len(leaks),
        "test_images": test_images,
        "leaked": [asdict(leak) for leak in leaks],
        "test_answers_also_in_train": sum(row.answer in trained for row in examples if row.split == "test"),
        "test_answers_of_training_sentences": answers_of_training_sentences(examples),
    }
    ctx.output_file("audit.json", (json.dumps(audit, indent=1, ensure_ascii=False) + "\n").encode())
    ctx.output_file("README.md", data_card(examples, ctx.section, len(leaks), test_images))


def answers_of_training_sentences(examples: Sequence[Example]) -> int:
    """Test answers all of whose sentences stand in training answers of the same item; case and accents ignored."""
    trained: dict[str, set[str]] = {}
    for row in examples:
        if row.split == "train":
            trained.setdefault(row.item_id, set()).update(map(plain, split_sentences(row.answer)))
    tests = [(row.item_id, {*map(plain, split_sentences(row.answer))}) for row in examples if row.split == "test"]
    return sum(bool(said) and said <= trained.get(item, set()) for item, said in tests)


def _reject(unpaired: Unpaired) -> Reject:
    return Reject(
        reason=unpaired.reason,
        raw=unpaired.row.model_dump_json(),
        parents=(unpaired.row.id,),
        detail=unpaired.item.name,
    )
