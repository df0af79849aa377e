"""What would stop a run is found before its first unit: a key, a model of another family, material without pictures."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from docent.config import PipelineConfig
from docent.errors import ConfigError
from docent.launcher.local import base_model, preflight
from docent.launcher.local.doctor import examine
from docent.models.family import FAMILIES
from docent.pipeline import units


def config_of(source: dict[str, Any], **sections: Any) -> PipelineConfig:
    return PipelineConfig.model_validate(
        {
            "ingest": {"sources": [source]},
            "assemble": {},
            "generate_qa": {},
            "build_dataset": {},
            **sections,
        }
    )


def problems(config: PipelineConfig, *done: str, **environ: str) -> list[ConfigError]:
    todo = [unit for name, unit in units(config).items() if name not in done]
    return list(preflight.problems(config, todo, environ))


def model_folder(folder: Path, kind: str, shapes: dict[str, list[int]] | None = None) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    header = json.dumps({name: {"dtype": "F16", "shape": shape} for name, shape in (shapes or {}).items()}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    return folder


@pytest.fixture
def museum(tmp_path: Path) -> dict[str, Any]:
    return {"kind": "exhibits-folder", "path": str(tmp_path)}


def test_the_types_that_are_checked_are_those_with_an_adapter() -> None:
    assert set(base_model.TRAINED_TYPES) == set(FAMILIES)


def test_a_missing_key_is_a_problem_only_while_somebody_is_still_to_be_asked(museum: dict[str, Any]) -> None:
    config = config_of(museum, llm={"provider": "openai", "api_key_env": "MY_KEY"})
    (problem,) = problems(config)
    assert "MY_KEY" in problem.what and "generate-qa" in problem.what and problem.next_step.startswith("export MY_KEY=")
    assert not problems(config, MY_KEY="abc")
    assert problems(config, MY_KEY=" ")
    assert not problems(config, "generate-qa")
    assert not problems(config_of(museum, llm={"provider": "vllm", "base_url": "http://localhost:1/v1"}))


@pytest.mark.parametrize("kind", ["llava", "qwen2_5_vl", "mistral"])
def test_a_base_model_of_another_family_is_refused_by_its_type(
    tmp_path: Path, museum: dict[str, Any], kind: str
) -> None:
    config = config_of(museum, finetune={"base_model": str(model_folder(tmp_path / "m", kind))})
    (problem,) = problems(config)
    assert repr(kind) in problem.what and "idefics2" in problem.next_step
    assert not problems(config, "finetune-lora", "finetune-full")
    (row,) = (check for check in examine(config, tmp_path) if check.name == "base model")
    assert row.level == "missing" and row.found == problem.what


def test_a_base_model_that_is_no_model_is_refused(tmp_path: Path, museum: dict[str, Any]) -> None:
    (tmp_path / "empty").mkdir()
    for name, said in ((str(tmp_path / "nowhere"), "does not exist"), (str(tmp_path / "empty"), "no config.json")):
        (problem,) = problems(config_of(museum, finetune={"base_model": name}))
        assert said in problem.what
    assert not problems(config_of(museum, finetune={"base_model": str(model_folder(tmp_path / "good", "idefics2"))}))


def test_the_type_of_a_model_of_the_hub_is_known_from_the_cache(
    tmp_path: Path, museum: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "0" * 40
    place = tmp_path / "models--owner--name"
    model_folder(place / "snapshots" / commit, "llava")
    (place / "refs").mkdir()
    (place / "refs/main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    (problem,) = problems(config_of(museum, finetune={"base_model": "owner/name"}))
    assert "'llava'" in problem.what


def test_of_a_hub_that_cannot_be_reached_nothing_is_claimed(museum: dict[str, Any]) -> None:
    assert base_model.type_of("owner/unknown") is None  # the tests have no network
    assert not problems(config_of(museum, finetune={"base_model": "owner/unknown"}))


@pytest.mark.parametrize("kind", ["markdown", "pdf", "csv", "txt", "xlsx"])
def test_documents_are_not_trained_on_where_models_need_pictures(tmp_path: Path, kind: str) -> None:
    model = {"base_model": str(model_folder(tmp_path / "m", "idefics2"))}
    source = {"kind": kind, "path": str(tmp_path)}
    (problem,) = problems(config_of(source, finetune=model))
    assert kind in problem.what and problem.next_step.endswith(": docent run --to build-dataset")
    assert not problems(config_of(source))
    # The data set itself is looked at by finetune, once it is there.
    assert not problems(config_of(source, finetune=model), "build-dataset")


def test_rows_of_a_table_with_pictures_may_be_trained_on(tmp_path: Path) -> None:
    model = {"base_model": str(model_folder(tmp_path / "m", "idefics2"))}
    config = config_of({"kind": "csv", "path": "list.csv"}, finetune=model)
    assert config.ingest is not None
    rows = config.ingest.rows.model_copy(update={"image_columns": ("photo",)})
    pictured = config.model_copy(update={"ingest": config.ingest.model_copy(update={"rows": rows})})
    assert problems(config) and not problems(pictured)


def test_a_model_that_does_not_fit_this_machine_is_warned_of(
    tmp_path: Path, museum: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    config = config_of(museum, finetune={"base_model": "HuggingFaceM4/idefics2-8b"})
    todo = list(units(config).values())
    ((said, _),) = preflight.shortages(config, todo, 16e9)
    assert "8.0 billion parameters" in said and "128 GB" in said and "16 GB and no GPU" in said
    lean = config_of(museum, finetune={"base_model": "x/idefics2-8b", "approaches": ["lora"], "dtype": "bfloat16"})
    ((said, _),) = preflight.shortages(lean, list(units(lean).values()), 8e9)
    assert "its weights take 16 GB of memory in bfloat16" in said
    assert not list(preflight.shortages(lean, list(units(lean).values()), 64e9))
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/nvidia-smi")
    assert not list(preflight.shortages(config, todo, 16e9))


def test_parameters_are_counted_in_the_headers_of_weights(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m", "idefics2", {"a": [10, 20], "b": [7]})
    assert base_model.parameters_of(str(folder)) == 207
    (folder / "model.safetensors").write_bytes(b"\xff" * 40)
    assert base_model.parameters_of(str(folder)) is None
    assert base_model.parameters_of("owner/tiny") is None
