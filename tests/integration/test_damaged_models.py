"""Damaged models: each ends with one message that names the file and the next command, none with a traceback."""

from __future__ import annotations

import json
import logging
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.tiny_model import save_tiny_model

from docent.errors import ConfigError, InputError
from docent.models.loading import load_base, load_tuned
from docent.stages.finetune import rehearsal
from docent.stages.finetune.approaches import prepare
from docent.stages.finetune.checkpoints import (
    TrainingState,
    load_best,
    newest_checkpoint,
    save_best,
    save_checkpoint,
)
from docent.stages.finetune.strategy import SingleProcess, resume
from docent.tables import APPROACHES

WEIGHTS, ADAPTER = "model.safetensors", "adapter_model.safetensors"
INDEX = "model.safetensors.index.json"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
Damage = Callable[[Path], Any]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(scope="module")
def adapter(whole: Path) -> Path:
    model, processor = load_base(str(whole))
    tuned = prepare(model, APPROACHES["lora"], "tiny", seed=1)
    folder = whole.parent / "adapter"
    tuned.save_pretrained(folder, save_embedding_layers=False)
    processor.save_pretrained(folder)
    return folder


def weights_of(folder: Path) -> Path:
    return next(folder.glob("*model.safetensors"))


def cut(folder: Path) -> None:
    path = weights_of(folder)
    path.write_bytes(path.read_bytes()[:-7])


def long_header(folder: Path) -> None:
    path = weights_of(folder)
    path.write_bytes(struct.pack("<Q", 1 << 40) + path.read_bytes()[8:])


def no_json_header(folder: Path) -> None:
    path = weights_of(folder)
    data = bytearray(path.read_bytes())
    data[8:20] = b"{]]]]]]]]]]]"
    path.write_bytes(data)


def pointer(folder: Path) -> None:
    weights_of(folder).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")


def pickle_instead(folder: Path) -> None:
    path = weights_of(folder)
    torch.save(load_file(path), folder / ("pytorch_model.bin" if path.name == WEIGHTS else "adapter_model.bin"))
    path.unlink()


def as_integers(folder: Path) -> None:
    path = weights_of(folder)
    save_file({name: tensor.to(torch.int16) for name, tensor in load_file(path).items()}, path, {"format": "pt"})


def not_numbers(folder: Path) -> None:
    path = weights_of(folder)
    tensors = load_file(path)
    next(iter(tensors.values()))[0] = float("inf")
    save_file(tensors, path, {"format": "pt"})


def another_shape(folder: Path) -> None:
    path = weights_of(folder)
    tensors = load_file(path)
    name = next(name for name in tensors if "q_proj" in name)
    save_file({**tensors, name: torch.zeros(2, 2)}, path, {"format": "pt"})


def without_a_tensor(folder: Path) -> None:
    path = weights_of(folder)
    tensors = load_file(path)
    del tensors[next(name for name in tensors if "up_proj" in name)]
    save_file(tensors, path, {"format": "pt"})


def renamed_tensor(folder: Path) -> None:
    path = weights_of(folder)
    tensors = {name.replace("up_proj", "rise_proj"): tensor for name, tensor in load_file(path).items()}
    save_file(tensors, path, {"format": "pt"})


def another_tensor(folder: Path) -> None:
    path = weights_of(folder)
    save_file({**load_file(path), "model.text_model.layers.2.bias": torch.zeros(2)}, path, {"format": "pt"})


def in_shards(folder: Path) -> None:
    """Two shards in place of one file, of which the second is missing."""
    tensors = load_file(folder / WEIGHTS)
    names = sorted(tensors)
    places = {name: SHARDS[number % 2] for number, name in enumerate(names)}
    save_file({n: tensors[n] for n in names if places[n] == SHARDS[0]}, folder / SHARDS[0], {"format": "pt"})
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": places}))
    (folder / WEIGHTS).unlink()


def leading_out(folder: Path) -> None:
    in_shards(folder)
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": "../base/model.safetensors"}}))


def write(name: str, text: str) -> Damage:
    return lambda folder: (folder / name).write_text(text)


def remove(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


def changed(name: str, *keys: str, to: Any) -> Damage:
    """One value of a JSON file replaced."""

    def change(folder: Path) -> None:
        value = json.loads((folder / name).read_text())
        inner = value
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = to
        (folder / name).write_text(json.dumps(value))

    return change


BASE: dict[str, tuple[Damage, str]] = {
    "cut": (cut, f"{WEIGHTS}: damaged or cut short"),
    "long header": (long_header, f"{WEIGHTS}: damaged or cut short"),
    "header": (no_json_header, f"{WEIGHTS}: damaged or cut short"),
    "empty": (write(WEIGHTS, ""), f"{WEIGHTS}: damaged or cut short"),
    "pointer": (pointer, f"{WEIGHTS}: a git-lfs pointer"),
    "pickle": (pickle_instead, f"{WEIGHTS}: missing; pytorch_model.bin is a pickle"),
    "integers": (as_integers, "is stored as I16, not as floating point"),
    "not numbers": (not_numbers, "contains NaN or infinite values"),
    "another shape": (another_shape, "tensors of another shape: "),
    "without a tensor": (without_a_tensor, "1 missing tensors: model."),
    "renamed tensor": (renamed_tensor, "tensors that config.json does not describe: model."),
    "another tensor": (another_tensor, "1 tensors that config.json does not describe: model.text_model.layers.2.bias"),
    "a shard": (in_shards, f"{SHARDS[1]}: missing"),
    "leading out": (leading_out, f"{INDEX}: lists no weight files of this folder"),
    "no config": (remove("config.json"), "config.json: missing"),
    "config is a list": (write("config.json", "[1]"), "config.json: not a JSON object"),
    "config is cut": (write("config.json", '{"model_type": "idef'), "config.json: not JSON"),
    "config of words": (changed("config.json", "text_config", "hidden_size", to="wide"), "hidden_size"),
    "no heads": (changed("config.json", "text_config", "num_attention_heads", to=0), "tensors of another shape: "),
    "no tokenizer": (remove("tokenizer.json"), "its processor or tokenizer"),
    "another tokenizer": (write("tokenizer.json", '{"model": {}}'), "its processor or tokenizer"),
    "empty tokenizer": (write("tokenizer.json", " "), "tokenizer.json: empty"),
    "panic": (changed("tokenizer.json", "model", "continuing_subword_prefix", to="x" * 50), "PanicException"),
    "no processor": (remove("processor_config.json"), "its processor or tokenizer"),
    "processor of another": (
        changed("processor_config.json", "image_processor", "image_mean", to=[0.5]),
        "a trial question failed",
    ),
    "endless picture": (changed("processor_config.json", "image_seq_len", to=10**18), "more memory than there is"),
    "no template": (remove("chat_template.jinja"), "a trial question failed"),
    "template": (write("chat_template.jinja", "{% for %}"), "a trial question failed"),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "says"), BASE.values(), ids=BASE)
def test_a_damaged_base_model_is_a_matter_of_configuration(
    whole: Path, tmp_path: Path, damage: Damage, says: str
) -> None:
    folder = shutil.copytree(whole, tmp_path / "base")
    damage(folder)
    with pytest.raises(ConfigError) as caught:
        load_base(str(folder))
    assert caught.value.exit_code == 43
    assert says in str(caught.value)
    assert str(folder) in caught.value.what
    assert "--set finetune.base_model=" in caught.value.next_step


TUNED: dict[str, tuple[Damage, str]] = {
    "cut": (cut, f"{ADAPTER}: damaged or cut short"),
    "empty": (write(ADAPTER, ""), f"{ADAPTER}: damaged or cut short"),
    "pickle": (pickle_instead, f"{ADAPTER}: missing; adapter_model.bin is a pickle"),
    "integers": (as_integers, "is stored as I16, not as floating point"),
    "not numbers": (not_numbers, "contains NaN or infinite values"),
    "another shape": (another_shape, "the adapter does not fit"),
    "without a tensor": (without_a_tensor, "the adapter does not fit"),
    "no config": (remove("adapter_config.json"), "adapter_config.json: missing"),
    "config is cut": (write("adapter_config.json", "{"), "adapter_config.json: not JSON"),
    "another rank": (changed("adapter_config.json", "r", to=3), "the adapter does not fit"),
    "no rank": (changed("adapter_config.json", "r", to="many"), "the fine-tuned model cannot be loaded"),
    "another kind": (changed("adapter_config.json", "peft_type", to="NONE"), "the fine-tuned model cannot be loaded"),
    "no tokenizer": (remove("tokenizer.json"), "its processor or tokenizer"),
}


@pytest.mark.parametrize(("damage", "says"), TUNED.values(), ids=TUNED)
def test_a_damaged_adapter_is_bad_input(whole: Path, adapter: Path, tmp_path: Path, damage: Damage, says: str) -> None:
    folder = shutil.copytree(adapter, tmp_path / "model")
    damage(folder)
    with pytest.raises(InputError) as caught:
        load_tuned(str(whole), folder)
    assert (caught.value.exit_code, caught.value.where) == (42, str(folder))
    assert says in str(caught.value)
    assert caught.value.next_step


def test_damaged_whole_weights_of_a_training_are_bad_input_and_not_configuration(whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole, tmp_path / "model")
    cut(folder)
    with pytest.raises(InputError, match=f"{WEIGHTS}: damaged or cut short") as caught:
        load_tuned("not read", folder)
    assert "docent run --verify" in caught.value.next_step


class Training:
    """Two parameters in training, with checkpoints of steps 1 to 3."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        torch.manual_seed(0)
        self.model = torch.nn.Linear(3, 2)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.1)
        self.after: dict[int, torch.Tensor] = {0: self.model.weight.detach().clone()}
        for step in (1, 2, 3):
            self.model(torch.ones(1, 3)).sum().backward()
            self.optimizer.step()
            best = save_best(scratch, step, SingleProcess().weights(self.model))
            tensors = SingleProcess().snapshot(self.model, self.optimizer)
            save_checkpoint(scratch, TrainingState(step, step, 0.5, best, [{"step": step}]), tensors, 3)
            self.after[step] = self.model.weight.detach().clone()

    def resumed(self) -> tuple[int, torch.Tensor]:
        """The step that another attempt goes on from, and its weights."""
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 2)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
        state = resume(self.scratch, 10, model, optimizer, SingleProcess())
        return state.step, model.weight.detach()


def republished(change: Callable[[dict[str, Any]], Any]) -> Damage:
    """The newest checkpoint with other tensors, whole by its manifest."""

    def publish(folder: Path) -> None:
        found = newest_checkpoint(folder)
        assert found is not None
        state, tensors = found
        shutil.rmtree(folder / f"step-{state.step:06d}")
        change(tensors)
        save_checkpoint(folder, state, tensors, 3)

    return publish


def in_manifest(**values: Any) -> Damage:
    def change(folder: Path) -> None:
        path = folder / "step-000003/manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return change


CHECKPOINTS: dict[str, Damage] = {
    "cut weights": lambda folder: cut_file(folder / "step-000003/weights.safetensors"),
    "cut moments": lambda folder: cut_file(folder / "step-000003/optimizer.safetensors"),
    "no best": lambda folder: shutil.rmtree(folder / "best-000003"),
    "no files": in_manifest(files={}),
    "log of words": in_manifest(log="none"),
    "step of words": in_manifest(step="three"),
    "manifest is a list": lambda folder: (folder / "step-000003/manifest.json").write_text("[]"),
    "another model": republished(lambda tensors: tensors["weights"].update(weight=torch.zeros(5, 2))),
    "fewer weights": republished(lambda tensors: tensors["weights"].pop("bias")),
    "other moments": republished(lambda tensors: tensors["optimizer"].update({"weight.exp_avg": torch.zeros(1)})),
    "unknown moments": republished(lambda tensors: tensors["optimizer"].update({"x.y": torch.zeros(1)})),
    "no random state": republished(lambda tensors: tensors.pop("random")),
}


def cut_file(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


@pytest.mark.parametrize("damage", CHECKPOINTS.values(), ids=CHECKPOINTS)
def test_training_goes_on_from_the_checkpoint_before_a_damaged_one(
    tmp_path: Path, damage: Damage, caplog: pytest.LogCaptureFixture
) -> None:
    training = Training(tmp_path)
    damage(tmp_path)
    with caplog.at_level(logging.WARNING):
        step, weights = training.resumed()
    assert step == 2
    assert torch.equal(weights, training.after[2])
    assert "skipped" in caplog.text


def test_training_begins_anew_where_no_checkpoint_fits(tmp_path: Path) -> None:
    training = Training(tmp_path)
    for path in tmp_path.glob("step-*"):
        (path / "random.safetensors").unlink()
    step, weights = training.resumed()
    assert step == 0
    assert torch.equal(weights, training.after[0])


def test_a_checkpoint_that_fits_is_gone_on_from(tmp_path: Path) -> None:
    training = Training(tmp_path)
    step, weights = training.resumed()
    assert step == 3
    assert torch.equal(weights, training.after[3])


def test_best_weights_that_were_damaged_during_a_training_are_one_message(tmp_path: Path) -> None:
    best = save_best(tmp_path, 4, {"a": torch.ones(2)})
    cut_file(tmp_path / "best-000004/weights.safetensors")
    with pytest.raises(InputError, match="the best weights of this training cannot be read") as caught:
        load_best(tmp_path, TrainingState(4, 4, 0.5, best))
    assert "best-000004" in caught.value.where


def test_a_rehearsal_leaves_checkpoints_without_its_sum_aside(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, TrainingState(5), {"rehearsal": {"sum": torch.tensor([9])}}, 2)
    save_checkpoint(tmp_path, TrainingState(6), {"weights": {"a": torch.tensor([9])}}, 2)
    assert rehearsal._resume(tmp_path) == (5, 9)
