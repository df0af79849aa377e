"""Implement `docent convert chat --for NAME`: convert chat files to the format of a trainer.

Reads chat JSONL or rows of docent and the pictures they name; writes the trainer's file, `<out>-images/` for pictures
that are not used in place, and `<out>.rejects.jsonl` with all rejected lines and conversations and the reasons.
"""

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
from docent.convert.trainers.outputs import LineFiles, ParquetFile
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
    """Options of a conversion.

    Attributes:
        wanted: turns and system message.
        root: pictures outside this folder are rejected; None for the folder of the source.
        special_tokens: whether to reject conversations that contain tokens of chat templates, or to escape the tokens.
    """

    wanted: Wanted = Wanted()
    root: Path | None = None
    special_tokens: Literal["refuse", "escape"] = "refuse"


@dataclass
class Result:
    """Counts and files of a conversion.

    Attributes:
        pictures: number of distinct pictures.
        converted: pictures re-encoded as JPEG or PNG in RGB, upright, without metadata except their credit.
        reduced: pictures with fewer pixels than the source.
        repeated: pictures left out because they are shown earlier in the same conversation.
        escaped: special tokens that were written with a full-width bracket.
        refused: conversations and lines that were not written, by reason.
        unanswered: lines that end without an answer; `turns: single` leaves these messages out.
        files: the files that the trainer reads; the first is the output or its first part.
        warnings: reasons why the trainer will reject a file as a whole.
        rejects: the file with the rejected lines and conversations, or None if there are none.
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
    """Write the conversations in the format of a trainer.

    Args:
        name: one of TRAINERS.

    Raises:
        InputError: the source does not exist, the output has another suffix, or no conversation can be written.
    """
    trainer = TRAINERS[name]
    refuse_in_place([source], out)
    if out.suffix not in trainer.suffixes:
        what = f"{name} does not read {out.suffix or 'a file without suffix'}"
        raise InputError(what, printable(str(out)), f"name the output {out.stem}{trainer.suffixes[0]}")
    if name == "llama-factory":
        entries_beside(out)  # fail before anything is written
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".docent-pictures-", suffix=".tmp", dir=out.parent) as work:
        return _Conversion(source, out, trainer, options, Path(work)).run()


class _Conversion:
    """Converts one source file."""

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
        """Write all conversations that can be written."""
        result = self._result
        is_parquet = self._out.suffix == ".parquet"
        output = ParquetFile(self._out) if is_parquet else LineFiles(self._out, self._trainer)
        try:
            self._write_rows(output)
            if not result.conversations:
                first, what = self._first_reject, "no line contains a conversation"
                if first:
                    count, shown = result.refused.total(), f"{first.reason} ({first.detail})"
                    what = f"no conversation was written: {count} rejected, first reason: {shown}"
                raise InputError(what, str(self._source), "see docs/trainers.md for the rules")
            self._places.finish()
            result.files = output.close()
        except BaseException:
            output.discard()
            raise
        result.converted, result.reduced = self._pictures.converted, self._pictures.reduced
        rejects = self._out.with_name(f"{self._out.stem}.rejects.jsonl")
        rejects.unlink(missing_ok=True)
        if self._first_reject:
            result.rejects = rejects
            os.replace(self._rejects, rejects)
        folder, name, files = self._out.parent.resolve(), slug(self._out.stem), ", ".join(map(str, result.files))
        result.next_step = self._trainer.next_step.format(file=files, folder=folder, name=name)
        entry = [write_entry(self._out, name)] if self._trainer is TRAINERS["llama-factory"] else []
        for file, counts in zip(result.files, output.counts, strict=True):
            result.warnings += [f"{file.name}: {problem}" for problem in self._trainer.file_problems(file, *counts)]
        result.files += entry
        return result

    def _write_rows(self, output: LineFiles | ParquetFile) -> None:
        result, written = self._result, Written()
        rows = conversations(self._lines(), self._source, self._source.parent, self._options.wanted, written)
        for number, row in rows:
            try:
                turns, prepared = self._turns(row)
            except RefusedError as error:
                self._refuse(number, json.dumps(row, ensure_ascii=False), error.reason, error.detail)
                continue
            shown = {picture: self._places.held(one) for picture, one in prepared.items()}
            output.add(self._trainer.row(turns, shown), len(shown))
            result.conversations += 1
            result.pairs += sum(turn.role == "assistant" for turn in turns)
        result.unanswered = written.unanswered
        result.pictures = self._places.pictures

    def _lines(self) -> Iterator[Line]:
        """Yield the valid lines; reject invalid ones."""
        for line in read_lines(self._source):
            if line.problem:
                reason, _, detail = line.problem.partition(" (")
                if reason[:1].isdigit():
                    reason, detail = "the numbers of marks and pictures differ", reason
                self._refuse(line.number, "", reason, detail.removesuffix(")"))
            else:
                yield line

    def _turns(self, row: Row) -> tuple[list[Turn], dict[Picture, Prepared]]:
        """Return the turns to write, each picture once, and the prepared pictures."""
        trainer = self._trainer
        turns = turns_of_row(row)
        if trainer.alternating and (problem := why_not_alternating([turn.role for turn in turns])):
            raise RefusedError("questions and answers do not alternate", problem)
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
        if len(keys) > trainer.max_pictures:
            raise RefusedError(f"more than {trainer.max_pictures} pictures in a conversation", str(len(keys)))
        for number, turn in enumerate(kept, 1):
            if not turn.parts:
                raise RefusedError("a question that only repeats a picture", f"message {number}")
        self._result.repeated += repeated
        self._result.escaped += escaped
        return kept, prepared

    def _without_tokens(self, turns: list[Turn]) -> tuple[list[Turn], int]:
        """Return the turns with escaped special tokens, and the number of tokens.

        Raises:
            RefusedError: a text contains special tokens, and they are not to be escaped.
        """
        piped_only = self._trainer.piped_tokens_only
        tokens = [t for turn in turns for p in turn.parts if isinstance(p, str) for t in tokens_in(p, piped_only)]
        if not tokens:
            return turns, 0
        if self._options.special_tokens == "refuse":
            named = ", ".join(dict.fromkeys(tokens))[:200]
            raise RefusedError("special tokens in a text (--special-tokens escape keeps them as text)", named)
        return [
            Turn(turn.role, tuple(p if isinstance(p, Picture) else without_tokens(p, piped_only) for p in turn.parts))
            for turn in turns
        ], len(tokens)

    def _refuse(self, number: int, raw: str, reason: str, detail: str) -> None:
        where = f"{self._source}:{number}"
        self._result.refused[reason] += 1
        reject = Reject(reason=reason, raw=raw[:MAX_RAW_CHARS], detail=f"{where}: {detail}" if detail else where)
        self._first_reject = self._first_reject or reject
        with self._rejects.open("a", encoding="utf-8") as file:
            file.write(json.dumps(reject.model_dump()) + "\n")
