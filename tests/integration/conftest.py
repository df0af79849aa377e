"""Servers for tests, one for each file that asks: the mock endpoint and the hub; files with their own say so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.hub_process import behave, running_hub, use
from tests.mock_endpoint import MockEndpoint, mock_endpoint


@pytest.fixture(scope="module")
def running() -> Iterator[MockEndpoint]:
    with mock_endpoint() as found:
        yield found


@pytest.fixture
def endpoint(running: MockEndpoint, monkeypatch: pytest.MonkeyPatch) -> MockEndpoint:
    monkeypatch.setattr("docent.llm.pace.retry.FIRST_WAIT_S", 0.01)
    running.reset()
    return running


@pytest.fixture(scope="module")
def one_hub() -> Iterator[str]:
    """A stand-in of the hub in a process of its own, for the tests of a module."""
    with running_hub() as address:
        yield address


@pytest.fixture
def hub(one_hub: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """That stand-in without what tests before put there; huggingface_hub asks it."""
    use(monkeypatch, one_hub)
    behave(one_hub, reset=True)
    return one_hub
