"""`docent convert chat --for NAME`: chat files as a named trainer takes them.

Reads chat JSONL or rows of docent and the pictures they name; writes the trainer's file, `<out>-images/` for pictures
that do not lie beside it as they are, and `<out>.rejects.jsonl` with what could not be written, each with its reason.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from docent.convert.chat import Wanted, Written, conversations
from docent.convert.conversations import Row
from docent.convert.files import Line, read_lines, refuse_in_place
from docent.convert.published import slug
from docent.convert.trainers import TRAINERS
from docent.convert.trainers.llama_factory import entries_beside, write_entry
from docent.convert.trainers.outputs import LineFiles, Output, ParquetFile
from docent.convert.trainers.pictures import Pictures, Prepared
from docent.convert.trainers.placing import Places
from docent.convert.trainers.special_tokens import tokens_in, without_tokens
from docent.convert.trainers.trainer import Trainer
from docent.convert.trainers.turns import (
    Picture,
    RefusedError,
    Turn,
    turns_of_row,
    why_not_alternating,
)
from docent.errors import InputError
from docent.messages.printing import printable
from docent.records import Reject

MAX_RAW_CHARS = 2000


@dataclass(frozen=True)
class Options:
    """How the conversations shall look.

    Attributes:
        wanted: turns and system message.
        root: pictures outside of it are refused; None for the folder of the source.
        special_tokens: what to do with a conversation whose text holds a token of chat templates.
    """

    wanted: Wanted = Wanted()
    root: Path | None = None
    special_tokens: Literal["refuse", "escape"] = "refuse"


@dataclass
class Result:
    """What was written.

    Attributes:
        pictures: different ones.
        converted: those written anew, as JPEG or PNG in RGB, upright, without metadata but their credit.
        reduced: those with fewer pixels than the source.
        repeated: places of pictures that the same conversation had shown before.
        escaped: special tokens that got a wide bracket.
        refused: conversations and lines that were not written, by reason.
        unanswered: lines with messages that no answer follows, which `turns: single` leaves out.
        files: what the trainer reads; the first is the output or its first part.
        warnings: what the trainer will refuse of the files as a whole.
        rejects: where the refused are listed; None where there are none.
    """

    conversations: int = 0
    pairs: int = 0
    pictures: int = 0
    converted: int = 0
    reduced: int = 0
    repeated: int = 0
    escaped: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    unanswered: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    rejects: Path | None = None
    warnings: list[str] = field(default_factory=list)
    next_step: str = ""


def convert(source: Path, out: Path, name: str, options: Options) -> Result:
    """Write the conversations as the trainer takes them.

    Args:
        name: one of TRAINERS.

    Raises:
        InputError: there is no such source, the output's name has another suffix, or no conversation can be written.
    """
    trainer = TRAINERS[name]
    refuse_in_place([source], out)
    if out.suffix not in trainer.suffixes:
        what = f"{name} does not read {out.suffix or 'a file without suffix'}"
        raise InputError(what, printable(str(out)), f"name it {out.stem}{trainer.suffixes[0]}")
    if name == "llama-factory":
        entries_beside(out)  # before anything is written
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".docent-pictures-", suffix=".tmp", dir=out.parent) as work:
        return _Conversion(source, out, trainer, options, Path(work)).run()


class _Conversion:
    """One run over a source."""

    def __init__(self, source: Path, out: Path, trainer: Trainer, options: Options, work: Path) -> None:
        self._source, self._out, self._trainer, self._options = source, out, trainer, options
        folder = source.parent
        is_part = folder.resolve().name == "documents" and (folder / ".." / "images").is_dir()
        root = options.root or (folder / ".." if is_part else folder)
        self._pictures = Pictures(folder, root, work, trainer.max_picture_bytes, trainer.addresses)
        self._result = Result()
        self._first_reject: Reject | None = None
        self._rejects = work / "rejects.jsonl"
        self._places = Places(out, trainer, work)

    def run(self) -> Result:
        """Write all that can be written."""
        result = self._result
        output: Output = (
            ParquetFile(self._out) if self._out.suffix == ".parquet" else LineFiles(self._out, self._trainer)
        )
        try:
            self._write_rows(output)
            if not result.conversations:
                raise InputError(self._why_nothing(), str(self._source), "docs/trainers.md has the rules")
            self._places.finish()
            result.files = output.close()
        except BaseException:
            output.discard()
            raise
        result.converted, result.reduced = self._pictures.converted, self._pictures.reduced
        result.rejects = self._write_rejects()
        parts = result.files
        folder, name = self._out.parent.resolve(), slug(self._out.stem)
        if self._trainer is TRAINERS["llama-factory"]:
            result.files = [*parts, write_entry(self._out, name)]
        for file, counts in zip(parts, output.counts, strict=True):
            result.warnings += [f"{file.name}: {problem}" for problem in self._trainer.file_problems(file, *counts)]
        files = ", ".join(map(str, parts))
        result.next_step = self._trainer.next_step.format(file=files, folder=folder, name=name)
        return result

    def _write_rows(self, output: Output) -> None:
        result, written = self._result, Written()
        found = conversations(self._lines(), self._source, self._source.parent, self._options.wanted, written)
        for number, row in found:
            try:
                turns, prepared = self._turns(row)
            except RefusedError as error:
                self._refuse(number, json.dumps(row, ensure_ascii=False), error.reason, error.detail)
                continue
            held = {picture: self._places.held(one) for picture, one in prepared.items()}
            output.add(self._trainer.row(turns, held), len(held))
            result.conversations += 1
            result.pairs += sum(turn.role == "assistant" for turn in turns)
        result.unanswered = written.unanswered
        result.pictures = self._places.pictures

    def _lines(self) -> Iterator[Line]:
        """The good lines; bad ones are refused."""
        for line in read_lines(self._source):
            if line.problem:
                reason, _, detail = line.problem.partition(" (")
                is_count = reason[:1].isdigit()
                reason, detail = ("marks and pictures differ in number", reason) if is_count else (reason, detail)
                self._refuse(line.number, "", reason, detail.removesuffix(")"))
            else:
                yield line

    def _turns(self, row: Row) -> tuple[list[Turn], dict[Picture, Prepared]]:
        """The turns as they are written, each picture once, and what stands for each."""
        trainer = self._trainer
        turns = turns_of_row(row)
        if trainer.alternating and (problem := why_not_alternating([turn.role for turn in turns])):
            raise RefusedError("questions and answers do not follow each other by turns", problem)
        turns, escaped = self._without_tokens(turns)
        prepared: dict[Picture, Prepared] = {}
        keys: set[str] = set()
        kept: list[Turn] = []
        repeated = 0
        for turn in turns:
            parts: list[str | Picture] = []
            for part in turn.parts:
                if isinstance(part, Picture):
                    one = self._pictures.prepare(part.name)
                    if one.key in keys:
                        repeated += 1
                        continue
                    keys.add(one.key)
                    prepared[part] = one
                parts.append(part)
            kept.append(Turn(turn.role, tuple(parts)))
        if trainer.max_pictures is not None and len(keys) > trainer.max_pictures:
            raise RefusedError(f"more than {trainer.max_pictures} pictures in a conversation", str(len(keys)))
        empty = next((number for number, turn in enumerate(kept, 1) if not turn.parts), 0)
        if empty:
            raise RefusedError("a question is only a picture that was shown before", f"message {empty}")
        self._result.repeated += repeated
        self._result.escaped += escaped
        return kept, prepared

    def _without_tokens(self, turns: list[Turn]) -> tuple[list[Turn], int]:
        """The turns without special tokens in their texts, and how many there were."""
        piped_only = self._trainer.piped_tokens_only
        found = [t for turn in turns for p in turn.parts if isinstance(p, str) for t in tokens_in(p, piped_only)]
        if not found:
            return turns, 0
        if self._options.special_tokens == "refuse":
            named = ", ".join(dict.fromkeys(found))[:200]
            raise RefusedError("special tokens in a text (--special-tokens escape writes them)", named)
        return [
            Turn(turn.role, tuple(p if isinstance(p, Picture) else without_tokens(p, piped_only) for p in turn.parts))
            for turn in turns
        ], len(found)

    def _refuse(self, number: int, raw: str, reason: str, detail: str) -> None:
        where = f"{self._source}:{number}"
        self._result.refused[reason] += 1
        said = f"{where}: {detail}" if detail else where
        reject = Reject(reason=reason, raw=raw[:MAX_RAW_CHARS], detail=said)
        self._first_reject = self._first_reject or reject
        with self._rejects.open("a", encoding="utf-8") as file:
            file.write(json.dumps(reject.model_dump()) + "\n")

    def _why_nothing(self) -> str:
        first, count = self._first_reject, self._result.refused.total()
        if first is None:
            return "no line is a conversation"
        return f"no conversation can be written: {count} refused, the first: {first.reason} ({first.detail})"

    def _write_rejects(self) -> Path | None:
        path = self._out.with_name(f"{self._out.stem}.rejects.jsonl")
        if self._first_reject is None:
            path.unlink(missing_ok=True)
            return None
        os.replace(self._rejects, path)
        return path
