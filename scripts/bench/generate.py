"""Measure docent's chat client against other systems: one endpoint, the same records, alternating runs.

    python scripts/bench/generate.py --workload W1,W4 --runs 5 --systems docent,curator

Starts the mock endpoint and one driver of `peers/` at a time, each in its own environment (`make bench-generate` builds
them in .venv/bench/). Writes results.json, tables.md and each environment's packages into a folder of runs/bench/;
prints the tables for docs/benchmarks.md. Exits with 1 if the plain loop was too slow, which invalidates a series.
generate_series.py defines how runs are measured, generate_workloads.py what is measured.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pictures
from generate_series import CLIENT_CORES, CORES, ROOT, SERVER_CORE, Bench, pinned, python_of, series, too_slow
from generate_tables import table
from generate_workloads import PEERS, WORKLOADS
from mock_process import Mock

LIST_PACKAGES = (
    "from importlib.metadata import distributions as d\n"
    "print('\\n'.join(sorted({f'{one.name}=={one.version}' for one in d()}, key=str.lower)))"
)


def packages(system: str, folder: Path) -> dict[str, str]:
    """Write a system's package list; return its hash and interpreter."""
    listed = subprocess.run([python_of(system), "-c", LIST_PACKAGES], check=True, capture_output=True).stdout
    (folder / f"{system}.packages.txt").write_bytes(listed)
    own = [
        line for line in listed.decode().splitlines() if line.lower().replace("-", "_").split("==")[0].endswith(system)
    ]
    return {"sha256": hashlib.sha256(listed).hexdigest(), "version": ", ".join(own)}


def machine() -> dict[str, object]:
    """Describe the machine."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": len(CORES),
        "client_cores": CLIENT_CORES,
        "server_core": SERVER_CORE,
    }


def conditions(result: dict[str, Any], runs: int) -> str:
    """Return the lines above the tables: machine, date and versions."""
    versions = ", ".join(f"{one['version']} (packages {one['sha256'][:12]})" for one in result["packages"].values())
    where = f"{result['cores']} cores ({result['machine']}), client on {result['client_cores']}"
    return (
        f"{result['date']}, commit {result['commit']}, Python {result['python']}; {where}, endpoint on "
        f"{result['server_core']}; {runs} runs, median and range; {versions}\n"
    )


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", default=",".join(WORKLOADS), help="comma-separated, such as W1,W4 (default: all)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--systems", default="docent," + ",".join(PEERS), help="comma-separated; the plain loop always runs"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="share of the records, for trial runs")
    parser.add_argument("--limit-mb", type=float, default=8_000)
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "bench" / time.strftime("generate-%Y%m%d-%H%M%S"))
    given = parser.parse_args()
    given.workload, given.systems = given.workload.split(","), given.systems.split(",")
    if unknown := set(given.workload) - set(WORKLOADS) | set(given.systems) - {"docent", *PEERS}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if missing := [system for system in given.systems if not python_of(system).exists()]:
        parser.error(f"no environment for {', '.join(missing)}: make bench-generate builds them")
    return given


def main() -> int:
    """Measure, write and print."""
    given = arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    os.sched_setaffinity(0, {SERVER_CORE})
    result = {**machine(), "packages": {one: packages(one, given.out) for one in given.systems}, "scale": given.scale}
    report, measured, discarded = [conditions(result, given.runs)], [], False
    print(report[0], flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-images-") as name:
        for workload in given.workload:
            cases = [case.scaled(given.scale) for case in WORKLOADS[workload]]
            if needed := max((case.n for case in cases if case.images), default=0):
                pictures.make(Path(name), needed)
            with Mock(pinned([SERVER_CORE])) as mock:
                done = series(Bench(mock, Path(name), given.limit_mb), cases, given.systems, given.runs)
            for case in cases:
                why = too_slow(case, done[case.name])
                discarded |= bool(why)
                measured += [{**run.as_json(), "discarded": why} for run in done[case.name]]
                ideal = f"; ideal {case.ideal_s(case.n):.1f} s"
                title = f"### {case.name}: {case.conditions}{ideal}\n\n" + (f"**{why}**\n\n" if why else "")
                report.append(f"{title}{table(workload, done[case.name])}\n")
                print(report[-1], flush=True)
            (given.out / "tables.md").write_text("\n".join(report), encoding="utf-8")
            (given.out / "results.json").write_text(json.dumps({**result, "runs": measured}), encoding="utf-8")
    print(f"written: {given.out}", file=sys.stderr)
    return int(discarded)


if __name__ == "__main__":
    sys.exit(main())
