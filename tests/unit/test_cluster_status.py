"""A unit in the cluster is told of in the words that `docent status` has for one on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from docent.errors import LauncherError
from docent.launcher.cluster.api.execution import CommandError
from docent.launcher.cluster.state import RunRecord
from docent.launcher.cluster.watch.attach import attach
from docent.launcher.runs.unit_state import Phase, UnitState, after_launch, status_line
from docent.launcher.verbs.cluster import on_cluster

FAR = {"done": 92.0, "total": 468.0, "eta_s": 40.0}


@pytest.mark.parametrize(
    ("unit", "ended", "words"),
    [
        (UnitState(Phase.RUNNING, progress=FAR), False, ("running", "92 of 468, 40 s to go")),
        (UnitState(Phase.RUNNING, progress=FAR), True, ("stopped", "stopped at 92 of 468")),
        (
            UnitState(Phase.WAITING, progress=FAR, cause="cancelled"),
            True,
            ("stopped", "stopped at 92 of 468; cancelled"),
        ),
        (UnitState(Phase.WAITING), True, ("waiting", "")),
        (UnitState(Phase.FAILED, progress=FAR, cause="exit 42: bad"), True, ("failed", "exit 42: bad")),
        (UnitState(Phase.DONE, rows=40, rejected=6, cause="6 x blurred"), False, ("done", "6 rejected: 6 x blurred")),
        (UnitState(Phase.DONE, rows=40, rejected=0), True, ("done", "")),
        (UnitState(Phase.DONE, rows=40, shards=4, failed_shards=2), True, ("done", "2 of 4 shards failed")),
    ],
)
def test_words(unit: UnitState, ended: bool, words: tuple[str, str]) -> None:
    line = status_line("curate", after_launch(unit) if ended else unit)
    assert (line.phase, line.note) == words


class Named:
    namespace = "docent"


class Volume:
    """The transfer pod of a run with one path and one trained model that nothing needs."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []

    def run(self, command: list[str]) -> Iterator[bytes]:
        self.commands.append(command)
        yield b"     0.1 MB  old\n     3.0 MB  mo"
        yield b"del\n"
        if "--yes" not in command:
            raise CommandError("pod", 2, "gc deletes only when told")
        yield b"kept: 1 trained model; to delete: docent gc\n"


@pytest.fixture
def tidied(monkeypatch: pytest.MonkeyPatch) -> Volume:
    far = Volume()
    record = RunRecord(run={"plans": {"ingest": "0"}})
    monkeypatch.setattr(on_cluster, "find", lambda namespace, run: (Named(), "mine", record))
    monkeypatch.setattr(on_cluster, "garbage", lambda *_: [])
    monkeypatch.setattr(on_cluster, "stored_config", lambda *_: None)
    monkeypatch.setattr("docent.launcher.render.Plan.of", lambda _: None)
    monkeypatch.setattr(on_cluster, "transfer_pod", lambda _: None)
    monkeypatch.setattr(on_cluster, "volume", lambda *_: nullcontext(far))
    return far


def test_gc_shows_what_the_deletion_on_the_volume_says_and_no_line_twice(
    tidied: Volume, capsys: pytest.CaptureFixture[str]
) -> None:
    on_cluster.gc("docent", "mine", everything=False, models=False, yes=True)
    listed = ["     0.1 MB  old", "     3.0 MB  model"]
    kept = "kept: 1 trained model; to delete: docent gc"
    assert capsys.readouterr().out.splitlines() == [*listed, kept, "no objects to delete"]
    assert [command[-1] == "--yes" for command in tidied.commands] == [False, True]
    assert all('"backend": "kubernetes"' in command[1] for command in tidied.commands)


def test_gc_without_an_answer_names_the_command_that_needs_none(tidied: Volume) -> None:
    with pytest.raises(LauncherError) as asked:
        on_cluster.gc("docent", "mine", everything=False, models=True, yes=False)
    assert asked.value.next_step == "docent gc --models --yes --backend kubernetes --run mine"
    assert len(tidied.commands) == 1


def test_units_of_a_launch_that_ended_are_stopped_while_the_next_one_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    units = {"finetune-lora": UnitState(Phase.RUNNING, progress=FAR)}
    record = RunRecord(run={"launch": 2}, launch=1, phase="failed", units=units)
    monkeypatch.setattr(on_cluster, "find", lambda namespace, run: (Named(), "mine", record))
    monkeypatch.setattr(on_cluster, "standing", lambda *_: "starting")
    monkeypatch.setattr(on_cluster, "RunWatcher", lambda *_: SimpleNamespace(obstacle=lambda: ""))
    on_cluster.status("docent", "mine", "json", watch=False)
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["phase"], row["note"]) == ("stopped", "stopped at 92 of 468")


def interrupted(*_: Any, **__: Any) -> Iterator[str]:
    raise KeyboardInterrupt
    yield ""


def test_ctrl_c_ends_the_watching_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    record = RunRecord(run={"plans": {"ingest": "0"}})
    monkeypatch.setattr(on_cluster, "find", lambda namespace, run: (Named(), "mine", record))
    monkeypatch.setattr("docent.launcher.cluster.watch.logs.follow", interrupted)
    monkeypatch.setattr("docent.launcher.cluster.watch.attach.RunWatcher", interrupted)
    monkeypatch.setattr("docent.launcher.cluster.watch.attach._show", lambda *_: next(interrupted()))
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
        assert ended.value.what == "stopped watching; run mine continues in the cluster"
