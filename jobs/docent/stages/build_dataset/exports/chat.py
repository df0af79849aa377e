"""Export conversations: chat JSONL for fine-tuning, and conversation JSON with type, difficulty and source.

Rows arrive one by one and are written as lines, so memory use does not grow with their number. Paths of pictures are
relative to the file. The content of every message is a list of parts, so each field has one type. A split without rows
gets no file.
"""

import json
import random
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from docent.config.stages import BuildDataset
from docent.convert.files import BOM
from docent.convert.published import answer_text, slug
from docent.records import Example, Span, Split
from docent.stages.build_dataset.exports.json_list import JsonList
from docent.stages.build_dataset.exports.lines import LineFile

MAX_TURNS = 200
"""Longer conversations continue on the next line; this limits the memory for each one."""
EVALUATED: tuple[Split, ...] = ("validation", "test")


class Packer:
    """Groups neighbouring rows that belong to one conversation.

    Args:
        write: called with the rows of each conversation once it is complete.
        whole_items: whether to join all rows of an item, instead of only the turns of a generated conversation.
        exhibits: ids of the items whose rows are about photos; only rows about the same photo are joined.
    """

    def __init__(self, write: Callable[[list[Example]], None], whole_items: bool, exhibits: Container[str]) -> None:
        self._write, self._whole, self._exhibits = write, whole_items, exhibits
        self._rows: list[Example] = []
        self._key: tuple[str, ...] = ()

    def add(self, row: Example) -> None:
        """Add a row; write the previous conversation if the row starts another one."""
        key = self._key_of(row)
        if not key or key != self._key or len(self._rows) == MAX_TURNS:
            self.flush()
        self._rows.append(row)
        self._key = key

    def flush(self) -> None:
        """Write the last conversation."""
        if self._rows:
            self._write(self._rows)
        self._rows = []

    def _key_of(self, row: Example) -> tuple[str, ...]:
        """Return the key that all rows of a conversation share, or () if the row is a conversation by itself."""
        about = (row.item_id, row.image_name if row.item_id in self._exhibits else "")
        if self._whole:
            return about
        return (*about, row.conversation) if row.conversation else ()


def text_part(text: str) -> dict[str, Any]:
    """Return the text as a part of a message."""
    return {"type": "text", "text": text}


def chat_line(rows: Sequence[Example], system_prompt: str = "", think: bool = False, pictured: bool = True) -> str:
    """Return a conversation as a JSON line, with a list of the pictures for its `{"type": "image"}` parts.

    Args:
        pictured: whether the data set has any picture; if not, the list is omitted.
    """
    system = [{"role": "system", "content": [text_part(system_prompt)]}] if system_prompt else []
    turns = _messages(rows, think, lambda row: [*({"type": "image"} for _ in row.files), text_part(row.question)])
    listed = {"images": [file for row in rows for file in row.files]} if pictured else {}
    return json.dumps({"messages": [*system, *turns], **listed}, ensure_ascii=False) + "\n"


def _messages(
    rows: Iterable[Example], think: bool, question: Callable[[Example], list[dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    """Yield question and answer of every row; `question` returns the parts of a row's question."""
    for row in rows:
        yield {"role": "user", "content": question(row)}
        yield {"role": "assistant", "content": [text_part(answer_text(row, think))]}


def conversation(rows: Sequence[Example], think: bool = False, root: str = "") -> dict[str, Any]:
    """Return a conversation with its sources; the question's text comes before its pictures, which are named by path.

    Args:
        root: relative path from the file's folder to the folder that contains `images/`, with a trailing slash.
    """

    def question(row: Example) -> list[dict[str, Any]]:
        urls = ({"url": root + file, "detail": "auto"} for file in row.files)
        return [text_part(row.question), *({"type": "image_url", "image_url": url} for url in urls)]

    sources = dict.fromkeys(span for row in rows for span in row.sources)
    return {
        "messages": list(_messages(rows, think, question)),
        "question_type": rows[0].question_type,
        "difficulty": rows[0].difficulty,
        "conversation": rows[0].conversation,
        "source": [source_of(span) for span in sources],
    }


def source_of(span: Span) -> dict[str, Any]:
    """Return a span of a source file in the format of the exports."""
    return span.model_dump(exclude_none=True)


class ChatFile:
    """Writes the chat JSONL of one split.

    Args:
        place: returns the path of the file; called with the first row.
        pictured: whether the data set has any picture.
        rng: a seeded generator if the conversations are shuffled, or None to keep the order of their rows.
    """

    def __init__(
        self,
        place: Callable[[], Path],
        section: BuildDataset,
        exhibits: Container[str],
        pictured: bool,
        rng: random.Random | None,
    ) -> None:
        self._section, self._pictured, self._rng = section, pictured, rng
        self._packer = Packer(self._write, section.chat_turns == "multi", exhibits)
        self._file = LineFile(place, BOM if section.chat_bom else b"")

    def add(self, row: Example) -> None:
        """Add the next row of the data set."""
        self._packer.add(row)

    def close(self) -> None:
        """Write what is pending and close the file."""
        self._packer.flush()
        self._file.close(self._rng)

    def _write(self, rows: list[Example]) -> None:
        line = chat_line(rows, self._section.system_prompt, self._section.reasoning == "think", self._pictured)
        self._file.add(line.encode(), typed=any(row.files for row in rows))


class ConversationFile:
    """Writes one file of conversation JSON: single questions and generated conversations.

    Args:
        place: returns the path of the file; called with the first row.
        root: see `conversation`.
    """

    def __init__(self, place: Callable[[], Path], exhibits: Container[str], think: bool, root: str = "") -> None:
        self._list = JsonList(place)
        self._packer = Packer(lambda rows: self._list.add(conversation(rows, think, root)), False, exhibits)

    def add(self, row: Example) -> None:
        """Add the next row of the data set."""
        self._packer.add(row)

    def pause(self) -> None:
        """Write what is pending, and close the file until the next row is added."""
        self._packer.flush()
        self._list.pause()

    def close(self) -> None:
        """Write what is pending and close the file."""
        self._packer.flush()
        self._list.close()


class DocumentFiles:
    """Writes `train-<document>.json` and `eval-<document>.json` for every document that has such rows.

    The second file has the rows of validation and test. File names contain no time, so the same documents always get
    the same names. Only the files of the current document are open.

    Args:
        folder: the folder for the files, next to `images/`.
        document: returns the id and title of an item's document, given the item's id.
    """

    def __init__(
        self, folder: Path, document: Callable[[str], tuple[str, str]], exhibits: Container[str], think: bool
    ) -> None:
        self._folder, self._document, self._exhibits, self._think = folder, document, exhibits, think
        self._taken: set[str] = set()
        self._files: dict[str, dict[str, ConversationFile]] = {}
        self._current = ""

    def add(self, row: Example) -> None:
        """Add the next row of the data set."""
        document_id, title = self._document(row.item_id)
        if document_id != self._current:
            for file in self._files.get(self._current, {}).values():
                file.pause()
            self._current = document_id
        if document_id not in self._files:
            self._files[document_id] = self._new_files(document_id, title)
        self._files[document_id]["eval" if row.split in EVALUATED else "train"].add(row)

    def close(self) -> None:
        """Write what is pending and close the files."""
        for files in self._files.values():
            for file in files.values():
                file.close()

    def _new_files(self, document_id: str, title: str) -> dict[str, ConversationFile]:
        name = slug(title)
        while name.casefold() in self._taken:
            name = f"{name}-{document_id}"
        self._taken.add(name.casefold())
        places = {kind: partial(self._folder.joinpath, f"{kind}-{name}.json") for kind in ("train", "eval")}
        return {k: ConversationFile(place, self._exhibits, self._think, root="../") for k, place in places.items()}
