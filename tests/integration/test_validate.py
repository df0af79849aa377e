"""`docent validate`: pictures that are there, that are not, and files that are broken."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from docent.convert import row_files
from docent.convert.row_files import array_values
from docent.convert.validate import validate
from docent.errors import InputError

ANSWER = "It is a valve.\n" + "x" * 200


def picture(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, "detail": "auto"}}


def row(*urls: str, answer: str = ANSWER) -> dict[str, Any]:
    content = [{"type": "text", "text": "What is it?"}, *map(picture, urls)]
    messages = [{"role": "user", "content": content}, {"role": "assistant", "content": answer}]
    return {"messages": messages, "question_type": "factual_recall", "difficulty": "easy", "source": []}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (8, 8), "teal").save(tmp_path / "images" / "good.png")
    return tmp_path


def docent(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "docent", "validate", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.mark.feature("picture-paths")
def test_one_good_and_one_missing_picture_report_exactly_one_and_exit_6(folder: Path, tmp_path: Path) -> None:
    file = folder / "train-manual.json"
    file.write_text(json.dumps([row("images/good.png"), row("images/lost.png")]))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = docent(str(file), "-o", "json", cwd=elsewhere)
    found = json.loads(done.stdout)
    assert (done.returncode, found["good"], found["pictures"]) == (6, False, 2)
    (missing,) = found["missing"]
    assert (missing["path"], missing["where"]) == ("images/lost.png", 2)
    assert missing["answer"] == ("It is a valve. " + "x" * 200)[:100]
    shown = docent(str(file), cwd=elsewhere)
    assert shown.returncode == 6
    assert "images/lost.png" in shown.stdout
    assert "1 file, 2 rows, 2 pictures: 1 missing, 0 remote" in shown.stdout


@pytest.mark.feature("picture-paths")
def test_a_folder_of_all_kinds_of_files_is_walked_and_addresses_are_remote(folder: Path) -> None:
    (folder / "conversations-train.json").write_text(json.dumps([row("images/good.png", "https://example.org/a.png")]))
    chat = [row("data:image/png;base64,AAAA", "HTTP://example.org/b.png"), row()]
    (folder / "chat-train.jsonl").write_text("\ufeff" + "".join(json.dumps(one) + "\n" for one in chat))
    (folder / "images" / "metadata.csv").write_text("file_name,dialog\ngood.png,hello\nlost.png,told\n")
    (folder / "statistics.json").write_text('{"rows": 3}')
    (folder / "part-0.jsonl").write_text('{"id": "1", "files": ["images/none.png"]}\n')
    (folder / "notes.json").write_text("not json at all")
    result = validate(folder)
    assert (result.files, result.rows, result.pictures, result.remote) == (3, 5, 6, 3)
    assert [(Path(m.file).name, m.where, m.path, m.answer) for m in result.missing] == [
        ("metadata.csv", 2, "lost.png", "told")
    ]
    assert result.broken == []


@pytest.mark.parametrize(
    "text",
    [
        '[{"messages": []}',
        '[{"messages": []} {"messages": []}]',
        "[" * 100_000,
        '[{"messages": "x',
        f'[{{"messages": {"1" * 5000}}}]',
    ],
    ids=["no end", "no comma", "deep", "cut", "digits"],
)
def test_a_broken_file_is_said_and_is_no_success(folder: Path, text: str) -> None:
    file = folder / "a.json"
    file.write_text(text)
    result = validate(file)
    assert not result.good
    assert len(result.broken) == 1


def test_a_data_set_file_whose_first_line_is_broken_is_said_also_in_a_folder(folder: Path) -> None:
    (folder / "chat-broken.jsonl").write_text('<<<<<<< ours\n{"messages": []}\n')
    (folder / "others.json").write_text("{")
    (broken,) = validate(folder).broken
    assert "chat-broken.jsonl" in broken


@pytest.mark.parametrize(
    "messages",
    [None, "text", [1, None, {"role": "user"}], [{"role": "user", "content": [1, {"image_url": 5}, {"image": None}]}]],
)
def test_rows_of_any_shape_are_survived(folder: Path, messages: Any) -> None:
    file = folder / "a.json"
    file.write_text(json.dumps([{"messages": messages}, 5, None, row("images/good.png")]))
    assert validate(file).good


@pytest.mark.parametrize("path", ["images/" + "a" * 5000, "images/a\x00b.png", "images"])
def test_a_path_that_cannot_be_a_file_is_missing(folder: Path, path: str) -> None:
    file = folder / "a.json"
    file.write_text(json.dumps([row(path)]))
    assert [missing.path for missing in validate(file).missing] == [path]


def test_nothing_to_look_at_is_an_error_and_not_a_success(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the folder contains no conversation JSON"):
        validate(tmp_path)
    with pytest.raises(InputError, match="no such file or folder"):
        validate(tmp_path / "lost")


@given(
    st.lists(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5), max_size=8),
    st.integers(1, 40),
)
def test_an_array_read_in_pieces_has_the_same_values(values: list[Any], piece: int) -> None:
    text = json.dumps(values, indent=1)
    before = row_files.CHUNK_CHARS
    row_files.CHUNK_CHARS = piece
    try:
        assert list(array_values(io.StringIO(text))) == values
    finally:
        row_files.CHUNK_CHARS = before


def test_a_file_without_rows_is_an_error(folder: Path) -> None:
    (folder / "empty.json").write_text("[]")
    done = docent("empty.json", cwd=folder)
    assert done.returncode == 6
    assert "expected `messages`" in done.stderr
