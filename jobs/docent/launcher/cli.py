"""The command `docent`. Each verb is thin: it reads the configuration, calls one module, prints a table or a path.

Nothing heavy is imported before a verb needs it, so that `docent --help` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from docent.config import PipelineConfig

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_FILE = Path("pipeline.yaml")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="docent")
def docent() -> None:
    """Raw exhibits in, a vision-language model that knows them out, with proof."""


def main() -> None:
    """Entry point of the console script: user-fixable errors are one message and an exit code."""
    from docent.errors import ConfigError, InputError, PipelineError

    try:
        docent(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("cancelled; docent run goes on where it stopped", err=True)
        sys.exit(103)
    except PipelineError as error:
        click.echo(f"docent: {error}", err=True)
        codes: dict[type[PipelineError], int] = {ConfigError: 3, InputError: 100}
        sys.exit(codes.get(type(error), error.exit_code))
    except OSError as error:
        where = f"\n  where: {error.filename}" if error.filename else ""
        click.echo(f"docent: {error.strerror or error}{where}\n  next:  docent doctor", err=True)
        sys.exit(105)


def _options(*chosen: Callable[[F], F]) -> Callable[[F], F]:
    def add(function: F) -> F:
        for option in reversed(chosen):
            function = option(function)
        return function

    return add


_file = click.argument("file", type=click.Path(path_type=Path), default=DEFAULT_FILE, required=False)
_run_name = click.option("--run", "run_name", help="Name of the run; run.name of the file when not given.")
_data = click.option("--data", type=click.Path(path_type=Path), default=Path("runs"), help="Folder of all runs.")
_sets = click.option("--set", "sets", multiple=True, metavar="A.B=C", help="Override a configuration value.")
_as_json = click.option("-o", "output", type=click.Choice(["table", "json"]), default="table", help="Form of output.")
_range = _options(
    click.option("--from", "first", metavar="UNIT", help="This unit and what depends on it."),
    click.option("--to", "last", metavar="UNIT", help="This unit and what it depends on."),
    click.option("--only", metavar="UNIT", help="This unit alone."),
)


@docent.command()
@_options(_file, _run_name, _data, _sets, _range)
@click.option("--backend", type=click.Choice(["local"]), default="local", help="Where shards run.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--verify", is_flag=True, help="Hash every output of earlier runs instead of trusting size and time.")
def run(
    file: Path,
    run_name: str | None,
    data: Path,
    sets: Sequence[str],
    first: str | None,
    last: str | None,
    only: str | None,
    verify: bool,
    **_unused: Any,
) -> None:
    """Run what is not done yet, then print the report's path."""
    from docent.launcher.backends.local import LocalBackend
    from docent.launcher.plan import choose
    from docent.launcher.run import Launch, lock, write_resolved
    from docent.launcher.view import LiveView, PlainView
    from docent.spec import RunStates

    config, run_dir = _read(file, run_name, data, sets)
    chosen = choose(config, first, last, only)
    states = RunStates(config, run_dir, verify)
    console = _console()
    with lock(run_dir):
        write_resolved(config, run_dir)
        if all(states.of(name).artifact for name in chosen):
            click.echo(f"nothing to do: {len(chosen)} units are complete in {run_dir}")
        else:
            backend = LocalBackend(run_dir, config.run.workers, config.run.threads)
            os.utime(run_dir / ".lock")  # the run worked on last is the one that other verbs take
            view = LiveView(states, console) if console.is_terminal else PlainView(states, console)
            with view, _cancelled_cleanly(backend.cancel):
                Launch(states, chosen, backend, view).carry_out()
    click.echo(_result_path(states, run_dir, chosen))


def _result_path(states: Any, run_dir: Path, chosen: list[str]) -> str:
    """The report, or the folder of the last unit done."""
    artifact = states.of("report").artifact if "report" in chosen else None
    if artifact:
        latest = run_dir / "report" / "latest" / "index.html"
        return str(latest if latest.is_file() else artifact.folder / "index.html")
    return str(states.of(chosen[-1]).artifact.folder)


@docent.command()
@_options(_file, _run_name, _data, _sets, _range, _as_json)
def plan(
    file: Path,
    run_name: str | None,
    data: Path,
    sets: Sequence[str],
    first: str | None,
    last: str | None,
    only: str | None,
    output: str,
) -> None:
    """Show what a run would do, unit by unit, and why."""
    from docent.launcher.plan import as_json, choose
    from docent.launcher.plan import plan as make_plan
    from docent.spec import RunStates

    config, run_dir = _read(file, run_name, data, sets)
    lines = as_json(make_plan(RunStates(config, run_dir), choose(config, first, last, only)))
    _print_table(lines, output, f"plan of {run_dir}")


@docent.command()
@_options(_run_name, _data, _as_json)
@click.option("-w", "--watch", is_flag=True, help="Keep the table up to date until the run ends.")
def status(run_name: str | None, data: Path, output: str, watch: bool) -> None:
    """Show how a run stands."""
    from dataclasses import asdict

    from docent.launcher.state import is_locked, resolved_config
    from docent.launcher.state import status as look
    from docent.spec import RunStates

    run_dir = _find_run(data, run_name)
    states = RunStates(resolved_config(run_dir), run_dir, as_left=True)
    if watch and output == "table":
        from rich.live import Live

        pause = threading.Event()
        with Live(console=_console(), auto_refresh=False) as live:
            while True:
                table = _table([asdict(line) for line in look(states)], str(run_dir))
                live.update(table, refresh=True)
                if not is_locked(run_dir) or pause.wait(1.0):
                    break
    else:
        _print_table([asdict(line) for line in look(states)], output, str(run_dir))


@docent.command()
@click.argument("unit")
@_options(_run_name, _data)
@click.option("--index", type=int, help="One shard; all when not given.")
def logs(unit: str, run_name: str | None, data: Path, index: int | None) -> None:
    """Print the end of a unit's log."""
    from docent.errors import LauncherError

    run_dir = _find_run(data, run_name)
    pattern = "log-tail-*.txt" if index is None else f"log-tail-{index:05d}.txt"
    tails = sorted((run_dir / unit).glob(pattern))
    if not tails:
        raise LauncherError(102, f"{unit} has no log here", str(run_dir / unit), "docent status")
    for tail in tails:
        click.echo(tail.read_text(encoding="utf-8", errors="replace").rstrip())


@docent.command()
@click.argument("row_id", metavar="ID")
@_options(_run_name, _data, _as_json)
def trace(row_id: str, run_name: str | None, data: Path, output: str) -> None:
    """Walk from a row back to the line of its source file."""
    from docent.launcher.state import resolved_config
    from docent.launcher.trace import lines
    from docent.launcher.trace import trace as follow
    from docent.spec import RunStates

    run_dir = _find_run(data, run_name)
    config = resolved_config(run_dir)
    found = follow(RunStates(config, run_dir, as_left=True), row_id)
    if output == "json":
        click.echo(json.dumps([{"unit": hit.unit, **hit.row} for hit in found.values()], indent=1, ensure_ascii=False))
    else:
        click.echo("\n".join(lines(found, config)))


@docent.command()
@_options(_run_name, _data)
@click.option("--yes", is_flag=True, help="Delete without asking.")
def gc(run_name: str | None, data: Path, yes: bool) -> None:
    """Delete what no complete unit of the run needs any more."""
    from docent.errors import LauncherError
    from docent.launcher.garbage import delete, find_garbage
    from docent.launcher.run import lock
    from docent.launcher.state import resolved_config

    run_dir = _find_run(data, run_name)
    resolved_config(run_dir)
    with lock(run_dir):
        found = find_garbage(run_dir)
        for garbage in found:
            click.echo(f"{garbage.size_bytes / 1e6:8.1f} MB  {garbage.path}  ({garbage.why})")
        if not found:
            click.echo("nothing to delete")
            return
        if not yes:
            if not sys.stdin.isatty():
                raise LauncherError(2, "gc deletes only when told", "no terminal to ask on", "docent gc --yes")
            click.confirm(f"delete {len(found)} of these?", abort=True)
        delete(found)


@docent.command()
@_options(_file, _run_name, _data, _sets, _as_json)
def doctor(file: Path, run_name: str | None, data: Path, sets: Sequence[str], output: str) -> None:
    """Name everything that is missing on this machine; exit 105 if something is."""
    from dataclasses import asdict

    from docent.launcher.doctor import examine

    config, _ = _read(file, run_name, data, sets)
    checks = examine(config, data)
    _print_table([asdict(check) for check in checks], output, "this machine")
    if any(check.level == "missing" for check in checks):
        sys.exit(105)


@docent.command("open")
@_options(_run_name, _data)
def open_report(run_name: str | None, data: Path) -> None:
    """Open the report in the browser, or print its path where there is none."""
    import webbrowser

    from docent.errors import LauncherError

    path = _find_run(data, run_name) / "report" / "latest" / "index.html"
    if not path.is_file():
        raise LauncherError(102, "there is no report yet", str(path), "docent run")
    click.echo(path)
    if sys.stdout.isatty():
        webbrowser.open(path.resolve().as_uri())


@docent.command()
@click.argument("unit")
@click.option("--config", "file", type=click.Path(path_type=Path), required=True, help="The pipeline file.")
@click.option("--run-dir", type=click.Path(path_type=Path), required=True, help="Folder of the run.")
@click.option("--shard", metavar="I/N", help="Which part; JOB_COMPLETION_INDEX in an Indexed Job, else 0.")
@click.option("--with-launcher", is_flag=True, hidden=True, help="End when standard input closes.")
@_sets
def stage(unit: str, file: Path, run_dir: Path, shard: str | None, with_launcher: bool, sets: Sequence[str]) -> None:
    """Do one shard of one unit: what every container runs."""
    import signal

    from docent.config import load_config
    from docent.errors import ConfigError, StoppedError
    from docent.logs import configure
    from docent.stage import run_shard

    # The first process of a container ignores SIGTERM until it says otherwise; nothing is at work yet.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(StoppedError.exit_code))
    if with_launcher:
        threading.Thread(target=_end_with_launcher, daemon=True).start()
    try:
        configure("INFO")
        config = load_config(file, sets)
        configure(config.run.log_level)
        chosen = _shard(shard, config, unit)
    except ConfigError as error:
        click.echo(f"docent: {error}", err=True)
        sys.exit(error.exit_code)
    sys.exit(run_shard(config, unit, run_dir, chosen))


def _shard(text: str | None, config: PipelineConfig, unit: str) -> Any:
    from docent.pipeline import shards_of, units
    from docent.store import Shard

    index, _, count = (text or os.environ.get("JOB_COMPLETION_INDEX", "0")).partition("/")
    if not index.isdecimal() or (count and not count.isdecimal()):
        raise click.BadParameter("write it as I/N, for example 0/4", param_hint="--shard")
    known = units(config)
    total = int(count) if count else shards_of(config, known[unit]) if unit in known else 1
    if not 0 <= int(index) < total:
        raise click.BadParameter(f"shard {index} of {total} does not exist", param_hint="--shard")
    return Shard(int(index), total)


def _end_with_launcher() -> None:
    """Block until the launcher is gone, then end at once: what is durable stays, nothing half-done counts."""
    while os.read(0, 1024):  # os.read, because Python's own standard input must not be locked when the process ends
        pass
    os._exit(143)


@contextmanager
def _cancelled_cleanly(cancel: Callable[[], None]) -> Iterator[None]:
    """Stop the workers on Ctrl-C and SIGTERM, and when the launcher fails."""
    import signal

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        cancel()


def _read(file: Path, run_name: str | None, data: Path, sets: Sequence[str]) -> tuple[PipelineConfig, Path]:
    from docent.config import load_config

    config = load_config(file, [*sets, *([f"run.name={json.dumps(run_name)}"] if run_name else [])])
    return config, data / config.run.name


def _find_run(data: Path, run_name: str | None) -> Path:
    """The named run, or the one touched last."""
    from docent.errors import LauncherError

    if run_name:
        return data / run_name
    runs = sorted(data.glob("*/.lock"), key=lambda path: path.stat().st_mtime)
    if not runs:
        raise LauncherError(102, "there is no run yet", str(data), "docent run")
    return runs[-1].parent


def _console() -> Any:
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=160)


def _table(rows: list[dict[str, Any]], title: str) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in rows[0] if rows else ():
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if value is None else str(value)) for value in row.values()))
    return table


def _print_table(rows: list[dict[str, Any]], output: str, title: str) -> None:
    if output == "json":
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        _console().print(_table(rows, title))
