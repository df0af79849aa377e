"""Titles and licences of the material: collection.yaml, documents, names of folders and files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from docent.config import PipelineConfig, load_config
from docent.config.sources import Source
from docent.errors import InputError
from docent.pipeline import hashed_fields, input_paths, units
from docent.source_files.collection import SourceNames, license_of, read_collection, source_name, title_of

ROOT = Path(__file__).parents[2]


def folder_source(path: Path) -> Source:
    path.mkdir(parents=True, exist_ok=True)
    return Source(kind="exhibits-folder", path=path)


@pytest.mark.parametrize(
    ("name", "title"),
    [("my-museum", "My museum"), ("Hall_of_Clocks", "Hall of Clocks"), ("2024", "2024"), ("été", "Été")],
)
def test_a_folder_is_called_as_people_write_its_name(tmp_path: Path, name: str, title: str) -> None:
    assert source_name(folder_source(tmp_path / name)) == title


@pytest.mark.parametrize(
    ("kind", "path", "title"),
    [
        ("exhibits-csv", "clock-hall/raw_data.csv", "Clock hall"),
        ("exhibits-csv", "clock-hall/data.csv", "Clock hall"),
        ("exhibits-csv", "clock-hall/tower-clocks.csv", "Tower clocks"),
        ("csv", "clock-hall/opening-hours.csv", "Opening hours"),
        ("markdown", "clock-hall/pump_manual.md", "Pump manual"),
    ],
)
def test_a_file_is_called_like_itself_unless_its_name_is_generic(
    tmp_path: Path, kind: str, path: str, title: str
) -> None:
    assert source_name(Source.model_validate({"kind": kind, "path": str(tmp_path / path)})) == title


def test_the_digest_that_a_cluster_adds_to_a_name_is_no_part_of_the_title() -> None:
    assert source_name(Source(kind="exhibits-folder", path=Path("/data/sources/my-museum-0a1b2c3d"))) == "My museum"
    assert source_name(Source(kind="exhibits-csv", path=Path("/data/sources/raw_data-0a1b2c3d.csv"))) == "Raw data"
    assert source_name(Source(kind="exhibits-folder", path=Path("halls/my-museum-0a1b2c3d"))) == "My museum 0a1b2c3d"


def test_collection_yaml_names_title_and_licence(tmp_path: Path) -> None:
    source = folder_source(tmp_path / "hall")
    assert read_collection(source).title == ""
    (source.path / "collection.yaml").write_text("title: Clocks  of\n  the hall\nlicense: cc-by-4.0\n")
    found = read_collection(source)
    assert (found.title, found.license) == ("Clocks of the hall", "cc-by-4.0")
    (source.path / "collection.yaml").write_text("title: 1984\n")
    assert read_collection(source).title == "1984"


@pytest.mark.parametrize(
    "content",
    ["- a\n- b\n", "title: [a, b]\n", "titel: Clocks\n", "title: 'open\n", "title: a\x00b\n", "x" * 20_000, "[" * 5000],
)
def test_a_collection_yaml_that_says_something_else_is_one_message_with_the_next_step(
    tmp_path: Path, content: str
) -> None:
    source = folder_source(tmp_path / "hall")
    (source.path / "collection.yaml").write_text(content)
    with pytest.raises(InputError) as raised:
        read_collection(source)
    assert "collection.yaml" in str(raised.value) and 'write `title: "..."` and `license:' in str(raised.value)


def test_a_collection_yaml_that_leads_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("title: Secret\n")
    source = folder_source(tmp_path / "hall")
    (source.path / "collection.yaml").symlink_to(tmp_path / "secret.yaml")
    with pytest.raises(InputError, match="outside its folder"):
        read_collection(source)


def test_a_collection_yaml_beside_a_csv_is_read_and_hashed_and_one_beside_a_manual_is_not(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "raw_data.csv").write_text("item_name,description,test_images\n")
    (tmp_path / "manual.md").write_text("# Pump\n")
    (tmp_path / "collection.yaml").write_text("title: Clocks\n")
    table = {"kind": "exhibits-csv", "path": str(tmp_path / "raw_data.csv")}
    config = PipelineConfig.model_validate({"ingest": {"sources": [table]}})
    assert tmp_path / "collection.yaml" in input_paths(config, units(config)["ingest"])
    assert read_collection(Source(kind="markdown", path=tmp_path / "manual.md")).title == ""


def test_the_folder_that_names_a_table_is_part_of_what_ingest_hashes(tmp_path: Path) -> None:
    def fields(folder: str) -> object:
        source = {"kind": "exhibits-csv", "path": str(tmp_path / folder / "raw_data.csv")}
        config = PipelineConfig.model_validate({"ingest": {"sources": [source]}})
        return hashed_fields(config, units(config)["ingest"])

    assert fields("clocks") != fields("vases")
    assert fields("a/clocks") == fields("b/clocks")


def test_titles_of_several_sources_are_joined_and_the_only_document_names_its_source() -> None:
    museum, manual = SourceNames(name="My museum"), SourceNames(name="Pump", document="d1")
    assert title_of([museum], {}) == "My museum"
    assert title_of([manual], {"d1": "Aquilo 300 service manual"}) == "Aquilo 300 service manual"
    assert title_of([museum, manual], {}) == "My museum and Pump"
    assert title_of([museum, museum], {}) == "My museum"
    assert title_of([SourceNames(name=name) for name in "ABCDE"], {}) == "A, B and 3 more"
    assert title_of([SourceNames(title="Clocks", name="My museum", document="d1")], {"d1": "x"}) == "Clocks"
    assert title_of([], {}) == ""


def test_a_licence_counts_where_every_source_names_the_same() -> None:
    free, other = SourceNames(name="a", license="cc-by-4.0"), SourceNames(name="b")
    assert license_of([free, free]) == "cc-by-4.0"
    assert license_of([free, other]) == license_of([other]) == license_of([]) == "other"


@pytest.mark.parametrize("file", ["pipeline.yaml", "pipelines/manual.yaml", "pipelines/documents.yaml"])
def test_no_pipeline_for_material_of_ones_own_has_a_title_or_licence_of_the_samples(file: str) -> None:
    here = Path.cwd()
    os.chdir(ROOT)
    try:
        config = load_config(Path(file), environ={})
    finally:
        os.chdir(here)
    assert config.report and config.build_dataset
    assert (config.report.title, config.build_dataset.name, config.build_dataset.license) == ("", "", "")


def test_the_sample_museum_keeps_its_title_and_licence() -> None:
    found = read_collection(Source(kind="exhibits-csv", path=ROOT / "samples" / "museum" / "raw_data.csv"))
    assert (found.title, found.license) == ("A cabinet of mathematical forms", "apache-2.0")


def test_a_key_without_a_value_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "collection.yaml").write_text("title: Clocks\nlicense:\n", encoding="utf-8")
    read = read_collection(Source(kind="exhibits-folder", path=tmp_path))
    assert (read.title, read.license) == ("Clocks", "")
