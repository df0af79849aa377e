"""Data onto and off a volume through a real pod, in a namespace of Pod Security `restricted` with everything denied."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster.conftest import CLAIM
from tests.unit.test_archive import hostile, snapshot

from docent.config import PipelineConfig
from docent.errors import LauncherError
from docent.launcher.cluster.api.client import Cluster
from docent.launcher.cluster.api.execution import CommandError
from docent.launcher.cluster.transfer.transfer import Volume
from docent.launcher.cluster.transfer.transfer import volume as through_pod
from docent.launcher.render import Plan, platform, transfer_pod


@pytest.fixture(scope="module")
def plan(cluster: Cluster, volume: Path) -> Plan:
    """A run whose platform is applied, deny-all among it."""
    kubernetes = {
        "namespace": cluster.namespace,
        "registry": os.environ.get("DOCENT_REGISTRY", ""),
        "storage": {"claim": CLAIM},
        "resources": {"default": {"cpu": "50m", "memory": "256Mi", "scratch": "64Mi"}},
        **({"tag": os.environ["DOCENT_IMAGE_TAG"]} if "DOCENT_IMAGE_TAG" in os.environ else {}),
    }
    source = {"kind": "exhibits-folder", "path": "x"}
    plan = Plan.of(
        PipelineConfig.model_validate(
            {"run": {"name": "transfer"}, "ingest": {"sources": [source]}, "kubernetes": kubernetes}
        )
    )
    for body in platform(plan):
        if body["kind"] not in ("Namespace", "PersistentVolumeClaim"):
            cluster.apply(body)
    return plan


@pytest.fixture(scope="module")
def far(cluster: Cluster, plan: Plan) -> Iterator[Volume]:
    """The far end; its pod must be gone at the end."""
    with through_pod(cluster, transfer_pod(plan)) as found:
        yield found
    pod = cluster.get("Pod", found.pod)
    assert pod is None or pod["metadata"]["deletionTimestamp"]


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Odd names, empty files and folders, links, and 50 MB that cannot be compressed."""
    folder = tmp_path / "odd"
    (folder / "empty folder").mkdir(parents=True)
    (folder / "deep").mkdir()
    (folder / "deep/äöü 漢字 'quote\" $x\nnewline.txt").write_text("text")
    (folder / ("long" * 40)).write_bytes(b"x" * 513)
    (folder / "empty").write_bytes(b"")
    (folder / "-dash").write_bytes(os.urandom(50_000_000))
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jpg")).write_bytes(b"latin")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "latest").symlink_to("deep")
    return folder


def test_what_is_pushed_comes_back_the_same(far: Volume, odd: Path, volume: Path, tmp_path: Path) -> None:
    moved: list[int] = []
    sent = far.push(odd, "there/odd", moved.append)
    assert snapshot(volume / "there" / "odd") == snapshot(odd)
    assert [path.name for path in (volume / "there").iterdir()] == ["odd"]
    assert sum(moved) > sent.size_bytes > 50_000_000
    assert far.pull("there/odd", tmp_path / "back") == sent
    assert snapshot(tmp_path / "back") == snapshot(odd)


def test_a_second_push_replaces_the_first_whole(far: Volume, volume: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text(name)
        far.push(folder, "replaced")
    assert [path.name for path in (volume / "replaced").iterdir()] == ["second"]


def test_a_hostile_stream_is_refused_and_leaves_nothing(far: Volume, volume: Path) -> None:
    bad = hostile(("content/link", b"2", "../../.."), ("content/link/evil", b"0", ""))
    with pytest.raises(CommandError, match="points outside"):
        b"".join(far.cluster.run_in(far.pod, ["docent", "unpack", "hostile"], bad))
    assert not list(volume.glob("*hostile*")) and not list(volume.rglob("evil"))


@pytest.mark.parametrize("path", ["../etc", "/etc/passwd", "."])
def test_nothing_outside_the_volume_is_reached(far: Volume, path: str, tmp_path: Path) -> None:
    with pytest.raises(LauncherError, match="below the volume") as refused:
        far.pull(path, tmp_path / "x")
    assert refused.value.exit_code == 2
    assert not (tmp_path / "x").exists()


def test_a_path_that_is_not_there_is_not_found(far: Volume, tmp_path: Path) -> None:
    with pytest.raises(LauncherError) as missing:
        far.pull("nowhere", tmp_path / "x")
    assert missing.value.exit_code == 102
    assert not (tmp_path / "x").exists()


def test_an_image_that_cannot_be_pulled_is_said_and_the_pod_removed(cluster: Cluster, plan: Plan) -> None:
    body = transfer_pod(plan)
    body["metadata"] = {**body["metadata"], "name": "no-image"}
    body["spec"]["containers"][0]["image"] = "docent-no-such-image:1"
    with pytest.raises(LauncherError, match="docent-no-such-image:1 cannot be pulled") as refused:
        with through_pod(cluster, body):
            pass
    assert refused.value.exit_code == 5
    pod = cluster.get("Pod", "no-image")
    assert pod is None or pod["metadata"]["deletionTimestamp"]
