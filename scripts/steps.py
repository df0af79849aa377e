"""Show the progress of installation steps: in place on a terminal, as plain lines otherwise.

Reads no files; writes to standard output. Used by install.py, which needs only Python's standard library.
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
"""Interval between progress lines of a long step without a terminal."""
INDENT = " " * len("[1/4] ")


class StepError(Exception):
    """A step failed.

    Args:
        output: output of the program.
        exit_code: its exit code.
    """

    def __init__(self, output: str, exit_code: int) -> None:
        super().__init__(output)
        self.output, self.exit_code = output, exit_code


class Steps:
    """Prints the title, progress and result of each step.

    Args:
        count: number of steps.
    """

    def __init__(self, count: int) -> None:
        self.count, self.number = count, 0
        self.on_terminal = sys.stdout.isatty()
        self.started_s = self.printed_s = 0.0

    def begin(self, title: str, size_mb: tuple[int, int] | None = None) -> None:
        """Begin the next step: print its title, with the megabytes to download and on disk."""
        sizes = f" (about {shown(size_mb[0])} to download, {shown(size_mb[1])} on disk)" if size_mb else ""
        self.number += 1
        self.started_s = self.printed_s = time.monotonic()
        print(f"[{self.number}/{self.count}] {title}{sizes}", flush=True)

    def elapsed_s(self) -> float:
        """Return the seconds since the step began."""
        return time.monotonic() - self.started_s

    def tell(self, activity: str) -> None:
        """Print how long the step has been running, and its current activity."""
        line = f"{INDENT}{self.elapsed_s():.0f} s{activity}"
        if self.on_terminal:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[K{line[:width]}", end="", flush=True)
        elif time.monotonic() - self.printed_s > PLAIN_EVERY_S:
            self.printed_s = time.monotonic()
            print(line, flush=True)

    def end(self, result: str) -> None:
        """Print the result of the step."""
        print(f"\r\x1b[K{INDENT}{result}" if self.on_terminal else f"{INDENT}{result}", flush=True)

    def run(self, command: Sequence[str | Path]) -> str:
        """Run a program to its end and return its output.

        Raises:
            StepError: its exit code is not 0.
        """
        output: list[str] = []
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
                output += [line.decode(errors="replace") for line in lines]
                activity = next((f", {current}" for line in reversed(output) if (current := activity_of(line))), "")
            output.append(pending.decode(errors="replace"))
        if process.returncode:
            raise StepError("\n".join(output).strip(), process.returncode)
        return "\n".join(output)


def activity_of(line: str) -> str:
    """Return pip's activity from a line of its output: the package it handles, or how many it installs."""
    if line.startswith("Installing collected packages: "):
        return f"installing {len(line.split(','))} packages"
    match = re.match(r"\s*(Collecting|Downloading|Processing) (\S+?)(?:[<>=~;!,[].*)?( \([\d.]+ [kMG]B\))?$", line)
    return f"{match[1].lower()} {match[2].rsplit('/')[-1]}{match[3] or ''}" if match else ""


def shown(megabytes: int) -> str:
    """Format megabytes for people."""
    return f"{megabytes} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"
