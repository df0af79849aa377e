"""How models write their answers: greedily whatever their folder says, up to a known limit, and marked as cut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.integration.test_answer import WithStage, answers, artifact, checkpoint, data_set, settings
from tests.tiny_model import save_tiny_model

from docent.config import PipelineConfig
from docent.models import decoding, inference
from docent.models.loading import load_base
from docent.records import Answer, Example

OWN = {
    "repetition_penalty": 5.0,
    "min_length": 400,
    "no_repeat_ngram_size": 2,
    "do_sample": True,
    "temperature": 1.7,
    "suppress_tokens": [40, 41],
}
QUESTIONS = ["What is this?", "Who made this cube?", "Why?"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def opinionated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same weights in a folder that asks for another way of generating."""
    folder = save_tiny_model(tmp_path_factory.mktemp("opinionated"))
    file = folder / "generation_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | OWN))
    return folder


def written(folder: Path, limit: int = 24) -> list[inference.Written]:
    model, processor = load_base(str(folder))
    own = model.generation_config.to_dict()
    images = [Image.new("RGB", (40, 30), colour) for colour in ("teal", "red", "gold")]
    found = inference.generate(model, processor, images, QUESTIONS, limit)
    assert model.generation_config.to_dict() == own, "whoever saves the model keeps its settings"
    return found


def stages(with_stage: WithStage) -> None:
    for stage in ("ingest", "assemble", "generate-qa"):
        with_stage(stage, lambda ctx: iter(()))
    with_stage("build-dataset", data_set())
    with_stage("finetune", checkpoint)


@pytest.mark.feature("answers")
def test_the_generation_settings_of_a_model_folder_change_no_answer(plain: Path, opinionated: Path) -> None:
    assert written(opinionated) == written(plain)


def test_every_setting_that_is_left_to_the_library_is_none_of_the_models() -> None:
    from transformers import GenerationConfig

    of_the_library = {
        *("max_new_tokens", "eos_token_id", "pad_token_id", "bos_token_id"),  # given for each model
        *("output_attentions", "output_hidden_states", "output_logits", "output_scores", "return_dict_in_generate"),
        *("_from_model_config", "transformers_version", "cache_config", "compile_config", "disable_compile"),
        *("continuous_batching_config", "low_memory", "max_cache_len", "prefill_chunk_size", "use_mtp"),
    }
    for name in GenerationConfig().to_dict().keys() - decoding.SETTINGS.keys() - of_the_library:
        # All that is left steers a second model, which there is none of.
        assert any(word in name for word in ("assistant", "lookbehind", "speculation", "matching_ngram")), name


def test_what_was_not_used_of_the_models_settings_is_written_beside_the_answers(
    opinionated: Path, run_dir: Path, with_stage: WithStage
) -> None:
    stages(with_stage)
    answers(settings(opinionated), run_dir, "base")
    said = json.loads(artifact(run_dir, "answer-base").file("generation.json").read_text())
    assert said["ignored"] == OWN
    assert said["settings"]["repetition_penalty"] == 1.0 and said["settings"]["do_sample"] is False
    assert said["settings"]["min_length"] == 0 and said["settings"]["pad_token_id"] == 0
    assert (said["max_new_tokens"], said["longest_training_answer_tokens"]) == (6, None)


@pytest.mark.parametrize("end", ["<end_of_utterance>", "</s>", None])
def test_an_answer_ended_where_the_model_says_so_and_else_at_the_limit(
    plain: Path, monkeypatch: pytest.MonkeyPatch, end: str | None
) -> None:
    import torch

    model, processor = load_base(str(plain))
    text = [processor.tokenizer("a cube", add_special_tokens=False)["input_ids"]]
    last = [[processor.tokenizer.convert_tokens_to_ids(end)]] if end else [[]]
    tokens = torch.tensor([text[0] + last[0]])
    monkeypatch.setattr(model, "generate", lambda input_ids, **_: torch.cat([input_ids, tokens], dim=1))
    (found,) = inference.generate(model, processor, [Image.new("RGB", (8, 8), "grey")], ["What?"], 9)
    assert found == ("a cube", "stop" if end else "length")


def test_rows_say_why_an_answer_of_a_model_ended_and_look_ups_do_not(
    plain: Path, run_dir: Path, with_stage: WithStage
) -> None:
    stages(with_stage)
    config = settings(plain)
    assert {row.ended for row in answers(config, run_dir, "base")} <= {"stop", "length"}
    for arm in ("colour", "constant"):
        assert {row.ended for row in answers(config, run_dir, arm)} == {None}


def limit(config: PipelineConfig, run_dir: Path, arm: str) -> tuple[Any, Any, list[Answer]]:
    rows = answers(config, run_dir, arm)
    said = json.loads(artifact(run_dir, f"answer-{arm}").file("generation.json").read_text())
    return said["max_new_tokens"], said["longest_training_answer_tokens"], rows


def test_without_a_limit_it_is_the_longest_training_answer_and_a_tenth(
    plain: Path, run_dir: Path, with_stage: WithStage
) -> None:
    stages(with_stage)
    _, processor = load_base(str(plain))
    chosen, longest, rows = limit(settings(plain, max_new_tokens=None), run_dir, "base")
    train = [row.answer for row in artifact(run_dir, "build-dataset").rows(Example) if row.split == "train"]
    assert longest == max(len(processor.tokenizer(text, add_special_tokens=False)["input_ids"]) for text in train)
    assert chosen == longest + (longest + 9) // 10
    assert answers(settings(plain, max_new_tokens=chosen), run_dir.parent / "given", "base") == rows


def test_a_chosen_limit_has_an_upper_bound_and_a_value_without_training_answers(plain: Path) -> None:
    _, processor = load_base(str(plain))
    assert decoding.limit_of(processor, None, ["brass " * 3000]).max_new_tokens == 1024
    assert decoding.limit_of(processor, None, []) == decoding.Limit(256)
    assert decoding.limit_of(processor, 2000, ["brass " * 3000]) == decoding.Limit(2000)
