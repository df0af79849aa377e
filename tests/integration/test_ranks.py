"""Training on several processes: docent, torchrun and ranks are real processes that meet on 127.0.0.1."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.tiny_museum import fill_upstream, replaced_stages, sections

from docent.config import PipelineConfig, dump_config, load_config
from docent.context import Context
from docent.errors import ConfigError, PipelineError
from docent.pipeline import units
from docent.progress import Progress
from docent.ranks.lead import environment, nodes, outcome, processes, save_s, wanted
from docent.ranks.peers import FOLDER, LOST, RankExit
from docent.stage import run_shard
from docent.store import Shard

UNIT = "finetune-lora"
ENDLESS = 1_000_000
PATIENCE_S = 60.0

Start = Callable[..., "Pod"]


@dataclass
class Pod:
    """One first process, as a container would start it."""

    process: subprocess.Popen[str]
    run_dir: Path

    def ends(self) -> tuple[int, str]:
        """Its exit code and everything it said."""
        output, _ = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, output

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A pipeline file, and a run in which all that the training reads is complete."""
    folder = tmp_path_factory.mktemp("museum")
    run_dir = folder / "runs" / "test"
    run_dir.mkdir(parents=True)
    more = {"finetune": {"base_model": "hub/model"}, "kubernetes": {"grace_s": 20}}
    config = PipelineConfig.model_validate(sections(folder, **more))
    with pytest.MonkeyPatch.context() as patch:
        replace = replaced_stages(patch)
        fill_upstream(replace)
        replace("build-dataset", lambda ctx: iter(()))
        for unit in ("ingest", "assemble", "generate-qa", "build-dataset"):
            assert run_shard(config, unit, run_dir) == 0
    file = folder / "pipeline.yaml"
    file.write_text(dump_config(config))
    return file, run_dir


@pytest.fixture
def start(made: tuple[Path, Path], tmp_path: Path) -> Iterator[Start]:
    """Starts pods; `raising` makes rank 1 raise that error at its third step."""
    file, complete = made
    run_dir = shutil.copytree(complete, tmp_path / "runs" / "test", symlinks=True)
    pods: list[Pod] = []

    def started(steps: int = ENDLESS, raising: str = "", **variables: Any) -> Pod:
        command = [sys.executable, "-m", "docent", "stage", UNIT, "--config", str(file), "--run-dir", str(run_dir)]
        command += ["--rehearse", str(steps)]
        environ = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "PET_LOCAL_ADDR": "127.0.0.1"}
        environ |= {"DOCENT_TEST": str(tmp_path), **{name: str(value) for name, value in variables.items()}}
        if raising:
            (tmp_path / "sitecustomize.py").write_text(FAULT.format(raising=raising))
            environ["PYTHONPATH"] = str(tmp_path)
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, env=environ, stdout=pipe, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        pods.append(Pod(process, run_dir))
        return pods[-1]

    yield started
    for pod in pods:
        if pod.process.poll() is None:
            pod.stop()
            pod.process.wait(PATIENCE_S)
    assert not left(tmp_path)


FAULT = """
import os
if os.environ.get("RANK") == "1":
    from docent import errors
    from docent.ranks import peers
    real, calls = peers.agreed_to_stop, []
    def agreed_to_stop(stop):
        calls.append(stop)
        if len(calls) == 3:
            raise {raising}
        return real(stop)
    peers.agreed_to_stop = agreed_to_stop
"""


def left(mark: Path) -> list[str]:
    """Command lines of processes that a pod of this test started and left behind."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if f"DOCENT_TEST={mark}\0" in (path / "environ").read_text():
                found.append((path / "cmdline").read_text())
        except OSError:
            continue
    return found


def two_pods(**more: Any) -> list[dict[str, Any]]:
    """The variables of two workers of a PyTorchJob."""
    endpoint = f"127.0.0.1:{free_port()}"
    both = {"PET_NNODES": "2:2", "PET_NPROC_PER_NODE": 1, "PET_RDZV_BACKEND": "c10d", "PET_RDZV_ENDPOINT": endpoint}
    return [{**both, "PET_RDZV_ID": "job", "JOB_COMPLETION_INDEX": index, **more} for index in range(2)]


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port


def checkpoint(run_dir: Path) -> int:
    """Wait for the newest checkpoint of a rehearsal; its step."""
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        steps = [int(p.name[5:]) for p in run_dir.glob(f"{UNIT}/*/checkpoints/rehearsal-of-2/step-*") if p.suffix == ""]
        if steps:
            return max(steps)
        time.sleep(0.05)
    raise AssertionError("no checkpoint")


def rank_processes(pod: Pod) -> list[int]:
    """Process ids of a pod's ranks."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    torchruns = [pid for pid, parent in parents.items() if parent == pod.process.pid]
    return [pid for pid, parent in parents.items() if parent in torchruns]


def told(run_dir: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run_dir / UNIT / "rehearsal.json").read_text())
    return found


def total(steps: int, ranks: int = 2) -> int:
    return sum((step + rank) % 1009 for step in range(1, steps + 1) for rank in range(ranks))


def test_sigterm_on_one_pod_stops_both_at_one_step_and_they_go_on_from_there(start: Start) -> None:
    pods = [start(**variables) for variables in two_pods()]
    checkpoint(pods[0].run_dir)
    pods[1].stop()
    ended = [pod.ends() for pod in pods]
    assert [code for code, _ in ended] == [143, 143], ended
    saved = checkpoint(pods[0].run_dir)
    assert all(f"stopped after step {saved} of" in output for _, output in ended)
    again = [start(saved + 40, **variables) for variables in two_pods()]
    assert [pod.ends()[0] for pod in again] == [0, 0]
    found = told(pods[0].run_dir)
    assert (found["resumed_from"], found["sum"]) == (saved, total(saved + 40))
    assert found["hosts"] == [socket.gethostname()] * 2
    assert not list(pods[0].run_dir.glob(f"{UNIT}/**/step-*")), "the next rehearsal starts afresh"
    assert not (pods[0].run_dir / UNIT / "_SUCCESS.json").exists()
    heard = [set(re.findall(r"\[rank (\d)\]", output)) for _, output in ended]
    assert sorted(heard, key=min) == [{"0"}, {"1"}]
    tail = (pods[0].run_dir / UNIT / "log-tail-00001.txt").read_text()
    assert all(line.partition(" ")[2] in tail for line in ended[1][1].splitlines())


def test_a_killed_rank_ends_its_own_pod_and_the_other_with_200(start: Start) -> None:
    port = free_port()
    trainjob = {"PET_NNODES": 2, "PET_NPROC_PER_NODE": 1, "PET_MASTER_ADDR": "127.0.0.1", "PET_MASTER_PORT": port}
    pods = [start(**trainjob, PET_NODE_RANK=index) for index in range(2)]
    checkpoint(pods[0].run_dir)
    (rank,) = rank_processes(pods[0])
    os.kill(rank, signal.SIGKILL)
    ended = [pod.ends() for pod in pods]
    assert [code for code, _ in ended] == [200, 200], ended
    assert "rank 0 was killed" in ended[0][1] and "a peer is lost" in ended[1][1]


@pytest.mark.parametrize(
    ("raising", "code", "says"),
    [
        ("errors.ConfigError('too long', 'the file', 'cut it')", 43, "rank 1: too long\n  where: the file\n  next:"),
        ("ZeroDivisionError('odd')", 1, "ZeroDivisionError: odd"),
    ],
)
def test_the_cause_wins_over_the_lost_peer_of_the_others(start: Start, raising: str, code: int, says: str) -> None:
    found, output = start(raising=raising, PET_NPROC_PER_NODE=2).ends()
    assert found == code and says in output
    assert "ChildFailedError" not in output


def test_peers_that_never_come_end_a_pod_with_200(start: Start) -> None:
    pods = [start(**{**two_pods()[0], "PET_RDZV_CONF": "join_timeout=2"}),
            start(**{**two_pods()[1], "PET_RDZV_CONF": "join_timeout=2,is_host=0"})]  # fmt: skip
    ended = [pod.ends() for pod in pods]
    assert [code for code, _ in ended] == [200, 200]
    assert "the ranks cannot connect: torch.distributed.elastic.rendezvous.api.RendezvousTimeoutError" in ended[0][1]
    assert "RendezvousConnectionError" in ended[1][1]
    assert not any("Traceback" in output for _, output in ended)


def test_two_ranks_of_one_pod_rehearse(start: Start) -> None:
    pod = start(60, PET_NPROC_PER_NODE=2)
    code, output = pod.ends()
    assert code == 0, output
    found = told(pod.run_dir)
    assert (found["world_size"], found["sum"], found["resumed_from"]) == (2, total(60), 0)
    assert found["milliseconds_per_all_reduce"] > 0


def test_an_approach_for_one_process_is_refused_on_two(
    made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from docent.stages import finetune

    for name, value in {FOLDER: str(tmp_path), "RANK": "1", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    config = load_config(made[0])
    ctx = Context(config, units(config)[UNIT], made[1], tmp_path, Shard(0, 1), {}, Progress(None))
    with pytest.raises(ConfigError, match="lora trains in one process"):
        next(finetune.run(ctx))


@pytest.mark.parametrize(
    ("codes", "stopped", "expected"),
    [
        ([0, 0], False, 0),
        ([0, 0], True, 0),
        ([200, 43, 42, 1], False, 43),
        ([200, 1, 42], True, 42),
        ([200, 44, 1], False, 44),
        ([200, 1], True, 1),
        ([143, 143], False, 143),
        ([200, None], True, 143),
        ([], True, 143),
        ([143, 200], False, 200),
        ([143, None], False, 200),
        ([0, None], False, 200),
        ([], False, 200),
        ([0], False, 200),
    ],
)
def test_the_table_of_outcomes(codes: list[int | None], stopped: bool, expected: int) -> None:
    error = outcome([RankExit(i, code, "why") for i, code in enumerate(codes)], max(2, len(codes)), stopped, 1)
    assert (error.exit_code if error else 0) == expected


def test_a_full_disk_on_one_rank_is_named_rather_than_the_peers_that_it_cost() -> None:
    error = outcome([RankExit(0, 200, f"{LOST}: reset"), RankExit(1, 200, "the disk is full")], 2, False, 1)
    assert error is not None and error.what == "the disk is full"


def test_the_environment_says_how_many(tmp_path: Path) -> None:
    assert not wanted({}) and not wanted({"PET_NNODES": "1:1", "PET_NPROC_PER_NODE": "1"})
    assert wanted({"PET_NNODES": "2:2"}) and wanted({"PET_NPROC_PER_NODE": "2"})
    assert (nodes({"PET_NNODES": "2:4"}), processes({"PET_NPROC_PER_NODE": "3"})) == (4, 3)
    for wrong in ({"PET_NNODES": "two"}, {"PET_NPROC_PER_NODE": "0"}, {"PET_NNODES": "2"}):
        with pytest.raises(PipelineError) as caught:
            wanted(wrong)
            environment(tmp_path, 60, wrong)
        assert caught.value.exit_code == 43


def test_ranks_have_most_of_the_grace_period_and_all_meet_within_one_time(tmp_path: Path) -> None:
    assert [save_s(grace_s) for grace_s in (5, 30, 60)] == [3, 20, 50]
    here = f"{socket.gethostname()}.svc:29400"
    made = environment(tmp_path, 60, {"PET_NNODES": "2", "PET_RDZV_ENDPOINT": here, "PET_RDZV_CONF": "join_timeout=7"})
    conf = dict(pair.split("=") for pair in made["PET_RDZV_CONF"].split(","))
    assert conf == {"join_timeout": "7", "timeout": "7", "read_timeout": "7", "is_host": "1"}
    assert made["PET_MAX_RESTARTS"] == "0" and made["PET_SHUTDOWN_TIMEOUT"] == "50"
