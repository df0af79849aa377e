"""Define the verb `run`: run every unit that is not complete.

Reads the pipeline file; writes the run folder (design: `<data>/<run>/`).
"""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from docent.artifacts.pushed import is_left
from docent.checks import check_stages
from docent.config import PipelineConfig
from docent.errors import LauncherError, PipelineError
from docent.launcher.local import preflight
from docent.launcher.local.run import launch, lock, refuse_gaps
from docent.launcher.plan import choose
from docent.launcher.runs.folder import unstored_attempt
from docent.launcher.runs.settings import ATTEMPT, forget_attempt, is_stored, store
from docent.launcher.runs.trust import trust_copied
from docent.launcher.runs.unit_state import Phase
from docent.launcher.verbs import invocation, options
from docent.launcher.verbs.output.closing_text import closing_lines
from docent.launcher.verbs.output.status_text import of_unstored_attempt, report_page
from docent.launcher.verbs.output.tables import console
from docent.messages.plurals import counted
from docent.messages.suggested_commands import CALLED_AS, Invocation, as_text, complete
from docent.spec import RunStates


@click.command()
@options.options(options.file_argument, options.run_here, options.data, options.sets, options.units_range)
@options.options(options.backend, options.namespace_of_file, options.yes)
@click.option("--detach", is_flag=True, help="On a cluster: start the run and return immediately.")
@click.option(
    "--verify", is_flag=True, help="Check existing outputs by their hashes instead of their sizes and time stamps."
)
def run(
    file: Path | None,
    run_name: str | None,
    data: Path,
    sets: Sequence[str],
    first: str | None,
    last: str | None,
    only: str | None,
    backend: str,
    namespace: str | None,
    yes: bool,
    detach: bool,
    verify: bool,
) -> None:
    """Run every unit that is not complete, then print the path of the report."""
    if backend == "kubernetes":
        from docent.launcher.verbs.cluster import on_cluster

        if first or last or only or verify:
            raise click.UsageError("--from, --to, --only and --verify work on this machine only (--backend local)")
        on_cluster.run(options.read_config(file, run_name, sets, namespace), yes, detach)
        return
    if detach:
        raise click.UsageError("--detach works on a cluster only (--backend kubernetes)")
    config, run_dir = options.read_run(file, run_name, data, sets)
    _run_here(config, run_dir, choose(config, first, last, only), verify)


def _run_here(config: PipelineConfig, run_dir: Path, chosen: list[str], verify: bool) -> None:
    check_stages(config)
    decided = run_dir / "review" / "edits.csv"
    if config.curate and not config.curate.edits and decided.is_file():
        click.echo(f"the decisions of the review are not used; to use them: --set curate.edits={decided}")
    states = RunStates(config, run_dir, verify)
    given = invocation.current()
    if not run_dir.is_dir():
        refuse_gaps(states, chosen)  # do not create a folder for a run that cannot begin
    preflight.look_ahead(config, states, chosen, given)
    with lock(run_dir), _known_to_workers(given):
        refuse_gaps(states, chosen)
        states.keep_source_hashes()
        for artifact in filter(None, (states.of(name).artifact for name in chosen)):
            trust_copied(run_dir, artifact)
        if not any(is_left(states, name) for name in chosen):
            store(config, run_dir)
            click.echo(f"nothing to do: {counted(len(chosen), 'unit')} complete in {run_dir}")
            _end_unstored_attempt(states)
        else:
            _carry_out(states, chosen)
    for line in closing_lines(states, chosen):
        click.echo(line)
    click.echo(_result_path(states, chosen))


def _end_unstored_attempt(states: Any) -> None:
    """Delete the unstored settings of a launch that failed; if it was stopped, print how to continue it instead."""
    if any(unit.phase is Phase.STOPPED for unit in unstored_attempt(states).values()):
        for line in of_unstored_attempt(states):
            click.echo(line)
    else:
        forget_attempt(states.run_dir)


def _carry_out(states: Any, chosen: list[str]) -> None:
    """Complete the chosen units; if none succeeded, print how to use the same settings again.

    Raises:
        LauncherError: (100) a stage failed; (103) Ctrl-C or SIGTERM.
    """
    run_dir, is_attempt = states.run_dir, invocation.current().file == str(states.run_dir / ATTEMPT)
    os.utime(run_dir / ".lock")  # other verbs use the most recent run by default, by this time stamp
    try:
        with _interrupted_by_sigterm():
            launch(states, chosen, console())
    except KeyboardInterrupt:
        what = f"cancelled; the same command continues run {run_dir.name}"
        raise LauncherError(103, what, str(run_dir), "docent run") from None
    except PipelineError:
        if not is_stored(states.config, run_dir):
            click.echo(
                f"the settings of this attempt are not stored with run {run_dir.name}, because no unit succeeded"
            )
            click.echo(f"to run with them again: {complete('docent run', invocation.current())}")
        raise
    else:
        forget_attempt(run_dir)
    finally:
        if is_stored(states.config, run_dir) and not is_attempt:  # suggested commands may name the attempt's file
            forget_attempt(run_dir)


@contextmanager
def _known_to_workers(given: Invocation) -> Iterator[None]:
    """Pass the launcher's invocation to the workers, so that the commands they suggest can be run as printed."""
    os.environ[CALLED_AS] = as_text(given)
    try:
        yield
    finally:
        del os.environ[CALLED_AS]


def _result_path(states: Any, chosen: list[str]) -> str:
    """Return the path of the report, or the folder of the last chosen unit."""
    page = report_page(states) if "report" in chosen else None
    return str(page or states.of(chosen[-1]).artifact.folder)


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Handle SIGTERM in the same way as Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
