"""Write the data set in its published form: dialog strings, lines of `metadata.csv`, a Hugging Face DatasetDict.

Every function returns the same bytes for the same rows. docent reads none of these files back.
"""

import csv
import io
import json
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from docent.records import SPLITS, Example, ImageFile, make_id
from docent.vision.files.formats import published_suffix

COLUMNS = ("data_id", "item_name", "image_name", "file_name", "dialog")
PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".jp2", ".avif", ".heic"}
MAX_SLUG_BYTES = 100  # an id, an item and a picture joined stay below the 255 bytes of a file name
MAX_NAME_BYTES = 240
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\.|$)", re.IGNORECASE)
"""Names that Windows reserves for devices, with any suffix."""
_NUMBERED = re.compile(r"-\d{1,6}(?:-aug\d{1,6})?\.[a-z]{3,4}")
"""The end of the names of published photos and of their altered copies, after the name of the item."""
HASH_DIGITS = 8
MAX_BATCH_ROWS = 100
MAX_BATCH_BYTES = 64 << 20


def image_names(pictures: Iterable[tuple[str, ImageFile]]) -> dict[str, str]:
    """Return a file name for every picture by its id; it depends on the picture and its item, not on other items.

    A name such as `gyroid-3.jpg` of the item `gyroid` is kept. Other names get the item's name as a prefix and a short
    hash as a suffix, which makes them unique: `cube-side-view-1f0a93bc.jpg`.

    Args:
        pictures: each with the name of its item, or "" for a figure, which may be in several items.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for image_id, (item, image) in {image.id: (item, image) for item, image in pictures}.items():
        name = _name_of(item, image)
        while name.casefold() in taken:  # two hashes of eight digits are equal once in billions
            name = f"{image_id}-{name}"[-MAX_NAME_BYTES:]
        taken.add(name.casefold())
        names[image_id] = name
    return names


def _name_of(item: str, image: ImageFile) -> str:
    name, prefix = _picture_name(image), slug(item) if item else ""
    is_plain = item == prefix == item.casefold() and name == image.name and name.startswith(f"{item}-")
    if item and is_plain and _NUMBERED.fullmatch(name[len(item) :]):
        return name
    stem, suffix = name.removesuffix(Path(name).suffix), Path(name).suffix
    before = "" if not prefix or stem.casefold().startswith(prefix.casefold()) else f"{prefix}-"
    return f"{before}{stem}-{make_id('name', (), item, image.name, image.sha256)[:HASH_DIGITS]}{suffix}"


def _picture_name(image: ImageFile) -> str:
    """Return the picture's own name, ending in a suffix that marks it as a picture."""
    name = slug(image.name)
    suffix = published_suffix(image.file)
    if Path(name).suffix.lower() not in PICTURE_SUFFIXES:
        return f"{name}{suffix}"
    return name if suffix == Path(image.file).suffix else f"{name.removesuffix(Path(name).suffix)}{suffix}"


def slug(name: str) -> str:
    """Return a plain file name that is valid on every system; for a long name its end, so that the suffix is kept.

    The name is composed (NFC), since some systems treat both forms as one name; a name that Windows reserves for a
    device gets an underscore.
    """
    plain = "".join(c if _is_plain(c) else " " for c in unicodedata.normalize("NFC", name))
    safe = re.sub(" +", "-", plain).encode()[-MAX_SLUG_BYTES:].decode(errors="ignore").strip(".-")
    return f"_{safe}" if _DEVICE.match(safe) else safe or "unnamed"


def _is_plain(character: str) -> bool:
    """Return whether a character is a letter, digit, combining mark or one of `_.-`, but not a variation selector."""
    is_mark = unicodedata.category(character) in ("Mn", "Mc") and not "\ufe00" <= character <= "\ufe0f"
    return character.isalnum() or character in "_.-" or (is_mark and character < "\U000e0000")


def dialog(question: str, answer: str, pictures: int = 1, before: Sequence[tuple[str, str, int]] = ()) -> str:
    """Return the conversation as the published data set spells it, spaces included.

    Args:
        pictures: number of pictures before the question.
        before: question, answer and number of pictures of each earlier turn.
    """
    turns = (_turn(*turn) for turn in (*before, (question, answer, pictures)))
    return f'{{"messages": [{", ".join(turns)} ]}}'


def _turn(question: str, answer: str, pictures: int) -> str:
    question_json, answer_json = (json.dumps(text, ensure_ascii=False) for text in (question, answer))
    shown = '{"type": "image"}, ' * pictures
    user = f'{{"role": "user", "content": [{shown}{{"type": "text", "text": {question_json}}} ]}}'
    assistant = f'{{"role": "assistant", "content": [{{"type": "text", "text": {answer_json}}} ]}}'
    return f"{user}, {assistant}"


def answer_text(row: Example, think: bool) -> str:
    """Return the answer for an export, preceded by its reasoning if `think` is set and the row has any."""
    if not think or not row.reasoning:
        return row.answer
    steps = "\n\n".join(re.sub(r"</?think>", "", step, flags=re.IGNORECASE) for step in row.reasoning)
    return f"<think>\n{steps}\n</think>\n\n{row.answer}"


def metadata_line(*cells: str | int) -> str:
    """Return one line of a `metadata.csv`."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def quiet_datasets() -> Any:
    """Import `datasets` without progress bars, and offline unless the environment sets otherwise."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
    import datasets

    datasets.disable_progress_bars()
    return datasets


def save_dataset_dict(examples: Sequence[Example], images_folder: Path, folder: Path, think: bool = False) -> None:
    """Save a DatasetDict for `load_from_disk`: image, data_id, item_name, image_name, dialog; pictures are embedded.

    Args:
        examples: all rows.
        images_folder: folder with `<split>/<image_name>`.
        folder: an existing folder that is filled.
        think: whether answers include their reasoning.
    """
    datasets = quiet_datasets()
    dataset_dict = datasets.DatasetDict()
    batch_rows = rows_in_batch(examples, images_folder)
    # Next to the output, where there is room for all pictures: /tmp is in memory on many machines.
    with tempfile.TemporaryDirectory(prefix=".docent-hf-", suffix=".tmp", dir=folder.parent) as temporary:
        for split in SPLITS:
            rows = [row for row in examples if row.split == split]
            if rows:
                arrow = Path(temporary) / f"{split}.arrow"
                dataset_dict[split] = _dataset(rows, _hf_rows(rows, images_folder, think), arrow, batch_rows)
        dataset_dict.save_to_disk(str(folder))


def rows_in_batch(examples: Iterable[Example], images_folder: Path) -> int:
    """Return the number of rows per batch, so that their files have at most MAX_BATCH_BYTES (at least one row)."""
    largest = max((images_folder / file).stat().st_size for file in {f"{e.split}/{e.image_name}" for e in examples})
    return max(1, min(MAX_BATCH_ROWS, MAX_BATCH_BYTES // max(1, largest)))


def _dataset(rows: Sequence[Example], values: Iterable[dict[str, Any]], arrow: Path, batch_rows: int) -> Any:
    """Write one split in batches, so that not all pictures are in memory at once, and load it from its file."""
    import datasets
    from datasets.arrow_reader import ArrowReader
    from datasets.arrow_writer import ArrowWriter

    features = datasets.Features(
        image=datasets.Image(),
        data_id=datasets.Value("int64"),
        **dict.fromkeys(("item_name", "image_name", "dialog"), datasets.Value("string")),
    )
    with ArrowWriter(path=str(arrow), features=features, writer_batch_size=batch_rows) as writer:
        for value in values:
            writer.write(value)
        writer.finalize()
    table = ArrowReader.read_table(str(arrow), in_memory=False)
    # By default, the library derives the fingerprint from the temporary path and the time.
    fingerprint = make_id("build-dataset", [row.id for row in rows], "hf")
    return datasets.Dataset(table, split=datasets.Split(rows[0].split), fingerprint=fingerprint)


def _hf_rows(rows: Sequence[Example], images_folder: Path, think: bool) -> Iterator[dict[str, Any]]:
    for row in rows:
        data = (images_folder / row.split / row.image_name).read_bytes()
        yield {
            "image": {"bytes": data, "path": row.image_name},
            "data_id": row.data_id,
            "item_name": row.item_name,
            "image_name": row.image_name,
            "dialog": dialog(row.question, answer_text(row, think)),
        }
