"""Write commands that work on this run as they stand on the page: with its name and, where needed, its folder.

Reads the place of the run folder; writes nothing. No absolute path reaches the page: one that lies elsewhere is cut.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from docent.context import Context
from docent.store import Artifact

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
        self._run_dir, self._name = ctx.run_dir, ctx.config.run.name
        self.local = ctx.run_dir.parent != VOLUME
        data = _public(ctx.run_dir.parent)
        self.folder = f"{data}/{ctx.run_dir.name}"
        self.parent = ctx.run_dir.parent.name if self.local and data.startswith(CUT) else ""
        self._elsewhere = [] if data == DATA.as_posix() else ["--data", data]

    def run(self, *sets: str, verb: str = "run") -> str:
        """Return `docent run` for the same run with some settings changed; on a cluster FILE is its pipeline file.

        Args:
            sets: `a.b=c` each.
        """
        changes = [argument for one in sets for argument in ("--set", one)]
        if not self.local:
            return shlex.join(["docent", verb, "FILE", "--backend", "kubernetes", "--run", self._name, *changes])
        return shlex.join(["docent", verb, "--run", self._name, *self._elsewhere, *changes])

    def again(self) -> str:
        """Return the command that makes the whole run anew, as a run of its own."""
        if not self.local:
            return shlex.join(["docent", "run", "FILE", "--backend", "kubernetes", "--run", "again"])
        resolved = f"{self.folder}/pipeline.resolved.yaml"
        return shlex.join(["docent", "run", resolved, *self._elsewhere, "--run", "again"])

    def place(self) -> str:
        """Say what to put in place of a path that is cut, as a sentence; "" where none is."""
        return f"In place of {CUT[:-1]} put the path of the folder that holds {self.parent}." if self.parent else ""

    def review(self, decisions: str = "") -> str:
        """Return the command that writes the pairs of the run for people to read, or takes their decisions.

        Args:
            decisions: the file that the page saved.
        """
        applied = ["--apply", decisions] if decisions else []
        return shlex.join(["docent", "review", self._name, *self._elsewhere, *applied])

    def logs(self, unit: str) -> str:
        """Return the command that shows the log of a unit."""
        place = self._elsewhere if self.local else ["--backend", "kubernetes"]
        return shlex.join(["docent", "logs", unit, "--run", self._name, *place])

    def output(self, artifact: Artifact, name: str = "") -> str:
        """Return where a file of a unit lies, through `latest` where the file system has links."""
        linked = (self._run_dir / artifact.unit / "latest").exists()
        folder = "latest" if linked else artifact.folder.name
        return "/".join(part for part in (self.folder, artifact.unit, folder, name) if part)


def _public(folder: Path) -> str:
    """Make a folder relative to the working directory; one outside of it is cut to its last name."""
    if not folder.is_absolute() and ".." not in folder.parts:
        return folder.as_posix()
    here = Path.cwd()
    return folder.relative_to(here).as_posix() if folder.is_relative_to(here) else f"{CUT}{folder.name}"
