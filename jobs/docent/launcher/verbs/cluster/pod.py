"""Verbs that run only inside pods: the launcher, and the remote end of `push` and `pull`. --help hides them.

They read and write the volume, mounted at /data, which is also the working directory.
"""

import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path

import click

from docent.config import load_config
from docent.launcher.cluster.controller.controller import Timeouts, run_controller
from docent.launcher.cluster.transfer.archive import pack as send
from docent.launcher.cluster.transfer.extraction import confined
from docent.launcher.cluster.transfer.extraction import unpack as receive
from docent.logs import configure
from docent.messages.printing import printable

VOLUME = Path("/data")

_data = click.option("--data", type=click.Path(path_type=Path), default=VOLUME, help="Where the volume is mounted.")


@click.command(hidden=True)
@click.option("--config", "file", type=click.Path(path_type=Path), required=True, help="The pipeline file.")
@click.option("--launch", type=int, required=True, help="Number of this launch of the run.")
@click.option("--success-s", type=float, default=Timeouts.success_s, help="Seconds to wait for the output of a Job.")
@click.option("--lease-s", type=int, default=Timeouts.lease_s, help="Duration of the launcher's lease in seconds.")
@_data
def conduct(file: Path, launch: int, success_s: float, lease_s: int, data: Path) -> None:
    """Run the launcher: create the workloads of a run in order, and record how they end."""
    configure("INFO")
    config = load_config(file)
    configure(config.run.log_level)
    os.chdir(data)
    sys.exit(run_controller(config, data, launch, Timeouts(success_s=success_s, lease_s=lease_s)))


@click.command(hidden=True)
@click.option("--timeout-s", type=float, default=3600.0, help="Exit after this many seconds.")
def hold(timeout_s: float) -> None:
    """Keep the transfer pod alive, so that commands can be run in it."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait(timeout_s)


@click.command(hidden=True)
@click.argument("destination")
@_data
def unpack(destination: str, data: Path) -> None:
    """Unpack an archive from standard input to the volume, and print a receipt."""
    click.echo(receive(sys.stdin.buffer.read, confined(destination, data)).model_dump_json())


@click.command(hidden=True)
@click.argument("source")
@_data
def pack(source: str, data: Path) -> None:
    """Write a file or folder of the volume as a stream to standard output."""
    warn = partial(click.echo, err=True)
    for piece in send(confined(source, data), lambda path: warn(f"skipped: {printable(path)}"), may_grow=True):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
