"""What a command line says is taken as it is written, and no input is written over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from docent.config.overrides import apply_override
from docent.convert import chat as convert_chat
from docent.convert import instructions as convert_instructions
from docent.convert import merge as convert_merge
from docent.errors import InputError

LINE = json.dumps(
    {"messages": [{"role": "user", "content": "What is it?"}, {"role": "assistant", "content": "A jug."}]}
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("my museum #2", "my museum #2"),
        ("#1", "#1"),
        ("'quoted #2'", "quoted #2"),
        ("plain", "plain"),
        ("null", None),
        ("", None),
        ("3 # three", 3),
        ("[a, b]", ["a", "b"]),
    ],
)
def test_a_number_sign_in_a_value_begins_no_comment(text: str, value: Any) -> None:
    raw: dict[str, Any] = {}
    apply_override(raw, f"ingest.path={text}")
    assert raw == {"ingest": {"path": value}}


@pytest.mark.parametrize("kind", ["chat", "merge", "instructions"])
@pytest.mark.parametrize("linked", [False, True])
def test_a_file_is_not_converted_onto_itself(tmp_path: Path, kind: str, linked: bool) -> None:
    source = tmp_path / "set.jsonl"
    source.write_text(f"{LINE}\n", encoding="utf-8")
    out = source
    if linked:
        out = tmp_path / "link.jsonl"
        out.symlink_to(source)
    with pytest.raises(InputError, match="the output file is also an input"):
        if kind == "chat":
            convert_chat.convert(source, out, convert_chat.Wanted(turns="single"))
        elif kind == "merge":
            convert_merge.merge([source], out)
        else:
            convert_instructions.convert(source, out)
    assert source.read_text(encoding="utf-8") == f"{LINE}\n"
