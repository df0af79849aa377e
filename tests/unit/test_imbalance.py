"""Exhibits with many more training rows than others are told in the statistics and on the card."""

from __future__ import annotations

import pytest
from tests.tiny_museum import image_row, item_row

from docent.artifacts.summaries import LeakAudit
from docent.config.stages import BuildDataset
from docent.records import Example
from docent.stages.build_dataset.card import data_card
from docent.stages.build_dataset.splits.subjects import read_subjects
from docent.stages.build_dataset.tally import Tally, statistics

ITEMS = [item_row(name, [image_row(name, 1)], ("train",)) for name in ("vase", "clock", "Lamp | `x`")]


def told(*rows: int) -> Tally:
    tally = Tally(read_subjects(ITEMS))
    for item, count in zip(ITEMS, rows, strict=True):
        for number in range(count):
            tally.row(
                Example(
                    id=f"{item.name} {number}", split="train", data_id=0, item_id=item.id, item_name=item.name,
                    question="What is this?", answer="A thing.", temperature=0.4, teacher="t", question_type="visitor",
                    language="en", sources=(item.source,),
                )
            )  # fmt: skip
    return tally


@pytest.mark.parametrize("rows", [(6, 2, 3), (4, 4, 4), (0, 0, 0)])
def test_up_to_three_times_the_rows_is_no_imbalance(rows: tuple[int, int, int]) -> None:
    assert statistics(told(*rows), []).imbalance is None


def test_the_exhibits_with_most_and_least_rows_are_named_one_without_any_too() -> None:
    tally = told(7, 2, 0)
    counts = statistics(tally, [])
    most, least = {"exhibit": "vase", "train": 7}, {"exhibit": "Lamp | `x`", "train": 0}
    assert counts.imbalance == {"most": most, "least": least, "exhibits": 3}
    card = data_card(tally, BuildDataset(name="Things"), LeakAudit(leaks=0, test_images=0), counts).decode()
    assert "- **Imbalance:** `vase` has 7 training rows, `Lamp \\| 'x'` has 0." in card
