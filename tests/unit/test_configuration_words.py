"""What is said of a configuration that cannot be used: in docent's own words, where it was set, what was meant."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from docent.artifacts.listings import read_rows
from docent.config import PipelineConfig, load_config
from docent.config.lookup import dotted_names
from docent.errors import ConfigError
from docent.records import Item

WRONG: tuple[Any, ...] = (
    [], {}, "two words", -7, 1e99, 0.5, True, [[1]], {"a": "b"}, ["x", "y"], "", [{}], 10**30, ["lora", {"name": 3}],
)  # fmt: skip
OF_PYDANTIC = re.compile(
    r"input should|field required|validation error|extra inputs|value error|assertion failed|unable to parse"
    r"|valid (?:string|number|integer|boolean|dictionary|tuple|list)|instance of|type=|input_value|https?://errors",
    re.IGNORECASE,
)


def load(tmp_path: Path, text: str, *sets: str, environ: dict[str, str] | None = None) -> PipelineConfig:
    file = tmp_path / "pipeline.yaml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, sets, environ or {})


def refusal(tmp_path: Path, text: str, *sets: str, environ: dict[str, str] | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, *sets, environ=environ)
    return caught.value


def nested(dotted: str, value: Any) -> Any:
    """A mapping that has the value at a dotted path."""
    for key in reversed(dotted.split(".")):
        value = [value] if key == "0" else {key: value}
    return value


def sections() -> dict[str, list[str]]:
    """The fields of every section by its dotted path, "" for the whole."""
    found: dict[str, list[str]] = {}
    for dotted in dotted_names(PipelineConfig):
        section, _, name = dotted.rpartition(".")
        found.setdefault(section, []).append(name)
    return found


@pytest.mark.parametrize("section", sections())
def test_no_wording_of_pydantic_is_said_of_any_field_in_a_file(tmp_path: Path, section: str) -> None:
    names, said = sections()[section], ""
    for value in WRONG:
        fields = dict.fromkeys(names, value)
        with contextlib.suppress(ConfigError):
            load(tmp_path, json.dumps(nested(section, fields) if section else fields))
            continue
        said += str(refusal(tmp_path, json.dumps(nested(section, fields) if section else fields)))
    assert [name for name in names if name not in said] == []
    assert not OF_PYDANTIC.search(said), said
    assert "is not valid" not in said and "must match the pattern" not in said, said


@pytest.mark.parametrize("section", ["run", "finetune", "report", "seed"])
def test_a_wrong_value_of_a_set_is_said_to_be_of_the_set(tmp_path: Path, section: str) -> None:
    for dotted in (name for name in dotted_names(PipelineConfig) if name.partition(".")[0] == section):
        for value in ("two words", "{a: b}"):
            try:
                load(tmp_path, "run: {name: test}\n", f"{dotted}={value}")
            except ConfigError as error:
                assert error.where.startswith("--set "), (dotted, value, str(error))
                assert "pipeline.yaml" not in str(error), (dotted, value, str(error))
                assert not OF_PYDANTIC.search(str(error))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("report.titel=x", "report.titel: unknown key - did you mean `report.title`?"),
        ("repot.title=x", "did you mean `report.title`?"),
        ("epochs=3", "did you mean `finetune.epochs`?"),
        ("finetune.learning_rate=3", "did you mean `finetune.approaches.0.learning_rate`?"),
        ("ingest.sources.path=x", "such as `ingest.sources.0.path`"),
        ("seed.deeper=1", "`seed` is a single value and has no keys"),
        ("ingest.sources.7.path=x", "entry 7 does not exist: ingest.sources has 1 entry"),
        ("finetune.epochs=many", "finetune.epochs: must be a number (given: 'many')"),
        ("finetune.epochs=-1", "finetune.epochs: must be greater than 0 (given: -1)"),
        ("ingest.sources.0.kind=foto", "must be one of: exhibits-csv, exhibits-folder, markdown"),
        ("ingest.sources.1.path=x", "ingest.sources.1.kind: missing: one of exhibits-csv, exhibits-folder"),
        ("generate_qa.types=[", "the value of generate_qa.types is not valid YAML"),
    ],
)
def test_an_override_that_cannot_be_used_is_named_with_what_was_meant(tmp_path: Path, override: str, said: str) -> None:
    text = "{ingest: {sources: [{kind: txt, path: a}]}, generate_qa: {}, finetune: {}, report: {}}"
    error = refusal(tmp_path, text, override)
    assert said in error.what
    assert error.where == f"--set {override.partition('=')[0]}"
    assert "edit" not in error.next_step


def test_the_keys_of_a_mapping_are_free_and_what_is_below_them_is_checked(tmp_path: Path) -> None:
    config = load(tmp_path, "{}", "kubernetes.resources.finetune-lora.gpus=2", "generate_qa.quotas.summary=2")
    assert config.kubernetes.resources_of("finetune", "finetune-lora").gpus == 2
    error = refusal(tmp_path, "{}", "kubernetes.resources.finetune.gpu=2")
    assert "did you mean `kubernetes.resources.finetune.gpus`?" in error.what
    assert load(tmp_path, "{}", "kubernetes.env.LOG_FILE=/tmp/x", "llm.extra_body.top_k=40").llm.extra_body == {
        "top_k": 40
    }


def test_a_source_without_its_kind_says_what_to_add(tmp_path: Path) -> None:
    error = refusal(tmp_path, "{}", "ingest.sources.0.path=my-museum")
    assert "exhibits-folder" in error.what and "--set ingest.sources.0.kind=..." in error.next_step


def test_a_problem_of_the_file_beside_one_of_a_set_is_said_to_be_of_the_file(tmp_path: Path) -> None:
    error = refusal(tmp_path, "{seed: x, run: {workers: 2}}", "run.threads=0")
    assert "2 problems" in error.what and error.where.endswith("pipeline.yaml")


def test_a_variable_that_sets_a_wrong_value_is_named(tmp_path: Path) -> None:
    error = refusal(tmp_path, "{seed: 1}", environ={"DOCENT_RUN__WORKERS": "few"})
    assert error.where == "DOCENT_RUN__WORKERS" and "must be a whole number" in error.what


@pytest.mark.parametrize("title", ["2024", "Vases: blue", "a # b", "yes", "[draft]", "'Tis clay", "1e3", "My Museum"])
def test_a_text_is_taken_to_the_letter(tmp_path: Path, title: str) -> None:
    config = load(
        tmp_path, "report: {}", f"report.title={title}", "ingest.sources.0.kind=txt", "ingest.sources.0.path=2024"
    )
    assert config.report and config.report.title == title
    assert config.ingest and config.ingest.sources[0].path == Path("2024")


def test_a_text_that_may_be_absent_can_be_taken_back(tmp_path: Path) -> None:
    assert load(tmp_path, "kubernetes: {queue: night}", "kubernetes.queue=null").kubernetes.queue is None
    assert load(tmp_path, "kubernetes: {queue: night}", "kubernetes.queue=").kubernetes.queue is None
    assert load(tmp_path, "curate: {edits: a.csv}", "curate.edits=").curate.edits is None  # type: ignore[union-attr]
    assert load(tmp_path, "report: {title: x}", "report.title=").report.title == ""  # type: ignore[union-attr]


def test_a_pattern_of_which_python_warns_prints_no_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    load(tmp_path, "{}", "ingest.markdown.figure_pattern=[[1]]", "ingest.sources=[{kind: txt, path: a}]")
    assert not recwarn.list


def test_a_row_that_is_none_is_refused_in_plain_words(tmp_path: Path) -> None:
    file = tmp_path / "part.jsonl"
    file.write_text("{}\n")
    with pytest.raises(Exception) as caught:
        list(read_rows(file, Item))
    assert "missing" in str(caught.value) and not OF_PYDANTIC.search(str(caught.value))
