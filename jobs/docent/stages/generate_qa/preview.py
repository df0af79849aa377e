"""What would be asked about some items, and what that would cost: `docent preview`.

Reads and writes nothing and sends nothing; the items need not be of a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docent.config import GenerateQA, PipelineConfig
from docent.llm.chat import ChatRequest
from docent.records import ImageFile, Item
from docent.stages.generate_qa import requests_for
from docent.stages.generate_qa.calls import Call, ItemIndex, planned
from docent.stages.generate_qa.estimate import asked_calls, costs
from docent.stages.generate_qa.own_language import with_own_language
from docent.stages.generate_qa.views import Asking


def show(items: Sequence[Item], config: PipelineConfig) -> dict[str, Any]:
    """Return what a run over these items would do.

    Returns:
        `calls`: requests by question type, those that cannot be asked left out; `prompts`: the first request of each
        type with its messages and the names of its pictures; `planned`: pairs by question type; `cost`: as `docent
        estimate` gives it.

    Raises:
        ConfigError: a question type or a language is unknown.
    """
    section = config.generate_qa or GenerateQA()
    items, _ = with_own_language(items, config)
    asking = Asking(section, config.seed, ItemIndex.of(items), _relative)
    asked = asked_calls(items, asking)
    first: dict[str, Call] = {}
    counts: dict[str, int] = {}
    for call in asked:
        first.setdefault(call.kind.name, call)
        counts[call.kind.name] = counts.get(call.kind.name, 0) + 1
    requests = requests_for(list(first.values()), asking)
    return {
        "calls": counts,
        "prompts": [_shown(call, request) for call, request in zip(first.values(), requests, strict=True)],
        "planned": planned(items, section),
        "cost": costs(asked, asking, config.llm),
    }


def _shown(call: Call, request: ChatRequest) -> dict[str, Any]:
    return {
        "type": call.kind.name,
        "item": call.item.name,
        "temperature": request.temperature,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "images": [str(image.path) for message in request.messages for image in message.images],
    }


def _relative(image: ImageFile) -> Path:
    """Its name beside the rows: nothing is read here, so it need not be found."""
    return Path(image.file)
