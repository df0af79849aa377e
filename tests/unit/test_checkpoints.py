"""Checkpoints are whole or not there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch

from docent.stages.finetune import checkpoints
from docent.stages.finetune.checkpoints import TrainingState, load_best, newest_checkpoint, save_best, save_checkpoint


def tensors(value: float) -> dict[str, dict[str, torch.Tensor]]:
    return {
        "weights": {"a.b": torch.full((3, 2), value)},
        "optimizer": {"a.b.step": torch.tensor(value), "a.b.exp_avg": torch.full((3, 2), -value)},
        "random": {"cpu": torch.get_rng_state()},
    }


def save(folder: Path, step: int, best_step: int = 0, keep: int = 2, best: str = "") -> None:
    state = TrainingState(step, best_step, 0.5 if best_step else None, best, [{"step": step}])
    save_checkpoint(folder, state, tensors(step), keep)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.feature("checkpoints")
def test_what_was_saved_comes_back_bit_for_bit(tmp_path: Path) -> None:
    best = save_best(tmp_path, 2, {"a.b": torch.full((3, 2), 2.0)})
    save(tmp_path, 3, best_step=2, best=best)
    found = newest_checkpoint(tmp_path)
    assert found is not None
    state, loaded = found
    assert (state.step, state.best_step, state.best_loss, state.log) == (3, 2, 0.5, [{"step": 3}])
    for group, values in tensors(3).items():
        assert all(torch.equal(loaded[group][name], value) for name, value in values.items())
    assert torch.equal(load_best(tmp_path, state)["a.b"], torch.full((3, 2), 2.0))


def test_an_empty_folder_starts_afresh(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path) is None


@pytest.mark.parametrize("damage", ["manifest", "weights", "flipped byte", "torn manifest"])
def test_a_damaged_checkpoint_is_left_aside_for_the_one_before(tmp_path: Path, damage: str) -> None:
    save(tmp_path, 1)
    save(tmp_path, 2)
    newest = tmp_path / "step-000002"
    weights = newest / "weights.safetensors"
    if damage == "manifest":
        (newest / "manifest.json").unlink()
    elif damage == "torn manifest":
        (newest / "manifest.json").write_text('{"step": 2, "fil')
    elif damage == "weights":
        weights.unlink()
    else:
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found[0].step == 1


def test_a_checkpoint_without_its_best_weights_is_left_aside(tmp_path: Path) -> None:
    save(tmp_path, 1)
    best = save_best(tmp_path, 2, {"a.b": torch.zeros(1)})
    save(tmp_path, 2, best_step=2, best=best)
    shutil.rmtree(tmp_path / "best-000002")
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found[0].step == 1


def test_only_the_newest_are_kept_with_the_best_weights_they_need(tmp_path: Path) -> None:
    for step in range(1, 6):
        if step in (2, 4):
            save_best(tmp_path, step, {"a.b": torch.zeros(1)})
        save(tmp_path, step, best_step=2 if step < 4 else 4 if step > 3 else 0)
    assert names(tmp_path) == ["best-000004", "step-000004", "step-000005"]


@pytest.mark.parametrize("dies_at", ["save_file", "write_durably", "replace"])
def test_a_kill_while_saving_leaves_the_last_checkpoint_usable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    save(tmp_path, 1)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os if dies_at == "replace" else checkpoints, dies_at, die)
        with pytest.raises(KeyboardInterrupt):
            save(tmp_path, 2)
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found[0].step == 1
    save(tmp_path, 2)
    assert names(tmp_path) == ["step-000001", "step-000002"]


def test_best_weights_are_written_again_after_a_resume_and_never_stand_beside_another_loss(tmp_path: Path) -> None:
    save(tmp_path, 1)
    first = save_best(tmp_path, 2, {"a.b": torch.zeros(3)})
    save(tmp_path, 2, best_step=2, best=first)
    second = save_best(tmp_path, 2, {"a.b": torch.ones(3)})  # step 2 again, from step 1, with other last bits
    assert torch.equal(load_best(tmp_path, TrainingState(2, 2, 0.5, second))["a.b"], torch.ones(3))
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found[0].step == 1, "the checkpoint of step 2 refers to the weights of before"
    save(tmp_path, 2, best_step=2, best=second)
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert (found[0].step, found[0].best_sha256) == (2, second)


def test_the_old_checkpoint_stays_until_the_new_one_is_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 1, keep=1)

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(checkpoints, "sync_folder", full)  # the last call before the new one counts
        save(tmp_path, 2, keep=1)
    assert (tmp_path / "step-000001" / "manifest.json").is_file()
    save(tmp_path, 2, keep=1)
    assert names(tmp_path) == ["step-000002"]


def test_checkpoints_are_ordered_by_number(tmp_path: Path) -> None:
    save(tmp_path, 999_990)
    save(tmp_path, 1_000_000)
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found[0].step == 1_000_000
    save(tmp_path, 1_000_010)
    assert names(tmp_path) == ["step-1000000", "step-1000010"]


def test_later_checkpoints_that_could_not_be_resumed_do_not_displace_new_ones(tmp_path: Path) -> None:
    for step in (8, 9):
        save(tmp_path, step)
    save(tmp_path, 1)
    assert names(tmp_path) == ["step-000001"]
