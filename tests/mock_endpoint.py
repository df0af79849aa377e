"""The mock endpoint of scripts/bench in a process of its own, and a client that asks it, for tests."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from docent.config.llm import Llm
from docent.llm.chat import ChatReply, ChatRequest, Message
from docent.llm.client import ChatClient

SCRIPTED = Path(__file__).parent / "fixtures" / "endpoint.py"
SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "bench" / "endpoint.py"
KEY = "sk-canary-77aa31"
ENVIRON = {"OPENAI_API_KEY": KEY}
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class MockEndpoint:
    """A running endpoint; it lets in whoever shows KEY."""

    def __init__(self, port: int) -> None:
        self.port, self.url = port, f"http://127.0.0.1:{port}/v1"

    def reset(self, **knobs: Any) -> None:
        """Behave like this and count anew."""
        body = json.dumps({"key": KEY, "max_life_s": 600, **knobs}).encode()
        _DIRECT.open(f"http://127.0.0.1:{self.port}/reset", body, timeout=10).close()

    def stats(self) -> dict[str, Any]:
        """What it counted."""
        with _DIRECT.open(f"http://127.0.0.1:{self.port}/stats", timeout=10) as reply:
            found: dict[str, Any] = json.load(reply)
        return found

    def llm(self, **settings: Any) -> Llm:
        """The section of a client that asks it."""
        return Llm.model_validate({"provider": "openai", "base_url": self.url, "model": "m1", **settings})


class ScriptedEndpoint(MockEndpoint):
    """The small endpoint of tests/fixtures: what it says is set request by request."""

    def reset(self, **behaviour: Any) -> None:
        """Behave like this and count anew."""
        body = json.dumps({"key": KEY, **behaviour}).encode()
        _DIRECT.open(f"http://127.0.0.1:{self.port}/behave", body, timeout=10).close()


@contextmanager
def _port_of(script: Path) -> Iterator[int]:
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


@contextmanager
def mock_endpoint() -> Iterator[MockEndpoint]:
    """Start it, and end it."""
    with _port_of(SCRIPT) as port:
        found = MockEndpoint(port)
        found.reset()
        yield found


@contextmanager
def scripted_endpoint(**behaviour: Any) -> Iterator[ScriptedEndpoint]:
    """The same for the scripted one."""
    with _port_of(SCRIPTED) as port:
        found = ScriptedEndpoint(port)
        found.reset(**behaviour)
        yield found


def questions(count: int, schema: Any = None, max_tokens: int = 200) -> list[ChatRequest]:
    """So many requests, no two alike."""
    return [
        ChatRequest((Message("user", f"What is told about number {n}?"),), 0.0, max_tokens, schema=schema)
        for n in range(count)
    ]


def asked(
    llm: Llm,
    journal: Path,
    requests: Sequence[ChatRequest],
    problem_of: Callable[[ChatReply], str] | None = None,
    shards: int = 1,
) -> tuple[list[ChatReply], dict[str, float]]:
    """All replies, and what was used."""
    if problem_of:
        requests = [replace(request, problem_of=problem_of) for request in requests]
    with ChatClient(llm, journal, shards, environ=ENVIRON) as client:
        return list(client.ask(requests)), client.amounts()
