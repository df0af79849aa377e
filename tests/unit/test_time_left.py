"""How long a run still takes, from what its shards say and from what its units took before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import tiny_museum

from docent.artifacts.attempt import at_work
from docent.config import PipelineConfig
from docent.context import Context
from docent.launcher.runs.time_left import TimeLeft, time_left
from docent.messages.plurals import duration
from docent.records import Document, Section, Span, make_id
from docent.spec import RunStates
from docent.stage import run_shard
from docent.store import Shard

WithStage = Callable[[str, Callable[[Context], Any]], None]
BOTH = ["ingest", "assess-images"]


@pytest.fixture
def with_ingest(run_dir: Path, two_stages: PipelineConfig, with_stage: WithStage) -> PipelineConfig:
    """Two stages, the first complete; the second is divided into two shards."""

    def one(ctx: Context) -> Iterator[Document]:
        section = Section(index=0, title="", text="text", source=Span(file="x.csv", first_line=1, last_line=1))
        yield Document(id=make_id("ingest", (), ctx.config.seed), kind="exhibit", name="vase", sections=(section,))

    with_stage("ingest", one)
    with_stage("assess-images", lambda ctx: iter([]))
    assert run_shard(two_stages, "ingest", run_dir) == 0
    return two_stages


def left(config: PipelineConfig, run_dir: Path, slots: int = 2) -> TimeLeft | None:
    return time_left(RunStates(config, run_dir), BOTH, slots)


def say(config: PipelineConfig, run_dir: Path, index: int, eta_s: float | None) -> None:
    """What a shard at work says of itself."""
    spec = RunStates(config, run_dir).of("assess-images").spec
    said = {"done": 1, "total": 4, "rate_per_s": 0.1 if eta_s else 0, "eta_s": eta_s, "message": "", "spec": spec}
    (run_dir / "assess-images").mkdir(exist_ok=True)
    (run_dir / "assess-images" / f"progress-{index:05d}.json").write_text(json.dumps(said))


def took(run_dir: Path, unit: str, seconds: float) -> None:
    """Let the shards of a unit say that they took so long."""
    for path in (run_dir / unit).glob("*/shard-*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"seconds": seconds}))


def test_where_nothing_is_known_nothing_is_said(run_dir: Path, with_ingest: PipelineConfig) -> None:
    assert left(with_ingest, run_dir) is None
    say(with_ingest, run_dir, 0, None)
    assert left(with_ingest, run_dir) is None


def test_shards_at_work_say_how_long_they_take_and_others_take_as_long_as_a_whole_one(
    run_dir: Path, with_ingest: PipelineConfig
) -> None:
    say(with_ingest, run_dir, 0, 90)
    found = left(with_ingest, run_dir)
    assert found == TimeLeft(90) and str(found) == "about 2 min left in total"
    assert left(with_ingest, run_dir, slots=1) == TimeLeft(130)  # 4 rows at one in 10 s
    say(with_ingest, run_dir, 1, 30)
    assert left(with_ingest, run_dir) == TimeLeft(90)
    assert left(with_ingest, run_dir, slots=1) == TimeLeft(120)


def test_units_that_never_ran_are_named_as_not_counted(tmp_path: Path, run_dir: Path, with_stage: WithStage) -> None:
    finetune = {"base_model": "some/model", "approaches": ["lora", "full"]}
    later = {"finetune": finetune, "answer": {}, "score": {}, "report": {}}
    config = PipelineConfig.model_validate(tiny_museum.sections(tmp_path, **later))
    tiny_museum.fill_upstream(with_stage)
    for unit in ("ingest", "assemble", "generate-qa", "build-dataset"):
        assert run_shard(config, unit, run_dir) == 0
    states = RunStates(config, run_dir)
    for unit in ("finetune-lora", "finetune-full"):
        said = {"done": 60, "total": 800, "rate_per_s": 2, "eta_s": 370, "spec": states.of(unit).spec}
        (run_dir / unit).mkdir()
        (run_dir / unit / "progress-00000.json").write_text(json.dumps(said))
    answers = sum(name.startswith("answer-") for name in states.units)
    rest = f"{answers} units of answer, score and report"
    found = time_left(states, list(states.units), 2)
    assert str(found) == f"about 6 min left, not including {rest}, whose duration is unknown"


def test_nothing_is_said_while_a_unit_at_work_cannot_tell_how_long_it_takes(
    run_dir: Path, with_ingest: PipelineConfig
) -> None:
    again = with_ingest.model_copy(update={"seed": 12})
    for index in range(2):
        assert run_shard(with_ingest, "assess-images", run_dir, Shard(index, 2)) == 0
    shutil.rmtree(run_dir / "ingest")
    took(run_dir, "assess-images", 60)
    assert left(again, run_dir) == TimeLeft(60, "ingest")
    (run_dir / "ingest").mkdir()
    with at_work(run_dir / "ingest" / "log-tail-00000.txt"):
        assert left(again, run_dir) is None
    assert left(again, run_dir) == TimeLeft(60, "ingest")


def test_a_shard_that_is_complete_tells_how_long_the_others_take(run_dir: Path, with_ingest: PipelineConfig) -> None:
    assert run_shard(with_ingest, "assess-images", run_dir, Shard(0, 2)) == 0
    took(run_dir, "assess-images", 30)
    assert left(with_ingest, run_dir) == TimeLeft(30)


def test_units_to_come_take_what_they_took_with_other_settings(run_dir: Path, with_ingest: PipelineConfig) -> None:
    for index in range(2):
        assert run_shard(with_ingest, "assess-images", run_dir, Shard(index, 2)) == 0
    took(run_dir, "ingest", 100)
    took(run_dir, "assess-images", 60)
    assert left(with_ingest, run_dir) is None
    again = with_ingest.model_copy(update={"seed": 12})
    assert left(again, run_dir) == TimeLeft(160)
    assert left(again, run_dir, slots=1) == TimeLeft(220)


def test_what_another_configuration_said_is_not_believed(run_dir: Path, with_ingest: PipelineConfig) -> None:
    say(with_ingest, run_dir, 0, 90)
    assert run_shard(with_ingest.model_copy(update={"seed": 12}), "ingest", run_dir) == 0
    assert left(with_ingest.model_copy(update={"seed": 12}), run_dir) is None


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (45, "45 s"), (75, "1 min"), (3599, "1 h 0 min"), (12_000, "3 h 20 min")]
)
def test_times_are_said_in_the_unit_that_suits(seconds: float, said: str) -> None:
    assert duration(seconds) == said
