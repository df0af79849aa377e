"""Prove that `kill -9` at seeded moments loses nothing and changes no byte.

tests/integration/test_generate_qa.py shows that a killed stage pays for no call twice beyond those in flight: there, an
HTTP server counts the requests.

Reads pipelines/smoke.yaml; writes two runs into a temporary folder and the results to docs/proofs.json.
Run it: `.venv/bin/python scripts/prove/kills.py [--kills 20] [--seed 1]`. Exits with 1 on a difference.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROOFS = ROOT / "docs" / "proofs.json"
FILE = "pipelines/smoke.yaml"
POLL_S = 0.02


def main() -> int:
    """Run once uninterrupted and once with kills, and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        calm, rough = Path(folder) / "calm", Path(folder) / "rough"
        started_s = time.monotonic()
        launch(calm).wait()
        duration_s = time.monotonic() - started_s
        want = digests(calm)
        if "report" not in want:
            print("the uninterrupted run did not finish")
            return 1
        struck = kill_often(rough, options.kills, duration_s, random.Random(options.seed))
        attempts = finish(rough)
        got = digests(rough)
        different = sorted(name for name in want if name != "report" and got.get(name) != want[name])
        seen = {
            "kills": struck,
            "attempts_to_finish": attempts,
            "undisturbed_s": round(duration_s, 1),
            "units_compared": len(want) - 1,
            "units_that_differ": different,
        }
    note("kills", seen)
    print(json.dumps(seen, indent=1))
    return 1 if different else 0


def launch(data: Path) -> subprocess.Popen[bytes]:
    """Start `docent run` on the smoke pipeline."""
    command = [sys.executable, "-m", "docent", "run", FILE, "--data", str(data)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_often(data: Path, kills: int, duration_s: float, rng: random.Random) -> dict[str, int]:
    """Kill the launcher or one of its workers `kills` times, each after a random share of a complete run's duration.

    Returns:
        How often each process, the launcher or a unit, was killed.
    """
    struck: dict[str, int] = {}
    done = 0
    while done < kills:
        process = launch(data)
        until_s = time.monotonic() + rng.uniform(0.02, 0.35) * duration_s
        while time.monotonic() < until_s and process.poll() is None:
            time.sleep(POLL_S)
        if process.poll():
            raise SystemExit(f"docent run ended with {process.returncode} without being killed")
        if process.poll() == 0:
            forget_last(data)  # it finished before the kill: delete the last stages and continue
            continue
        workers = children(process.pid)
        target, what = rng.choice([(process.pid, "launcher"), *workers] if workers else [(process.pid, "launcher")])
        os.kill(target, signal.SIGKILL)
        process.wait()
        done += 1
        struck[what] = struck.get(what, 0) + 1
    return dict(sorted(struck.items()))


def forget_last(data: Path) -> None:
    """Delete the success files from the data set on, so that there is work left to kill."""
    for name in ("build-dataset", "finetune-lora", "finetune-full", "score"):
        (data / "smoke" / name / "_SUCCESS.json").unlink(missing_ok=True)
        for marker in (data / "smoke" / name).glob("*/shard-*.json"):
            marker.unlink()


def finish(data: Path) -> int:
    """Run until it exits with 0; return the number of attempts."""
    for attempt in range(1, 6):
        if launch(data).wait() == 0:
            return attempt
    return -1


def children(parent: int) -> list[tuple[int, str]]:
    """Return the running workers of a launcher: process id and unit."""
    workers = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            stat = (path / "stat").read_text().rsplit(")", 1)[1].split()
            words = (path / "cmdline").read_bytes().decode().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(stat[1]) == parent and "stage" in words:
            workers.append((int(path.name), words[words.index("stage") + 1]))
    return workers


def digests(data: Path) -> dict[str, str]:
    """Return the digest of every complete unit."""
    return {p.parent.name: json.loads(p.read_text())["digest"] for p in (data / "smoke").glob("*/_SUCCESS.json")}


def note(name: str, seen: dict[str, object]) -> None:
    """Write results to docs/proofs.json, with the commit."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    proofs = json.loads(PROOFS.read_text()) if PROOFS.is_file() else {}
    proofs[name] = {"date": time.strftime("%Y-%m-%d"), "commit": commit.stdout.strip(), **seen}
    PROOFS.write_text(json.dumps(proofs, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    sys.exit(main())
