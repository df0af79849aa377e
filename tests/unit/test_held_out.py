"""What must not be trained on because the test asks or answers it."""

from __future__ import annotations

import pytest
from tests.tiny_manual import pair
from tests.tiny_museum import item_row

from docent.records import QAPair
from docent.stages.build_dataset.splits.held_out import SAME_ANSWER, SAME_QUESTION, HeldOut

PUMP, VALVE = (item_row(name, [], ()).model_copy(update={"kind": "section"}) for name in ("Pump", "Valve"))
TESTED = "The pump lifts water to the tank, and its filter is cleaned every 6 weeks."


def said(answer: str, question: str = "What else?", item: str = PUMP.id) -> QAPair:
    return pair(PUMP, 1).model_copy(update={"answer": answer, "question": question, "item_id": item})


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (said(TESTED), SAME_ANSWER),
        (said(TESTED.upper().replace(" ", "\n"), item=VALVE.id), SAME_ANSWER),
        (said(TESTED.replace("water", "all water")), SAME_ANSWER),
        (said(TESTED.replace("water", "all water"), item=VALVE.id), ""),
        (said(TESTED.replace("6", "8")), ""),
        (said("The pump lifts water to the tank."), ""),
        (said("It is red.", " WHAT does the pump do?"), SAME_QUESTION),
        (said("It is red.", "What does the pump do?", VALVE.id), ""),
        (said("24 V"), ""),
        (said("这台泵把水送到水箱里"), SAME_ANSWER),
        (said("这台泵的过滤器需要清洗"), ""),
    ],
)
def test_a_pair_that_tells_what_the_test_asks_is_known(other: QAPair, reason: str) -> None:
    held = HeldOut()
    for answer in (TESTED, "24 V", "这台泵把水送到水箱里。"):
        held.add(said(answer, "What does the pump do?"))
    assert held.given_away_by(other) == reason


def test_nothing_is_held_out_of_nothing() -> None:
    assert HeldOut().given_away_by(said(TESTED)) == ""
