"""An answer that its limit of tokens cuts in the middle of a letter ends before that letter."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image
from tests.tiny_model import save_tiny_model

from docent.models import inference
from docent.models.loading import load_base


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    folder = tmp_path_factory.mktemp("model")
    save_tiny_model(folder)
    model, processor = load_base(str(folder), "float32")
    return model, processor


def answer(loaded: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, text: str, dropped: int) -> str:
    """What comes of a model that writes a text, without its last tokens."""
    import torch

    model, processor = loaded
    ids = processor.tokenizer(text, add_special_tokens=False)["input_ids"]
    written = torch.tensor([ids[: len(ids) - dropped]])
    monkeypatch.setattr(model, "generate", lambda input_ids, **_: torch.cat([input_ids, written], dim=1))
    (found,) = inference.generate(model, processor, [Image.new("RGB", (8, 8), "grey")], ["Was ist das?"], 99)
    return found.text


def test_bytes_of_a_cut_letter_are_dropped_and_whole_letters_stay(
    loaded: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = "The temple bell is called 梵鐘"
    assert answer(loaded, monkeypatch, whole, 0) == whole
    cut = [answer(loaded, monkeypatch, whole, dropped) for dropped in range(1, 6)]
    assert not any("\ufffd" in text for text in cut)
    assert all(whole.startswith(text) for text in cut) and "The temple bell is called 梵" in cut
