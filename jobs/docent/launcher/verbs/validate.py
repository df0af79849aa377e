"""The verb that looks for every picture a data set file names. It writes nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from docent.launcher.verbs import options

FAILED = 6


@click.command()
@click.argument("path", metavar="FILE_OR_FOLDER", type=click.Path(path_type=Path))
@options.options(options.as_json)
def validate(path: Path, output: str) -> None:
    """Look for every picture that conversation JSON, chat JSONL or metadata.csv names; exit 6 if one is missing.

    Paths are relative to the file. Pictures at an address or inside the file are counted as remote, not looked for.
    """
    import importlib
    from dataclasses import asdict

    from docent.errors import InputError, LauncherError
    from docent.launcher.verbs.tables import print_table

    try:
        result = importlib.import_module("docent.stages.build_dataset.validate").validate(path)
    except InputError as error:
        raise LauncherError(FAILED, error.what, error.where, error.next_step) from None
    if output == "json":
        import json

        click.echo(json.dumps({**asdict(result), "good": result.good}, indent=1, ensure_ascii=False))
    else:
        if result.missing:
            print_table([asdict(missing) for missing in result.missing], output, "missing pictures")
        for line in result.broken:
            click.echo(f"broken: {line}")
        counted = f"{result.files} files, {result.rows} rows, {result.pictures} pictures: {len(result.missing)} missing"
        click.echo(f"{counted}, {result.remote} remote, {len(result.broken)} files broken")
    if not result.good:
        sys.exit(FAILED)
