"""Shards that fail for a while are repeated on this machine as on a cluster: real workers, bounded attempts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import Result
from tests.integration.test_failed_attempts import GOOD, PIPELINE, call, phases

from docent.errors import LauncherError, TemporaryError
from docent.launcher.local import backend

WORKER = """#!/bin/sh
if [ "$(ls {failures} | wc -l)" -lt {count} ]; then
  touch "{failures}/$$"
  echo "10:00:00 ERROR the endpoint is down"
  exit {code}
fi
exec {python} "$@"
"""


def run_with_failing_workers(
    folder: Path, patch: pytest.MonkeyPatch, count: int, code: int = TemporaryError.exit_code, script: str = WORKER
) -> Result:
    """Run a pipeline whose first workers end with an exit code, one after the other."""
    (folder / "pipeline.yaml").write_text(PIPELINE + "kubernetes: {max_retries: 2}\n")
    (folder / "tools").mkdir()
    (folder / "tools" / "tools.md").write_text(GOOD)
    (folder / "failures").mkdir()
    worker = folder / "worker"
    worker.write_text(script.format(failures=folder / "failures", count=count, code=code, python=sys.executable))
    worker.chmod(0o755)
    patch.setattr(backend.sys, "executable", str(worker))
    patch.setattr(backend, "FIRST_DELAY_S", 0.2)
    return call(folder, "run", "--run", "mine")


def test_a_shard_that_fails_for_a_while_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_with_failing_workers(tmp_path, monkeypatch, count=2)
    assert done.exit_code == 0, done.output
    assert "ingest             shard 0 ended with exit code 200; attempt 2 of 3 starts in 0 s" in done.output
    assert "attempt 3 of 3 starts in" in done.output and "ingest             done in" in done.output
    assert phases(tmp_path, "mine") == {"ingest": "done", "assemble": "done"}
    assert not list((tmp_path / "runs/mine/ingest").glob("failed-*.json"))


def test_after_the_last_attempt_the_unit_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = run_with_failing_workers(tmp_path, monkeypatch, count=3)
    assert isinstance(failed.exception, LauncherError) and failed.exception.exit_code == 100
    assert failed.output.count("ended with exit code 200") == 3
    assert "shard 0 ended with exit code 200; attempt 3 of 3\n" in failed.output
    assert phases(tmp_path, "mine") == {"ingest": "failed", "assemble": "to do"}


@pytest.mark.parametrize("code", [1, 42, 43])
def test_what_does_not_pass_by_itself_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    failed = run_with_failing_workers(tmp_path, monkeypatch, count=1, code=code)
    assert isinstance(failed.exception, LauncherError) and failed.exception.exit_code == 100
    assert failed.output.count("ended with exit code") == 1 and "attempt" not in failed.exception.what
    assert len(list((tmp_path / "failures").iterdir())) == 1


KILLED = """#!/bin/sh
{python} "$@"
code=$?
[ "$5" = ingest ] && exit 137
exit $code
"""


def test_a_worker_killed_after_its_output_was_complete_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_with_failing_workers(tmp_path, monkeypatch, count=0, script=KILLED)
    assert done.exit_code == 0, done.output
    assert phases(tmp_path, "mine") == {"ingest": "done", "assemble": "done"}
