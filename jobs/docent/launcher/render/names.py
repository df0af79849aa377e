"""Name and label everything that docent creates on a cluster.

A name consists of run, unit and a hash of the content: `demo-finetune-lora-1f0c9a7b3e`. Controllers append to it (a
PyTorchJob's pod is called `<job>-worker-9999`, a TrainJob's `<job>-node-0-9999`), and the result must be a DNS label
of at most 63 characters, so a workload's own name has at most 51. The unit is cut if necessary.
"""

import hashlib
import re
from typing import Any

from docent.records import canonical_json

MAX_WORKLOAD_NAME = 51
DIGEST_LENGTH = 10

Labels = dict[str, str]


def digest10(what: Any) -> str:
    """Return ten hex digits of the sha256 of a text, or of the canonical JSON of any other plain value."""
    text = what if isinstance(what, str) else canonical_json(what)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def workload_name(run: str, unit: str, digest: str, attempt: int = 0) -> str:
    """Return `<run>-<unit>-<digest>[-rN]` of at most 51 characters; the unit is cut if it does not fit."""
    tail = f"-{digest}-r{attempt}" if attempt else f"-{digest}"
    room = MAX_WORKLOAD_NAME - len(run) - 1 - len(tail)
    return f"{run}-{unit[:room].rstrip('-')}{tail}"


def attempt_of(name: str, first: str) -> int | None:
    """Return the attempt number in a workload's name, or None if its digest is not in `first`, attempt 0's name."""
    match = re.search(rf"-{first.rpartition('-')[2]}(?:-r(\d+))?$", name)
    return int(match[1] or 0) if match else None


def letter_first(run: str) -> str:
    """Return the run's part of a name that must start with a letter, such as the name of a Service."""
    return run if run[0].isalpha() else f"r{digest10(run)[:4]}-{run}"


def unit_name(run: str, unit: str) -> str:
    """Return the name of the ServiceAccount of a unit, of `launcher` or of `transfer`.

    Also names the launcher's Role and Lease and the transfer pod, and begins the name of a unit's peers policy.
    """
    return f"{run}-{unit}"


def service_name(run: str, unit: str) -> str:
    """Return the name of the headless Service of a unit with several pods."""
    return f"{letter_first(run)}-{unit}"


def state_name(run: str) -> str:
    """Return the name of the ConfigMap with the state of the run."""
    return f"{run}-state"


def plan_name(run: str, digest: str) -> str:
    """Return the name of the ConfigMap with the plan."""
    return f"{run}-plan-{digest}"


def shared_labels() -> Labels:
    """Return the labels of objects that belong to no single run: namespace and volume claim."""
    return {
        "app.kubernetes.io/name": "docent",
        "app.kubernetes.io/component": "platform",
        "app.kubernetes.io/part-of": "docent",
        "app.kubernetes.io/managed-by": "docent",
    }


def labels(run: str, component: str = "platform") -> Labels:
    """Return the labels of an object of a run; `component` is a unit, `launcher`, `transfer` or `platform`."""
    return shared_labels() | {
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/instance": run,
        "docent/run": run,
    }


def unit_labels(run: str, unit: str) -> Labels:
    """Return the labels of an object of one unit."""
    return labels(run, unit) | {"docent/unit": unit}
