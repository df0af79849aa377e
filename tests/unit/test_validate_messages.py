"""`docent validate` names the line of a file that is broken, and says what to do about its encoding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from docent.convert.row_files import CHUNK_CHARS
from docent.convert.validate import validate
from docent.launcher.cli import docent

ROW = json.dumps({"messages": [{"role": "user", "content": "What is it?"}]})
LONG = json.dumps({"messages": [{"role": "user", "content": "x" * 500}]})


def broken(tmp_path: Path, name: str, data: str | bytes) -> str:
    file = tmp_path / name
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    (said,) = validate(file).broken
    return said.removeprefix(f"{file}: ")


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.jsonl", f"{ROW}\n\n{ROW}\n{{'messages': []}}\n", 4),
        ("a.json", f"{ROW}\n{ROW}\n{{'messages': []}}\n", 3),
        ("a.json", f"[\n{ROW},\n{ROW},\n\n{{\n'messages': []}}\n]", 6),
        ("a.json", f"\n\n[{ROW},\n{ROW}\n{ROW}]", 4),
        ("a.json", f"[{ROW}\n]\n\nmore", 4),
        ("a.json", "[\n" + ",\n".join([LONG] * (3 * CHUNK_CHARS // len(LONG))) + ",\n{oops}\n]",
         3 * CHUNK_CHARS // len(LONG) + 2),
    ],
)  # fmt: skip
def test_broken_json_is_named_with_its_line_in_the_file(tmp_path: Path, name: str, text: str, line: int) -> None:
    assert broken(tmp_path, name, text).startswith(f"line {line} is not JSON: ")


def test_a_file_that_was_not_written_to_its_end_is_told_from_one_that_is_wrong(tmp_path: Path) -> None:
    assert "unexpected end of the file" in broken(tmp_path, "a.json", f"[\n{ROW},\n")


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "metadata.csv"])
def test_an_encoding_that_is_not_utf8_is_named_with_its_line_and_what_to_do(tmp_path: Path, name: str) -> None:
    lines = {"a.jsonl": f"{ROW}\n" * 3000, "a.json": "[\n" + f"{ROW},\n" * 3000, "metadata.csv": "file_name\n" * 3001}
    said = broken(tmp_path, name, lines[name].encode() + "Größe\n".encode("cp1252"))
    first = lines[name].count("\n") + 1
    assert said == f"line {first} is not UTF-8 (byte 0xf6): save the file as UTF-8"
    assert broken(tmp_path, name, lines[name].encode("utf-16")).startswith("the file is UTF-16")


def test_counts_of_one_are_in_the_singular(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(ROW)
    shown = CliRunner().invoke(docent, ["validate", str(tmp_path / "a.jsonl")])
    assert "1 file, 1 row, 0 pictures: 0 missing" in shown.output
