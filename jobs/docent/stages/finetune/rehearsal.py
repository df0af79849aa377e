"""Rehearse distributed training without a model: all its pods, processes and connections.

Run it before spending GPU hours. It shows whether the pods are admitted, mount the volume, reach each other and resume
after a stop, and how long they take to add up 4 MiB. Reads its own checkpoints in the unit's scratch folder; writes
`<run>/<unit>/rehearsal.json`, and nothing that could be mistaken for training output.
Run alone with two processes: `PET_NPROC_PER_NODE=2 docent stage finetune-lora --config pipeline.yaml --run-dir
runs/demo --rehearse`; for pods, `docent render` shows the same workload as for training.
"""

import json
import logging
import shutil
import socket
import time
from pathlib import Path
from typing import Any

import torch
from torch import distributed

from docent.artifacts.durable import write_durably
from docent.context import Context
from docent.errors import PipelineError, StoppedError
from docent.ranks import peers
from docent.stages.finetune.checkpoints import Tensors, TrainingState, newest_checkpoint, save_checkpoint

log = logging.getLogger("docent.finetune")

NUMBERS = 1 << 20
MODULUS = 1009  # sums of smaller numbers are exact in float32 for thousands of ranks
SAVE_EVERY = 25
KEPT = 2


def run(ctx: Context, steps: int) -> None:
    """Add up numbers over all ranks `steps` times, with checkpoints; resume an attempt that was stopped.

    Raises:
        StoppedError: a rank was asked to stop; a checkpoint was saved.
        PipelineError: a sum is wrong.
    """
    scratch = ctx.scratch / f"rehearsal-of-{peers.world_size()}"
    begun, total = _resume(scratch)
    device = torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
    numbers = torch.empty(NUMBERS, device=device)
    log.info("rehearsal of %d ranks from step %d on %s", peers.world_size(), begun, socket.gethostname())
    seconds = 0.0
    step = begun
    while step < steps:
        step += 1
        number, took_s = _add_up(numbers, step)
        total, seconds = total + number, seconds + took_s
        stopped = peers.agreed_to_stop(ctx.stop)
        if peers.rank() == 0 and (stopped or step % SAVE_EVERY == 0):
            save_checkpoint(scratch, TrainingState(step), {"rehearsal": {"sum": torch.tensor([total])}}, KEPT)
        if stopped:
            raise StoppedError(f"stopped after step {step} of {steps}", str(scratch), "docent run")
        ctx.progress.update(step, steps, "all-reduce")
    hosts = _hosts()
    if peers.rank() == 0:
        done = max(1, steps - begun)
        summary = {
            "world_size": peers.world_size(),
            "hosts": hosts,
            "steps": steps,
            "sum": total,
            "resumed_from": begun,
            "device": device.type,
            "bytes": numbers.nbytes,
            "milliseconds_per_all_reduce": round(1000 * seconds / done, 3),
        }
        text = json.dumps(summary, indent=1) + "\n"
        write_durably(ctx.run_dir / ctx.unit.name / "rehearsal.json", text.encode())
        log.info("%s", json.dumps(summary))
        shutil.rmtree(scratch, ignore_errors=True)


def _add_up(numbers: torch.Tensor, step: int) -> tuple[int, float]:
    """Run one all-reduce; return the sum that every rank then has, and how many seconds it took.

    Raises:
        PipelineError: the sum is wrong.
    """
    numbers.fill_((step + peers.rank()) % MODULUS)
    started_s = time.perf_counter()
    if peers.world_size() > 1:
        distributed.all_reduce(numbers)
    smallest, largest = (int(edge) for edge in numbers.aminmax())  # also waits for the GPU
    took_s = time.perf_counter() - started_s
    expected = sum((step + other) % MODULUS for other in range(peers.world_size()))
    if (smallest, largest) != (expected, expected):
        raise PipelineError(f"the ranks add up to {smallest} to {largest} instead of {expected}", f"step {step}")
    return expected, took_s


def _resume(scratch: Path) -> tuple[int, int]:
    """Return step and sum of rank 0's newest checkpoint; other ranks may see an older state of a network folder."""

    def problem_with(_: TrainingState, tensors: dict[str, Tensors]) -> str:
        return "" if tensors.get("rehearsal", {}).keys() == {"sum"} else "no sum"

    progress = torch.zeros(2, dtype=torch.int64)
    if peers.rank() == 0 and (checkpoint := newest_checkpoint(scratch, problem_with)):
        state, tensors = checkpoint
        progress = torch.tensor([state.step, int(tensors["rehearsal"]["sum"])])
    if peers.world_size() > 1:
        distributed.broadcast(progress, src=0)
    return int(progress[0]), int(progress[1])


def _hosts() -> list[str]:
    """Return the host name of every rank."""
    hosts: list[Any] = [socket.gethostname()] * peers.world_size()
    if peers.world_size() > 1:
        distributed.all_gather_object(hosts, socket.gethostname())
    return hosts
