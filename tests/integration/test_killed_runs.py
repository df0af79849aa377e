"""What is said of a run whose worker or launcher is killed while its teacher does not answer, and of watching it."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docent.launcher.runs.folder import status
from docent.launcher.runs.settings import resolved_config
from docent.launcher.runs.unit_state import Phase, StatusLine
from docent.spec import RunStates

PIPELINE = """
run: {name: guide, input_wait_s: 0, workers: 1}
llm: {provider: vllm, base_url: "http://127.0.0.1:%d/v1"}
ingest: {sources: [{kind: markdown, path: tools.md}]}
assemble: {}
generate_qa: {shards: 1}
"""
GIVE_UP_S = 120.0


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a pipeline file, whose teacher takes every request and answers none."""
    folder = tmp_path_factory.mktemp("workshop")
    (folder / "tools.md").write_text("# Plane\n\nA plane smooths a board of oak. It was made in 1912.\n")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (folder / "pipeline.yaml").write_text(PIPELINE % silent.getsockname()[1])
        yield folder


@pytest.fixture
def running(workshop: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`docent run` in its own process, once generate-qa is at work."""
    command = [sys.executable, "-m", "docent", "run"]
    with subprocess.Popen(
        command, cwd=workshop, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=interruptible
    ) as process:
        try:
            until(process, lambda: line(workshop).phase == "running")
            yield process
        finally:
            process.kill()


def interruptible() -> None:
    """Take SIGINT as a person's terminal gives it: whoever runs the tests in the background has it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def drain(terminal: int, expected: bytes, seen: threading.Event) -> None:
    """Read a terminal to its end, so that nobody waits to write on it, and say when something has been shown."""
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # the other end is closed
            return
        if expected in shown:
            seen.set()


def until(process: subprocess.Popen[bytes], holds: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + GIVE_UP_S
    while not holds():
        assert time.monotonic() < give_up_s, "it took too long"
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue


def line(workshop: Path) -> StatusLine:
    """How generate-qa stands."""
    run_dir = workshop / "runs" / "guide"
    if not (run_dir / ".lock").exists() or not list(run_dir.glob("pipeline.*.yaml")):
        return StatusLine("generate-qa", Phase.TO_DO, None, None, None, None, "")
    before = Path.cwd()
    os.chdir(workshop)
    try:
        lines = status(RunStates(resolved_config(run_dir), run_dir, as_left=True))
    finally:
        os.chdir(before)
    return next(one for one in lines if one.unit == "generate-qa")


def workers(process: subprocess.Popen[bytes]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def test_who_stops_watching_hears_that_the_run_goes_on(workshop: Path, running: subprocess.Popen[bytes]) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "docent", "status", "-w", "--run", "guide"]
    begun = threading.Event()
    reader = threading.Thread(target=drain, args=(ours, b"generate-qa", begun))
    reader.start()
    watching = subprocess.Popen(command, cwd=workshop, stdout=theirs, stderr=subprocess.PIPE, preexec_fn=interruptible)
    os.close(theirs)
    try:
        assert begun.wait(GIVE_UP_S), "nothing was shown"
        watching.send_signal(signal.SIGINT)
        said = watching.communicate(timeout=GIVE_UP_S)[1].decode()
    finally:
        watching.kill()
        watching.wait()
        reader.join()
        os.close(ours)
    assert watching.returncode == 101
    assert "stopped watching; run guide continues" in said and "docent status --run guide -w" in said
    assert "cancelled" not in said and running.poll() is None


def test_a_worker_that_is_killed_is_a_failure_with_its_signal(workshop: Path, running: subprocess.Popen[bytes]) -> None:
    for pid in workers(running):
        os.kill(pid, signal.SIGKILL)
    running.communicate()
    found = line(workshop)
    assert (running.returncode, found.phase, found.exit_code) == (100, "failed", 137)
    assert found.note.startswith("killed by signal 9, often because there was not enough memory")


def test_a_launcher_that_is_killed_leaves_a_unit_that_stopped(workshop: Path, running: subprocess.Popen[bytes]) -> None:
    running.kill()
    running.communicate()
    until(running, lambda: line(workshop).phase != "running")
    assert line(workshop).phase == "stopped" and line(workshop).note.startswith("stopped ")


def test_a_run_that_is_interrupted_leaves_a_unit_that_stopped(workshop: Path, running: subprocess.Popen[bytes]) -> None:
    running.send_signal(signal.SIGINT)
    said = running.communicate()[0].decode()
    assert (running.returncode, line(workshop).phase) == (103, "stopped")
    assert "the same command continues run guide" in said and "next:  docent run pipeline.yaml --run guide\n" in said
