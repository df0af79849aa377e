"""What docent asks of a cluster, as plain dicts: pure functions from configuration to objects.

Reads and writes nothing, imports no Kubernetes client. `Plan.of(config)` comes first; everything else takes the plan.
`docent render` prints the outcome.
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
