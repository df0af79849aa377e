"""Write commands for this run that work when copied from the page: with the run's name and, if needed, its folder.

Reads the path of the run folder; writes nothing. The page has no absolute paths: a folder outside the working directory
is shortened to its name.
"""

import shlex
from pathlib import Path

from docent.context import Context
from docent.store import Artifact

DATA = Path("runs")
VOLUME = Path("/data")
"""The folder of all runs in a pod."""
CUT = "…/"
"""Placeholder for the path of a folder outside the working directory."""


class Commands:
    """Builds commands for the run of a report.

    Attributes:
        local: whether the run's folder is on the user's machine, not on a cluster's volume.
        folder: the run's folder, relative to the working directory or shortened.
        parent: name of the folder that holds the runs if its path is shortened, else "".
    """

    def __init__(self, ctx: Context) -> None:
        self._run_dir, self._name = ctx.run_dir, ctx.config.run.name
        self.local = ctx.run_dir.parent != VOLUME
        data = _public(ctx.run_dir.parent)
        self.folder = f"{data}/{ctx.run_dir.name}"
        self.parent = ctx.run_dir.parent.name if self.local and data.startswith(CUT) else ""
        self._elsewhere = [] if data == DATA.as_posix() else ["--data", data]

    def run(self, *sets: str, verb: str = "run") -> str:
        """Return `docent run` for the same run with changed settings; on a cluster, FILE stands for its pipeline file.

        Args:
            sets: the settings to change, each as `section.name=value`.
            verb: the docent command, `run` or one with the same options.
        """
        changes = [argument for one in sets for argument in ("--set", one)]
        if not self.local:
            return shlex.join(["docent", verb, "FILE", "--backend", "kubernetes", "--run", self._name, *changes])
        return shlex.join(["docent", verb, "--run", self._name, *self._elsewhere, *changes])

    def again(self) -> str:
        """Return the command that repeats the complete run under another name."""
        if not self.local:
            return shlex.join(["docent", "run", "FILE", "--backend", "kubernetes", "--run", "again"])
        resolved = f"{self.folder}/pipeline.resolved.yaml"
        return shlex.join(["docent", "run", resolved, *self._elsewhere, "--run", "again"])

    def place(self) -> str:
        """Return a sentence about what to put in place of the shortened path, or "" if no path is shortened."""
        return f"In place of {CUT[:-1]} put the path of the folder that holds {self.parent}." if self.parent else ""

    def review(self, decisions: str = "") -> str:
        """Return the command that writes the run's pairs for review, or that applies a person's decisions.

        Args:
            decisions: the file with decisions that the review page saved; "" writes the pairs for review.
        """
        applied = ["--apply", decisions] if decisions else []
        return shlex.join(["docent", "review", self._name, *self._elsewhere, *applied])

    def logs(self, unit: str) -> str:
        """Return the command that shows the log of a unit."""
        place = self._elsewhere if self.local else ["--backend", "kubernetes"]
        return shlex.join(["docent", "logs", unit, "--run", self._name, *place])

    def output(self, artifact: Artifact, name: str = "") -> str:
        """Return the path of a file in a unit's output folder, through the link `latest` if it exists.

        Args:
            name: the file's name; "" for the folder itself.
        """
        linked = (self._run_dir / artifact.unit / "latest").exists()
        folder = "latest" if linked else artifact.folder.name
        return "/".join(part for part in (self.folder, artifact.unit, folder, name) if part)


def _public(folder: Path) -> str:
    """Return a folder's path relative to the working directory; a folder outside it is shortened to its last name."""
    if not folder.is_absolute() and ".." not in folder.parts:
        return folder.as_posix()
    here = Path.cwd()
    return folder.relative_to(here).as_posix() if folder.is_relative_to(here) else f"{CUT}{folder.name}"
