"""Define the verb `stage`: run one shard of one unit, as every container and every local worker does."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from docent.launcher.verbs.output.tables import say_error

if TYPE_CHECKING:
    from docent.config import PipelineConfig

REHEARSAL_STEPS = 300


@click.command()
@click.argument("unit")
@click.option("--config", "file", type=click.Path(path_type=Path), required=True, help="The pipeline file.")
@click.option("--run-dir", type=click.Path(path_type=Path), required=True, help="Folder of the run.")
@click.option("--shard", metavar="I/N", help="Shard to run; default: JOB_COMPLETION_INDEX in an Indexed Job, else 0.")
@click.option(
    "--rehearse",
    type=click.IntRange(min=1),
    is_flag=False,
    flag_value=REHEARSAL_STEPS,
    metavar="[STEPS]",
    help="Instead of training, test whether the pods can connect and resume; writes rehearsal.json.",
)
@click.option("--with-launcher", is_flag=True, hidden=True, help="End when standard input closes.")
@click.option("--set", "sets", multiple=True, metavar="A.B=C", help="Override a configuration value.")
def stage(
    unit: str,
    file: Path,
    run_dir: Path,
    shard: str | None,
    rehearse: int | None,
    with_launcher: bool,
    sets: Sequence[str],
) -> None:
    """Run one shard of one unit, as every container does."""
    import signal

    from docent.errors import ConfigError, StoppedError

    # As the first process of a container, it would ignore SIGTERM without a handler; no work has begun yet.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(StoppedError.exit_code))
    from docent.config import load_config
    from docent.logs import configure
    from docent.ranks import lead as ranks
    from docent.ranks import peers
    from docent.stage import run_shard

    if with_launcher:
        threading.Thread(target=_end_with_launcher, daemon=True).start()
    try:
        configure("INFO")
        config = load_config(file, sets)
        configure(config.run.log_level)
        # The pods of a multi-pod training have indices too, but all of them work on the same shard.
        several = peers.is_rank() or ranks.wanted()
        chosen = _shard(shard or ("0" if several else None), config, unit)
    except ConfigError as error:
        say_error(str(error))
        sys.exit(error.exit_code)
    sys.exit(run_shard(config, unit, run_dir, chosen, rehearse))


def _shard(text: str | None, config: PipelineConfig, unit: str) -> Any:
    from docent.pipeline import shards_of, units
    from docent.store import Shard

    index, _, count = (text or os.environ.get("JOB_COMPLETION_INDEX", "0")).partition("/")
    if not index.isdecimal() or (count and not count.isdecimal()):
        raise click.BadParameter("must be I/N, such as 0/4", param_hint="--shard")
    known = units(config)
    total = int(count) if count else shards_of(config, known[unit]) if unit in known else 1
    if not 0 <= int(index) < total:
        raise click.BadParameter(f"shard {index} of {total} does not exist", param_hint="--shard")
    return Shard(int(index), total)


def _end_with_launcher() -> None:
    """Block until the launcher has ended, then exit immediately; only committed output is kept."""
    while os.read(0, 1024):  # os.read, because Python's own standard input must not be locked when the process exits
        pass
    os._exit(143)
