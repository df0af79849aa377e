"""The data set as conversations: chat JSONL for fine-tuning, and conversation JSON with type, difficulty and source.

Rows arrive one by one in their order and leave as lines, so that a million of them need no memory. Pictures are paths
relative to the file.
"""

from __future__ import annotations

import json
import os
import random
from array import array
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from docent.config import BuildDataset
from docent.records import SPLITS, Example, Span, Split
from docent.stages.build_dataset.exports import answer_text, slug

BOM = b"\xef\xbb\xbf"
MAX_TURNS = 200
"""A longer conversation goes on in the next line, which bounds the memory that one takes."""
EVALUATED: tuple[Split, ...] = ("validation", "test")


class Packer:
    """Gathers neighbouring rows that belong to one conversation.

    Args:
        whole_items: all rows of an item, rather than only the turns of what was one conversation from the start.
        exhibits: ids of items whose conversations are about one photo each.
    """

    def __init__(self, whole_items: bool, exhibits: Container[str]) -> None:
        self._whole, self._exhibits = whole_items, exhibits
        self._rows: list[Example] = []
        self._key: tuple[str, ...] = ()

    def add(self, row: Example) -> list[Example]:
        """The conversation that this row ends by not belonging to it; empty where it goes on."""
        key = self._key_of(row)
        if key and key == self._key and len(self._rows) < MAX_TURNS:
            self._rows.append(row)
            return []
        done, self._rows, self._key = self._rows, [row], key
        return done

    def rest(self) -> list[Example]:
        """The last conversation."""
        done, self._rows, self._key = self._rows, [], ()
        return done

    def _key_of(self, row: Example) -> tuple[str, ...]:
        """What the rows of a conversation share; empty for a row that stays by itself."""
        about = (row.item_id, row.image_name if row.item_id in self._exhibits else "")
        if self._whole:
            return about
        return (*about, row.conversation) if row.conversation else ()


class Turns:
    """The earlier turns of each row's conversation."""

    def __init__(self) -> None:
        self._rows: list[Example] = []

    def before(self, row: Example) -> list[Example]:
        """The turns before this row, which is remembered; at most the last MAX_TURNS."""
        last = self._rows[-1] if self._rows else None
        if not row.conversation or not last or _conversation_of(last) != _conversation_of(row):
            self._rows = []
        earlier = self._rows[-MAX_TURNS:]
        self._rows = [*earlier, row]
        return earlier


def _conversation_of(row: Example) -> tuple[str, ...]:
    return (row.item_id, row.conversation)


def chat_line(rows: Sequence[Example], system_prompt: str = "", think: bool = False) -> str:
    """One conversation as OpenAI fine-tuning messages."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": system_prompt}] if system_prompt else []
    for row in rows:
        asked: Any = row.question
        if row.files:
            pictures = [{"type": "image_url", "image_url": {"url": file}} for file in row.files]
            asked = [*pictures, {"type": "text", "text": row.question}]
        messages.append({"role": "user", "content": asked})
        messages.append({"role": "assistant", "content": answer_text(row, think)})
    return json.dumps({"messages": messages}, ensure_ascii=False) + "\n"


def conversation(rows: Sequence[Example], think: bool = False, root: str = "") -> dict[str, Any]:
    """One conversation with where it came from: text before pictures, the answer as a plain string.

    Args:
        root: how to get from the file's folder to that of `images/`, with a slash at its end.
    """
    messages: list[dict[str, Any]] = []
    for row in rows:
        asked: list[dict[str, Any]] = [{"type": "text", "text": row.question}]
        for file in row.files:
            asked.append({"type": "image_url", "image_url": {"url": root + file, "detail": "auto"}})
        messages.append({"role": "user", "content": asked})
        messages.append({"role": "assistant", "content": answer_text(row, think)})
    sources = dict.fromkeys(span for row in rows for span in row.sources)
    return {
        "messages": messages,
        "question_type": rows[0].question_type,
        "difficulty": rows[0].difficulty,
        "conversation": rows[0].conversation,
        "source": [source_of(span) for span in sources],
    }


def source_of(span: Span) -> dict[str, Any]:
    """A place in a source file as others read it."""
    return span.model_dump(exclude_none=True)


class ChatFiles:
    """`chat-<split>.jsonl` for every split, empty ones too.

    Args:
        paths: where each split goes.
        orders: a seeded generator for each split that is shuffled; none for the rows' own order.
    """

    def __init__(
        self,
        paths: Mapping[Split, Path],
        section: BuildDataset,
        exhibits: Container[str],
        orders: Mapping[Split, random.Random],
    ) -> None:
        self._section, self._orders, self._paths = section, orders, paths
        self._packers = {split: Packer(section.chat_turns == "multi", exhibits) for split in SPLITS}
        self._files: dict[Split, IO[bytes]] = {split: paths[split].open("wb") for split in SPLITS}
        self._starts: dict[Split, array[int]] = {split: array("Q") for split in SPLITS}
        if section.chat_bom:
            for file in self._files.values():
                file.write(BOM)

    def add(self, row: Example) -> None:
        """The next row of the data set."""
        self._write(row.split, self._packers[row.split].add(row))

    def close(self) -> None:
        """Nothing follows."""
        for split, file in self._files.items():
            self._write(split, self._packers[split].rest())
            file.close()
            if split in self._orders:
                shuffle_lines(self._paths[split], self._starts[split], self._orders[split])

    def _write(self, split: Split, rows: list[Example]) -> None:
        if rows:
            self._starts[split].append(self._files[split].tell())
            line = chat_line(rows, self._section.system_prompt, self._section.reasoning == "think")
            self._files[split].write(line.encode())


def shuffle_lines(path: Path, starts: Sequence[int], rng: random.Random) -> None:
    """Bring the lines of a file into a random order without having them in memory; what is before them stays."""
    order = list(range(len(starts)))
    rng.shuffle(order)
    mixed = path.with_name(f".mixed-{path.name.lstrip('.')}")
    with path.open("rb") as lines, mixed.open("wb") as file:
        file.write(lines.read(starts[0] if starts else -1))
        for number in order:
            lines.seek(starts[number])
            file.write(lines.readline())
    os.replace(mixed, path)


class JsonList:
    """A JSON array, one value per line, that grows at its end; between values the file may be closed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._values = 0
        path.unlink(missing_ok=True)

    def add(self, value: Any) -> None:
        """The next value."""
        self._file = self._file or self._path.open("a", encoding="utf-8")
        self._file.write(("[\n" if not self._values else ",\n") + json.dumps(value, ensure_ascii=False))
        self._values += 1

    def pause(self) -> None:
        """Give the file handle back."""
        if self._file:
            self._file.close()
            self._file = None

    def close(self) -> None:
        """Nothing follows."""
        self._file = self._file or self._path.open("a", encoding="utf-8")
        self._file.write("\n]\n" if self._values else "[]\n")
        self.pause()


class ConversationFiles:
    """`conversations-<split>.json` for every split, empty ones too: single questions, and what was one conversation."""

    def __init__(self, paths: Mapping[Split, Path], exhibits: Container[str], think: bool) -> None:
        self._think = think
        self._packers = {split: Packer(False, exhibits) for split in SPLITS}
        self._lists = {split: JsonList(paths[split]) for split in SPLITS}

    def add(self, row: Example) -> None:
        """The next row of the data set."""
        self._write(row.split, self._packers[row.split].add(row))

    def close(self) -> None:
        """Nothing follows."""
        for split, made in self._lists.items():
            self._write(split, self._packers[split].rest())
            made.close()

    def _write(self, split: Split, rows: list[Example]) -> None:
        if rows:
            self._lists[split].add(conversation(rows, self._think))


class DocumentFiles:
    """`train-<document>.json` and `eval-<document>.json` for every document; validation and test are in the second.

    The names hold no time: the same documents give the same files.

    Args:
        folder: what is filled; it lies beside `images/`.
    """

    def __init__(self, folder: Path, exhibits: Container[str], think: bool) -> None:
        self._folder, self._exhibits, self._think = folder, exhibits, think
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()
        self._lists: dict[tuple[str, str], JsonList] = {}
        self._packers: dict[str, Packer] = {}
        self._current = ""

    def add(self, row: Example, document: tuple[str, str]) -> None:
        """The next row of the data set, and the id and title of its document."""
        if document[0] != self._current:
            self._pause()
            self._current = document[0]
            self._packers = {kind: Packer(False, self._exhibits) for kind in ("train", "eval")}
            self._begin(*document)
        kind = "eval" if row.split in EVALUATED else "train"
        self._write(kind, self._packers[kind].add(row))

    def close(self) -> None:
        """Nothing follows."""
        self._pause()
        for made in self._lists.values():
            made.close()

    def _begin(self, document_id: str, title: str) -> None:
        if document_id in self._names:
            return
        name = slug(title)
        while name.casefold() in self._taken:
            name = f"{name}-{document_id}"
        self._taken.add(name.casefold())
        self._names[document_id] = name
        for kind in ("train", "eval"):
            self._lists[kind, document_id] = JsonList(self._folder / f"{kind}-{name}.json")

    def _pause(self) -> None:
        for kind, packer in self._packers.items():
            self._write(kind, packer.rest())
            self._lists[kind, self._current].pause()

    def _write(self, kind: str, rows: list[Example]) -> None:
        if rows:
            self._lists[kind, self._current].add(conversation(rows, self._think, root="../"))
