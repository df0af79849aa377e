"""What the chat client is asked more than once: the same request, the same client, a way of asking for JSON."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from pydantic import BaseModel
from tests.mock_endpoint import ENVIRON, asked, mock_endpoint, questions, scripted_endpoint

from docent.errors import ConfigError
from docent.llm.client import ChatClient


class Pair(BaseModel):
    question: str
    answer: str


@pytest.mark.parametrize("in_flight", [1, 16])
def test_the_same_request_is_paid_once_wherever_it_stands(tmp_path: Path, in_flight: int) -> None:
    """Between two looks at the journal there are more requests than may be open: replies are gone when it is asked."""
    requests = [*questions(40), *questions(40), *questions(160), *questions(20)]
    with mock_endpoint() as endpoint:
        replies, used = asked(endpoint.llm(max_in_flight=in_flight), tmp_path / "j.sqlite", requests)
        stats = endpoint.stats()
    assert (stats["requests"], stats["repeated"]) == (160, 0)
    assert used["planned"] == used["kept"] == 260 and used["requests"] - used.get("from_journal", 0) == 160
    of = {request.messages[0].content: reply.text for request, reply in zip(requests, replies, strict=True)}
    assert [reply.text for reply in replies] == [of[request.messages[0].content] for request in requests]


def test_a_client_that_was_left_early_can_be_asked_again(tmp_path: Path) -> None:
    with mock_endpoint() as endpoint:
        endpoint.reset(latency_s=0.02)
        llm = endpoint.llm(max_in_flight=4)
        with ChatClient(llm, tmp_path / "j.sqlite", environ=ENVIRON, drain_s=0.0) as client:
            with closing(client.ask(questions(30))) as replies:
                next(replies)
            assert len(list(client.ask(questions(30)))) == 30
            used = client.amounts()
    assert used["planned"] == used["kept"] == 31
    assert used["tries_begun"] == used["tries_replied"] + used.get("tries_refused", 0) + used["tries_lost"]


def test_an_endpoint_that_fails_at_a_way_of_asking_for_json_gets_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ignores a schema, and answers HTTP 500 to the probe that names its fields beside `json_object`."""
    monkeypatch.setattr("docent.llm.pace.retry.FIRST_WAIT_S", 0.01)
    with scripted_endpoint(poison={"name_of_the_capital": 500}) as endpoint:
        replies, _ = asked(endpoint.llm(max_attempts=2), tmp_path / "j.sqlite", questions(3, Pair))
        last = endpoint.stats()["sent"][-1]["messages"]
    assert [(reply.error, reply.problem) for reply in replies] == [("", "no JSON object in it")] * 3
    assert "JSON Schema" in last[0]["content"], "asked with the words of the prompt"


def test_waiting_for_a_turn_takes_nothing_from_the_time_for_tries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen are open for one place, so that most wait longer for it than the deadline; then they fail once."""
    monkeypatch.setattr("docent.llm.pace.retry.FIRST_WAIT_S", 0.001)
    with scripted_endpoint(statuses=[200] * 20 + [500] * 2, delay_s=0.02) as endpoint:
        llm = endpoint.llm(max_in_flight=1, deadline_s=0.2)
        _, used = asked(llm, tmp_path / "j.sqlite", questions(26))
    assert used["tries_refused"] == 2 and used["kept"] == 26


def test_extra_settings_are_those_of_the_probe_and_of_the_limits_as_well(tmp_path: Path) -> None:
    """A model that knows only the newer name would refuse the probe, and be taken for one without JSON."""
    extra = {"max_tokens": None, "max_completion_tokens": 4000}
    with scripted_endpoint() as endpoint:
        asked(endpoint.llm(extra_body=extra), tmp_path / "a.sqlite", questions(2, Pair))
        sent = endpoint.stats()["sent"]
        assert len(sent) >= 4 and {request["max_tokens"] for request in sent} == {None}
        assert [request["temperature"] for request in sent[:3]] == [None, None, 0.0], "two probes"
        endpoint.reset()
        with pytest.raises(ConfigError, match="spending limit"):
            asked(endpoint.llm(extra_body=extra, max_tokens=4000), tmp_path / "b.sqlite", questions(2))
        assert endpoint.stats()["requests"] == 0
