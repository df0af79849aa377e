"""The comparison of `make bench-generate` on a few records: what it counts is what the endpoint and the files say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).resolve().parents[2] / "scripts" / "bench"
sys.path.insert(0, str(BENCH))

import process_tree  # noqa: E402
from generate_rows import Counted, count  # noqa: E402
from generate_tables import Run, drift, slope_mb, table  # noqa: E402
from generate_workloads import ANSWER_BYTES, WORKLOADS, answered  # noqa: E402
from mock_process import Mock  # noqa: E402


def measured(tmp_path: Path, *arguments: str) -> tuple[dict[str, Any], str, int]:
    """The result file, the tables and the exit code of a small comparison."""
    command = [sys.executable, str(BENCH / "generate.py"), "--out", str(tmp_path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (tmp_path / "results.json").exists(), done.stderr
    return json.loads((tmp_path / "results.json").read_text()), done.stdout, done.returncode


def test_docent_and_the_plain_loop_are_measured_in_turns(tmp_path: Path) -> None:
    result, tables, _ = measured(tmp_path, "--workload", "W1", "--scale", "0.05", "--runs", "1", "--systems", "docent")
    assert [run["system"] for run in result["runs"]] == ["raw", "docent", "raw"]
    for run in result["runs"]:
        n, counted = run["n"], run["counted"]
        assert run["ended"] == "" and n == 250
        assert counted == {"rows": n, "unique": n, "valid": n, "cut": 0}
        assert run["requests"] == run["paid"] >= n
        assert 0 < run["span_s"] < run["wall_s"]
        assert run["ideal_s"] <= run["span_s"]
        assert run["cpu_s"] > 0 and run["rss_mb"] >= run["largest_mb"] > 10
    assert tables.count("| docent | 250 |") == 1 and "### W1" in tables
    assert len(result["packages"]["docent"]["sha256"]) == 64


def test_rows_that_are_cut_doubled_or_mixed_up_are_seen(tmp_path: Path) -> None:
    pairs = [{"question": f"What is {i:016x}?", "answer": f"{i:016x} ".ljust(ANSWER_BYTES, "x")} for i in range(5)]
    short = {"question": pairs[1]["question"], "answer": pairs[1]["answer"][:50]}
    mixed = {"question": pairs[2]["question"], "answer": pairs[3]["answer"]}
    stripped = {"question": pairs[4]["question"], "answer": pairs[4]["answer"][:-1]}
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, [pairs[0], pairs[0], short, mixed, stripped])) + '\n{"question": "torn')
    assert count(path, structured=True, answer_bytes=ANSWER_BYTES) == Counted(rows=5, unique=3, valid=2, cut=1)
    assert count(tmp_path / "none.jsonl", structured=True, answer_bytes=ANSWER_BYTES) == Counted()


def test_a_text_is_no_valid_row_where_pairs_are_wanted(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"text": f"{7:016x} ".ljust(ANSWER_BYTES, "x")}))
    assert count(path, structured=True, answer_bytes=ANSWER_BYTES).valid == 0
    assert count(path, structured=False, answer_bytes=ANSWER_BYTES).valid == 1


def test_a_child_and_the_limits_are_measured(tmp_path: Path) -> None:
    child = "x = bytearray(80_000_000)\nwhile True: pass"
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    took = process_tree.run(
        [sys.executable, "-c", parent], tmp_path / "log.txt", os.environ, process_tree.Limits(1.0, 1_000)
    )
    assert took.over == "> 1 s" and took.code == -9
    assert took.largest_mb > 80 and took.rss_mb > took.largest_mb
    assert took.cpu_s > 0.2
    took = process_tree.run(
        [sys.executable, "-c", parent], tmp_path / "log.txt", os.environ, process_tree.Limits(60, 50)
    )
    assert took.over == "> 50 MB"


def followed(samples: list[tuple[float, float, float]]) -> Run:
    """A run of 1,000 records with these samples."""
    counted = Counted(1_000, 1_000, 1_000)
    return Run("W7", "docent", 1_000, 1, 1, 1, 1, 1, 1, 1_000, 1_000, 0, 8, {}, counted, samples=samples)


def test_slope_and_drift_of_a_known_run() -> None:
    steady = [(at / 10, 50 + at * 0.01, at * 10.0) for at in range(101)]
    assert slope_mb(followed(steady)) == pytest.approx(100.0)
    assert drift(followed(steady)) == pytest.approx(0.0)
    # Twice as long for every record of the second half.
    slower = [(at / 10 + max(0, at - 50) / 10, 50.0, at * 10.0) for at in range(101)]
    assert drift(followed(slower)) == pytest.approx(-0.5)
    assert drift(followed(slower[:-3])) == pytest.approx(-0.5), "the last records came after the last sample"
    assert drift(followed(slower[:20])) is None


def test_a_run_that_was_ended_has_no_share_of_the_ideal() -> None:
    ended = followed([])
    ended.ended = "> 100 s"
    line = table("W1", [ended]).splitlines()[-1]
    assert line.startswith("| docent | 1,000 | - | - | - |") and line.endswith("| > 100 s, 1,000 answered |")


def test_the_endpoint_knows_every_knob_of_every_workload() -> None:
    with Mock([]) as mock:
        for case in [case for cases in WORKLOADS.values() for case in cases]:
            for system in ("raw", *case.systems):
                mock.reset({"latency_s": case.latency_s, **case.knobs, **answered(system, case.structured)})
        with pytest.raises(ValueError, match="no such knob"):
            mock.reset({"latency": 1})
