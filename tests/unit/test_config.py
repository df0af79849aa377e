"""The pipeline file: every problem at once, overrides, and which fields cause a rerun."""

from __future__ import annotations

import importlib.util
import re
import typing
from pathlib import Path

import pytest
from pydantic import BaseModel

from docent.config import PipelineConfig, dump_config, load_config
from docent.config.fields import output_fields
from docent.config.stages import StageSection
from docent.errors import ConfigError
from docent.pipeline import STAGES

DEFAULT = Path(__file__).parents[2] / "pipeline.yaml"


def load(tmp_path: Path, text: str, *overrides: str, environ: dict[str, str] | None = None) -> PipelineConfig:
    file = tmp_path / "pipeline.yaml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, overrides, environ or {})


def sections(model: type[BaseModel]) -> typing.Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for inner in (field.annotation, *typing.get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from sections(inner)


@pytest.mark.feature("configuration")
def test_five_mistakes_are_reported_at_once_with_their_paths_and_a_suggestion(tmp_path: Path) -> None:
    text = """
run: {workers: -1}
seed: seven
ingest: {sources: [], shards: 0}
generate_qa: {temperatuers: [0.4]}
"""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    for part in ("5 problems", "run.workers", "seed", "ingest.sources", "ingest.shards", "generate_qa.temperatuers"):
        assert part in message
    assert "did you mean `temperatures`?" in message
    assert caught.value.exit_code == 43


def test_an_unknown_section_gets_a_near_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean `ingest`"):
        load(tmp_path, "injest: {}")


@pytest.mark.parametrize("text", ["a: [", "- 1", "\x00"])
def test_a_file_that_is_no_mapping_is_one_clear_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        load(tmp_path, text)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load_config(tmp_path / "nowhere.yaml", environ={})


def test_overrides_reach_into_lists_and_absent_sections(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "seed: 1",
        "ingest.sources.0.kind=exhibits-folder",
        "ingest.sources.0.path=photos",
        "finetune.approaches=[lora, {name: lora-r4, is: lora, rank: 4}]",
    )
    assert config.ingest and config.ingest.sources[0].path == Path("photos")
    assert config.finetune and [a.rank for a in config.finetune.approaches] == [None, 4]


@pytest.mark.feature("configuration")
def test_an_override_beats_the_environment_which_beats_the_file(tmp_path: Path) -> None:
    environ = {"DOCENT_SEED": "2", "DOCENT_RUN__NAME": "fromenv"}
    config = load(tmp_path, "seed: 1", "run.name=fromset", environ=environ)
    assert (config.seed, config.run.name) == (2, "fromset")


@pytest.mark.parametrize("override", ["noequals", "a..b=1", "ingest.sources.5.path=x", "seed.deeper=1"])
def test_an_override_that_leads_nowhere_is_refused(tmp_path: Path, override: str) -> None:
    with pytest.raises(ConfigError):
        load(tmp_path, "{seed: 1, ingest: {sources: []}}", override)


def test_every_field_says_what_changing_it_does_and_what_it_is() -> None:
    seen = 0
    for model in set(sections(PipelineConfig)):
        for name, field in model.model_fields.items():
            extra = field.json_schema_extra
            assert isinstance(extra, dict) and extra.get("effect") in ("output", "execution"), f"{model}.{name}"
            assert field.description, f"{model.__name__}.{name} has no help text"
            seen += 1
    assert seen > 50


@pytest.mark.feature("configuration")
def test_no_field_can_hold_a_secret() -> None:
    for model in set(sections(PipelineConfig)):
        for name in model.model_fields:
            words = set(name.split("_"))
            if (model.__name__, name) == ("Toleration", "key"):  # Kubernetes' word for the name of a taint
                continue
            assert not words & {"key", "token", "password", "secret"} or name.endswith("_env"), f"{model}.{name}"


def test_the_resolved_file_reads_back_as_the_same_configuration(tmp_path: Path) -> None:
    config = load_config(DEFAULT, environ={})
    assert load(tmp_path, dump_config(config)) == config


def test_output_fields_leave_out_what_only_changes_how_a_stage_runs() -> None:
    config = load_config(DEFAULT, ["generate_qa.shards=7", "generate_qa.pairs_per_call=3"], {})
    fields = output_fields(config.generate_qa)  # type: ignore[arg-type]
    assert fields["pairs_per_call"] == 3
    assert "shards" not in fields


def test_stages_that_the_reject_rate_does_not_concern_reject_no_rows() -> None:
    """The help text of `max_reject_rate` lists them; a stage of the list that rejects rows makes it wrong."""
    text = " ".join((StageSection.model_fields["max_reject_rate"].description or "").split())
    listed = re.findall(r"[a-z-]+", text.partition("The stages ")[2].partition(" reject no rows")[0])
    without = [name for name in listed if name in STAGES]
    assert without == ["assess-images", "finetune", "answer", "score", "report"]
    for name in without:
        module = importlib.util.find_spec(STAGES[name].run.partition(":")[0])
        assert module and module.origin and "Reject" not in Path(module.origin).read_text()
