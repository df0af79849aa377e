"""Commands that work on this run as they stand on the page: with the run's name and, where needed, its folder.

Reads the place of the run folder; writes nothing. No absolute path reaches the page: one that lies elsewhere is cut.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from docent.context import Context

DATA = Path("runs")
VOLUME = Path("/data")
"""Where all runs lie in a pod."""
CUT = "…/"
"""What stands for the path of a folder outside the working directory."""


class Commands:
    """Builds commands for the run of a report.

    Attributes:
        local: whether the run lies on the machine of its user; on a cluster only `docent run` reaches it.
        folder: the run's folder, as people find it.
        parent: name of the folder of runs, where its path is cut; else "".
    """

    def __init__(self, ctx: Context) -> None:
        self._name = ctx.config.run.name
        self.local = ctx.run_dir.parent != VOLUME
        data = _public(ctx.run_dir.parent)
        self.folder = f"{data}/{ctx.run_dir.name}"
        self.parent = ctx.run_dir.parent.name if self.local and data.startswith(CUT) else ""
        self._elsewhere = [] if data == DATA.as_posix() else ["--data", data]

    def run(self, *sets: str, verb: str = "run") -> str:
        """`docent run` for the same run with some settings changed; FILE is its pipeline file where one is needed.

        Args:
            sets: `a.b=c` each.
        """
        given = [argument for one in sets for argument in ("--set", one)]
        if not self.local:
            return shlex.join(["docent", verb, "FILE", "--backend", "kubernetes", "--run", self._name, *given])
        return shlex.join(["docent", verb, "--run", self._name, *self._elsewhere, *given])

    def run_only(self, unit: str) -> str:
        """The command that does what is left to do of one unit."""
        return f"{self.run()} --only {shlex.quote(unit)}"

    def again(self) -> str:
        """The command that makes the whole run anew, as a run of its own."""
        if not self.local:
            return shlex.join(["docent", "run", "FILE", "--backend", "kubernetes", "--run", "again"])
        resolved = f"{self.folder}/pipeline.resolved.yaml"
        return shlex.join(["docent", "run", resolved, *self._elsewhere, "--run", "again"])

    def place(self) -> str:
        """What to put in place of a path that is cut, as a sentence; "" where none is."""
        return f"In place of {CUT[:-1]} put the path of the folder that holds {self.parent}." if self.parent else ""

    def review(self, decisions: str = "") -> str:
        """The command that writes the pairs of the run for people to read, or takes what they decided.

        Args:
            decisions: the file that the page saved.
        """
        applied = ["--apply", decisions] if decisions else []
        return shlex.join(["docent", "review", self._name, *self._elsewhere, *applied])

    def logs(self, unit: str) -> str:
        """The command that shows what a unit said."""
        place = self._elsewhere if self.local else ["--backend", "kubernetes"]
        return shlex.join(["docent", "logs", unit, "--run", self._name, *place])

    def output(self, ctx: Context, unit: str, name: str = "") -> str:
        """Where a file of a unit lies, through `latest` where the file system has links."""
        artifact = ctx.inputs[unit]
        latest = ctx.run_dir / unit / "latest"
        folder = "latest" if latest.exists() else artifact.folder.name
        return "/".join(part for part in (self.folder, unit, folder, name) if part)


def _public(folder: Path) -> str:
    """A folder relative to the working directory; one outside of it by its last name alone."""
    if not folder.is_absolute() and ".." not in folder.parts:
        return folder.as_posix()
    here = Path.cwd()
    return folder.relative_to(here).as_posix() if folder.is_relative_to(here) else f"{CUT}{folder.name}"
