"""Measure the default run as a user sees it: time and peak memory of every unit, the second run, and `docent --help`.

Reads pipeline.yaml; writes a run into a temporary folder and prints Markdown for docs/benchmarks.md.
Run it: `make bench`, on an otherwise idle machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_S = 0.2


def main() -> int:
    """Run the pipeline, sample memory and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "docent", "run", "--data", folder]
        first_s, code = timed([*command])
        if code:
            print(f"the run exited with {code}")
            return 1
        second_s, _ = timed(command)
        help_s = min(timed([sys.executable, "-m", "docent", "--help"])[0] for _ in range(5))
        print_table(Path(folder) / "demo", first_s, second_s, help_s)
    return 0


def timed(command: list[str]) -> tuple[float, int]:
    """Return seconds and exit code of a command; the peak memory of its processes goes to PEAKS."""
    started_s = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    ended = threading.Event()
    sampler = threading.Thread(target=sample, args=(ended,))
    sampler.start()
    code = process.wait()
    ended.set()
    sampler.join()
    return time.monotonic() - started_s, code


PEAKS: dict[str, int] = {}


def sample(ended: threading.Event) -> None:
    """Record the peak resident memory of every `docent stage UNIT` until `ended` is set."""
    while not ended.wait(SAMPLE_S):
        for path in Path("/proc").glob("[0-9]*"):
            try:
                words = (path / "cmdline").read_bytes().decode().split("\0")
                status = (path / "status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if "stage" in words and "docent" in words:
                unit = words[words.index("stage") + 1]
                peak_kb = int(status.split("VmHWM:")[1].split()[0]) if "VmHWM:" in status else 0
                PEAKS[unit] = max(PEAKS.get(unit, 0), peak_kb)


def print_table(run_dir: Path, first_s: float, second_s: float, help_s: float) -> None:
    """Print Markdown: one line per unit, then the totals."""
    print("| unit | wall s | CPU s | peak MB |\n| --- | --- | --- | --- |")
    for unit in sorted(PEAKS, key=lambda name: (run_dir / name / "_SUCCESS.json").stat().st_mtime):
        success = json.loads((run_dir / unit / "_SUCCESS.json").read_text())
        markers = [json.loads((run_dir / unit / success["folder"] / m).read_text()) for m in success["markers"]]
        wall, cpu = (sum(marker[key] for marker in markers) for key in ("seconds", "cpu_seconds"))
        print(f"| {unit} | {wall:.1f} | {cpu:.1f} | {PEAKS[unit] / 1024:.0f} |")
    print(f"\nwhole run {first_s:.0f} s on {os.cpu_count()} cores, unchanged second run {second_s:.2f} s,")
    print(f"`docent --help` {help_s:.2f} s")


if __name__ == "__main__":
    sys.exit(main())
