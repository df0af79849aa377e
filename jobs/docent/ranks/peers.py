"""Connect to the other ranks of a distributed training, stop and exit together, and report how this rank ended.

Reads the variables that torchrun gives a rank, and writes `rank-<local rank>.json` to the pod's folder of exit files,
which the first process of the pod created (lead.py). In a process that is not a rank, these functions do nothing, so
that a training loop needs no separate form for one process.
"""

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
# This is also how long other ranks wait while rank 0 writes a large model; a peer that exits is noticed at once.
PEER_TIMEOUT_S = 1800.0
LOST = "a peer is lost"


@dataclass(frozen=True)
class RankExit:
    """The end of a rank's process.

    Attributes:
        rank: global number of the rank.
        code: exit code, 0 for success; None while it runs or if it was killed.
        what: the problem in one sentence; for a bug, the end of the traceback.
    """

    rank: int
    code: int | None = None
    what: str = ""
    where: str = ""
    next_step: str = ""

    def error(self) -> PipelineError:
        """Return the error that ended the rank, including the rank's number."""
        kinds = {kind.exit_code: kind for kind in STAGE_ERRORS}
        kind = kinds.get(self.code or PipelineError.exit_code, PipelineError)
        return kind(f"rank {self.rank}: {self.what}", self.where, self.next_step)


def is_rank() -> bool:
    """Return whether docent started this process through torchrun."""
    return FOLDER in os.environ and "RANK" in os.environ


def rank() -> int:
    """Return the global rank of this process, or 0 if it runs alone."""
    return int(os.environ["RANK"]) if is_rank() else 0


def world_size() -> int:
    """Return the number of processes that train together."""
    return int(os.environ["WORLD_SIZE"]) if is_rank() else 1


@contextmanager
def together() -> Iterator[None]:
    """Connect to the other ranks; at the end of the block, wait until all ranks get there.

    gloo transfers tensors on the CPU, nccl tensors on GPUs.

    Raises:
        RuntimeError: from torch.distributed if a peer is lost; see `is_lost_peer`.
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
    distributed.all_reduce(torch.zeros(1))  # on the CPU, since a barrier of nccl would occupy a GPU
    distributed.destroy_process_group()


def agreed_to_stop(stop: threading.Event) -> bool:
    """Return whether any rank received the signal to stop; the result is the same on all ranks at the same step.

    All ranks must call this once per step. If it returns True, the caller lets rank 0 save, and raises StoppedError
    on all ranks.
    """
    if world_size() == 1:
        return stop.is_set()
    import torch
    from torch import distributed

    stopping = torch.tensor([int(stop.is_set())])
    distributed.all_reduce(stopping, op=distributed.ReduceOp.MAX)
    return bool(stopping.item())


def is_lost_peer(error: BaseException) -> bool:
    """Return whether an error means that another rank is gone or never joined."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(error, RuntimeError):
        return False
    # gloo raises bare RuntimeErrors whose message begins with the path of a source file.
    return isinstance(error, torch.distributed.DistError) or "/gloo/" in str(error)


def begin() -> None:
    """Record that this rank is running, so that the exit file of an earlier process no longer counts."""
    _write(RankExit(rank()))


def leave(error: PipelineError | None) -> NoReturn:
    """Write the exit file and end the process at once: an orderly shutdown of a broken group can hang forever."""
    code = error.exit_code if error else 0
    _write(RankExit(rank(), code, *((error.what, error.where, error.next_step) if error else ())))
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


def read_exits(folder: Path) -> list[RankExit]:
    """Return the contents of the exit files of a pod's ranks, by rank."""
    exits = [RankExit(**json.loads(path.read_text(encoding="utf-8"))) for path in folder.glob("rank-*.json")]
    return sorted(exits, key=lambda exit_: exit_.rank)


def _write(exit_: RankExit) -> None:
    path = Path(os.environ[FOLDER]) / f"rank-{int(os.environ['LOCAL_RANK'])}.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(exit_)), encoding="utf-8")
    os.replace(temporary, path)
