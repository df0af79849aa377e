"""What a person sees while a run goes on: a live table on a terminal, plain lines elsewhere.

Reads progress files and markers of the run folder; writes only to the terminal.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from docent.launcher.local.shards import Finished
from docent.launcher.runs.progress import describe, read_progress
from docent.launcher.runs.time_left import time_left
from docent.messages.plurals import counted
from docent.spec import RunStates
from docent.store import Artifact

PLAIN_INTERVAL_S = 20.0
LIVE_INTERVAL_S = 5.0
BAR_WIDTH = 24
STYLES = {"done": "green", "running": "cyan", "failed": "red", "stopped": "yellow", "waiting": "dim"}


class PlainView:
    """One line when something happens, and where everything stands every 20 seconds.

    Args:
        states: the run on disk.
        chosen: names of the units that the launch is about, for the time left.
        slots: shards that run at the same time.
    """

    def __init__(self, states: RunStates, console: Console, chosen: Sequence[str], slots: int) -> None:
        self.states, self.console, self.chosen, self.slots = states, console, chosen, slots
        self.at_work: list[str] = []
        self._said_s = time.monotonic()

    def __enter__(self) -> PlainView:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def started(self, unit: str, continuation: str) -> None:
        """A unit began."""
        self.at_work.append(unit)
        self._say(f"{unit:<18} {continuation or 'started'}")

    def finished(self, unit: str, seconds: float, artifact: Artifact) -> None:
        """A unit is complete."""
        if unit in self.at_work:
            self.at_work.remove(unit)
        self._say(f"{unit:<18} done in {seconds:.1f} s, {_made(artifact)}")

    def failed(self, end: Finished) -> None:
        """A shard ended badly."""
        self._say(f"{end.unit:<18} shard {end.shard.index} ended with exit code {end.exit_code}")
        self._say(end.cause)

    def tick(self) -> None:
        """Now and then, say how far the units at work are."""
        if time.monotonic() - self._said_s < PLAIN_INTERVAL_S:
            return
        self._said_s = time.monotonic()
        for unit in self.at_work:
            self._say(f"{unit:<18} {describe(read_progress(self.states.run_dir, unit))}")
        if left := time_left(self.states, self.chosen, self.slots):
            self._say(str(left))

    def _say(self, line: str) -> None:
        self.console.print(Text(line), soft_wrap=True)


class LiveView:
    """A table that redraws itself, with a bar, rate and time to go for every unit at work, and the time left in all.

    Args:
        states: the run on disk.
        chosen: names of the units that the launch is about, for the time left.
        slots: shards that run at the same time.
    """

    def __init__(self, states: RunStates, console: Console, chosen: Sequence[str], slots: int) -> None:
        self.states, self.chosen, self.slots = states, chosen, slots
        self.left, self._looked_s = "", 0.0
        self.phase = {name: "done" if states.of(name).artifact else "waiting" for name in states.units}
        self.note = {name: "already there" if phase == "done" else "" for name, phase in self.phase.items()}
        self.live = Live(console=console, refresh_per_second=4, get_renderable=self._table)
        self.console = console

    def __enter__(self) -> LiveView:
        self.live.__enter__()
        return self

    def __exit__(self, *details: Any) -> None:
        self.left = ""
        for unit in [name for name, phase in self.phase.items() if phase == "running"]:
            progress = read_progress(self.states.run_dir, unit)
            self.phase[unit] = "stopped"
            self.note[unit] = f"at {progress['done']:g} of {progress['total']:g}" if progress["total"] else ""
        self.live.__exit__(*details)

    def started(self, unit: str, continuation: str) -> None:
        """A unit began."""
        self.phase[unit] = "running"
        if continuation:
            self.console.print(Text(f"{unit:<18} {continuation}"))

    def finished(self, unit: str, seconds: float, artifact: Artifact) -> None:
        """A unit is complete."""
        self.phase[unit] = "done"
        self.note[unit] = f"{_made(artifact)} in {seconds:.1f} s"

    def failed(self, end: Finished) -> None:
        """A shard ended badly."""
        self.phase[end.unit] = "failed"
        self.note[end.unit] = f"shard {end.shard.index} ended with exit code {end.exit_code}"
        self.console.print(Text(end.cause, style="red"))

    def tick(self) -> None:
        """The table redraws itself; the time left is looked up here, as only one thread may ask for states."""
        if time.monotonic() - self._looked_s >= LIVE_INTERVAL_S:
            self._looked_s = time.monotonic()
            self.left = str(time_left(self.states, self.chosen, self.slots) or "")

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, show_header=False)
        for unit, phase in self.phase.items():
            style = STYLES[phase]
            if phase == "running":
                progress = read_progress(self.states.run_dir, unit)
                share = progress["done"] / progress["total"] if progress["total"] else 0.0
                filled = round(min(1.0, share) * BAR_WIDTH)
                note = f"{'━' * filled}{'╌' * (BAR_WIDTH - filled)} {describe(progress)}"
            else:
                note = self.note[unit]
            table.add_row(Text(unit), Text(phase, style=style), Text(note))
        if self.left:
            table.add_row("", "", Text(self.left))
        return table


def _made(artifact: Artifact) -> str:
    """Rows, and what was rejected."""
    rejected = artifact.success.rejected
    return counted(artifact.success.rows, "row") + (f", {rejected} rejected" if rejected else "")
