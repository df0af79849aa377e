"""What `docent gc` shows of the volume of a run on a cluster: what could go, and, once told, what else there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import click
import pytest

from docent.config import PipelineConfig
from docent.launcher.cluster.api.execution import CommandError
from docent.launcher.verbs.cluster import on_cluster

LISTED = [b"1 MB  /data/a\nkept: 1 model\nkept: 1 mo", b"del\n2 MB  /data/b"]
DELETED = [b"1 MB  /data/a\nkept: 1 model\n2 MB  /data/b\n", b"deleted 1\ndeleted 1\nlast"]


class Volume:
    """A transfer pod in which `docent gc` lists, ends asking, and deletes when told."""

    def run(self, command: list[str]) -> Iterator[bytes]:
        if "--yes" in command:
            yield from DELETED
            return
        yield from LISTED
        raise CommandError("docent gc", 2, "needs an answer")


def test_the_second_listing_leaves_out_what_the_first_showed_and_no_line_is_lost_within_one(
    two_stages: PipelineConfig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def volume(*_: Any) -> Iterator[Volume]:
        yield Volume()

    cluster = SimpleNamespace(namespace="lab")
    monkeypatch.setattr(on_cluster, "find", lambda *_: (cluster, "mine", None))
    monkeypatch.setattr(on_cluster, "ask", lambda *_: click.echo("asked"))
    monkeypatch.setattr(on_cluster, "garbage", lambda *_: [])
    monkeypatch.setattr(on_cluster, "stored_config", lambda *_: two_stages)
    monkeypatch.setattr(on_cluster, "volume", volume)
    on_cluster.gc("lab", "mine", everything=False, models=False, yes=True)
    assert capsys.readouterr().out.splitlines() == [
        "1 MB  /data/a",
        "kept: 1 model",
        "kept: 1 model",
        "2 MB  /data/b",
        "asked",
        "deleted 1",
        "deleted 1",
        "last",
        "no objects to delete",
    ]
