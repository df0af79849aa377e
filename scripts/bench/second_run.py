"""Measure how long a run takes to detect that a large source has not changed.

Writes a source of photos and a run of `ingest` into a temporary folder; prints a row for docs/benchmarks.md.
Run it: `.venv/bin/python scripts/bench/second_run.py`; it needs three times the size of the photos on disk. With
`--package FOLDER` it measures the package of another checkout, such as `FOLDER/jobs`.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

PHOTOS_OF_EXHIBIT = 20
COMMENT_BYTES = 65_533
"""Maximum number of bytes in a comment of a JPEG file."""
SETTLING_S = 3.0
"""Pause after writing: files that are hashed less than two seconds after they were written are hashed again."""
RUNS = 3


def main() -> int:
    """Write the source, run several times and print the seconds of every run, with CPU seconds in brackets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=20_000)
    parser.add_argument("--kb", type=int, default=100, help="size of each photo")
    parser.add_argument("--package", help="folder that contains the docent package")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_source(folder / "museum", options.photos, options.kb * 1000)
        (folder / "pipeline.yaml").write_text(
            f"run: {{workers: 2}}\ningest: {{shards: 2, sources: [{{kind: exhibits-folder, path: {folder}/museum}}]}}\n"
        )
        time.sleep(SETTLING_S)
        seconds = [timed_run(folder, options.package) for _ in range(1 + RUNS)]
    later = ", ".join(f"{one:.1f} ({processor:.1f})" for one, processor in seconds[1:])
    print(f"| {options.photos:,} photos of {options.kb} KB | first run {seconds[0][0]:.0f} s | later runs {later} s |")
    return 0


def write_source(folder: Path, photos: int, size_bytes: int) -> None:
    """Write exhibits with distinct photos of the given size."""
    data = io.BytesIO()
    Image.effect_noise((320, 240), 60).convert("RGB").save(data, "JPEG")
    start, rest = data.getvalue()[:2], data.getvalue()[2:]
    for number in range(photos):
        exhibit = folder / f"exhibit-{number // PHOTOS_OF_EXHIBIT:05d}"
        if number % PHOTOS_OF_EXHIBIT == 0:
            exhibit.mkdir(parents=True)
            (exhibit / "description.txt").write_text(f"Exhibit {exhibit.name} is a jar, 30 cm high.")
        missing = max(16, size_bytes - len(start) - len(rest))
        comments = b""
        while missing > 4:
            text = os.urandom(min(COMMENT_BYTES, missing - 4))
            comments += b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text
            missing -= len(text) + 4
        (exhibit / f"view-{number}.jpg").write_bytes(start + comments + rest)


def timed_run(folder: Path, package: str | None) -> tuple[float, float]:
    """Return wall and CPU seconds of `docent run --to ingest`."""
    environ = os.environ | ({"PYTHONPATH": package} if package else {})
    command = [sys.executable, "-m", "docent", "run", "pipeline.yaml", "--to", "ingest", "--data", "runs", "--yes"]
    started_s, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - started_s, processor_s


if __name__ == "__main__":
    sys.exit(main())
