"""Commands that messages suggest, found in what docent prints and understood by its own command line."""

from __future__ import annotations

import re
import shlex

import click

from docent.launcher.cli import docent
from docent.messages.suggested_commands import TAKES


def suggested(text: str) -> list[list[str]]:
    """The commands in a text, divided as a shell divides them."""
    found = re.finditer(rf"(?<![\w`/-])docent (?:{'|'.join(TAKES)})(?: (?:'[^']*'|[^\s,;()'])+)*", text)
    return [shlex.split(command[0])[1:] for command in found]


def parsed(words: list[str]) -> click.Context:
    """The command as click understands it; nothing is carried out.

    Raises:
        click.UsageError: docent would refuse it.
    """
    verb = docent.get_command(click.Context(docent), words[0])
    return verb.make_context(words[0], list(words[1:]))
