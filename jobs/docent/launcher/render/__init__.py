"""Render a run as Kubernetes objects: pure functions from a configuration to plain dicts, without a Kubernetes client.

Call `Plan.of(config)` first; all other functions take the plan. `docent render` prints the result.
Start reading at `workloads.py`.
"""

from docent.launcher.render.manifests import manifests as manifests
from docent.launcher.render.manifests import to_yaml as to_yaml
from docent.launcher.render.plan import Plan as Plan
from docent.launcher.render.platform import platform as platform
from docent.launcher.render.workloads import extras as extras
from docent.launcher.render.workloads import launcher_job as launcher_job
from docent.launcher.render.workloads import pod_templates as pod_templates
from docent.launcher.render.workloads import transfer_pod as transfer_pod
from docent.launcher.render.workloads import workload as workload
