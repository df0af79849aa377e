"""Prove that crashes, full disks, changing sources, forged run folders and links lose no data and touch no other files.

Draws a small museum into a temporary folder and works on it in separate child processes:

- a kill before and after every rename and every sync of a commit, then an uninterrupted run;
- a file size limit, and a small tmpfs if one can be mounted, then a run without them;
- sources that are temporarily missing, rewritten or unreadable while shards read them;
- success files and markers with random changes, which are read, planned and cleaned up;
- folders with random links, cycles, pipes and links to the outside, which are hashed and listed.

Writes the results to docs/proofs.json. Exits with 1 if a row differs, something incomplete was committed, anything
outside was touched, or an error was not a single message.
Run it: `.venv/bin/python scripts/prove/hostile_runs.py [--rounds 60] [--seed 1]`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from hostile_forgeries import forged_runs, linked_folders
from kills import note
from PIL import Image

from docent.artifacts.listings import SUCCESS
from docent.config import PipelineConfig
from docent.stage import run_shard
from docent.store import Shard

SHARDS = 2
EXHIBITS = 8
KILLED = -signal.SIGKILL
TEMPORARY = 200


def main() -> int:
    """Run every part and print the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60, help="repetitions of each randomised part")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    importlib.import_module("docent.stages.ingest")  # once, and not in every child
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = configuration(draw_museum(folder / "museum"))
        want = finished(config, folder / "calm")
        seen = {
            "crash_points": crash_points(config, folder, want),
            "full_disks": full_disks(config, folder, want, options.rounds, random.Random(options.seed)),
            "changed_sources": changed_sources(config, folder, want, options.rounds, random.Random(options.seed)),
            "forged_runs": forged_runs(config, folder, options.rounds * 5, random.Random(options.seed)),
            "linked_folders": linked_folders(folder / "links", options.rounds, random.Random(options.seed)),
        }
    wrong = {name: result["wrong"] for name, result in seen.items() if result["wrong"]}
    seen["seconds"] = round(time.monotonic() - started_s, 1)  # type: ignore[assignment]
    seen["seed"] = options.seed  # type: ignore[assignment]
    note("hostile_runs", dict(seen))
    print(json.dumps(seen, indent=1))
    return 1 if wrong else 0


def draw_museum(folder: Path) -> Path:
    """Draw exhibits with two photos each."""
    for number in range(EXHIBITS):
        exhibit = folder / f"form-{number}"
        exhibit.mkdir(parents=True)
        (exhibit / "description.txt").write_text(f"Form {number} has {number + 3} faces and is {number + 10} cm high.")
        for view in range(2):
            Image.new("RGB", (48, 32), (20 * number, 90 * view, 120)).save(exhibit / f"view-{view}.png")
    return folder


def configuration(museum: Path) -> PipelineConfig:
    """Return the configuration of a run with one stage that reads the museum."""
    source = {"kind": "exhibits-folder", "path": str(museum)}
    ingest = {"sources": [source], "max_reject_rate": 1.0, "shards": SHARDS}
    return PipelineConfig.model_validate({"run": {"input_wait_s": 0}, "ingest": ingest})


def in_child(work: Callable[[], int]) -> int:
    """Call a function in a child process; return its exit code, or minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def finished(config: PipelineConfig, run_dir: Path) -> dict[str, Any] | None:
    """Run every shard uninterrupted; return the success file."""
    for index in range(SHARDS):
        if in_child(partial(run_shard, config, "ingest", run_dir, Shard(index, SHARDS))) != 0:
            return None
    path = run_dir / "ingest" / SUCCESS
    success: dict[str, Any] = json.loads(path.read_text())
    return success


def crash_points(config: PipelineConfig, folder: Path, want: Any) -> dict[str, int]:
    """Kill the shards before and after every call that makes data durable."""
    killed = wrong = 0
    for after in (False, True):
        point = 0
        while True:
            run_dir = folder / f"crash-{after}-{point}"
            codes = [in_child(partial(_killed_at, config, run_dir, i, point, after)) for i in range(SHARDS)]
            wrong += finished(config, run_dir) != want
            shutil.rmtree(run_dir)
            if KILLED not in codes:
                break
            killed += codes.count(KILLED)
            point += 1
    return {"kills": killed, "wrong": wrong}


def _killed_at(config: PipelineConfig, run_dir: Path, index: int, point: int, after: bool) -> int:
    """Run a shard and exit at one of its renames, syncs and links."""
    calls = [0]

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            here, calls[0] = calls[0] == point, calls[0] + 1
            if here and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = real(*arguments, **named)
            if here:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    for name in ("replace", "fsync", "symlink", "mkdir"):
        setattr(os, name, counted(getattr(os, name)))
    return run_shard(config, "ingest", run_dir, Shard(index, SHARDS))


def full_disks(config: PipelineConfig, folder: Path, want: Any, rounds: int, rng: random.Random) -> dict[str, int]:
    """Let files reach a size limit, or the disk fill up, at a random point; then continue without the limit."""
    refused = mounted = wrong = 0
    for number in range(rounds):
        run_dir, limit = folder / f"full-{number}", rng.randint(1, 6000)
        on_tmpfs = number % 4 == 0 and _mount(run_dir, f"{rng.randint(8, 80)}k")
        mounted += on_tmpfs
        for index in range(SHARDS):
            code = in_child(partial(_limited, config, run_dir, index, None if on_tmpfs else limit))
            refused += code == TEMPORARY
            wrong += code not in (0, TEMPORARY)
        wrong += any(run_dir.rglob("*.tmp"))
        if on_tmpfs:
            subprocess.run(["mount", "-o", "remount,size=64m", str(run_dir)], check=True)
        wrong += finished(config, run_dir) != want
        if on_tmpfs:
            subprocess.run(["umount", str(run_dir)], check=True)
        shutil.rmtree(run_dir)
    return {"rounds": rounds, "of_them_on_tmpfs": mounted, "shards_refused": refused, "wrong": wrong}


def _mount(folder: Path, size: str) -> bool:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    return bool(shutil.which("mount")) and subprocess.run(command, capture_output=True).returncode == 0


def _limited(config: PipelineConfig, run_dir: Path, index: int, limit_bytes: int | None) -> int:
    if limit_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
    return run_shard(config, "ingest", run_dir, Shard(index, SHARDS))


def changed_sources(config: PipelineConfig, folder: Path, want: Any, rounds: int, rng: random.Random) -> dict[str, int]:
    """Change the sources temporarily while shards read them; check that committed data is complete."""
    museum = folder / "museum"
    seen: Counter[str] = Counter(rounds=rounds, refused=0, committed=0, wrong=0)
    for number in range(rounds):
        run_dir = folder / f"changed-{number}"
        child = os.fork()
        if child == 0:
            os._exit(run_shard(config, "ingest", run_dir, Shard(0, SHARDS)))
        time.sleep(rng.uniform(0, 0.04))
        back = _disturb(museum, rng)
        time.sleep(rng.uniform(0, 0.02))
        back()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        seen["refused"] += code == TEMPORARY
        seen["committed"] += code == 0
        seen["wrong"] += code not in (0, TEMPORARY)
        seen["wrong"] += finished(config, run_dir) != want
        shutil.rmtree(run_dir)
    return dict(seen)


def _disturb(museum: Path, rng: random.Random) -> Callable[[], Any]:
    """Change something; return a function that undoes it and restores the modification times."""
    exhibit = rng.choice(sorted(museum.iterdir()))
    path, aside = rng.choice([exhibit, *sorted(exhibit.iterdir())]), museum.parent / "aside"
    how = rng.choice(["away", "rewritten", "unreadable"]) if path.is_file() else "away"
    times = path.stat()
    if how == "away":
        path.rename(aside)
        return lambda: aside.rename(path)
    if how == "unreadable":
        path.chmod(0)
        return lambda: path.chmod(0o644)
    content = path.read_bytes()
    path.write_bytes(content[::-1])

    def back() -> None:
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    return back


if __name__ == "__main__":
    sys.exit(main())
