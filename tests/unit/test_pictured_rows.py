"""Rows of other tools that list pictures beside their messages: checked, converted and merged without losing any."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from docent.convert.merge import merge
from docent.convert.validate import Result as Found
from docent.convert.validate import validate
from docent.errors import InputError
from docent.launcher.verbs.convert import convert
from docent.launcher.verbs.convert import validate as verb


def docent(*arguments: Path | str) -> Result:
    return CliRunner().invoke(convert, [str(argument) for argument in arguments], catch_exceptions=True)


def good(*arguments: Path | str) -> Result:
    done = docent(*arguments)
    assert done.exit_code == 0, (done.output, done.exception)
    return done


def jsonl(path: Path, *values: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values), encoding="utf-8")
    return path


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def said(*contents: Any) -> list[dict[str, Any]]:
    """User and assistant by turns."""
    return [{"role": ("user", "assistant")[n % 2], "content": content} for n, content in enumerate(contents)]


def sharegpt(*contents: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[n % 2], "value": content} for n, content in enumerate(contents)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data/pics").mkdir(parents=True)
    for name, colour in (("wheel.png", "olive"), ("axle.png", "navy")):
        Image.new("RGB", (9, 7), colour).save(tmp_path / "data/pics" / name)
    whole = (tmp_path / "data/pics/wheel.png").read_bytes()
    (tmp_path / "data/pics/cut.png").write_bytes(whole[:40])
    return tmp_path / "data"


PICTURE_PART = {"type": "image"}
TEXT_PART = {"type": "text", "text": "What turns here?"}
FORMS = {
    "images": lambda name: {"messages": said("<image>What turns here?", "A wheel."), "images": [name]},
    "image": lambda name: {"messages": said("<image>What turns here?", "A wheel."), "image": name},
    "sharegpt": lambda name: {"conversations": sharegpt("<image>\nWhat turns here?", "A wheel."), "images": [name]},
    "llava": lambda name: {"id": "7", "image": name, "conversations": sharegpt("<image>\nWhat?", "A wheel.")},
    "parts beside a list": lambda name: {"messages": said([PICTURE_PART, TEXT_PART], "A wheel."), "images": [name]},
    "path in a list": lambda name: {
        "messages": said("<image>What?", "A wheel."),
        "images": [{"bytes": None, "path": name}],
    },
    "image part": lambda name: {"messages": said([{"type": "image", "image": name}, TEXT_PART], "A wheel.")},
    "url part": lambda name: {"messages": said([{"type": "image", "url": name}, TEXT_PART], "A wheel.")},
    "image_url part": lambda name: {
        "messages": said([{"type": "image_url", "image_url": {"url": name}}, TEXT_PART], "A wheel.")
    },
    "instruction": lambda name: {
        "instruction": "<image>What?",
        "input": "",
        "output": "A wheel.",
        "images": [name],
    },
}
each_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


@each_form
def test_a_picture_is_looked_for_in_every_form_that_tools_write(folder: Path, form: Any) -> None:
    result = validate(jsonl(folder / "train.jsonl", form("pics/wheel.png"), form("pics/none.png")))
    assert (result.rows, result.pictures) == (2, 2)
    assert [(missing.where, missing.path) for missing in result.missing] == [(2, "pics/none.png")]
    assert not result.problems


@each_form
def test_a_picture_that_does_not_decode_is_named(folder: Path, form: Any) -> None:
    (problem,) = validate(jsonl(folder / "train.jsonl", form("pics/cut.png"))).problems
    assert problem.path == "pics/cut.png"
    assert problem.problem.startswith(("not an image", "does not decode"))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            {"messages": said("<image><image>Which?", "Both."), "images": ["pics/axle.png"]},
            "2 <image> marks in the texts, but 1",
        ),
        (
            {"messages": said("Which?", "Both."), "images": ["pics/axle.png"]},
            "0 <image> marks in the texts, but 1 entry in `images`",
        ),
        (
            {"messages": said("<image>Which?", "Both."), "images": []},
            "1 <image> mark in the texts, but 0 entries in `images`",
        ),
        ({"messages": said([PICTURE_PART, TEXT_PART], "Both.")}, "name no picture, and the row lists no pictures"),
        (
            {"conversations": sharegpt("<image>Which?", "<image>"), "image": "pics/axle.png"},
            "2 <image> marks in the texts, but 1",
        ),
        ({"messages": said("<image>Which?", "Both."), "images": [None]}, "entry 1 of `images` names no picture"),
    ],
)
def test_marks_and_pictures_that_differ_in_number_are_named_with_their_row(
    folder: Path, row: dict[str, Any], problem: str
) -> None:
    result = validate(jsonl(folder / "train.jsonl", FORMS["images"]("pics/wheel.png"), row))
    assert not result.good
    assert [(found.where, problem in found.problem) for found in result.problems] == [(2, True)]


def test_a_mark_without_a_list_counts_only_in_a_file_whose_rows_list_pictures(folder: Path) -> None:
    about_markup = {"messages": said("What does <image> stand for?", "A picture.")}
    assert validate(jsonl(folder / "a.jsonl", about_markup)).good
    (problem,) = validate(jsonl(folder / "b.jsonl", about_markup, FORMS["images"]("pics/wheel.png"))).problems
    assert problem.where == 1


def test_a_picture_outside_of_the_folder_is_a_problem_also_where_it_is_there(folder: Path) -> None:
    Image.new("RGB", (4, 4)).save(folder.parent / "secret.png")
    jsonl(folder / "train.jsonl", FORMS["images"]("../secret.png"), FORMS["images"](str(folder / "pics/axle.png")))
    (problem,) = validate(folder).problems
    assert (problem.path, problem.problem) == ("../secret.png", "is outside the data set's folder")


def test_pictures_at_addresses_and_inside_rows_are_remote_and_those_of_file_addresses_are_not(folder: Path) -> None:
    names = ("s3://bucket/a.png", "data:image/png;base64,AA==", f"file://{folder}/pics/axle.png")
    row = {"messages": said("<image><image><image>Which?", "All."), "images": list(names)}
    held = {"messages": said("<image>Which?", "It."), "images": [{"bytes": "iVBORw0KGgo=", "path": "a.png"}]}
    result = validate(jsonl(folder / "train.jsonl", row, held))
    assert (result.good, result.pictures, result.remote) == (True, 4, 3)


def test_the_verb_shows_problems_without_letting_a_name_change_the_terminal(folder: Path) -> None:
    path = jsonl(folder / "train.jsonl", FORMS["images"]("pics/\x1b[2Jlost\u202egnp.png"))
    done = CliRunner().invoke(verb, [str(path)])
    assert done.exit_code == 6
    assert "\\x1b[2Jlost\\u202egnp.png" in done.output
    assert not {"\x1b", "\u202e"} & set(done.output)


def marks_and_pictures(row: dict[str, Any]) -> tuple[int, int]:
    parts = [m["content"] if isinstance(m["content"], list) else [{"text": m["content"]}] for m in row["messages"]]
    texts = [str(part.get("text", "")) for content in parts for part in content]
    stand_ins = sum(part == PICTURE_PART for content in parts for part in content)
    return sum(text.count("<image>") for text in texts) + stand_ins, len(row.get("images", []))


def test_single_turns_get_the_pictures_that_they_show_and_no_other(tmp_path: Path) -> None:
    row = {
        "messages": [
            {"role": "system", "content": "The logo <image> is no exhibit."},
            *said("How old?", "Old.", "<image> or <image>?", "The second.", [PICTURE_PART, TEXT_PART], "A wheel."),
        ],
        "images": ["logo.png", "one.png", "two.png", "three.png"],
        "licence": "CC0",
    }
    good("chat", jsonl(tmp_path / "a.jsonl", row), tmp_path / "b.jsonl", "--turns=single")
    made = read(tmp_path / "b.jsonl")
    assert [line["images"] for line in made] == [
        ["logo.png"],
        ["logo.png", "one.png", "two.png"],
        ["logo.png", "three.png"],
    ]
    assert all(marks == pictures for marks, pictures in map(marks_and_pictures, made))
    assert {line["licence"] for line in made} == {"CC0"}
    good("chat", tmp_path / "a.jsonl", tmp_path / "c.jsonl", "--turns=single", "--system=S")
    assert [line["images"] for line in read(tmp_path / "c.jsonl")] == [[], ["one.png", "two.png"], ["three.png"]]
    good("chat", tmp_path / "a.jsonl", tmp_path / "d.jsonl", "--system=S")
    assert [line["images"] for line in read(tmp_path / "d.jsonl")] == [["one.png", "two.png", "three.png"]]


def test_one_picture_under_its_own_key_and_videos_are_shared_out_too(tmp_path: Path) -> None:
    row = {
        "messages": said("What is it?", "A film.", "And <video> with <image>?", "That, too."),
        "image": "still.png",
        "videos": ["film.mp4"],
    }
    good("chat", jsonl(tmp_path / "a.jsonl", row), tmp_path / "b.jsonl", "--turns=single")
    first, second = read(tmp_path / "b.jsonl")
    assert ("image" in first, first["videos"]) == (False, [])
    assert (second["image"], second["videos"]) == ("still.png", ["film.mp4"])


def test_sharegpt_rows_become_messages_and_keep_what_else_they_say(tmp_path: Path) -> None:
    row = {
        "conversations": [{"from": "human", "value": "<image>What?"}, {"from": "gpt", "value": "It.", "weight": 0}],
        "system": "You guide.",
        "images": ["a.png"],
        "origin": "hall 3",
    }
    good("chat", jsonl(tmp_path / "a.jsonl", row), tmp_path / "b.jsonl")
    assert read(tmp_path / "b.jsonl") == [
        {
            "messages": [
                {"role": "system", "content": "You guide."},
                {"role": "user", "content": "<image>What?"},
                {"role": "assistant", "content": "It.", "weight": 0},
            ],
            "images": ["a.png"],
            "origin": "hall 3",
        }
    ]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            {"messages": said("<image>Which?", "It."), "images": ["a.png", "b.png"]},
            "1 <image> mark in the texts, but 2 entries in",
        ),
        (
            {"messages": [{"role": "user", "content": "Warm?"}, {"role": "assistant", "tool_calls": [{"id": "t"}]}]},
            "message 2, assistant, has tool calls and no content",
        ),
    ],
)
def test_a_row_that_cannot_be_kept_whole_is_named_by_chat_and_counted_by_merge(
    tmp_path: Path, row: dict[str, Any], says: str
) -> None:
    fine = {"messages": said("Who made it?", "A smith.")}
    source = jsonl(tmp_path / "a.jsonl", fine, row)
    done = docent("chat", source, tmp_path / "out.jsonl", "--turns=single")
    assert isinstance(done.exception, InputError)
    assert f"{source}:2" in str(done.exception)
    assert says in str(done.exception)
    assert not (tmp_path / "out.jsonl").exists()
    done = good("merge", source, tmp_path / "out.jsonl")
    assert "1 bad lines" in done.output
    assert says in done.output
    assert len(read(tmp_path / "out.jsonl")) == 1


def test_merge_keeps_rows_of_different_pictures_and_names_the_pictures_from_the_output(tmp_path: Path) -> None:
    asked = "<image>What does the picture show?", "It shows a wheel of oak."
    rows = [{"messages": said(*asked), "images": [name], "split": "a"} for name in ("one.png", "two.png", "one.png")]
    shared = {"conversations": sharegpt(*asked), "image": "three.png", "source": [{"file": "m.md"}]}
    source = jsonl(tmp_path / "in/a.jsonl", *rows, shared)
    done = good("merge", source, tmp_path / "out/here/all.jsonl")
    assert "3 pairs kept in 3 conversations, 1 exact repeats, 0 near repeats, 0 bad lines" in done.output
    made = read(tmp_path / "out/here/all.jsonl")
    assert [row.get("images", row.get("image")) for row in made] == [
        ["../../in/one.png"],
        ["../../in/two.png"],
        "../../in/three.png",
    ]
    assert made[0]["split"] == "a"
    assert (made[2]["source"], made[2]["original_source"]) == ("a.jsonl:4", [[{"file": "m.md"}]])
    good("merge", tmp_path / "out/here/all.jsonl", tmp_path / "again.jsonl")
    assert read(tmp_path / "again.jsonl")[2]["original_source"] == [[{"file": "m.md"}], "a.jsonl:4"]


def test_calls_of_tools_stay_with_their_question(tmp_path: Path) -> None:
    call = {"role": "assistant", "content": "", "tool_calls": [{"id": "t", "function": {"name": "measure"}}]}
    messages = [
        {"role": "user", "content": "How long is it?"},
        call,
        {"role": "tool", "tool_call_id": "t", "content": "31 cm"},
        {"role": "assistant", "content": "It is 31 cm long."},
        {"role": "system", "content": "Answer in one word."},
        {"role": "user", "content": "And its colour?"},
        {"role": "assistant", "content": "Red.", "weight": 0},
        {"role": "user", "content": "Why?"},
    ]
    source = jsonl(tmp_path / "a.jsonl", {"messages": messages})
    done = good("chat", source, tmp_path / "b.jsonl", "--turns=single")
    first, second = (row["messages"] for row in read(tmp_path / "b.jsonl"))
    assert (first, second) == (messages[:4], messages[4:7])
    assert f"left out messages without an answer: {source}:1" in done.output


def test_conversations_that_differ_only_in_what_they_call_are_no_repeats(tmp_path: Path) -> None:
    def row(tool: str) -> dict[str, Any]:
        call = {"role": "assistant", "content": "", "tool_calls": [{"name": tool}]}
        return {"messages": [*said("How hot is it?"), call]}

    done = good("merge", jsonl(tmp_path / "a.jsonl", row("probe"), row("ask")), tmp_path / "out.jsonl")
    assert "2 pairs kept in 2 conversations" in done.output


def test_half_of_a_surrogate_pair_is_written_as_it_was_read(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"messages": [{"role": "assistant", "content": "caf\u00e9 \\ud83d"}]}\n', "utf-8"
    )
    good("chat", tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert read(tmp_path / "b.jsonl") == read(tmp_path / "a.jsonl")


def test_metadata_as_jsonl_and_parquet_is_read_like_the_table(folder: Path) -> None:
    from pyarrow import Table, parquet

    jsonl(folder / "pics/metadata.jsonl", {"file_name": "axle.png"}, {"file_name": "lost.png"})
    parquet.write_table(Table.from_pylist([{"file_names": ["axle.png", "gone.png"]}]), folder / "pics/metadata.parquet")
    result: Found = validate(folder)
    assert {missing.path for missing in result.missing} == {"lost.png", "gone.png"}
    (folder / "pics/metadata.parquet").write_bytes(b"PAR1")
    assert "metadata.parquet" in validate(folder).broken[0]


ASKED = (
    '{"messages": [{"role": "user", "content": "<image>Q"}, {"role": "assistant", "content": "A"}], "images": ["%s"]}'
)


def test_json_lines_in_a_json_file_are_looked_at_as_rows(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text("\n".join(ASKED % name for name in ("one.jpg", "two.jpg")), "utf-8")
    assert [missing.path for missing in validate(tmp_path / "train.json").missing] == ["one.jpg", "two.jpg"]
    assert validate(tmp_path).rows == 2


def test_rows_behind_the_end_of_a_json_list_are_not_left_out_silently(tmp_path: Path) -> None:
    file = tmp_path / "train.json"
    file.write_text(f"[{ASKED % 'one.jpg'}]\n\n[{ASKED % 'two.jpg'}]\n", "utf-8")
    assert "after the end of the array" in validate(file).broken[0]
    merged = merge([file], tmp_path / "out.jsonl")
    assert merged.conversations == 1 and len(merged.bad) == 1
