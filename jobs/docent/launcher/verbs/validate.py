"""The verb that checks the pictures and the format of a data set. It writes nothing."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from docent.errors import InputError, LauncherError
from docent.launcher.verbs import options
from docent.launcher.verbs.convert import FOR
from docent.launcher.verbs.output.tables import print_table
from docent.messages.plurals import counted
from docent.messages.printing import printable

FAILED = 6


@click.command()
@click.argument("path", metavar="FILE_OR_FOLDER", type=click.Path(path_type=Path))
@click.option("--for", "trainer", type=click.Choice(FOR), help="Check all rules of this trainer; see docs/trainers.md.")
@options.options(options.as_json)
def validate(path: Path, trainer: str | None, output: str) -> None:
    """Check every picture that a data set names; exit 6 if one is missing, broken or not where a text shows it.

    Reads conversation JSON, chat JSONL and metadata files. Paths are relative to the file. Pictures at an address or
    inside the file are counted as remote and not checked. With --for the file is checked by all rules of a trainer;
    problems of the file as a whole have the row 0.
    """
    try:
        if trainer:
            result = importlib.import_module("docent.convert.trainers.validate").validate(path, trainer)
        else:
            result = importlib.import_module("docent.convert.validate").validate(path)
    except InputError as error:
        raise LauncherError(FAILED, error.what, error.where, error.next_step) from None
    if output == "json":
        click.echo(json.dumps({**asdict(result), "good": result.good}, indent=1, ensure_ascii=False))
    else:
        _print(result)
    if not result.good:
        sys.exit(FAILED)


def _print(result: Any) -> None:
    for title, rows in (("missing pictures", result.missing), ("problems", result.problems)):
        if rows:
            shown = [{key: printable(str(value)) for key, value in asdict(row).items()} for row in rows]
            print_table(shown, "table", title)
    for line in result.broken:
        click.echo(f"broken: {printable(line)}")
    looked_at = [counted(result.files, "file"), counted(result.rows, "row"), counted(result.pictures, "picture")]
    counts = [
        f"{len(result.missing)} missing",
        f"{result.remote} remote",
        f"{counted(len(result.broken), 'file')} broken",
    ]
    problems = [counted(len(result.problems), "problem")] if result.problems else []
    click.echo(f"{', '.join(looked_at)}: {', '.join([*counts[:1], *problems, *counts[1:]])}")
