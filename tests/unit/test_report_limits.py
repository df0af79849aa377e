"""What the report says of limits that its run was given."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from docent.config.stages import Finetune
from docent.stages.report.steps.next_steps import limited


class Commands:
    def run(self, *sets: str) -> str:
        return f"docent run --run demo --set {sets[0]}"


@pytest.mark.parametrize(("max_steps", "steps"), [(None, 0), (300, 1)])
def test_a_limit_on_the_steps_of_training_is_said_with_the_command_that_lifts_it(
    max_steps: int | None, steps: int
) -> None:
    section = Finetune.model_validate({"base_model": "samples/docent-tiny", "max_steps": max_steps})
    context = SimpleNamespace(config=SimpleNamespace(finetune=section))
    known: Any = SimpleNamespace(ctx=context, commands=Commands())
    found = list(limited(known))
    assert len(found) == steps
    for step in found:
        assert "limited to 300 steps" in step.text
        assert step.commands == ("docent run --run demo --set finetune.max_steps=null",)
