"""The chat client on real endpoints in other processes: order, faults, pacing, refusals, pictures, proxies."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from tests.journal_records import rewrite
from tests.mock_endpoint import ENVIRON, KEY, MockEndpoint, asked, questions, scripted_endpoint
from tests.photo_files import attached

from docent.errors import ConfigError, StoppedError, TemporaryError
from docent.llm.chat import ChatRequest, Message
from docent.llm.client import ChatClient


def balanced(used: dict[str, float]) -> bool:
    """Both equations of the ledger; what is 0 is left out."""
    ends = sum(used.get(end, 0) for end in ("kept", "rejected", "failed"))
    tries = sum(used.get(f"tries_{how}", 0) for how in ("replied", "refused", "lost"))
    return used["planned"] == ends and used.get("tries_begun", 0) == tries


def forget_later_askings(journal: Path) -> None:
    """As if killed after the first reply to each request."""
    rewrite(journal, lambda fields: None if "request" in fields else fields)


@pytest.mark.feature("concurrency")
def test_one_or_sixty_four_in_flight_give_the_same_replies(endpoint: MockEndpoint, tmp_path: Path) -> None:
    # Cut off three times in a row a record is given up: rare enough at one in a hundred.
    faults = {"p_429": 0.05, "p_500": 0.05, "p_truncated": 0.01, "retry_after": 0.01}
    found = {}
    for in_flight in (1, 64):
        endpoint.reset(latency_s=0.001, latency_sigma=1.0, seed=in_flight, **faults)
        llm = endpoint.llm(max_in_flight=in_flight)
        found[in_flight], used = asked(llm, tmp_path / f"{in_flight}.sqlite", questions(200))
        assert balanced(used) and used["kept"] == 200
        assert endpoint.stats()["in_flight_max"] <= in_flight
    assert [r.text for r in found[1]] == [r.text for r in found[64]]
    assert len({r.text for r in found[1]}) == 200, "an endpoint that answers all alike would prove nothing"


def test_a_reply_cut_by_its_length_is_never_used(endpoint: MockEndpoint, tmp_path: Path) -> None:
    endpoint.reset(p_truncated=0.5)
    llm = endpoint.llm(max_in_flight=16)
    replies, used = asked(llm, tmp_path / "j.sqlite", questions(100))
    kept = [r for r in replies if not r.problem]
    assert {r.finish_reason for r in kept} == {"stop"} and {len(r.text) for r in kept} == {200}
    assert {(r.problem, r.asks) for r in replies if r.problem} == {("cut off at max_tokens (finish_reason length)", 3)}
    assert used["kept"] == len(kept) and used["rejected"] == 100 - len(kept) > 0 and balanced(used)
    again, used = asked(llm, tmp_path / "j.sqlite", questions(100))
    assert again == replies and used.get("tries_begun", 0) == 0, "given up is given up: nothing is paid again"


@pytest.mark.feature("failed-requests")
def test_a_record_that_always_fails_is_one_failed_record_also_when_it_alone_is_left(
    endpoint: MockEndpoint, tmp_path: Path
) -> None:
    requests = questions(40)
    requests[7] = ChatRequest((Message("user", "a poisonous request"),), 0.0, 100)
    with scripted_endpoint(poison={"poisonous": 500}) as scripted:
        llm = scripted.llm(max_in_flight=8, max_attempts=3)
        for _ in range(2):
            replies, used = asked(llm, tmp_path / "j.sqlite", requests)
            assert [n for n, r in enumerate(replies) if r.error] == [7] and "HTTP 500" in replies[7].error
            assert (used["kept"], used["failed"]) == (39, 1) and balanced(used)
        sent = [s["messages"][-1]["content"] for s in scripted.stats()["sent"]]
        assert sent.count("a poisonous request") == 6
        assert all(sent.count(r.messages[0].content) == 1 for n, r in enumerate(requests) if n != 7)
        scripted.reset(always=500)
        with pytest.raises(TemporaryError, match="did not reply in 3 attempts"):
            asked(llm, tmp_path / "j.sqlite", requests)


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (401, ConfigError, "rejected the key in the variable OPENAI_API_KEY"),
        (402, ConfigError, "no credit"),
        (404, ConfigError, "does not have the model 'm1'"),
        (503, TemporaryError, "did not reply in 2 attempts"),
    ],
)
def test_an_endpoint_that_refuses_all_is_one_clear_error_without_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, kind: type[Exception], says: str
) -> None:
    monkeypatch.setattr("docent.llm.pace.retry.FIRST_WAIT_S", 0.01)
    with scripted_endpoint(always=status, echo_key=True) as scripted:
        with pytest.raises(kind, match=says) as raised:
            asked(scripted.llm(max_in_flight=4, max_attempts=2), tmp_path / "j.sqlite", questions(30))
        assert KEY not in str(raised.value) and scripted.url in str(raised.value)
        assert scripted.stats()["requests"] < 30, "nothing more is sent once it is clear"
    assert not [path for path in (tmp_path / "j.sqlite").glob("*.json*") if KEY.encode() in path.read_bytes()]


def test_isolated_refusals_hold_nobody_else_back_and_retry_after_is_kept_to(
    endpoint: MockEndpoint, tmp_path: Path
) -> None:
    """Had each refusal stopped all, 400 requests with some twenty refusals would have taken as many pauses."""
    endpoint.reset(latency_s=0.005, p_429=0.05, retry_after=0.5)
    _, used = asked(endpoint.llm(max_in_flight=16), tmp_path / "j.sqlite", questions(400))
    stats = endpoint.stats()
    refused = stats["by_status"]["429"]
    assert used["kept"] == 400 and balanced(used) and refused >= 10
    assert stats["requests"] == 400 + refused and stats["repeated"] == 0
    assert 0.5 <= stats["span_s"] < 0.5 * refused / 2


@pytest.mark.feature("retries-and-limits")
def test_retry_after_is_kept_to(tmp_path: Path) -> None:
    with scripted_endpoint(statuses=[429] * 3, retry_after=1) as scripted:
        requests = questions(12)
        asked(scripted.llm(max_in_flight=12), tmp_path / "j.sqlite", requests)
        stats = scripted.stats()
    times_s: dict[str, list[float]] = {}
    for at_s, sent in zip(stats["times_s"], stats["sent"], strict=True):
        times_s.setdefault(sent["messages"][-1]["content"], []).append(at_s)
    assert sorted(map(len, times_s.values())) == [1] * 9 + [2] * 3
    assert all(second - first >= 1.0 for first, second in (t for t in times_s.values() if len(t) == 2))


def test_an_endpoint_that_queues_is_not_stormed_with_retries(endpoint: MockEndpoint, tmp_path: Path) -> None:
    """With 32 in flight the last ones would wait 0.4 s, longer than the timeout; once that is seen, fewer are sent."""
    endpoint.reset(latency_s=0.05, slots=4)
    llm = endpoint.llm(max_in_flight=32, timeout_s=0.36)
    _, used = asked(llm, tmp_path / "j.sqlite", questions(200))
    stats = endpoint.stats()
    assert used["kept"] == 200 and balanced(used) and used["tries_lost"] > 0
    assert stats["requests"] <= 1.5 * 200 and stats["repeated"] <= used["tries_lost"]


def test_pictures_reach_the_endpoint_whole_and_are_never_all_in_memory(endpoint: MockEndpoint, tmp_path: Path) -> None:
    pictures = 40
    endpoint.reset(latency_s=0.05)
    for number in range(pictures):
        (tmp_path / f"{number}.png").write_bytes(hashlib.sha256(b"%d" % number).digest() * 32_768)
    done = subprocess.run(
        [sys.executable, "-c", ASKS_ABOUT_PICTURES, endpoint.url, str(tmp_path), str(pictures)],
        env={**ENVIRON, "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    stats = endpoint.stats()
    encoded = 4 * ((1_048_576 + 2) // 3)
    assert told["kept"] == stats["unique"] == pictures and stats["repeated"] == 0
    assert pictures * encoded < stats["bytes_in"] < pictures * (encoded + 1000)
    assert told["grown_mb"] < 25, "40 MB of pictures are 56 MB as they are sent, 8 at a time 11 MB"


ASKS_ABOUT_PICTURES = """
import hashlib, json, resource, sys
from pathlib import Path
from docent.config.llm import Llm
from docent.llm.chat import ChatRequest, Image, Message
from docent.llm.client import ChatClient

def rss_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

url, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
llm = Llm.model_validate({"provider": "openai", "base_url": url, "model": "m1", "max_in_flight": 8})
paths = [folder / f"{n}.png" for n in range(count)]
pictures = [Image(path, hashlib.file_digest(path.open("rb"), "sha256").hexdigest(), "image/png") for path in paths]
requests = [ChatRequest((Message("user", "What is it?", (picture,)),), 0.0, 100) for picture in pictures]
with ChatClient(llm, folder / "j.sqlite") as client:
    before_mb = rss_mb()
    kept = sum(not reply.problem and not reply.error for reply in client.ask(requests))
print(json.dumps({"kept": kept, "grown_mb": rss_mb() - before_mb}))
"""


def test_a_picture_that_is_gone_is_named(endpoint: MockEndpoint, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    picture = attached(tmp_path / "a.png")
    (tmp_path / "a.png").unlink()
    requests = [ChatRequest((Message("user", "What is it?", (picture,)),), 0.0, 100)]
    with pytest.raises(ConfigError, match="picture") as raised:
        asked(endpoint.llm(), tmp_path / "j.sqlite", requests)
    assert "a.png" in str(raised.value)


def test_the_proxy_of_the_environment_is_used_and_its_exceptions_are_kept_to(
    endpoint: MockEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint itself plays the proxy: it answers below any path, also to a request line with a whole address."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{endpoint.port}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{endpoint.port}")
    monkeypatch.setenv("no_proxy", "")
    llm = endpoint.llm().model_copy(update={"base_url": "http://teacher.invalid/v1", "max_attempts": 1})
    replies, _ = asked(llm, tmp_path / "a.sqlite", questions(3))
    assert all(reply.text for reply in replies) and endpoint.stats()["requests"] == 3
    monkeypatch.setenv("no_proxy", "teacher.invalid")
    with pytest.raises(TemporaryError, match="no connection"):
        asked(llm, tmp_path / "b.sqlite", questions(3))
    assert endpoint.stats()["requests"] == 3


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "127.0.0.1:1", "http://[x"])
def test_a_proxy_that_cannot_be_used_is_named(
    endpoint: MockEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises((ConfigError, TemporaryError)):
        asked(endpoint.llm(max_attempts=1), tmp_path / "j.sqlite", questions(3))


def test_days_allowance_is_not_exceeded_however_many_are_open(endpoint: MockEndpoint, tmp_path: Path) -> None:
    endpoint.reset(latency_s=0.01)
    llm = endpoint.llm(max_in_flight=8, requests_per_day=10)
    with ChatClient(llm, tmp_path / "j.sqlite", environ=ENVIRON, drain_s=1.0) as client:
        with closing(client.ask(questions(50))) as replies:
            for _ in range(10):
                next(replies)
    assert endpoint.stats()["requests"] == 10


def test_a_limit_reached_while_an_older_reply_is_asked_again_is_said_and_not_its_echo(tmp_path: Path) -> None:
    """The journal knows the first reply, which was cut; told to wait with it, the client goes on with the others."""
    with scripted_endpoint(finish_reason="length") as scripted:
        asked(scripted.llm(), tmp_path / "j.sqlite", questions(1))
        forget_later_askings(tmp_path / "j.sqlite")
        scripted.reset(poison={"number 0?": 429}, retry_after=20, delay_s=0.1)
        with pytest.raises(ConfigError, match="spending limit"):
            asked(scripted.llm(max_in_flight=4, max_tokens=4_000), tmp_path / "j.sqlite", questions(60))


def test_a_stop_is_heard_while_an_older_reply_is_asked_again(endpoint: MockEndpoint, tmp_path: Path) -> None:
    endpoint.reset(p_truncated=1.0)
    llm = endpoint.llm(max_in_flight=1, timeout_s=30)
    with ChatClient(llm, tmp_path / "j.sqlite", environ=ENVIRON, drain_s=0.0) as client:
        with closing(client.ask(questions(1))) as replies:
            next(replies)
    forget_later_askings(tmp_path / "j.sqlite")
    endpoint.reset(p_hang=1.0)
    stop = threading.Event()
    with ChatClient(llm, tmp_path / "j.sqlite", stop=stop, environ=ENVIRON, drain_s=0.2) as client:
        threading.Timer(0.3, stop.set).start()
        with pytest.raises(StoppedError):
            list(client.ask(questions(1)))
    assert endpoint.stats()["requests"] == 1


@pytest.mark.parametrize("hostile", ["no_choices", "no_json", "invalid_utf8", "cut_off"])
def test_answers_that_nobody_can_read_count_against_the_limit(
    endpoint: MockEndpoint, tmp_path: Path, hostile: str
) -> None:
    """The endpoint bills them like any other."""
    endpoint.reset(p_hostile=0.4, hostile=hostile)
    with pytest.raises(ConfigError, match="spending limit"):
        asked(endpoint.llm(max_in_flight=8, max_tokens=20_000), tmp_path / "j.sqlite", questions(300))
    stats = endpoint.stats()
    assert 5_000 < stats["billed_input_tokens"] + stats["billed_output_tokens"] <= 20_000


def test_a_reply_that_a_filter_cut_is_never_used(tmp_path: Path) -> None:
    with scripted_endpoint(finish_reason="content_filter") as scripted:
        replies, _ = asked(scripted.llm(), tmp_path / "j.sqlite", questions(3))
    assert {(r.problem, r.asks) for r in replies} == {
        ("cut by the endpoint's content filter (finish_reason content_filter)", 3)
    }
