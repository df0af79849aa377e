"""One of two processes that train together; a test starts it twice: `python -m tests.two_ranks FOLDER`.

Rank 0 writes what it found to FOLDER/found.pt: by case, losses, gradients, validation losses and final weights.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from docent.errors import StoppedError
from docent.ranks import peers
from docent.stages.finetune.parallel import STRATEGIES, DataParallel, Sharded
from docent.stages.finetune.snapshots import trained
from docent.stages.finetune.strategy import SingleProcess
from docent.stages.finetune.trainer import Trainer
from docent.tables import APPROACHES
from tests.tiny_training import trainer_of

CASES = ("lora-ddp", "full-fsdp")
"""Approaches."""
MICRO_BATCH_ROWS = 3


def measured(folder: Path, scratch: Path, kind: str, parallel: SingleProcess) -> dict[str, Any]:
    """Train to the end; the gradients are those of the first step."""
    trainer = trainer_of(folder, scratch, MICRO_BATCH_ROWS, kind=kind, parallel=parallel)
    gradients: dict[str, torch.Tensor] = {}
    clip = parallel.clip

    def recorded(parameters: Iterable[torch.nn.Parameter], max_norm: float) -> float:
        if not gradients:
            for name, parameter in trained(trainer.model).items():
                assert parameter.grad is not None
                gradients[name] = parallel.whole(parameter.grad).clone()
        return clip(parameters, max_norm)

    parallel.clip = recorded  # type: ignore[method-assign]
    state = trainer.train(threading.Event(), lambda *_: None)
    parallel.unwrap(trainer.model)
    weights = {name: parameter.detach() for name, parameter in trained(trainer.model).items()}
    validation = [(row.loss, row.error) for row in state.measured]
    local = sum(p.numel() for group in trainer.optimizer.param_groups for p in map(_local, group["params"]))
    return {
        "losses": [row["loss"] for row in state.log],
        "gradients": gradients,
        "validation": validation,
        "weights": weights,
        "parameters": local,
        "tied": trainer.model.lm_head.weight is trainer.model.get_input_embeddings().weight,
    }


def guarded(folder: Path, kind: str, parallel: SingleProcess) -> dict[str, Any]:
    """Train while the gradients of rank 1 alone are infinite at step 2."""
    trainer = trainer_of(folder, folder / "guarded" / kind, MICRO_BATCH_ROWS, kind=kind, parallel=parallel)
    adapted = {name: parallel.whole(parameter).clone() for name, parameter in trained(trainer.model).items()}
    clip, calls = parallel.clip, []

    def infinite(parameters: Iterable[torch.nn.Parameter], max_norm: float) -> float:
        given = list(parameters)
        calls.append(len(given))
        if len(calls) == 2 and parallel.rank == 1:
            assert given[0].grad is not None
            _local(given[0].grad).fill_(float("inf"))
        return clip(given, max_norm)

    parallel.clip = infinite  # type: ignore[method-assign]
    state = trainer.train(threading.Event(), lambda *_: None)
    sums = [math.fsum(tensor.double().sum().item() for tensor in adapted.values())]
    return {
        "skipped": parallel.gather([[row["step"] for row in state.log if row.get("skipped")]]),
        "adapted": parallel.gather(sums),
        "draws": parallel.gather([torch.rand(1).item()]),
    }


def resumed(folder: Path, kind: str, strategy: type[SingleProcess]) -> bool:
    """Return whether two processes that were stopped and started again repeat every number, dropout included."""
    settings: dict[str, Any] = {"kind": kind, "dropout": 0.3 if APPROACHES[kind].adapter else 0}
    scratch, stop = folder / "dropout" / kind, threading.Event()

    def trainer(name: str) -> Trainer:
        return trainer_of(folder, scratch / name, MICRO_BATCH_ROWS, **settings, parallel=strategy())

    calm = trainer("calm").train(threading.Event(), lambda *_: None)
    with contextlib.suppress(StoppedError):
        trainer("stopped").train(stop, lambda *_: stop.set())
    again = trainer("stopped").train(threading.Event(), lambda *_: None)
    return calm.log == again.log


def _local(parameter: Any) -> torch.Tensor:
    local: torch.Tensor = parameter.to_local() if hasattr(parameter, "to_local") else parameter
    return local


def main() -> None:
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    found = {}
    with peers.together():
        for kind in CASES:
            name = APPROACHES[kind].parallel
            found[kind] = measured(folder, folder / "whole" / kind, kind, STRATEGIES[name]())
            found[kind] |= guarded(folder, kind, STRATEGIES[name]())
            found[kind]["repeats"] = resumed(folder, kind, STRATEGIES[name])
            stop = threading.Event()
            if peers.rank() == 1:  # one process is asked to stop, and both do
                stop.set()
            trainer = trainer_of(
                folder, folder / "stopped" / kind, MICRO_BATCH_ROWS, kind=kind, parallel=STRATEGIES[name]()
            )
            try:
                trainer.train(stop, lambda *_: None)
            except StoppedError as error:
                found[kind]["stopped"] = error.what
    if os.environ["RANK"] == "0":
        torch.save(found, folder / "found.pt")
    peers.leave(None)  # as every rank of docent ends; an orderly end may abort in threads of gloo


if __name__ == "__main__":
    assert {DataParallel, Sharded} <= set(STRATEGIES.values())
    main()
