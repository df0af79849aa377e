"""Captions, labels and comments of pictures as tables: rows, categories, hostile and broken files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from docent.convert.annotations import convert
from docent.errors import InputError, LauncherError
from docent.launcher.cli import docent


def write(folder: Path, kind: str, name: str, value: Any) -> None:
    (folder / kind).mkdir(parents=True, exist_ok=True)
    data = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    (folder / kind / f"{name}.json").write_bytes(data)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        name = f"sm_{number:04d}"
        write(tmp_path, "captions", name, {"image_id": name, "caption": f'Two "forms",\n№ {number}', "context": "전시"})
        write(tmp_path, "comments", name, {"image_id": name, "comments": [f"say {i}" for i in range(number)]})
    write(tmp_path, "labels", "a", {"image_id": "a", "labels": {"scene": "hall", "tone": ["calm", "warm"]}})
    write(tmp_path, "labels", "b", {"image_id": "b", "labels": {"density": 3, "scene": "street"}})
    return tmp_path


@pytest.mark.feature("annotation-tables")
def test_a_row_per_file_and_per_comment(folder: Path, tmp_path: Path) -> None:
    written = convert(folder, tmp_path / "out")
    assert written.rows == {"captions": 3, "labels": 2, "comments": 0 + 1 + 2} and not written.bad
    captions = table(tmp_path / "out/all_captions.csv")
    assert captions[1] == {"image_id": "sm_0001", "caption": 'Two "forms",\n№ 1', "generated_at": "", "context": "전시"}
    assert table(tmp_path / "out/all_labels.csv") == [
        {"image_id": "a", "scene": "hall", "tone": "calm; warm", "density": ""},
        {"image_id": "b", "scene": "street", "tone": "", "density": "3"},
    ]
    comments = [(row["image_id"], row["number"], row["comment"]) for row in table(tmp_path / "out/all_comments.csv")]
    assert comments == [("sm_0001", "1", "say 0"), ("sm_0002", "1", "say 0"), ("sm_0002", "2", "say 1")]


def test_labels_that_are_no_object_stay_and_formulas_do_not_compute(folder: Path, tmp_path: Path) -> None:
    write(folder, "labels", "c", {"image_id": "c", "labels": "scene: hall"})
    write(folder, "captions", "x", {"image_id": "=cmd()", "caption": "@SUM(A1)"})
    convert(folder, tmp_path / "out")
    assert table(tmp_path / "out/all_labels.csv")[2]["raw"] == "scene: hall"
    assert table(tmp_path / "out/all_captions.csv")[3]["image_id"] == "'=cmd()"


def test_bad_files_are_named_and_the_rest_goes_on(folder: Path, tmp_path: Path) -> None:
    write(folder, "captions", "no", b"{")
    write(folder, "captions", "list", [1])
    write(folder, "comments", "text", {"image_id": "t", "comments": "one"})
    (folder / "labels" / "link.json").symlink_to("/etc/hostname")
    written = convert(folder, tmp_path / "out")
    assert written.rows == {"captions": 3, "labels": 2, "comments": 3}
    assert written.bad == [
        "captions/list.json: not a JSON object with an image_id",
        "captions/no.json: not JSON",
        "labels/link.json: not a regular file",
        "comments/text.json: `comments` is not a list",
    ]


def test_a_folder_without_any_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no readable captions, labels or comments"):
        convert(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    done = CliRunner().invoke(docent, ["convert", "annotations", str(tmp_path), str(tmp_path / "out")])
    assert isinstance(done.exception, LauncherError) and done.exception.exit_code == 6
