"""Write a data set about documents for `load_from_disk`, row by row, with any number of pictures per row.

Columns: images, data_id, item_name, question_type, difficulty, conversation, dialog, source. For a turn of a
conversation, the dialog also has the earlier turns, and images has their pictures. Rows are written directly to the
final Arrow files, in batches limited by rows and bytes; the library itself would map the complete set into memory and
copy it.
"""

import hashlib
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from docent.convert.published import answer_text, dialog, quiet_datasets
from docent.records import SPLITS, Example, Split
from docent.stages.build_dataset.exports.chat import MAX_TURNS, source_of

BATCH_ROWS = 1000
BATCH_BYTES = 16 << 20
SHARD_BYTES = 500_000_000


def features() -> Any:
    """Return the columns and their types."""
    datasets = quiet_datasets()
    text = datasets.Value("string")
    place = {"file": text, "first_line": datasets.Value("int64"), "last_line": datasets.Value("int64")}
    return datasets.Features(
        images=datasets.List(datasets.Image()),
        data_id=datasets.Value("int64"),
        item_name=text,
        question_type=text,
        difficulty=text,
        conversation=text,
        dialog=text,
        source=datasets.List({**place, "page": datasets.Value("int64")}),
    )


class ArrowFiles:
    """Writes a DatasetDict to disk row by row.

    Args:
        folder: an existing folder for the files.
        picture: returns the path of a picture, given its path in a row.
        think: whether answers include their reasoning.
    """

    def __init__(self, folder: Path, picture: Callable[[str], Path], think: bool = False) -> None:
        self._folder, self._picture, self._think = folder, picture, think
        self._features = features()
        self._splits: dict[Split, _ArrowSplit] = {}
        self._turns: dict[Split, list[Example]] = defaultdict(list)

    def add(self, row: Example) -> None:
        """Add the next row of the data set."""
        if row.split not in self._splits:
            self._splits[row.split] = _ArrowSplit(self._folder / row.split, self._features)
        earlier = self._earlier_turns(row)
        before = [(turn.question, answer_text(turn, self._think), len(turn.files)) for turn in earlier]
        files = [file for turn in (*earlier, row) for file in turn.files]
        pictures = [{"bytes": self._picture(f).read_bytes(), "path": f.rpartition("/")[2]} for f in files]
        conversation = dialog(row.question, answer_text(row, self._think), len(row.files), before)
        value = {
            "images": pictures,
            "data_id": row.data_id,
            "item_name": row.item_name,
            "question_type": row.question_type,
            "difficulty": row.difficulty,
            "conversation": row.conversation,
            "dialog": conversation,
            "source": [{"page": None, **source_of(span)} for span in row.sources],
        }
        size = len(conversation.encode()) + sum(len(picture["bytes"]) for picture in pictures)
        self._splits[row.split].add(row.id, value, size)

    def close(self) -> None:
        """Write what is pending and close the files."""
        for split, files in self._splits.items():
            files.close(split)
        listed = [split for split in SPLITS if split in self._splits]
        (self._folder / "dataset_dict.json").write_text(json.dumps({"splits": listed}), encoding="utf-8")

    def _earlier_turns(self, row: Example) -> list[Example]:
        """Remember the row; return the turns of its conversation before it, at most the last MAX_TURNS."""
        key = (row.item_id, row.conversation)
        earlier = [
            turn for turn in self._turns[row.split] if row.conversation and key == (turn.item_id, turn.conversation)
        ]
        self._turns[row.split] = [*earlier[1 - MAX_TURNS :], row]
        return earlier


class _ArrowSplit:
    """Writes the Arrow files of one split; starts a new file after SHARD_BYTES."""

    def __init__(self, folder: Path, features: Any) -> None:
        self._folder, self._features = folder, features
        self._ids = hashlib.sha256()
        self._shards: list[Path] = []
        self._writer: Any = None
        self._batch = self._shard = 0
        folder.mkdir()

    def add(self, row_id: str, value: Mapping[str, Any], size: int) -> None:
        """Add the next row; `size` is its approximate size in bytes."""
        if self._writer is None:
            self._open()
        self._ids.update(row_id.encode())
        self._writer.write(dict(value))
        self._batch += size
        self._shard += size
        if self._batch >= BATCH_BYTES:
            self._writer.write_examples_on_file()
            self._batch = 0
        if self._shard >= SHARD_BYTES:
            self._end()

    def close(self, split: Split) -> None:
        """Rename the shards to their final names, and write the files that the library reads next to them."""
        self._end()
        names = [f"data-{n:05d}-of-{len(self._shards):05d}.arrow" for n in range(len(self._shards))]
        for path, name in zip(self._shards, names, strict=True):
            os.replace(path, self._folder / name)
        for name, text in self._descriptions(split, names).items():
            (self._folder / name).write_text(text, encoding="utf-8")

    def _open(self) -> None:
        from datasets.arrow_writer import ArrowWriter

        path = self._folder / f"shard-{len(self._shards)}.arrow"
        self._writer = ArrowWriter(path=str(path), features=self._features, writer_batch_size=BATCH_ROWS)
        self._shards.append(path)
        self._batch = self._shard = 0

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.finalize()
            self._writer = None

    def _descriptions(self, split: Split, names: list[str]) -> dict[str, str]:
        """Return `dataset_info.json` and `state.json` as the library writes them for an empty set, plus our shards."""
        import datasets

        aside = self._folder.with_name(f".{self._folder.name}")
        empty = datasets.Dataset.from_dict(
            {name: [] for name in self._features}, features=self._features, split=datasets.Split(split)
        )
        empty.save_to_disk(str(aside))
        info = (aside / "dataset_info.json").read_text(encoding="utf-8")
        state = json.loads((aside / "state.json").read_text(encoding="utf-8"))
        shutil.rmtree(aside)
        state["_data_files"] = [{"filename": name} for name in names]
        state["_fingerprint"] = self._ids.hexdigest()[:16]
        return {"dataset_info.json": info, "state.json": json.dumps(state, indent=2, sort_keys=True)}
