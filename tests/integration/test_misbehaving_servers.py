"""Servers that never end, or end in the middle of what HTTP allows: everything has an end, a message, and a count."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from docent.config.llm import Llm
from docent.errors import ConfigError, PipelineError, TemporaryError
from docent.llm.chat import ChatReply, ChatRequest, Message
from docent.llm.client import ChatClient
from docent.stages.ingest.fetch import fetch as fetching
from docent.stages.ingest.fetch.address import is_reachable
from docent.stages.ingest.fetch.errors import FetchError
from docent.stages.ingest.fetch.fetch import Rules, fetch

SERVER = Path(__file__).parents[2] / "scripts" / "prove" / "misbehaving.py"
ENDLESS = (
    *("slow-status", "slow-headers", "slow-header-lines", "continue", "early-hints", "slow-body", "slow-chunks"),
    *("slow-chunk-size", "chunk-extension", "trailers", "trailer-byte-by-byte", "silent"),
)
BROKEN = (
    *("length-of-5000-digits", "length-negative", "length-two", "chunk-size-of-5000-digits", "chunk-size-none"),
    *("status-none", "status-of-5000-digits", "header-of-a-megabyte", "headers-of-a-thousand", "header-bytes"),
    *("redirect-bytes", "nothing", "reset"),
)
REDIRECTS = ("redirect-half-ipv6", "redirect-bad-port", "redirect-long", "redirect-brackets", "redirect-file")
AT_ONCE = 16


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, str(SERVER)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield int(process.stdout.readline())
    process.kill()
    process.wait()


@pytest.fixture(autouse=True)
def _no_long_waits_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(fetching, "FIRST_WAIT_S", 0.0)
    monkeypatch.setattr(fetching, "TRIES", 2)


def fetched(port: int, way: str, timeout_s: float = 0.4) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetch(f"http://127.0.0.1:{port}/{way}/a.jpg", Rules((f"127.0.0.1:{port}",), timeout_s, 1_000_000))
    return caught.value


def test_no_server_holds_a_picture_up_beyond_its_time(port: int) -> None:
    began_s = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        errors = list(pool.map(lambda way: fetched(port, way), ENDLESS))
    assert {(error.reason, error.detail) for error in errors} == {
        ("picture cannot be fetched", "no reply within 0.4 s")
    }
    assert time.monotonic() - began_s < 10, "two tries of 0.4 s each, all at the same time"


def test_a_name_that_is_never_looked_up_does_not_hold_a_picture_up(monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = time.sleep  # as a resolver does whose server is gone
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: hangs(3))
    began_s = time.monotonic()
    with pytest.raises(FetchError, match="no reply within 0.1 s"):
        fetch("http://images.example.org/a.jpg", Rules(("images.example.org",), 0.1, 1000))
    assert time.monotonic() - began_s < 2


@pytest.mark.parametrize("way", BROKEN)
def test_what_is_no_http_is_a_picture_that_cannot_be_fetched(port: int, way: str) -> None:
    error = fetched(port, way, 5.0)
    assert error.reason == "picture cannot be fetched"
    assert 0 < len(error.detail) <= 200 and error.detail.isprintable()


@pytest.mark.parametrize("way", REDIRECTS)
def test_a_redirect_to_nowhere_is_an_address_that_cannot_be_used(port: int, way: str) -> None:
    assert fetched(port, way, 5.0).reason == "address cannot be used"


def test_a_name_that_leads_to_a_private_address_is_not_connected_to(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, *more: real("127.0.0.1", port, *more))
    with pytest.raises(FetchError) as caught:
        fetch(f"http://images.example.org:{port}/good/a.jpg", Rules((f"images.example.org:{port}",), 5.0, 1000))
    assert (caught.value.reason, caught.value.detail) == (
        "private address is not in ingest.rows.image_hosts",
        "127.0.0.1",
    )


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.5", "127.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "198.18.0.1", "0.0.0.0"),
        *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.0.0.8", "192.88.99.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fd00::1", "ff02::1", "ff0e::1", "100::1"),
        *("::ffff:127.0.0.1", "::127.0.0.1", "::10.0.0.5"),
        *("64:ff9b::10.0.0.5", "64:ff9b::169.254.169.254", "64:ff9b::127.0.0.1", "64:ff9b:1::8.8.8.8"),
        *("2002:a00:5::1", "2002:7f00:1::", "2001:0:53aa:64c::1", "2001:db8::1", "3fff::1", "4000::1"),
        "no address",
    ],
)
def test_an_address_that_is_not_public_is_not_connected_to(address: str) -> None:
    assert not is_reachable(address, ("images.example.org", "localhost.example.org:80"))


def test_public_addresses_and_listed_ones_are_connected_to() -> None:
    for address in ("93.184.215.14", "2606:2800:21f:cb07::1", "64:ff9b::93.184.215.14", "::ffff:93.184.215.14"):
        assert is_reachable(address, ("images.example.org",)), address
    assert is_reachable("10.0.0.5", ("10.0.0.5",)) and is_reachable("10.0.0.5", ("10.0.0.5:8080",))
    assert is_reachable("fd00::1", ("[fd00::1]:80",)) and is_reachable("::ffff:10.0.0.5", ("10.0.0.5",))
    assert is_reachable("127.0.0.1", ("localhost:80",)) and is_reachable("::1", ("localhost",))
    assert not is_reachable("10.0.0.5", ("localhost", "10.0.0.50"))


def asked(port: int, way: str, folder: Path, **settings: Any) -> tuple[list[ChatReply] | PipelineError, dict[str, int]]:
    """The replies to one question, or the error that ends the stage, and the tries."""
    given = {"timeout_s": 0.4, "max_attempts": 2, "deadline_s": 5, **settings}
    llm = Llm.model_validate(
        {"provider": "vllm", "base_url": f"http://127.0.0.1:{port}/{way}/v1", "model": "m", **given}
    )
    with ChatClient(llm, folder / f"{way}.sqlite", environ={}) as client:
        found: list[ChatReply] | PipelineError
        try:
            found = list(client.ask([ChatRequest((Message("user", "a"),), 0.0, 5)]))
        except PipelineError as error:
            found = error
        assert client.sender.counts.without_end == 0, "every try has its end"
        return found, dict(client.sender.counts.tries)


def test_no_endpoint_holds_a_request_up_and_every_try_is_accounted_for(port: int, tmp_path: Path) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ends = list(pool.map(lambda way: asked(port, way, tmp_path), ENDLESS))
    for way, (end, tries) in zip(ENDLESS, ends, strict=True):
        assert isinstance(end, TemporaryError) and "no reply within 0.4 s" in end.what, way
        assert (tries["begun"], tries["lost"]) == (2, 2), way


@pytest.mark.parametrize("way", [way for way in REDIRECTS if way != "redirect-bytes"])
def test_a_redirect_of_an_endpoint_is_a_message_whatever_it_names(port: int, tmp_path: Path, way: str) -> None:
    end, tries = asked(port, way, tmp_path, timeout_s=5)
    assert isinstance(end, ConfigError) and "redirects requests to" in end.what and len(end.what) < 400
    assert tries["refused"] == 1


@pytest.mark.parametrize("way", BROKEN)
def test_what_is_no_http_is_a_lost_try_with_a_message(port: int, tmp_path: Path, way: str) -> None:
    end, tries = asked(port, way, tmp_path, timeout_s=5, max_attempts=1)
    assert isinstance(end, TemporaryError) and "the connection broke off" in end.what and len(end.what) < 400
    assert tries["lost"] == 1


def test_numbers_of_8000_digits_in_headers_are_told_from_numbers_at_once(port: int, tmp_path: Path) -> None:
    began_s = time.monotonic()
    end, _ = asked(port, "reset-header-of-8000-digits", tmp_path, timeout_s=5)
    assert isinstance(end, list) and end[0].text == "yes"
    end, tries = asked(port, "retry-after-of-8000-digits", tmp_path, timeout_s=5, deadline_s=0.01)
    assert isinstance(end, TemporaryError) and "HTTP 429" in end.what
    assert time.monotonic() - began_s < 10


@pytest.mark.parametrize(
    ("way", "tokens"),
    [
        ("usage-text", (12, 3)),
        ("usage-fraction", (13, 3)),
        ("usage-negative", (0, 0)),
        ("usage-huge", (0, 0)),
        ("usage-nested", (0, 0)),
        ("usage-list", (0, 0)),
    ],
)
def test_a_good_reply_is_kept_however_its_tokens_are_told(
    port: int, tmp_path: Path, way: str, tokens: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    end, tries = asked(port, way, tmp_path, timeout_s=5)
    assert isinstance(end, list) and end[0].text == "yes" and tries["replied"] == 1
    assert (end[0].input_tokens, end[0].output_tokens) == tokens
    assert ("cannot parse the token usage" in caplog.text) == (tokens == (0, 0)), "said where it counts as unknown"


BATCH_WAYS = (
    *("batch-odd", "batch-list", "redirect-half-ipv6", "redirect-bytes", "length-of-5000-digits", "status-none"),
    *("retry-after-of-8000-digits", "encoding-bomb", "chunk-size-none", "nothing", "reset", "usage-list"),
)


def test_no_batch_api_ends_a_stage_with_anything_but_a_message(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docent.llm.pace.retry.FIRST_WAIT_S", 0.01)

    def ended(way: str) -> PipelineError:
        llm = {"provider": "openai", "base_url": f"http://127.0.0.1:{port}/{way}/v1", "mode": "batch", "timeout_s": 5}
        llm |= {"max_attempts": 2, "batch_poll_s": 0.01, "deadline_s": 1}
        environ = {"OPENAI_API_KEY": "sk-canary-5512aa"}
        with ChatClient(Llm.model_validate(llm), tmp_path / f"{way}.sqlite", environ=environ) as client:
            with pytest.raises(PipelineError) as caught:
                list(client.ask([ChatRequest((Message("user", "a"),), 0.0, 5)]))
        return caught.value

    with ThreadPoolExecutor(AT_ONCE) as pool:
        errors = list(pool.map(ended, BATCH_WAYS))
    for way, error in zip(BATCH_WAYS, errors, strict=True):
        assert error.what and len(error.what) < 600 and "sk-canary" not in str(error), way
