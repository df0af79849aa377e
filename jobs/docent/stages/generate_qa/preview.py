"""Preview the requests about some items and their cost, for `docent preview`.

Reads, writes and sends nothing; the items need not belong to a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docent.config import PipelineConfig
from docent.config.stages import GenerateQA
from docent.records import Item
from docent.stages.generate_qa import requests_for
from docent.stages.generate_qa.calls import ItemIndex, planned
from docent.stages.generate_qa.estimate import asked_calls, costs
from docent.stages.generate_qa.own_language import with_own_language
from docent.stages.generate_qa.views import Asking


def show(items: Sequence[Item], config: PipelineConfig) -> dict[str, Any]:
    """Return what a run over some items would request.

    Returns:
        `calls`: number of requests by question type, without impossible ones; `prompts`: the first request of each type
        with its messages and the names of its pictures; `planned`: number of pairs by question type; `cost`: the same
        estimate as `docent estimate` shows.

    Raises:
        ConfigError: a question type or a language is unknown.
    """
    section = config.generate_qa or GenerateQA()
    items, _ = with_own_language(items, config)
    # Only the file names of pictures: the pictures are not read here, so they need not exist.
    asking = Asking(section, config.seed, ItemIndex.of(items), lambda image: Path(image.file))
    calls = asked_calls(items, asking)
    counts = Counter(call.kind.name for call in calls)
    first = [next(call for call in calls if call.kind.name == name) for name in counts]
    prompts = [
        {
            "type": call.kind.name,
            "item": call.item.name,
            "temperature": request.temperature,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "images": [str(image.path) for message in request.messages for image in message.images],
        }
        for call, request in zip(first, requests_for(first, asking), strict=True)
    ]
    return {
        "calls": dict(counts),
        "prompts": prompts,
        "planned": planned(items, section),
        "cost": costs(calls, asking, config.llm),
    }
