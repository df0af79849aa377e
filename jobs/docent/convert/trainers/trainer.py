"""Describe the file format of one trainer; reads and writes nothing."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docent.convert.conversations import Row
from docent.convert.trainers.picture_rules import PictureChecks
from docent.convert.trainers.turns import Picture, Turn

RowProblems = Iterator[tuple[str, str]]
"""Problems of a row, each with the picture that it concerns, or "" for the row itself, and a message."""


@dataclass(frozen=True)
class Trainer:
    """The file format of a trainer.

    Attributes:
        suffixes: allowed suffixes of the file's name.
        row: converts a conversation to a row, given the value of each picture in the file (a data URL, a path, bytes).
        problems: yields the problems of a row, given its messages, the row and the path of its file.
        file_problems: yields the problems of a file, given its path, its number of rows and of rows with pictures.
        messages_key: returns the key of the messages in the rows of a file.
        embedded: whether pictures are embedded in the file rather than stored in separate files.
        alternating: whether questions and answers must alternate.
        addresses: whether pictures may be at a URL.
        piped_tokens_only: whether only tokens such as `<|im_end|>` are special, and `<image>` is text.
        min_rows: minimum number of rows in a file; a shorter last part gets rows of the part before it.
        max_picture_bytes: maximum size of one picture file.
        max_pictures: maximum number of pictures in one conversation.
        max_file_bytes: maximum size of a file; longer ones are written in parts.
        max_rows_with_pictures: maximum number of rows with pictures in a file; longer ones are written in parts.
        next_step: how to use the file, with the placeholders `{file}`, `{folder}` and `{name}`.
    """

    suffixes: tuple[str, ...]
    row: Callable[[Sequence[Turn], Mapping[Picture, Any]], Row]
    problems: Callable[[list[Row], Row, Path, PictureChecks], RowProblems]
    file_problems: Callable[[Path, int, int], Iterator[str]]
    next_step: str
    messages_key: Callable[[Path], str] = lambda file: "messages"
    embedded: bool = False
    alternating: bool = False
    addresses: bool = False
    piped_tokens_only: bool = False
    min_rows: int = 0
    max_picture_bytes: float = math.inf
    max_pictures: float = math.inf
    max_file_bytes: float = math.inf
    max_rows_with_pictures: float = math.inf
