"""Find the cluster and run of a verb, ask for confirmation, and show the bytes of a transfer.

Reads the kubeconfig; writes only to the terminal. Imports heavy packages only when they are used.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from docent.errors import LauncherError
from docent.launcher.cluster.api.client import Cluster
from docent.launcher.cluster.state import RunRecord
from docent.launcher.cluster.state import find as find_run
from docent.messages.printing import printable


def find(namespace: str, run_name: str | None) -> tuple[Cluster, str, RunRecord]:
    """Return the cluster, name and record of the named run, or of the most recently launched one.

    Raises:
        LauncherError: (102) the run does not exist.
    """
    cluster = Cluster.connect(namespace)
    return cluster, *find_run(cluster, run_name)


def ask(question: str, yes: bool, retry: str) -> None:
    """Ask for confirmation, unless `yes` is set.

    Raises:
        LauncherError: (2) standard input is not a terminal.
        click.Abort: the user answered no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise LauncherError(2, f"confirmation needed: {question}", "no terminal to ask on", retry)
    click.confirm(question, abort=True)


@contextmanager
def counted(what: str) -> Iterator[Callable[[int], Any]]:
    """Show transferred bytes and speed on a terminal; yield a function to call with the size of every chunk."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=None)
        yield lambda size: progress.advance(task, size)


def left_out(path: str) -> None:
    """Print that a path is skipped, because it cannot be sent."""
    click.echo(f"skipped, since it is neither a regular file nor a link to one: {printable(str(path))}", err=True)
