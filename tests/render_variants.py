"""Configurations that between them make the renderer say everything it can say."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docent.config import PipelineConfig, load_config
from docent.launcher.render import Plan, extras, launcher_job, platform, transfer_pod, workload

ROOT = Path(__file__).parents[1]
TRAINING = ("pytorchjob", "trainjob", "indexed")
STORAGE = ("rwo", "rwx")
ONLINE = ("llm.provider=openai", "finetune.base_model=some-org/some-model")
GPU = ("kubernetes.resources.finetune={gpus: 2, node_selector: {accelerator: large}, tolerations: [{}]}",)
QUEUE = ("kubernetes.queue=science", "kubernetes.queue_priority=low")
REGISTRY = ("kubernetes.registry=registry.example/team", "kubernetes.pull_secrets=[pull]")

# Trainings that are rendered: every mode and storage, with and without what the options add.
OPTIONS: dict[str, tuple[str, ...]] = {"plain": (), "all": ONLINE + GPU + QUEUE + REGISTRY}
VARIANTS = {
    f"{training}-{storage}-{option}": (f"kubernetes.training={training}", f"kubernetes.storage.mode={storage}", *more)
    for training, storage, (option, more) in itertools.product(TRAINING, STORAGE, OPTIONS.items())
}


def config_of(*overrides: str) -> PipelineConfig:
    """The default run with overrides."""
    return load_config(ROOT / "pipeline.yaml", overrides, environ={})


def plan_of(*overrides: str) -> Plan:
    """Its plan."""
    return Plan.of(config_of(*overrides))


def trained_on_several(plan: Plan) -> list[str]:
    """Units that the tests spread over two pods; none where one node holds the volume."""
    if plan.config.kubernetes.storage.mode == "rwo":
        return []
    return [name for name, unit in plan.units.items() if unit.stage == "finetune"]


def everything(plan: Plan) -> Iterator[dict[str, Any]]:
    """All objects of a run in apply order, training also on two pods."""
    several = trained_on_several(plan)
    yield from platform(plan, workers=2 if several else 1)
    yield launcher_job(plan, 1)
    yield transfer_pod(plan)
    for name in plan.units:
        yield workload(plan, name)
    for name in several:
        yield from extras(plan, name, 2)
        yield workload(plan, name, workers=2, rehearse=True)
