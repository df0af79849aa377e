"""Meet the other ranks of a distributed training, stop and leave together, and report how this one ended.

Reads the variables that torchrun gives a rank, and the pod's folder of exit files from its first process (ranks.py),
where each rank writes `rank-<local rank>.json`. A process that is no rank is alone: nothing here does anything then,
so that a training loop needs no second form for one process.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

from docent.errors import STAGE_ERRORS, PipelineError

FOLDER = "DOCENT_RANK_FOLDER"
# Also how long the others wait while rank 0 writes a large model; a peer that ends is noticed at once.
PEER_TIMEOUT_S = 1800.0
LOST = "a peer is lost"


@dataclass(frozen=True)
class RankExit:
    """How a rank ended.

    Attributes:
        rank: its number among all.
        code: exit code of the design, 0 when it is done; None while it runs or when it was killed.
        what: the problem in one sentence, a traceback's end for a bug.
    """

    rank: int
    code: int | None = None
    what: str = ""
    where: str = ""
    next_step: str = ""

    def error(self) -> PipelineError:
        """Return the error that ended the rank, naming it."""
        kinds = {kind.exit_code: kind for kind in STAGE_ERRORS}
        kind = kinds.get(self.code or PipelineError.exit_code, PipelineError)
        return kind(f"rank {self.rank}: {self.what}", self.where, self.next_step)


def is_rank() -> bool:
    """Whether this process was started by torchrun on behalf of docent."""
    return FOLDER in os.environ and "RANK" in os.environ


def rank() -> int:
    """Return the number of this process among all, 0 when it is alone."""
    return int(os.environ["RANK"]) if is_rank() else 0


def world_size() -> int:
    """Return how many processes train together."""
    return int(os.environ["WORLD_SIZE"]) if is_rank() else 1


@contextmanager
def together() -> Iterator[None]:
    """Meet the other ranks; at the end of the block wait until all are there.

    gloo carries tensors on the CPU, nccl those on GPUs.

    Raises:
        RuntimeError: of torch.distributed when a peer is lost; `is_lost_peer` knows it.
    """
    if not is_rank():
        yield
        return
    import torch
    from torch import distributed

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    distributed.init_process_group(backend, timeout=timedelta(seconds=PEER_TIMEOUT_S))
    yield
    distributed.all_reduce(torch.zeros(1))  # on the CPU, where a barrier of nccl would take a GPU
    distributed.destroy_process_group()


def agreed_to_stop(stop: threading.Event) -> bool:
    """Whether any rank was stopped; every rank gets the same answer at the same step.

    Called by all ranks once per step. The caller then lets rank 0 save and raises StoppedError on all.
    """
    if world_size() == 1:
        return stop.is_set()
    import torch
    from torch import distributed

    stopping = torch.tensor([int(stop.is_set())])
    distributed.all_reduce(stopping, op=distributed.ReduceOp.MAX)
    return bool(stopping.item())


def is_lost_peer(error: BaseException) -> bool:
    """Whether an error means that another rank is gone or never came."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(error, RuntimeError):
        return False
    # gloo throws bare RuntimeErrors that begin with the file they come from.
    return isinstance(error, torch.distributed.DistError) or "/gloo/" in str(error)


def begin() -> None:
    """Note that this rank runs now, so that what an earlier one of its number wrote no longer counts."""
    _write(RankExit(rank()))


def leave(error: PipelineError | None) -> NoReturn:
    """Write the exit file and end the process at once: taking a broken group down in order can hang for ever."""
    code = error.exit_code if error else 0
    _write(RankExit(rank(), code, *((error.what, error.where, error.next_step) if error else ())))
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


def read_exits(folder: Path) -> list[RankExit]:
    """Return the exit files of a pod's ranks, by rank."""
    exits = [RankExit(**json.loads(path.read_text(encoding="utf-8"))) for path in folder.glob("rank-*.json")]
    return sorted(exits, key=lambda exit_: exit_.rank)


def _write(exit_: RankExit) -> None:
    path = Path(os.environ[FOLDER]) / f"rank-{int(os.environ['LOCAL_RANK'])}.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(exit_)), encoding="utf-8")
    os.replace(temporary, path)
