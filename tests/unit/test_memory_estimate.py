"""Parameters and memory of an approach, counted on the meta device, equal those of real models and real passes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from docent.config.stages import Finetune
from docent.errors import ConfigError
from docent.models.loading import load_base
from docent.models.shapes import activation_bytes_per_token, model_without_weights
from docent.stages.finetune.approaches import chosen, count_parameters, prepare
from docent.stages.finetune.memory import estimate_approaches, trained_modules

REPO = Path(__file__).resolve().parents[2]
TINY = str(REPO / "samples/docent-tiny")
PUBLISHED = REPO.parent / "shared/data/models/idefics2"


def _section(**settings: object) -> Finetune:
    return Finetune.model_validate({"base_model": TINY, **settings})


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_counts_equal_those_of_the_loaded_model(kind: str) -> None:
    section = _section(approaches=[kind])
    estimated = estimate_approaches(section, 42, 819)[kind]
    model, _ = load_base(TINY)
    tuned = prepare(model, chosen(section.approaches[0]), TINY, 1)
    assert (estimated["trainable_parameters"], estimated["total_parameters"]) == count_parameters(tuned)
    assert estimated["modules"] == trained_modules(model)
    assert estimated["weights_bytes"] == 4 * estimated["total_parameters"]
    assert estimated["optimizer_bytes"] == 12 * estimated["trainable_parameters"]
    assert estimated["peak_bytes"] > estimated["weights_bytes"] + estimated["optimizer_bytes"]


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_counted_activations_are_what_a_real_pass_saves(kind: str) -> None:
    approach = chosen(_section(approaches=[kind]).approaches[0])
    empty = model_without_weights(TINY, "float32")
    prepare(empty, approach, TINY, 1).train()
    counted = activation_bytes_per_token(empty)
    model, _ = load_base(TINY)
    prepare(model, approach, TINY, 1).train()
    tokens = 211
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    saved: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        embedded = torch.zeros(1, tokens, model.config.text_config.hidden_size)
        logits = model.lm_head(model.model.text_model(inputs_embeds=embedded, use_cache=False).last_hidden_state)
        torch.nn.functional.cross_entropy(logits[0], torch.zeros(tokens, dtype=torch.long))
    real = sum(storage.nbytes() for storage in saved.values()) / tokens
    assert counted == pytest.approx(real, rel=0.15)


def test_sharded_and_recomputed_parts_count_once_a_process() -> None:
    approaches = ["full", "full-fsdp", {"name": "all", "is": "full", "trains": "everything"}]
    full, fsdp, everything = estimate_approaches(_section(approaches=approaches), 42, None).values()
    assert fsdp["processes"] == 2
    assert fsdp["optimizer_bytes"] * 2 == full["optimizer_bytes"]
    frozen = full["weights_bytes"] - 4 * full["trainable_parameters"]
    assert (fsdp["weights_bytes"] - frozen) * 2 == full["weights_bytes"] - frozen
    model = model_without_weights(TINY, "float32")
    layers = model.config.text_config.num_hidden_layers
    assert fsdp["activation_bytes"] > full["activation_bytes"] / 2 / layers, "one layer exists while it is recomputed"
    assert fsdp["activation_bytes"] < full["activation_bytes"] / 2
    assert everything["activation_bytes"] is everything["peak_bytes"] is None, "the tower's activations are not counted"


def test_steps_need_a_number_of_rows_and_follow_the_schedule() -> None:
    section = _section(approaches=["lora"], batch_size=14, epochs=3)
    assert estimate_approaches(section, 42, None)["lora"]["steps"] is None
    assert estimate_approaches(section, 42, 819)["lora"]["steps"] == 177


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published model configuration is not on this machine")
def test_published_approaches_have_their_published_sizes() -> None:
    approaches = [
        {"name": "lora", "is": "lora", "rank": 8, "dropout": 0.1, "init": "gaussian"},
        {"name": "full", "is": "full", "trains": "projections", "precision": "published"},
    ]
    section = _section(base_model=str(PUBLISHED), dtype="bfloat16", approaches=approaches)
    lora, full = estimate_approaches(section, 42, None).values()
    with_pad_token = 8_402_776_304
    assert (lora["trainable_parameters"], len(lora["modules"])) == (23_326_720, 248)
    assert lora["total_parameters"] == with_pad_token + 23_326_720
    assert lora["weights_bytes"] == 2 * with_pad_token + 4 * 23_326_720
    assert (full["trainable_parameters"], len(full["modules"])) == (7_722_237_952, 248)
    assert full["total_parameters"] == with_pad_token
    assert full["modules"] == lora["modules"]


@pytest.mark.parametrize(("trains", "tower"), [("projections", False), ("language", False), ("everything", True)])
def test_full_trains_the_chosen_part(trains: str, tower: bool) -> None:
    section = _section(approaches=[{"name": "full", "is": "full", "trains": trains}])
    approach = chosen(section.approaches[0])
    model = prepare(model_without_weights(TINY, "float32"), approach, TINY, 1)
    names = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert any("vision_model" in name for name in names) == tower == (not approach.vision_frozen)
    assert any("norm" in name for name in names) == (trains != "projections")
    assert any("q_proj" in name and "text_model" in name for name in names)


@pytest.mark.parametrize("settings", [{"is": "lora", "trains": "language"}, {"is": "full", "dropout": 0.1}])
def test_settings_of_the_other_kind_are_refused(settings: dict[str, object]) -> None:
    section = _section(approaches=[{"name": "x", **settings}])
    with pytest.raises(ConfigError, match=r"has no (trains|dropout)"):
        chosen(section.approaches[0])


def test_a_missing_configuration_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"(?s)cannot read the configuration .*finetune\.base_model"):
        estimate_approaches(_section(base_model=str(tmp_path)), 42, None)
