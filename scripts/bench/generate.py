"""Measure docent's chat client beside other systems: one endpoint, the same records, in turns.

    python scripts/bench/generate.py --workload W1,W4 --runs 5 --systems docent,curator

Starts the mock endpoint and one driver of `peers/` at a time, each in its own environment (`make bench-generate` builds
them in .venv/bench/). Writes results.json, tables.md and each environment's packages into a folder of runs/bench/;
prints the tables for docs/benchmarks.md. Exit code 1: the plain loop was too slow, so a series means nothing.

The endpoint has the last core, the client all others; W2's client has one. The plain aiohttp loop comes first and last
in every series. Every system has one short run before those that count. The faults are others in every turn, the same
for every system.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import pictures
import process_tree
from generate_rows import count
from generate_tables import Run, table
from generate_workloads import ANSWER_BYTES, PEERS, WORKLOADS, Case, answered
from mock_process import Mock

ROOT = Path(__file__).resolve().parents[2]
DRIVERS = Path(__file__).with_name("peers")
RAW_SHARE = 0.9
WARM_UP_SHARE = 0.05
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[-1]
CLIENT_CORES = CORES[:-1] or CORES
QUIET = {
    "TELEMETRY_ENABLED": "false",
    "NEMO_TELEMETRY_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "CURATOR_DISABLE_CACHE": "1",
    "CURATOR_DISABLE_RICH_DISPLAY": "1",
    "DISTILABEL_LOG_LEVEL": "WARNING",
    "NO_PROXY": "127.0.0.1",
    "BENCH_KEY": "bench",
}
PATHS = re.compile(r"(/[\w.-]+){2,}")
LIST_PACKAGES = (
    "from importlib.metadata import distributions as d\n"
    "print('\\n'.join(sorted({f'{one.name}=={one.version}' for one in d()}, key=str.lower)))"
)


def python_of(system: str) -> Path:
    """The interpreter that runs a system's driver."""
    return ROOT / ".venv" / "bench" / system / "bin" / "python" if system in PEERS else Path(sys.executable)


def pinned(cores: Sequence[int]) -> list[str]:
    """Words before a command that keep it on these cores."""
    return ["taskset", "-c", ",".join(map(str, cores))]


class Bench:
    """What all runs share.

    Attributes:
        mock: the endpoint.
        images: folder of pictures.
        limit_mb: a run whose processes take more together is ended.
    """

    def __init__(self, mock: Mock, images: Path, limit_mb: float) -> None:
        self.mock = mock
        self.images = images
        self.limit_mb = limit_mb

    def measure(self, case: Case, system: str, n: int, seed: int) -> Run:
        """One run of one system; `seed` draws the faults."""
        wording = {"answer_bytes": ANSWER_BYTES, "seed": seed, **answered(system, case.structured)}
        self.mock.reset({"latency_s": case.latency_s, **case.knobs, **wording})
        structured = case.structured or system == "docent"
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            folder = Path(name)
            job = {
                "url": self.mock.url,
                "n": n,
                "in_flight": case.in_flight,
                "folder": name,
                "structured": structured,
                "wish": case.structured,
                "tells_limits": bool(case.knobs.get("rate_headers")),
                "images": str(self.images) if case.images else "",
            }
            driver = [str(python_of(system)), str(DRIVERS / f"drive_{system}.py"), json.dumps(job)]
            cores = CLIENT_CORES[:1] if case.one_core else CLIENT_CORES
            took = process_tree.run(
                [*pinned(cores), *driver],
                folder / "log.txt",
                {"PATH": os.environ["PATH"], "HOME": name, "LANG": "C.UTF-8", **QUIET},
                process_tree.Limits(case.allowed_s(n), self.limit_mb),
                (lambda: float(self.mock.stats()["ok"])) if case.follows else None,
            )
            told = self.mock.stats()
            counted = count(folder / "rows.jsonl", structured, ANSWER_BYTES)
            ended = took.over or (f"exit {took.code}: {last_line(folder / 'log.txt')}" if took.code else "")
        return Run(
            case=case.name,
            system=system,
            n=n,
            ideal_s=case.ideal_s(n),
            wall_s=took.wall_s,
            span_s=told["span_s"],
            cpu_s=took.cpu_s,
            rss_mb=took.rss_mb,
            largest_mb=took.largest_mb,
            requests=told["requests"],
            paid=told["ok"],
            refused=told["by_status"].get("429", 0),
            in_flight_max=told["in_flight_max"],
            faults=told["faults"],
            counted=counted,
            ended=ended,
            samples=took.samples if case.follows else [],
        )


def last_line(log: Path) -> str:
    """What a program said last, shortened and without paths, fit for a table."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no word"]
    return PATHS.sub("...", lines[-1]).strip().replace("|", "/")[:120]


def series(bench: Bench, cases: Sequence[Case], systems: Sequence[str], runs: int) -> dict[str, list[Run]]:
    """All cases of a workload in turns, the plain loop first and last."""
    done: dict[str, list[Run]] = {case.name: [] for case in cases}
    for system in systems:
        if system in cases[0].systems:
            few = max(50, round(cases[0].records(system) * WARM_UP_SHARE))
            say(bench.measure(cases[0], system, few, 0), "warm-up")
    for turn in range(runs + 1):
        for case in cases:
            if case.has_raw:
                done[case.name].append(bench.measure(case, "raw", case.records("raw"), turn + 1))
                say(done[case.name][-1], f"turn {turn + 1}")
            for system in systems if turn < runs else ():
                if system in case.systems:
                    run = bench.measure(case, system, case.records(system), turn + 1)
                    done[case.name].append(run)
                    say(run, f"turn {turn + 1}")
    for case in cases:
        for run in done[case.name]:
            run.base_s = base_s(done.get(case.base, []), run.system)
    return done


def base_s(runs: Sequence[Run], system: str) -> float | None:
    """The median span of a system's runs without faults, or None."""
    spans = [run.span_s for run in runs if run.system == system and not run.ended]
    return median(spans) if spans else None


def say(run: Run, when: str) -> None:
    """One line on stderr per run, for whoever waits."""
    kept = f"{run.counted.valid:,} of {run.n:,} valid, {run.requests:,} requests, {run.refused:,} x 429"
    took = f"span {run.span_s:.1f} s, wall {run.wall_s:.1f} s, CPU {run.cpu_s:.1f} s, peak {run.rss_mb:,.0f} MB"
    print(f"{run.case} {when} {run.system}: {took}; {kept} {run.ended}", file=sys.stderr, flush=True)


def too_slow(case: Case, runs: Sequence[Run]) -> str:
    """Why a series means nothing, or ""."""
    raw = [run for run in runs if run.system == "raw"]
    if not case.raw_bound or not raw:
        return ""
    shares = [run.ideal_s / run.span_s if run.span_s and not run.ended else 0.0 for run in (raw[0], raw[-1])]
    if min(shares) >= RAW_SHARE:
        return ""
    return f"DISCARDED: the plain loop reached {shares[0]:.0%} of the ideal at first, {shares[1]:.0%} at last"


def packages(system: str, folder: Path) -> dict[str, str]:
    """Write a system's packages; their hash and its interpreter."""
    listed = subprocess.run([python_of(system), "-c", LIST_PACKAGES], check=True, capture_output=True).stdout
    (folder / f"{system}.packages.txt").write_bytes(listed)
    own = [
        line for line in listed.decode().splitlines() if line.lower().replace("-", "_").split("==")[0].endswith(system)
    ]
    return {"sha256": hashlib.sha256(listed).hexdigest(), "version": ", ".join(own)}


def machine() -> dict[str, object]:
    """Where it was measured."""
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


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", default=",".join(WORKLOADS), help="W1,W4 ...; all of them by default")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--systems", default="docent," + ",".join(PEERS), help="without the plain loop, which is always there"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="share of the records, to try things out")
    parser.add_argument("--limit-mb", type=float, default=8_000)
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "bench" / time.strftime("generate-%Y%m%d-%H%M%S"))
    given = parser.parse_args()
    given.workload, given.systems = given.workload.split(","), given.systems.split(",")
    if unknown := set(given.workload) - set(WORKLOADS) | set(given.systems) - {"docent", *PEERS}:
        parser.error(f"not known: {', '.join(sorted(unknown))}")
    if missing := [system for system in given.systems if not python_of(system).exists()]:
        parser.error(f"no environment for {', '.join(missing)}: make bench-generate builds them")
    return given


def main() -> int:
    """Measure, write, print."""
    given = arguments()
    given.out.mkdir(parents=True, exist_ok=True)
    os.sched_setaffinity(0, {SERVER_CORE})
    result = {**machine(), "packages": {one: packages(one, given.out) for one in given.systems}, "scale": given.scale}
    report, measured, discarded = [], [], False
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
                report.append(f"### {case.name}: {case.told}{ideal}\n\n{why}\n\n{table(workload, done[case.name])}\n")
                print(report[-1], flush=True)
            (given.out / "tables.md").write_text("\n".join(report), encoding="utf-8")
            (given.out / "results.json").write_text(json.dumps({**result, "runs": measured}), encoding="utf-8")
    print(f"written: {given.out}", file=sys.stderr)
    return int(discarded)


if __name__ == "__main__":
    sys.exit(main())
