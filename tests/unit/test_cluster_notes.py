"""A unit in the cluster is told of in the words that `docent status` has for one on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from docent.errors import LauncherError
from docent.launcher.cluster.attach import attach
from docent.launcher.cluster.notes import in_words
from docent.launcher.cluster.state import RunRecord, UnitState
from docent.launcher.verbs import on_cluster

FAR = {"done": 92.0, "total": 468.0, "eta_s": 40.0}


@pytest.mark.parametrize(
    ("unit", "ended", "words"),
    [
        (UnitState("running", progress=FAR), False, ("running", "92 of 468, 40 s to go")),
        (UnitState("running", progress=FAR), True, ("stopped", "stopped at 92 of 468")),
        (UnitState("waiting", progress=FAR, cause="cancelled"), True, ("stopped", "stopped at 92 of 468; cancelled")),
        (UnitState("waiting"), True, ("waiting", "")),
        (UnitState("failed", progress=FAR, cause="exit 42: bad"), True, ("failed", "exit 42: bad")),
        (UnitState("done", rows=40, rejected=6, cause="6 x blurred"), False, ("done", "6 rejected: 6 x blurred")),
        (UnitState("done", rows=40, rejected=0), True, ("done", "")),
    ],
)
def test_words(unit: UnitState, ended: bool, words: tuple[str, str]) -> None:
    assert in_words(unit, ended) == words


class Named:
    namespace = "docent"


def interrupted(*_: Any, **__: Any) -> Iterator[str]:
    raise KeyboardInterrupt
    yield ""


def test_ctrl_c_ends_the_watching_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    record = RunRecord(run={"plans": {"ingest": "0"}})
    monkeypatch.setattr(on_cluster, "find", lambda namespace, run: (Named(), "mine", record))
    monkeypatch.setattr("docent.launcher.cluster.logs.follow", interrupted)
    monkeypatch.setattr("docent.launcher.cluster.attach.Follower", interrupted)
    monkeypatch.setattr("docent.launcher.cluster.attach._show", lambda *_: next(interrupted()))
    watching = {
        "docent logs ingest -f --backend kubernetes --run mine": lambda: on_cluster.logs(
            "docent", "mine", "ingest", None, follow=True
        ),
        "docent status -w --backend kubernetes --run mine": lambda: attach(Named(), "mine", None, on_cluster.console()),  # type: ignore[arg-type]
    }
    for again, watch in watching.items():
        with pytest.raises(LauncherError) as ended:
            watch()
        assert ended.value.exit_code == 101 and ended.value.next_step == again
        assert ended.value.what == "watching stopped; run mine goes on in the cluster"
