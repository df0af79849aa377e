"""Print tables for people, JSON for programs, errors and warnings. Writes only to the terminal."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from docent.messages.masking import mask
from docent.messages.printing import printable, terminal_safe

MAX_CELL_CHARS = 2000


def say_error(text: str) -> None:
    """Print an error message on standard error, with secrets masked and terminal sequences escaped."""
    click.echo(f"docent: {terminal_safe(mask(text))}", err=True)


def say_warning(text: str, next_step: str) -> None:
    """Print a warning and its next step on standard error."""
    click.echo(terminal_safe(mask(f"warning: {text}\n  next:  {next_step}")), err=True)


def console() -> Any:
    """Return a console as wide as the terminal, or 160 columns wide if there is no terminal."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=160)


def table(rows: list[dict[str, Any]], title: str) -> Any:
    """Return rows with the same keys as a table."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in rows[0] if rows else ():
        shown.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        shown.add_row(*(Text("" if value is None else printable(str(value), MAX_CELL_CHARS)) for value in row.values()))
    return shown


def print_table(rows: list[dict[str, Any]], output: str, title: str, columns: Sequence[str] = ()) -> None:
    """Print rows in the format of `-o`; `columns`, if given, limits the columns of a table but not of JSON."""
    if output == "json":
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        shown = [{name: row[name] for name in columns} for row in rows] if columns else rows
        console().print(table(shown, title))
