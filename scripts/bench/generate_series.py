"""Run the systems one at a time, in alternating order: start the driver, measure it, count its rows.

Starts the drivers of `peers/`; reads their rows and the endpoint's counters; used by `generate.py`.

The endpoint has the last core, the client all others; W2's client has one. The plain aiohttp loop runs first and last
in every series. Every system has one short warm-up run. The faults differ from round to round, and are the same for
every system.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import process_tree
from generate_rows import count
from generate_tables import Run
from generate_workloads import ANSWER_BYTES, PEERS, Case, answered
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


def python_of(system: str) -> Path:
    """Return the interpreter that runs a system's driver."""
    return ROOT / ".venv" / "bench" / system / "bin" / "python" if system in PEERS else Path(sys.executable)


def pinned(cores: Sequence[int]) -> list[str]:
    """Return the command prefix that pins a process to these cores."""
    return ["taskset", "-c", ",".join(map(str, cores))]


class Bench:
    """Settings shared by all runs.

    Attributes:
        mock: the endpoint.
        images: folder of pictures.
        limit_mb: a run is ended if its processes together use more memory than this.
    """

    def __init__(self, mock: Mock, images: Path, limit_mb: float) -> None:
        self.mock = mock
        self.images = images
        self.limit_mb = limit_mb

    def measure(self, case: Case, system: str, n: int, seed: int) -> Run:
        """Measure one run of one system; `seed` draws the faults."""
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
            stats = self.mock.stats()
            counted = count(folder / "rows.jsonl", structured, ANSWER_BYTES)
            ended = took.over or (f"exit {took.code}: {last_line(folder / 'log.txt')}" if took.code else "")
        return Run(
            case=case.name,
            system=system,
            n=n,
            ideal_s=case.ideal_s(n),
            wall_s=took.wall_s,
            span_s=stats["span_s"],
            cpu_s=took.cpu_s,
            rss_mb=took.rss_mb,
            largest_mb=took.largest_mb,
            requests=stats["requests"],
            paid=stats["ok"],
            refused=stats["by_status"].get("429", 0),
            in_flight_max=stats["in_flight_max"],
            faults=stats["faults"],
            counted=counted,
            ended=ended,
            samples=took.samples if case.follows else [],
        )


def last_line(log: Path) -> str:
    """Return the last line of a program's log, shortened and without paths, for use in a table."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no word"]
    return PATHS.sub("...", lines[-1]).strip().replace("|", "/")[:120]


def series(bench: Bench, cases: Sequence[Case], systems: Sequence[str], runs: int) -> dict[str, list[Run]]:
    """Run all cases of a workload in rounds, the plain loop first and last."""
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
    """Return the median time of a system's runs without faults, or None."""
    spans = [run.span_s for run in runs if run.system == system and not run.ended]
    return median(spans) if spans else None


def say(run: Run, when: str) -> None:
    """Print one progress line per run to stderr."""
    kept = f"{run.counted.valid:,} of {run.n:,} valid, {run.requests:,} requests, {run.refused:,} x 429"
    took = f"span {run.span_s:.1f} s, wall {run.wall_s:.1f} s, CPU {run.cpu_s:.1f} s, peak {run.rss_mb:,.0f} MB"
    print(f"{run.case} {when} {run.system}: {took}; {kept} {run.ended}", file=sys.stderr, flush=True)


def too_slow(case: Case, runs: Sequence[Run]) -> str:
    """Return why a series is invalid, or ""."""
    raw = [run for run in runs if run.system == "raw"]
    if not case.raw_bound or not raw:
        return ""
    shares = [run.ideal_s / run.span_s if run.span_s and not run.ended else 0.0 for run in (raw[0], raw[-1])]
    if min(shares) >= RAW_SHARE:
        return ""
    return f"DISCARDED: the plain loop reached {shares[0]:.0%} of the ideal at first, {shares[1]:.0%} at last"
