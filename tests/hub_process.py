"""The hub of tests/fixtures/hub.py in a second process, and data sets to push there."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from docent.store import Artifact
from tests.listed import success_of

HUB = Path(__file__).parent / "fixtures" / "hub.py"
KEY = "hf_test"
CARD = '---\npretty_name: "Forms"\nlicense: "mit"\n---\n\n# Forms\n\nAbout.\n\n## Files\n\nSome.\n'
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def running_hub() -> Iterator[str]:
    """Address of a hub that lives as long as the block."""
    process = subprocess.Popen([sys.executable, str(HUB)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()


def use(patch: pytest.MonkeyPatch, hub: str) -> None:
    """Have the client in this process ask that hub."""
    patch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    for name, value in {"HF_ENDPOINT": hub, "MY_HUB_TOKEN": KEY, "NO_PROXY": "127.0.0.1"}.items():
        patch.setenv(name, value)


def stats(hub: str) -> dict[str, Any]:
    """What the hub has."""
    with _DIRECT.open(f"{hub}/stats", timeout=10) as reply:
        found: dict[str, Any] = json.load(reply)
    return found


def behave(hub: str, **how: Any) -> None:
    """Change how the hub behaves."""
    request = urllib.request.Request(f"{hub}/set", json.dumps(how).encode())
    _DIRECT.open(request, timeout=10).close()


def put(hub: str, files: Mapping[str, str]) -> None:
    """Somebody else's commit to me/set."""
    api = HfApi(endpoint=hub, token=KEY)
    api.create_repo("me/set", repo_type="dataset", exist_ok=True)
    theirs = [CommitOperationAdd(path_in_repo=path, path_or_fileobj=text.encode()) for path, text in files.items()]
    api.create_commit("me/set", theirs, commit_message="Mine", repo_type="dataset")


def data_set(folder: Path, files: Mapping[str, str], card: str = CARD) -> Artifact:
    """A complete data set of those files and a card."""
    listed = []
    for path, text in {"README.md": card, **files}.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        data = text.encode()
        listed.append({"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    digest = hashlib.sha256(json.dumps(listed).encode()).hexdigest()
    return Artifact("build-dataset", folder, success_of("build-dataset", files=listed, digest=digest))
