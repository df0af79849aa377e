"""What is saved with an adapter: its scale, its dtype, a new padding token, and no path of this machine."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from tests.tiny_model import save_tiny_model
from tests.tiny_museum import fill_upstream, replaced_stages, sections

from docent.config import PipelineConfig
from docent.config.stages import Approach
from docent.errors import ConfigError
from docent.models.embeddings import has_added_rows
from docent.models.loading import load_base, load_tuned
from docent.stage import run_shard
from docent.stages.finetune.approaches import chosen, prepare
from docent.tables import APPROACHES

pytestmark = pytest.mark.feature("lora")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def without_pad(base: Path) -> Path:
    """The same model whose tokenizer has no padding token, as Idefics2's first release."""
    folder = shutil.copytree(base, base.parent / "without-pad")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        value = json.loads((folder / name).read_text())
        value.pop("pad_token", None)
        value["added_tokens"] = [t for t in value.get("added_tokens", []) if t["content"] != "<pad>"]
        if "model" in value:
            value["model"]["vocab"]["<other>"] = value["model"]["vocab"].pop("<pad>")
            value.pop("padding", None)
        else:
            del value["added_tokens"]
        (folder / name).write_text(json.dumps(value))
    return folder


def test_the_scale_in_the_file_is_the_one_that_acts(base: Path, tmp_path: Path) -> None:
    model, _ = load_base(str(base))
    approach = chosen(
        Approach.model_validate({"name": "a", "is": "lora", "rank": 8, "alpha": 64, "rank_stabilized": 1})
    )
    tuned = prepare(model, approach, "tiny", seed=1)
    layer = next(module for name, module in tuned.named_modules() if "text_model" in name and name.endswith("q_proj"))
    assert layer.scaling == {"default": pytest.approx(64 / math.sqrt(8))}
    tuned.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "adapter_config.json").read_text())
    assert saved["lora_alpha"] / saved["r"] == pytest.approx(64 / math.sqrt(8)), "for programs that ignore use_rslora"
    assert not saved["use_rslora"]
    whole = Approach.model_validate({"name": "a", "is": "full", "rank_stabilized": True})
    with pytest.raises(ConfigError, match="has no rank_stabilized"):
        chosen(whole)


def test_the_rank_alone_leaves_the_scale_as_it_is() -> None:
    row = chosen(Approach.model_validate({"name": "a", "is": "lora", "rank": 4}))
    assert row.alpha / row.rank == APPROACHES["lora"].alpha / APPROACHES["lora"].rank


@pytest.mark.parametrize(("float32", "dtype"), [(True, torch.float32), (False, torch.bfloat16)])
def test_the_adapter_has_the_dtype_of_the_precision(base: Path, float32: bool, dtype: torch.dtype) -> None:
    model, _ = load_base(str(base), "bfloat16")
    tuned = prepare(model, APPROACHES["lora"], "tiny", seed=1, float32=float32)
    assert {p.dtype for name, p in tuned.named_parameters() if p.requires_grad} == {dtype}
    assert {p.dtype for name, p in tuned.named_parameters() if not p.requires_grad} == {torch.bfloat16}


def test_a_padding_token_that_is_missing_is_added_the_same_way_every_time(without_pad: Path) -> None:
    (model, processor), (again, _) = load_base(str(without_pad)), load_base(str(without_pad))
    rows = model.get_input_embeddings().weight
    assert processor.tokenizer.pad_token_id == len(processor.tokenizer) - 1 == rows.shape[0] - 1
    assert model.config.get_text_config().vocab_size == rows.shape[0]
    assert model.get_output_embeddings().weight is rows, "tied embeddings stay one tensor"
    assert torch.allclose(rows[-1], rows[:-1].mean(dim=0))
    assert torch.equal(again.get_input_embeddings().weight, rows)
    assert has_added_rows(model)


@pytest.mark.parametrize("kind", ["lora", "full"])
def test_a_training_of_a_model_without_padding_token_saves_its_rows_and_no_path(
    without_pad: Path, tmp_path: Path, kind: str
) -> None:
    run_dir = tmp_path / "runs" / "test"
    run_dir.mkdir(parents=True)
    section: dict[str, Any] = {"base_model": str(without_pad), "batch_size": 8, "max_steps": 2, "approaches": [kind]}
    config = PipelineConfig.model_validate(sections(tmp_path, finetune=section))
    with pytest.MonkeyPatch.context() as patch:
        fill_upstream(replaced_stages(patch))
        for unit in ("ingest", "assemble", "generate-qa", "build-dataset"):
            assert run_shard(config, unit, run_dir) == 0
    assert run_shard(config, f"finetune-{kind}", run_dir) == 0
    folder, *_ = run_dir.glob(f"finetune-{kind}/*/model")
    for path in folder.iterdir():
        assert str(without_pad).encode() not in path.read_bytes(), path.name
    loaded, processor = load_tuned(str(without_pad), folder)
    rows = loaded.get_input_embeddings().weight
    assert processor.tokenizer.pad_token_id == rows.shape[0] - 1
    if kind == "lora":
        other, _ = load_base(str(without_pad))
        with torch.no_grad():
            other.get_input_embeddings().weight[-1] = 7.0
        theirs = PeftModel.from_pretrained(other, str(folder)).merge_and_unload()
        assert torch.equal(theirs.get_input_embeddings().weight, rows), "another program gets the rows from the adapter"
