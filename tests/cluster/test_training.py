"""Training on two pods, rehearsed on a real cluster: PyTorchJob, Indexed Job and TrainJob with their own controllers.

Needs the image docent-finetune on the node (DOCENT_IMAGE_TAG, DOCENT_REGISTRY). Pod Security `restricted` and
default-deny policies hold throughout.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.conftest import CLAIM, eventually
from tests.tiny_museum import fill_upstream, replaced_stages

from docent.config import PipelineConfig
from docent.launcher.cluster.api.client import Cluster, Object
from docent.launcher.render import Plan, extras, launcher_job, platform, pod_templates, workload
from docent.stage import run_shard

UNIT = "finetune-lora"
MODES = ("pytorchjob", "indexed", "trainjob")
CONTROLLERS = {"pytorchjob": "pytorchjobs.kubeflow.org", "trainjob": "trainjobs.trainer.kubeflow.org"}
LONG_S = 240.0
STEPS = 400  # some five seconds: long enough to be disturbed in the middle


@dataclass
class Rehearsal:
    """One workload of two pods, and what was seen of its pods."""

    cluster: Cluster
    folder: Path
    body: Object
    exits: dict[str, tuple[str, int]] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def selector(self) -> str:
        return f"docent/run={self.folder.name}"

    def pods(self) -> list[str]:
        """Names of the pods that run and are not being deleted."""
        found, _ = self.cluster.list("Pod", self.selector)
        return sorted(
            pod["metadata"]["name"]
            for pod in found
            if pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
        )

    def observe(self) -> None:
        """Note how every container ends; pods that an operator deletes are gone soon after."""
        version = self.cluster.list("Pod", self.selector)[1]
        while not self.over.is_set():
            for _, pod in self.cluster.watch("Pod", self.selector, version, 2):
                version = pod.get("metadata", {}).get("resourceVersion", version)
                for status in pod.get("status", {}).get("containerStatuses", []):
                    if ended := status["state"].get("terminated"):
                        self.exits[pod["metadata"]["uid"]] = (pod["metadata"]["name"], ended["exitCode"])

    def codes(self) -> list[int]:
        return [code for _, code in self.exits.values()]

    def checkpoint(self) -> int:
        """The step of the newest checkpoint on the volume; 0 while there is none."""
        found = self.folder.glob(f"{UNIT}/*/checkpoints/rehearsal-of-2/step-??????")
        return max((int(step.name[5:]) for step in found), default=0)

    def result(self) -> dict[str, Any] | None:
        """rehearsal.json, once it is there."""
        file = self.folder / UNIT / "rehearsal.json"
        return json.loads(file.read_text()) if file.is_file() else None

    def conditions(self) -> dict[str, bool]:
        """Conditions of the workload."""
        found = self.cluster.get(self.body["kind"], self.body["metadata"]["name"]) or {}
        return {c["type"]: c["status"] == "True" for c in found.get("status", {}).get("conditions", [])}

    def succeeded(self) -> bool:
        """Whether the workload says that it is done.

        Raises:
            AssertionError: it says that it failed.
        """
        now = self.conditions()
        assert not now.get("Failed"), (now, self.exits)
        return any(now.get(kind) for kind in ("Succeeded", "Complete"))


@pytest.fixture(scope="module")
def upstream(volume: Path) -> Path:
    """A run on the volume in which all that the training reads is complete; its sources are empty."""
    folder = volume / f"up{uuid.uuid4().hex[:6]}"
    (volume / "nothing").mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(volume)
        replace = replaced_stages(patch)
        fill_upstream(replace)
        replace("build-dataset", lambda ctx: iter(()))
        config = config_of(folder.name, "default", {})
        for unit in ("ingest", "assemble", "generate-qa", "build-dataset"):
            assert run_shard(config, unit, folder) == 0
    return folder


def config_of(run: str, namespace: str, kubernetes: dict[str, Any]) -> PipelineConfig:
    """Two workers on any node, small enough for a small one."""
    tag = {"tag": os.environ["DOCENT_IMAGE_TAG"]} if "DOCENT_IMAGE_TAG" in os.environ else {}
    return PipelineConfig.model_validate(
        {
            "run": {"name": run, "input_wait_s": 5},
            "ingest": {"sources": [{"kind": "exhibits-folder", "path": "nothing"}]},
            "assemble": {},
            "generate_qa": {"shards": 1},
            "build_dataset": {},
            "finetune": {"base_model": "./models/none"},
            "kubernetes": {
                "namespace": namespace,
                "registry": os.environ.get("DOCENT_REGISTRY", ""),
                "storage": {"claim": CLAIM, "mode": "rwx"},
                "resources": {"default": {"cpu": "100m", "memory": "1Gi", "scratch": "256Mi"}},
                "deadline_s": 600,
                "grace_s": 20,
                **tag,
                **kubernetes,
            },
        }
    )


@pytest.fixture
def rehearse(cluster: Cluster, volume: Path, upstream: Path) -> Iterator[Callable[[str, int], Rehearsal]]:
    """Starts the rehearsal of a training on two pods in one of the three modes."""
    started: list[Rehearsal] = []

    def start(mode: str, steps: int) -> Rehearsal:
        if mode in CONTROLLERS and not cluster.get("CustomResourceDefinition", CONTROLLERS[mode]):
            pytest.skip(f"no {CONTROLLERS[mode]} in this cluster")
        folder = volume / f"r{uuid.uuid4().hex[:6]}"
        shutil.copytree(upstream, folder, symlinks=True)
        for place in (folder, *folder.rglob("*")):
            place.chmod(0o777 if place.is_dir() else 0o666)
        plan = Plan.of(config_of(folder.name, cluster.namespace, {"training": mode}))
        for body in [*platform(plan), *extras(plan, UNIT, 2)]:
            if body["kind"] not in ("Namespace", "PersistentVolumeClaim", "Role", "RoleBinding"):
                cluster.apply(body)
        body = workload(plan, UNIT, workers=2, rehearse=True)
        for args in arguments(body):
            args.insert(args.index("--rehearse") + 1, str(steps))
        made = Rehearsal(cluster, folder, body)
        started.append(made)
        threading.Thread(target=made.observe, daemon=True).start()
        cluster.apply(body)
        return made

    yield start
    for made in started:
        made.over.set()
        cluster.delete(made.body["kind"], made.body["metadata"]["name"])
        eventually(lambda made=made: not made.pods())


def arguments(body: Object) -> list[list[str]]:
    """The lists of arguments inside a workload."""
    if body["kind"] == "TrainJob":
        return [body["spec"]["trainer"]["args"]]
    return [template["spec"]["containers"][0]["args"] for template in pod_templates(body)]


KILL = """
import os, pathlib, signal
for environ in pathlib.Path("/proc").glob("[0-9]*/environ"):
    if b"LOCAL_RANK=" in environ.read_bytes():
        os.kill(int(environ.parent.name), signal.SIGKILL)
"""


@pytest.mark.parametrize("mode", MODES)
def test_a_deleted_worker_ends_in_143_and_the_job_goes_on_from_its_checkpoint(
    rehearse: Callable[[str, int], Rehearsal], mode: str
) -> None:
    made = rehearse(mode, STEPS)
    eventually(made.checkpoint)
    _, second = made.pods()
    made.cluster.delete("Pod", second)
    found = eventually(made.result, timeout_s=LONG_S)
    eventually(made.succeeded)
    assert found["world_size"] == len(set(found["hosts"])) == 2
    assert found["resumed_from"] > 0, made.exits
    assert found["sum"] == sum((step + rank) % 1009 for step in range(1, STEPS + 1) for rank in range(2))
    assert set(made.codes()) <= {0, 143, 200} and 143 in made.codes(), made.exits


def test_a_lost_worker_ends_the_other_with_200_and_the_job_succeeds_in_the_end(
    rehearse: Callable[[str, int], Rehearsal],
) -> None:
    made = rehearse("pytorchjob", STEPS)
    eventually(made.checkpoint)
    first, second = made.pods()
    # What a lost node looks like from the other one. A deleted pod gets SIGTERM even without a grace period.
    list(made.cluster.run_in(second, ["python", "-c", KILL]))
    eventually(lambda: {(first, 200), (second, 200)} <= set(made.exits.values()))
    found = eventually(made.result, timeout_s=LONG_S)
    eventually(made.succeeded)
    assert found["resumed_from"] > 0


SDK = """
import sys
from kubeflow.training import TrainingClient
client = TrainingClient(namespace=sys.argv[1])
listed = [job.metadata.name for job in client.list_jobs(job_kind="PyTorchJob")]
read = client.get_job(sys.argv[2], job_kind="PyTorchJob")
workers = read.spec.pytorch_replica_specs["Worker"].replicas
client.wait_for_job_conditions(sys.argv[2], job_kind="PyTorchJob", timeout=80, polling_interval=1)
assert sys.argv[2] in listed and workers == 2, (listed, workers)
"""


def test_the_training_sdk_lists_reads_and_waits_for_a_pytorchjob(rehearse: Callable[[str, int], Rehearsal]) -> None:
    """In the launcher's image, which holds the SDK, and with no more than the launcher's rights."""
    made = rehearse("pytorchjob", 50)
    cluster, plan = made.cluster, Plan.of(config_of(made.folder.name, made.cluster.namespace, {}))
    for body in platform(plan, workers=2):
        if body["kind"] in ("Role", "RoleBinding"):
            cluster.apply(body)
    template = pod_templates(launcher_job(plan, 1))[0]
    spec, name = template["spec"] | {"restartPolicy": "Never"}, f"sdk-{uuid.uuid4().hex[:6]}"
    del spec["containers"][0]["args"]
    spec["containers"][0]["command"] = ["python", "-c", SDK, cluster.namespace, made.body["metadata"]["name"]]
    labels = template["metadata"]["labels"] | {"docent/run": "sdk"}
    for policy in (one for one in platform(plan) if one["metadata"]["name"].endswith("egress-api")):
        policy["metadata"]["name"] = "sdk"
        policy["spec"]["podSelector"]["matchLabels"]["docent/run"] = "sdk"
        cluster.apply(policy)
    cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec})
    phase = eventually(
        lambda: {"Succeeded", "Failed"} & {(cluster.get("Pod", name) or {}).get("status", {}).get("phase")}
    )
    assert phase == {"Succeeded"}, "\n".join(cluster.log(name))
