"""An adapter merged into its base model: added in float32, rounded once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.tiny_model import save_tiny_model

from docent.models.loading import load_base, load_tuned
from docent.stages.finetune.approaches import prepare
from docent.tables import APPROACHES


@pytest.mark.feature("lora")
def test_small_changes_of_an_adapter_are_rounded_once(tmp_path: Path) -> None:
    base = save_tiny_model(tmp_path / "base")
    model, processor = load_base(str(base))
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    tuned = prepare(model, APPROACHES["lora"], "base", seed=1)
    with torch.no_grad():
        for name, parameter in tuned.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=1e-3)  # most products are smaller than the spacing of bfloat16 numbers
    tuned.save_pretrained(tmp_path / "model")
    processor.save_pretrained(tmp_path / "model")
    exact = {name: parameter.detach() for name, parameter in tuned.merge_and_unload().named_parameters()}
    loaded, _ = load_tuned(str(base), tmp_path / "model", "bfloat16")
    found = dict(loaded.named_parameters())
    assert found.keys() == exact.keys()
    for name, parameter in found.items():
        assert torch.equal(parameter, exact[name].bfloat16()), name
    adapted = [name for name in found if not torch.equal(exact[name], before[name])]
    assert len(adapted) > 10


def test_the_position_encoding_of_a_merged_model_stays_in_float32(tmp_path: Path) -> None:
    base = save_tiny_model(tmp_path / "base")
    model, processor = load_base(str(base))
    frequencies = {name: buffer.clone() for name, buffer in model.named_buffers() if "inv_freq" in name}
    assert frequencies
    prepare(model, APPROACHES["lora"], "base", seed=1).save_pretrained(tmp_path / "model")
    processor.save_pretrained(tmp_path / "model")
    loaded, _ = load_tuned(str(base), tmp_path / "model", "bfloat16")
    for name, buffer in loaded.named_buffers():
        if "inv_freq" in name:
            assert torch.equal(buffer, frequencies[name])
    assert loaded.lm_head.weight is loaded.get_input_embeddings().weight, "tied embeddings stay one tensor"
