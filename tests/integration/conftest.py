"""The mock endpoint, one for each file of tests that asks for it; files with an endpoint of their own say so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.mock_endpoint import MockEndpoint, mock_endpoint


@pytest.fixture(scope="module")
def running() -> Iterator[MockEndpoint]:
    with mock_endpoint() as found:
        yield found


@pytest.fixture
def endpoint(running: MockEndpoint, monkeypatch: pytest.MonkeyPatch) -> MockEndpoint:
    monkeypatch.setattr("docent.llm.retry.FIRST_WAIT_S", 0.01)
    running.reset()
    return running
