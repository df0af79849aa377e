"""Replies that no endpoint should give, and JSON from endpoints that keep to it or do not; on the mock endpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tests.mock_endpoint import KEY, MockEndpoint, asked, questions

from docent.errors import ConfigError, PipelineError, TemporaryError
from docent.llm.chat import ChatReply

ONCE_IN_A_WHILE = 0.15
N = 60


class Pair(BaseModel):
    question: str
    answer: str


def is_whole(reply: ChatReply) -> bool:
    """A usable reply is a pair of the endpoint's own: its answer begins with the mark in its question."""
    if not isinstance(reply.value, Pair):
        return len(reply.text) >= 200
    return reply.value.answer[:16] in reply.value.question and len(reply.value.answer) >= 200


@pytest.mark.parametrize("schema", [None, Pair], ids=["text", "json"])
@pytest.mark.parametrize(
    "hostile",
    [
        *("empty", "null", "control", "nested_fence", "html", "no_json", "no_choices", "invalid_utf8", "cut_off"),
        *("error_inside", "open_stream"),
    ],
)
def test_now_and_then_a_hostile_reply_costs_no_other_record(
    endpoint: MockEndpoint, tmp_path: Path, hostile: str, schema: Any
) -> None:
    endpoint.reset(p_hostile=ONCE_IN_A_WHILE, hostile=hostile, seed=5)
    llm = endpoint.llm(max_in_flight=8, timeout_s=5, structured_output="json_schema")
    replies, used = asked(llm, tmp_path / "j.sqlite", questions(N, schema))
    assert endpoint.stats()["faults"]["hostile"] > 0
    assert all(is_whole(reply) for reply in replies if not reply.problem and not reply.error)
    unusable = [reply.problem or reply.error for reply in replies if reply.problem or reply.error]
    assert len(unusable) <= 5 and all(0 < len(why) <= 300 and KEY not in why for why in unusable)
    again, _ = asked(llm, tmp_path / "j.sqlite", questions(N, schema))
    good = [n for n, reply in enumerate(replies) if not reply.error]
    assert [again[n].text for n in good] == [replies[n].text for n in good]


@pytest.mark.parametrize(("hostile", "schema"), [("huge", Pair), ("endless", None), ("endless", Pair)])
def test_a_reply_without_an_end_is_given_up_and_the_others_are_kept(
    endpoint: MockEndpoint, tmp_path: Path, hostile: str, schema: Any
) -> None:
    endpoint.reset(p_hostile=ONCE_IN_A_WHILE, hostile=hostile, seed=5)
    llm = endpoint.llm(max_in_flight=8, timeout_s=0.5, max_reply_mb=2, structured_output="json_schema")
    replies, used = asked(llm, tmp_path / "j.sqlite", questions(24, schema))
    assert endpoint.stats()["faults"]["hostile"] > 0 and used["kept"] >= 23 and used["tries_lost"] > 0
    assert all(is_whole(reply) for reply in replies if not reply.problem and not reply.error)


@pytest.mark.parametrize(
    ("hostile", "kind", "says"),
    [
        ("redirect", ConfigError, "redirects requests to 127.0.0.1"),
        ("html", TemporaryError, "a web page, not JSON"),
        ("no_json", TemporaryError, "not a chat completion"),
        ("no_choices", TemporaryError, "no choices"),
        ("invalid_utf8", TemporaryError, "not a chat completion"),
        ("cut_off", TemporaryError, "broke off"),
        ("open_stream", TemporaryError, "a stream that ended early"),
        ("endless", TemporaryError, "longer than 1 MB|no reply within"),
    ],
)
def test_nothing_but_hostile_replies_is_one_clear_error(
    endpoint: MockEndpoint, tmp_path: Path, hostile: str, kind: type[PipelineError], says: str
) -> None:
    endpoint.reset(p_hostile=1.0, hostile=hostile)
    llm = endpoint.llm(max_in_flight=4, max_attempts=2, timeout_s=1, max_reply_mb=1)
    with pytest.raises(kind, match=says) as raised:
        asked(llm, tmp_path / "j.sqlite", questions(20))
    assert KEY not in str(raised.value) and len(str(raised.value)) < 600 and raised.value.next_step
    assert endpoint.stats()["requests"] < 2 * 20, "nothing more is sent once it is clear"


@pytest.mark.parametrize("hostile", ["empty", "null"])
def test_empty_replies_alone_are_rejected_with_a_reason(endpoint: MockEndpoint, tmp_path: Path, hostile: str) -> None:
    endpoint.reset(p_hostile=1.0, hostile=hostile)
    replies, used = asked(endpoint.llm(), tmp_path / "j.sqlite", questions(5))
    assert {(r.problem, r.asks) for r in replies} == {("empty reply (stop)", 3)} and used["rejected"] == 5


@pytest.mark.parametrize(
    ("knobs", "rung", "probes", "requests_again"),
    [
        ({"honours": "json_schema"}, "json_schema", 1, 0),
        ({"honours": "json_object"}, "json_object", 2, 0),
        ({"honours": "none"}, "prompt", 2, 0),
        ({"honours": "none", "prose": True}, "prompt", 2, 0),
        ({"honours": "json_object", "on_unknown_format": "400"}, "json_object", 2, 1),
        ({"honours": "none", "on_unknown_format": "400"}, "prompt", 2, 2),
    ],
)
def test_every_endpoint_gives_json_whatever_it_makes_of_response_format(
    endpoint: MockEndpoint, tmp_path: Path, knobs: dict[str, Any], rung: str, probes: int, requests_again: int
) -> None:
    """A refused probe leaves no reply in the journal; it costs nothing and is asked again by the next attempt."""
    endpoint.reset(**knobs)
    llm = endpoint.llm(max_in_flight=16)
    replies, used = asked(llm, tmp_path / "j.sqlite", questions(N, Pair))
    assert all(isinstance(reply.value, Pair) and is_whole(reply) for reply in replies), {r.problem for r in replies}
    assert used["kept"] == N and used.get("repaired", 0) == 0
    assert endpoint.stats()["requests"] == N + probes, f"found: {rung}"
    asked(llm, tmp_path / "j.sqlite", questions(N + 1, Pair))
    assert endpoint.stats()["requests"] == N + probes + requests_again + 1, "only the new one, and what was refused"
    assert endpoint.stats()["repeated"] == 0


def test_a_structured_reply_cut_by_its_length_is_never_used(endpoint: MockEndpoint, tmp_path: Path) -> None:
    endpoint.reset(p_truncated=0.3, answer_bytes=400)
    llm = endpoint.llm(structured_output="json_schema")
    replies, used = asked(llm, tmp_path / "j.sqlite", questions(N, Pair))
    kept = [reply for reply in replies if not reply.problem]
    assert {reply.finish_reason for reply in kept} == {"stop"} and all(len(r.value.answer) == 400 for r in kept)
    assert {(reply.problem, reply.value, reply.asks) for reply in replies if reply.problem} <= {
        ("cut off at max_tokens (finish_reason length)", None, 3)
    }
    assert used["kept"] == len(kept) and endpoint.stats()["faults"]["truncated"] > 10


@pytest.mark.feature("structured-replies")
def test_the_wrong_form_gets_one_turn_of_correction_and_is_then_given_up(
    endpoint: MockEndpoint, tmp_path: Path
) -> None:
    endpoint.reset(p_wrong_schema=1.0)
    replies, used = asked(endpoint.llm(structured_output="json_schema"), tmp_path / "j.sqlite", questions(10, Pair))
    assert {reply.asks for reply in replies} == {2} and used["rejected"] == 10
    assert all("question: Field required" in reply.problem and reply.value is None for reply in replies)
    assert endpoint.stats()["requests"] == 20 and endpoint.stats()["unique"] == 20
    endpoint.reset(p_wrong_schema=0.3)
    replies, used = asked(endpoint.llm(structured_output="json_schema"), tmp_path / "k.sqlite", questions(N, Pair))
    wrong = endpoint.stats()["faults"]["wrong_schema"]
    assert used["kept"] + used.get("rejected", 0) == N and used["kept"] >= N - wrong // 2
    assert 0 < sum(reply.asks == 2 for reply in replies) <= wrong
    assert endpoint.stats()["requests"] == sum(reply.asks for reply in replies)


def test_mended_json_is_marked_and_fenced_json_is_not(endpoint: MockEndpoint, tmp_path: Path) -> None:
    found = {}
    for fault in ("p_broken", "p_fenced"):
        endpoint.reset(**{fault: 1.0})
        llm = endpoint.llm(structured_output="json_schema")
        found[fault] = asked(llm, tmp_path / f"{fault}.sqlite", questions(40, Pair))
    replies, used = found["p_fenced"]
    assert used["kept"] == 40 and not any(reply.repaired for reply in replies) and "repaired" not in used
    replies, used = found["p_broken"]
    mended = [reply for reply in replies if not reply.problem]
    assert mended and all(reply.repaired and is_whole(reply) for reply in mended)
    assert used["repaired"] >= len(mended)
    assert all("breaks off" in reply.problem for reply in replies if reply.problem), "a brace too few was cut off"
