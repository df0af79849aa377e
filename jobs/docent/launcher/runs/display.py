"""Show a run's progress, on this machine or on a cluster: as a live table on a terminal, as plain lines elsewhere.

Gets the states of the units; writes only to the terminal.
"""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from docent.launcher.runs.unit_state import Phase, UnitState, after_launch, note, output

PLAIN_INTERVAL_S = 20.0
TIME_LEFT_INTERVAL_S = 5.0
BAR_WIDTH = 24
STYLES = {
    Phase.DONE: "green",
    Phase.RUNNING: "cyan",
    Phase.FAILED: "red",
    Phase.WAITING: "dim",
}


class RunDisplay:
    """A table that is updated in place on a terminal; elsewhere a line per change, and progress every 20 seconds.

    Args:
        console: the console to write to.
        time_left: returns the remaining time in words, or "" if unknown.
        quiet: units whose changes are not printed, because they were complete before.
        is_remote: whether the run continues when watching is stopped with Ctrl-C.
    """

    def __init__(
        self,
        console: Console,
        time_left: Callable[[], str] = lambda: "",
        quiet: Collection[str] = (),
        is_remote: bool = False,
    ) -> None:
        self.console, self.time_left, self._quiet, self._is_remote = console, time_left, quiet, is_remote
        self.live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._units: Mapping[str, UnitState] = {}
        self._lines: dict[str, str] = {}
        self._explained: set[str] = set()
        self._left, self._left_s, self._plain_s = "", 0.0, time.monotonic()

    def __enter__(self) -> "RunDisplay":
        if self.live:
            self.live.__enter__()
        return self

    def __exit__(self, *details: Any) -> None:
        if self.live:
            goes_on = self._is_remote and details[0] is KeyboardInterrupt
            self.live.update(run_table(self._units, has_ended=not goes_on), refresh=True)
            self.live.__exit__(*details)

    def say(self, line: str) -> None:
        """Print a line that stays above the table."""
        self.console.print(Text(line), soft_wrap=True)

    def explain_failure(self, unit: str, what: str, details: str) -> None:
        """Print in full how a shard failed; later causes of the same unit are not printed."""
        self._explained.add(unit)
        self.say(f"{unit:<18} {what}")
        self.console.print(Text(details, style="red" if self.live else ""), soft_wrap=True)

    def show(self, units: Mapping[str, UnitState]) -> None:
        """Show the current states of the units."""
        self._units = units
        for name, unit in units.items():
            self._say_change(name, unit)
        if self.live:
            if time.monotonic() - self._left_s >= TIME_LEFT_INTERVAL_S:
                self._left, self._left_s = self.time_left(), time.monotonic()
            self.live.update(run_table(units, has_ended=False, below=self._left), refresh=True)
        elif time.monotonic() - self._plain_s >= PLAIN_INTERVAL_S:
            self._plain_s = time.monotonic()
            for name, unit in units.items():
                if unit.phase is Phase.RUNNING and unit.progress:
                    self.say(f"{name:<18} {note(unit)}")
            if left := self.time_left():
                self.say(left)

    def _say_change(self, name: str, unit: UnitState) -> None:
        """Print a unit's change of state; on a terminal, only changes that the table does not keep showing."""
        line = _line(unit)
        is_idle = unit.phase is Phase.WAITING or (unit.phase is Phase.QUEUED and not unit.cause)
        is_known = name in self._quiet or (name in self._explained and unit.phase is not Phase.DONE and unit.cause)
        if is_idle or is_known or self._lines.get(name) == line:
            return
        self._lines[name] = line
        if not self.live or (unit.phase is Phase.RUNNING and (unit.continuation or unit.cause)):
            self.say(f"{name:<18} {line}")


def _line(unit: UnitState) -> str:
    """Return a line for the state of a unit; the line stays the same until there is something new to print."""
    if unit.phase is Phase.DONE:
        return f"done in {_seconds(unit):.1f} s, {output(unit)}"
    if unit.phase is Phase.RUNNING and not unit.cause:
        return unit.continuation or "started"
    return f"{unit.phase:<8} {unit.cause}".rstrip()


def _seconds(unit: UnitState) -> float:
    return (unit.wall_s if unit.wall_s is not None else unit.seconds) or 0.0


def run_table(units: Mapping[str, UnitState], has_ended: bool, below: str = "") -> Table:
    """Return a table of the units of a run with their phases, progress and causes.

    Args:
        has_ended: whether the launch has ended; units that it started but did not complete then show as stopped.
        below: an extra line below the table.
    """
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, unit in units.items():
        shown = after_launch(unit) if has_ended else unit
        words = f"{output(unit)} in {_seconds(unit):.1f} s" if unit.phase is Phase.DONE else note(shown)
        bar = _bar(unit) if shown.phase is Phase.RUNNING else ""
        table.add_row(Text(name), Text(shown.phase, style=STYLES.get(shown.phase, "yellow")), Text(bar + words))
    if below:
        table.add_row("", "", Text(below))
    return table


def _bar(unit: UnitState) -> str:
    progress = unit.progress or {}
    share = progress["done"] / progress["total"] if progress.get("total") else 0.0
    filled = round(min(1.0, share) * BAR_WIDTH)
    return f"{'━' * filled}{'╌' * (BAR_WIDTH - filled)} "
