"""Documents on the cluster: PDF, tables and text become a data set in the stages' own images, byte for byte as here.

Runs pipelines/documents.yaml in a namespace of its own that enforces Pod Security `restricted`; the images must be in
the cluster (`make images images-load`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.test_pipeline import docent

from docent.launcher.cluster.api.client import Cluster

ROOT = Path(__file__).parents[2]
FILE = "pipelines/documents.yaml"
RUN = "documents"
UNITS = ("ingest", "assemble", "generate-qa", "curate", "build-dataset")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The run as the cluster made it, and as this machine did."""
    namespace = f"docent-documents-{uuid.uuid4().hex[:6]}"
    cluster = Cluster.connect(namespace)
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})
    folder = tmp_path_factory.mktemp("documents")
    ran = docent(namespace, "run", FILE, "--yes")
    if ran.returncode:
        pytest.fail(f"{ran.stdout}\n{ran.stderr}", pytrace=False)
    pulled = docent(namespace, "pull", RUN, str(folder / "remote"))
    assert pulled.returncode == 0, pulled.stderr
    local = [sys.executable, "-P", "-m", "docent", "run", FILE, "--data", str(folder / "local")]
    subprocess.run(local, cwd=ROOT, check=True, capture_output=True, timeout=600)
    yield folder / "remote", folder / "local" / RUN
    cluster.delete("Namespace", namespace)


def success(folder: Path, unit: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / unit / "_SUCCESS.json").read_text())
    return found


@pytest.mark.parametrize("unit", UNITS)
def test_every_byte_is_that_of_the_local_run(folders: tuple[Path, Path], unit: str) -> None:
    remote, local = success(folders[0], unit), success(folders[1], unit)
    assert remote["rows"] > 0
    assert (remote["spec"], remote["digest"]) == (local["spec"], local["digest"])
