"""Names and labels of everything that docent makes on a cluster. Reads and writes nothing.

A name says run, unit and content: `demo-finetune-lora-1f0c9a7b3e`. Controllers append to it (a PyTorchJob's pod is
called `<job>-worker-9999`, a TrainJob's `<job>-node-0-9999`), and the whole must stay a DNS label of 63 characters,
so a workload's own name has at most 51. The unit is what gives way.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from docent.records import canonical_json

MAX_WORKLOAD_NAME = 51
DIGEST_LENGTH = 10

Labels = dict[str, str]


def digest10(what: Any) -> str:
    """First ten hex digits of sha256 over the canonical JSON of a plain value, or over a text as it is."""
    text = what if isinstance(what, str) else canonical_json(what)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def workload_name(run: str, unit: str, digest: str, attempt: int = 0) -> str:
    """`<run>-<unit>-<digest>[-rN]`, at most 51 characters; the unit is cut when it does not fit."""
    tail = f"-{digest}-r{attempt}" if attempt else f"-{digest}"
    room = MAX_WORKLOAD_NAME - len(run) - 1 - len(tail)
    return f"{run}-{unit[:room].rstrip('-')}{tail}"


def attempt_of(name: str, first: str) -> int | None:
    """Which attempt at a workload a name is of, told by its digest; `first` is the name of attempt 0."""
    found = re.search(rf"-{first.rpartition('-')[2]}(?:-r(\d+))?$", name)
    return int(found[1] or 0) if found else None


def letter_first(run: str) -> str:
    """The run's part of a name that must start with a letter, as Services and what is made of them must."""
    return run if run[0].isalpha() else f"r{digest10(run)[:4]}-{run}"


def unit_name(run: str, unit: str) -> str:
    """ServiceAccount and peers policy of a unit."""
    return f"{run}-{unit}"


def service_name(run: str, unit: str) -> str:
    """Headless Service of a unit of several pods."""
    return f"{letter_first(run)}-{unit}"


def launcher_name(run: str) -> str:
    """ServiceAccount, Role and Lease of the launcher."""
    return f"{run}-launcher"


def transfer_name(run: str) -> str:
    """The pod through which data reaches the volume, and its ServiceAccount."""
    return f"{run}-transfer"


def state_name(run: str) -> str:
    """ConfigMap with the state of the run."""
    return f"{run}-state"


def plan_name(run: str, digest: str) -> str:
    """ConfigMap with the plan."""
    return f"{run}-plan-{digest}"


def shared_labels() -> Labels:
    """Labels of what belongs to no single run: namespace and volume claim."""
    return {
        "app.kubernetes.io/name": "docent",
        "app.kubernetes.io/component": "platform",
        "app.kubernetes.io/part-of": "docent",
        "app.kubernetes.io/managed-by": "docent",
    }


def labels(run: str, component: str = "platform") -> Labels:
    """Labels of an object of a run; `component` is a unit, `launcher`, `transfer` or `platform`."""
    return shared_labels() | {
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/instance": run,
        "docent/run": run,
    }


def unit_labels(run: str, unit: str) -> Labels:
    """Labels of an object of one unit."""
    return labels(run, unit) | {"docent/unit": unit}
