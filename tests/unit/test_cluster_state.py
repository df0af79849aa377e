"""The record of a run: what goes in comes out, and it always fits into a ConfigMap."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from docent.launcher.cluster.state import (
    UNITS_KEY,
    UNITS_LIMIT_BYTES,
    owned,
    parse,
    run_body,
    units_body,
    units_text,
)
from docent.launcher.runs.log_tail import tail
from docent.launcher.runs.unit_state import Phase, UnitState


def test_both_writers_keys_make_one_record() -> None:
    units = {
        "ingest": UnitState(Phase.DONE, "demo-ingest-1", "s", "d", 3, 0, 1.5, 0.0, log="ok\n"),
        "curate": UnitState(Phase.QUEUED, cause="waits for Kueue", progress={"done": 1, "total": 3, "eta_s": None}),
    }
    body = units_body("demo", 4, "running", units)
    body["data"] |= run_body("demo", {"launch": 5, "plan10": "abc"})["data"]
    body["metadata"]["uid"] = "u"
    record = parse(body)
    assert (record.launch, record.phase, record.run["launch"], record.uid, record.name) == (
        4,
        "running",
        5,
        "u",
        "demo-state",
    )
    assert record.units == units
    assert list(record.units) == ["ingest", "curate"], "in pipeline order"
    assert units_text(record.launch, record.phase, record.units) == body["data"][UNITS_KEY]


def test_a_record_torn_by_hand_counts_as_not_written() -> None:
    for data in (None, {}, {"units.json": "{", "run.json": "[]"}):
        record = parse({"metadata": {"name": "demo-state"}, "data": data})
        assert (record.launch, record.units, record.run) == (0, {}, {})


def test_owned_objects_name_the_record_and_the_given_body_stays_as_it_was() -> None:
    job = {"kind": "Job", "metadata": {"name": "j", "labels": {"a": "b"}}}
    record = parse({"metadata": {"name": "demo-state", "uid": "u"}})
    (owner,) = owned(job, record)["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("ConfigMap", "demo-state", "u")
    assert "ownerReferences" not in job["metadata"]


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 400),
    log=st.sampled_from(["x", "é", "\u2028", '"', "\\", "\x01", "𐍈"]),
    length=st.sampled_from([0, 100, 5000, 50_000]),
)
def test_it_always_fits(count: int, log: str, length: int) -> None:
    units = {f"finetune-{i:04d}": UnitState(Phase.FAILED, log=log * length, cause=log * length) for i in range(count)}
    text = units_text(1, "failed", units)
    assert len(text.encode()) <= UNITS_LIMIT_BYTES
    told = json.loads(text)["units"]
    assert [told[name]["phase"] for name in units] == ["failed"] * count


def test_logs_give_way_before_causes() -> None:
    units = {f"u{i}": UnitState(Phase.FAILED, log="x" * 4096, cause="why") for i in range(300)}
    told = json.loads(units_text(1, "failed", units))["units"]
    assert len(told["u0"]["log"]) == 1024 and told["u0"]["cause"] == "why"


@given(st.text(), st.integers(1, 200))
def test_a_tail_is_the_end_and_whole_characters(text: str, size: int) -> None:
    end = tail(text, size)
    assert text.endswith(end) and len(end.encode()) <= max(size, 0)


def test_a_tail_begins_with_a_line() -> None:
    assert tail("first\nsecond\nthird\n", 15) == "second\nthird\n"
