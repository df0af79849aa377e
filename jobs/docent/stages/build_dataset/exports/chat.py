"""Export conversations: chat JSONL for fine-tuning, and conversation JSON with type, difficulty and source.

Rows arrive one by one and are written as lines, so memory use does not grow with their number. Paths of pictures are
relative to the file. The content of every message is a list of parts, so each field has one type. A split without rows
gets no file.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from docent.config.stages import BuildDataset
from docent.convert.published import answer_text, slug
from docent.records import SPLITS, Example, Span, Split
from docent.stages.build_dataset.exports.json_list import JsonList
from docent.stages.build_dataset.exports.lines import LineFile

BOM = b"\xef\xbb\xbf"
MAX_TURNS = 200
"""Longer conversations continue on the next line; this limits the memory for each one."""
EVALUATED: tuple[Split, ...] = ("validation", "test")


class Packer:
    """Groups neighbouring rows that belong to one conversation.

    Args:
        whole_items: whether to join all rows of an item, instead of only the turns of a generated conversation.
        exhibits: ids of the items whose rows are about photos; only rows about the same photo are joined.
    """

    def __init__(self, whole_items: bool, exhibits: Container[str]) -> None:
        self._whole, self._exhibits = whole_items, exhibits
        self._rows: list[Example] = []
        self._key: tuple[str, ...] = ()

    def add(self, row: Example) -> list[Example]:
        """Add a row; return the previous conversation if the row starts another one, or else an empty list."""
        key = self._key_of(row)
        if key and key == self._key and len(self._rows) < MAX_TURNS:
            self._rows.append(row)
            return []
        done, self._rows, self._key = self._rows, [row], key
        return done

    def rest(self) -> list[Example]:
        """Return the last conversation."""
        done, self._rows, self._key = self._rows, [], ()
        return done

    def _key_of(self, row: Example) -> tuple[str, ...]:
        """Return the key that all rows of a conversation share, or () if the row is a conversation by itself."""
        about = (row.item_id, row.image_name if row.item_id in self._exhibits else "")
        if self._whole:
            return about
        return (*about, row.conversation) if row.conversation else ()


class Turns:
    """Keeps the earlier turns of each conversation."""

    def __init__(self) -> None:
        self._rows: list[Example] = []

    def before(self, row: Example) -> list[Example]:
        """Remember the row; return the turns of its conversation before it, at most the last MAX_TURNS."""
        last = self._rows[-1] if self._rows else None
        if not row.conversation or not last or _conversation_of(last) != _conversation_of(row):
            self._rows = []
        earlier = self._rows[-MAX_TURNS:]
        self._rows = [*earlier, row]
        return earlier


def _conversation_of(row: Example) -> tuple[str, ...]:
    return (row.item_id, row.conversation)


def text_part(text: str) -> dict[str, Any]:
    """Return the text as a part of a message."""
    return {"type": "text", "text": text}


def chat_line(rows: Sequence[Example], system_prompt: str = "", think: bool = False, pictured: bool = True) -> str:
    """Return a conversation as a JSON line, with a list of the pictures for its `{"type": "image"}` parts.

    Args:
        pictured: whether the data set has any picture; if not, the list is omitted.
    """
    messages: list[dict[str, Any]] = []
    if system_prompt:
        messages.append({"role": "system", "content": [text_part(system_prompt)]})
    for row in rows:
        shown: list[dict[str, Any]] = [{"type": "image"} for _ in row.files]
        messages.append({"role": "user", "content": [*shown, text_part(row.question)]})
        messages.append({"role": "assistant", "content": [text_part(answer_text(row, think))]})
    listed = {"images": [file for row in rows for file in row.files]} if pictured else {}
    return json.dumps({"messages": messages, **listed}, ensure_ascii=False) + "\n"


def conversation(rows: Sequence[Example], think: bool = False, root: str = "") -> dict[str, Any]:
    """Return a conversation with its sources; the question's text comes before its pictures, which are named by path.

    Args:
        root: relative path from the file's folder to the folder that contains `images/`, with a trailing slash.
    """
    messages: list[dict[str, Any]] = []
    for row in rows:
        asked = [text_part(row.question)]
        for file in row.files:
            asked.append({"type": "image_url", "image_url": {"url": root + file, "detail": "auto"}})
        messages.append({"role": "user", "content": asked})
        messages.append({"role": "assistant", "content": [text_part(answer_text(row, think))]})
    sources = dict.fromkeys(span for row in rows for span in row.sources)
    return {
        "messages": messages,
        "question_type": rows[0].question_type,
        "difficulty": rows[0].difficulty,
        "conversation": rows[0].conversation,
        "source": [source_of(span) for span in sources],
    }


def source_of(span: Span) -> dict[str, Any]:
    """Return a span of a source file in the format of the exports."""
    return span.model_dump(exclude_none=True)


class ChatFiles:
    """Writes `chat-<split>.jsonl` for every split that has rows.

    Args:
        place: returns the path of a split's file.
        pictured: whether the data set has any picture.
        orders: a seeded generator for every split that is shuffled; other splits keep the order of their rows.
    """

    def __init__(
        self,
        place: Callable[[Split], Path],
        section: BuildDataset,
        exhibits: Container[str],
        pictured: bool,
        orders: Mapping[Split, random.Random],
    ) -> None:
        self._section, self._pictured, self._orders = section, pictured, orders
        self._packers = {split: Packer(section.chat_turns == "multi", exhibits) for split in SPLITS}
        head = BOM if section.chat_bom else b""
        self._files = {split: LineFile(partial(place, split), head) for split in SPLITS}

    def add(self, row: Example) -> None:
        """Add the next row of the data set."""
        self._write(row.split, self._packers[row.split].add(row))

    def close(self) -> None:
        """Write what is pending and close the files."""
        for split, file in self._files.items():
            self._write(split, self._packers[split].rest())
            file.close(self._orders.get(split))

    def _write(self, split: Split, rows: list[Example]) -> None:
        if rows:
            think = self._section.reasoning == "think"
            line = chat_line(rows, self._section.system_prompt, think, self._pictured)
            self._files[split].add(line.encode(), typed=any(row.files for row in rows))


class ConversationFiles:
    """Writes `conversations-<split>.json` for every split that has rows: single questions and generated conversations.

    Args:
        place: returns the path of a split's file.
    """

    def __init__(self, place: Callable[[Split], Path], exhibits: Container[str], think: bool) -> None:
        self._think = think
        self._packers = {split: Packer(False, exhibits) for split in SPLITS}
        self._lists = {split: JsonList(partial(place, split)) for split in SPLITS}

    def add(self, row: Example) -> None:
        """Add the next row of the data set."""
        self._write(row.split, self._packers[row.split].add(row))

    def close(self) -> None:
        """Write what is pending and close the files."""
        for split, made in self._lists.items():
            self._write(split, self._packers[split].rest())
            made.close()

    def _write(self, split: Split, rows: list[Example]) -> None:
        if rows:
            self._lists[split].add(conversation(rows, self._think))


class DocumentFiles:
    """Writes `train-<document>.json` and `eval-<document>.json` for every document that has such rows.

    The second file has the rows of validation and test. File names contain no time, so the same documents always get
    the same names.

    Args:
        folder: the folder for the files, next to `images/`.
    """

    def __init__(self, folder: Path, exhibits: Container[str], think: bool) -> None:
        self._folder, self._exhibits, self._think = folder, exhibits, think
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()
        self._lists: dict[tuple[str, str], JsonList] = {}
        self._packers: dict[str, Packer] = {}
        self._current = ""

    def add(self, row: Example, document: tuple[str, str]) -> None:
        """Add the next row of the data set; `document` is the id and the title of its document."""
        if document[0] != self._current:
            self._pause()
            self._current = document[0]
            self._packers = {kind: Packer(False, self._exhibits) for kind in ("train", "eval")}
            self._begin(*document)
        kind = "eval" if row.split in EVALUATED else "train"
        self._write(kind, self._packers[kind].add(row))

    def close(self) -> None:
        """Write what is pending and close the files."""
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
            self._lists[kind, document_id] = JsonList(partial(self._folder.joinpath, f"{kind}-{name}.json"))

    def _pause(self) -> None:
        for kind, packer in self._packers.items():
            self._write(kind, packer.rest())
            self._lists[kind, self._current].pause()

    def _write(self, kind: str, rows: list[Example]) -> None:
        if rows:
            self._lists[kind, self._current].add(conversation(rows, self._think, root="../"))
