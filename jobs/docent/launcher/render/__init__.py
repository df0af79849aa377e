"""Render a run as Kubernetes objects: pure functions from a configuration to plain dicts, without a Kubernetes client.

Call `Plan.of(config)` first; all other functions take the plan. `docent render` prints the result.
Start reading at `workloads.py`.
"""

from docent.launcher.render.manifests import manifests, to_yaml
from docent.launcher.render.plan import Plan
from docent.launcher.render.platform import platform
from docent.launcher.render.workloads import extras, launcher_job, pod_templates, transfer_pod, workload

__all__ = [
    "Plan",
    "extras",
    "launcher_job",
    "manifests",
    "platform",
    "pod_templates",
    "to_yaml",
    "transfer_pod",
    "workload",
]
