"""Steps of an installation with their progress: in place on a terminal, as plain lines otherwise.

Reads nothing; writes to standard output. Used by install.py, which needs nothing but Python's standard library.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector

PLAIN_EVERY_S = 30.0
"""Where there is no terminal, a step that takes long says so once in this time."""
INDENT = " " * len("[1/4] ")


class StepError(Exception):
    """A step failed.

    Args:
        output: what the program said.
        exit_code: what it ended with.
    """

    def __init__(self, output: str, exit_code: int) -> None:
        super().__init__(output)
        self.output, self.exit_code = output, exit_code


class Steps:
    """Prints what each step is, how it goes on and how it ended.

    Args:
        count: how many steps there are.
    """

    def __init__(self, count: int) -> None:
        self.count, self.number = count, 0
        self.on_terminal = sys.stdout.isatty()
        self.started_s = self.said_s = 0.0

    def begin(self, title: str, size_mb: tuple[int, int] | None = None) -> None:
        """Name the next step, with the megabytes to download and on disk."""
        sizes = f" (about {shown(size_mb[0])} to download, {shown(size_mb[1])} on disk)" if size_mb else ""
        self.number += 1
        self.started_s = self.said_s = time.monotonic()
        print(f"[{self.number}/{self.count}] {title}{sizes}", flush=True)

    def elapsed_s(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self.started_s

    def tell(self, activity: str) -> None:
        """Say for how long the step has been running, and what it is doing."""
        line = f"{INDENT}{self.elapsed_s():.0f} s{activity}"
        if self.on_terminal:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[K{line[:width]}", end="", flush=True)
        elif time.monotonic() - self.said_s > PLAIN_EVERY_S:
            self.said_s = time.monotonic()
            print(line, flush=True)

    def end(self, result: str) -> None:
        """Say how the step ended."""
        print(f"\r\x1b[K{INDENT}{result}" if self.on_terminal else f"{INDENT}{result}", flush=True)

    def run(self, command: Sequence[str | Path]) -> str:
        """Run a program to its end and return what it said.

        Raises:
            StepError: it ended with another exit code than 0.
        """
        said: list[str] = []
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            assert process.stdout is not None
            waiting = DefaultSelector()
            waiting.register(process.stdout, EVENT_READ)
            pending, activity = b"", ""
            while True:
                self.tell(activity)
                if not waiting.select(timeout=1):
                    continue
                if not (read := os.read(process.stdout.fileno(), 65536)):
                    break
                *lines, pending = (pending + read).split(b"\n")
                said += [line.decode(errors="replace") for line in lines]
                activity = next((f", {found}" for line in reversed(said) if (found := activity_of(line))), "")
            said.append(pending.decode(errors="replace"))
        if process.returncode:
            raise StepError("\n".join(said).strip(), process.returncode)
        return "\n".join(said)


def activity_of(line: str) -> str:
    """What pip is doing, from one of its lines: the name of a package, or how many it installs."""
    if line.startswith("Installing collected packages: "):
        return f"installing {len(line.split(','))} packages"
    found = re.match(r"\s*(Collecting|Downloading|Processing) (\S+?)(?:[<>=~;!,[].*)?( \([\d.]+ [kMG]B\))?$", line)
    return f"{found[1].lower()} {found[2].rsplit('/')[-1]}{found[3] or ''}" if found else ""


def shown(megabytes: int) -> str:
    """Megabytes as people write them."""
    return f"{megabytes} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"
