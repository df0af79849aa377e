"""The equations of requests and of tries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docent.errors import PipelineError
from docent.llm.accounting import RequestCounts
from docent.llm.chat import ChatReply

KEPT = ChatReply("a", "stop")
REJECTED = ChatReply("a", "stop", problem="no JSON")
FAILED = ChatReply("", "", error="gone")
ends = st.sampled_from(
    [KEPT, REJECTED, ChatReply("", "length", problem="cut"), FAILED, ChatReply("x", "", error="e", problem="p")]
)


def tried(ledger: RequestCounts, **tries: int) -> RequestCounts:
    ledger.tries.update(tries)
    return ledger


@pytest.mark.feature("failed-requests")
@given(st.lists(ends))
def test_every_request_has_one_end(replies: list[ChatReply]) -> None:
    ledger = RequestCounts(planned=len(replies))
    for done, reply in enumerate(replies):
        assert ledger.unspent == len(replies) - done
        with pytest.raises(PipelineError, match="do not add up"):
            ledger.check()
        ledger.close(reply)
    ledger.check()
    assert ledger.kept + ledger.rejected.total() + ledger.failed.total() == ledger.planned == len(replies)


@pytest.mark.parametrize("more", ["replied", "refused", "lost", "begun"])
def test_a_try_without_an_end_or_a_beginning_is_seen(more: str) -> None:
    tries = {"begun": 6, "replied": 3, "refused": 2, "lost": 1}
    tried(RequestCounts(), **tries).check()
    with pytest.raises(PipelineError, match="tries"):
        tried(RequestCounts(), **{**tries, more: tries[more] + 1}).check()


def test_one_reply_too_many_is_seen_as_well() -> None:
    ledger = RequestCounts(planned=1)
    ledger.close(KEPT)
    ledger.close(KEPT)
    with pytest.raises(PipelineError):
        ledger.check()


def test_reasons_are_counted_apart_and_said_in_one_line() -> None:
    ledger = RequestCounts(planned=9)
    for reply in (KEPT, KEPT, REJECTED, REJECTED, ChatReply("", "", problem="cut"), FAILED):
        ledger.close(reply)
    assert ledger.rejected == {"no JSON": 2, "cut": 1} and ledger.failed == {"gone": 1}
    assert ledger.line() == "9 planned = 2 kept + 3 rejected + 1 failed + 3 unspent"


def test_amounts_add_up_like_the_ledger() -> None:
    ledger = tried(RequestCounts(planned=4), begun=6, replied=3, refused=2, lost=1)
    for reply in (KEPT, REJECTED, FAILED, KEPT):
        ledger.close(reply)
    amounts = ledger.amounts()
    assert amounts["planned"] == amounts["kept"] + amounts["rejected"] + amounts["failed"] == 4
    assert amounts["tries_begun"] == amounts["tries_replied"] + amounts["tries_refused"] + amounts["tries_lost"] == 6
