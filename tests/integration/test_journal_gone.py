"""A journal that was deleted, emptied or replaced is noticed before its replies are paid for again."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.journal_records import rewrite, states
from tests.mock_endpoint import ENVIRON, MockEndpoint, mock_endpoint, questions

from docent.config.llm import Llm
from docent.errors import ConfigError
from docent.llm.client import ChatClient
from docent.llm.journal.journal import Entry, Journal, TryState

N = 8


@pytest.fixture(scope="module")
def running() -> Iterator[MockEndpoint]:
    with mock_endpoint() as found:
        yield found


@pytest.fixture
def endpoint(running: MockEndpoint) -> MockEndpoint:
    running.reset(usage=[7, 5])
    return running


class Run:
    """One run with a journal."""

    def __init__(self, endpoint: MockEndpoint, folder: Path) -> None:
        self.endpoint, self.folder, self.journal = endpoint, folder / "a", folder / "cache" / "journal"
        self.folder.mkdir()

    def ask(self, count: int = N, **settings: Any) -> int:
        """So many questions; how many requests the endpoint got for them."""
        before = self.endpoint.stats()["requests"]
        llm: Llm = self.endpoint.llm(**settings)
        with ChatClient(llm, self.journal, environ=ENVIRON, run_dir=self.folder) as client:
            assert len(list(client.ask(questions(count)))) == count
        found: int = self.endpoint.stats()["requests"] - before
        return found


@pytest.fixture
def run(endpoint: MockEndpoint, tmp_path: Path) -> Run:
    return Run(endpoint, tmp_path)


def test_a_deleted_journal_is_said_with_its_name_and_the_number_of_replies(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    assert run.ask() == N and run.ask() == 0 and caplog.text == ""
    shutil.rmtree(run.journal)
    assert run.ask() == N
    assert f"{N} replies that this run recorded in it" in caplog.text and str(run.journal) in caplog.text
    caplog.clear()
    assert run.ask() == 0 and caplog.text == ""


def test_another_run_with_the_same_journal_says_it_too(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run.ask(max_tokens=10**6)
    shutil.rmtree(run.journal)
    for name, requests, warned in (("b", N, True), ("c", 0, False)):
        run.folder = tmp_path / name
        run.folder.mkdir()
        caplog.clear()
        assert run.ask(max_tokens=10**6) == requests, "a limit of its own is not touched"
        assert (f"{N} replies that another run recorded in it" in caplog.text) == warned


def test_a_journal_that_was_emptied_is_said(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    run.ask()
    rewrite(run.journal, lambda fields: fields if fields["number"] <= 3 else None)
    assert run.ask() == N - 3
    assert f"lacks {N - 3} replies" in caplog.text


def test_another_journal_in_its_place_is_said(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    run.ask()
    shutil.rmtree(run.journal)
    Journal(run.journal).close()
    assert run.ask() == N
    assert f"was replaced, and lacks {N} replies" in caplog.text


def test_with_a_spending_limit_nothing_is_sent_until_somebody_decides(run: Run) -> None:
    limit = {"max_tokens": 10**6}
    run.ask(**limit)
    shutil.rmtree(run.journal)
    with pytest.raises(ConfigError, match="the spending limit cannot be enforced") as caught:
        run.ask(**limit)
    assert run.endpoint.stats()["requests"] == N
    note = run.folder / "replies.json"
    assert f"rm {note}" in str(caught.value)
    note.unlink()
    assert run.ask(**limit) == N


def test_a_run_that_ends_early_has_noted_what_it_paid_for(run: Run) -> None:
    llm = run.endpoint.llm()
    with ChatClient(llm, run.journal, environ=ENVIRON, run_dir=run.folder) as client:
        with closing(client.ask(questions(N))) as replies:
            next(replies)
    held = states(run.journal)["replied"]
    assert json.loads((run.folder / "replies.json").read_text())["replies"] == held > 0


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_journal_that_goes_while_it_is_in_use_loses_no_reply_that_comes_later(
    run: Run, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    run.journal.parent.mkdir()
    other = run.journal.with_name("other")
    with ChatClient(run.endpoint.llm(), other, environ=ENVIRON) as client:
        others = questions(2 * N)[N:]
        assert len(list(client.ask(others))) == N
    with ChatClient(run.endpoint.llm(max_in_flight=1), run.journal, environ=ENVIRON) as client:
        with closing(client.ask(questions(N))) as replies:
            next(replies)
            if how == "deleted":
                shutil.rmtree(run.journal)
            else:
                shutil.rmtree(run.journal)
                other.rename(run.journal)
            assert len(list(replies)) == N - 1
    assert "was deleted or replaced while it was in use" in caplog.text
    before = run.endpoint.stats()["requests"]
    assert run.ask() < N, "what came after it is there"
    assert run.ask() == 0
    if how == "replaced":
        with ChatClient(run.endpoint.llm(), run.journal, environ=ENVIRON) as client:
            before = run.endpoint.stats()["requests"]
            assert len(list(client.ask(others))) == N
        assert run.endpoint.stats()["requests"] == before, "and what the other file held stays as it was"


def test_a_try_that_was_begun_in_the_old_file_ends_in_the_new_one(tmp_path: Path) -> None:
    async def work() -> None:
        entry, path = Entry("text", "stop", 3, 4), tmp_path / "j"
        other = Journal(tmp_path / "o")
        await other.end(await other.begin(b"other", b"other", "e"), TryState.REPLIED, Entry("other", "stop", 1, 1))
        other.close()
        journal = Journal(path)
        attempt = await journal.begin(b"k", b"k", "e")
        shutil.rmtree(path)
        (tmp_path / "o").rename(path)
        assert await journal.end(attempt, TryState.REPLIED, entry) == entry
        assert {key: found.text for key, found in (await journal.find([b"k", b"other"])).items()} == {
            b"k": "text",
            b"other": "other",
        }
        assert (await journal.used_since("e", 0)).tokens == 9
        journal.close()

    asyncio.run(work())
