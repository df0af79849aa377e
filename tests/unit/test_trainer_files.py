"""`docent convert chat --for` writes what trainers take, says what it changed, and lists what it refused."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from docent.convert.chat import Wanted
from docent.convert.trainers import openai
from docent.convert.trainers.convert import Options
from docent.convert.trainers.convert import convert as convert_for
from docent.convert.trainers.pictures import Pictures
from docent.convert.trainers.turns import RefusedError
from docent.convert.trainers.validate import validate as validate_for
from docent.launcher.verbs.convert import convert, validate

SUFFIX = {"openai": ".jsonl", "trl": ".parquet", "llama-factory": ".jsonl", "ms-swift": ".jsonl"}
NAMES = tuple(SUFFIX)
GPS, ORIENTATION = 0x8825, 0x0112


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with pictures in the forms that museums have."""
    (tmp_path / "images").mkdir()
    scan = Image.linear_gradient("L").resize((60, 40))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif.get_ifd(GPS)[1] = "S"
    forms = {
        "clock.jpg": "RGB",
        "scan.tif": "CMYK",
        "press.jpg": "CMYK",
        "old.bmp": "RGB",
        "side.jpg": "RGB",
        "sign.gif": "L",
    }
    for number, (name, mode) in enumerate(forms.items()):
        picture = scan.point([(value + 30 * number) % 256 for value in range(256)]).convert(mode)
        picture.save(tmp_path / "images" / name, **({"exif": exif} if name == "side.jpg" else {}))
    return tmp_path


def shown(*names: str, asked: str = "What is it?", said: str = "A tide clock.", turns: int = 1) -> dict[str, Any]:
    """A conversation in which each question shows the same pictures again."""
    pictures = [{"type": "image_url", "image_url": {"url": name}} for name in names]
    question = {"role": "user", "content": [*pictures, {"type": "text", "text": asked}]}
    return {"messages": [question, {"role": "assistant", "content": said}] * turns}


def written(folder: Path, *rows: Any) -> Path:
    path = folder / "chat.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def run(*arguments: Path | str) -> Result:
    return CliRunner().invoke(convert, ["chat", *map(str, arguments)])


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def rows_of(path: Path) -> list[Any]:
    if path.suffix != ".parquet":
        return lines(path)
    parquet = pytest.importorskip("pyarrow.parquet")
    found: list[Any] = parquet.read_table(path).to_pylist()
    return found


def pictures_of(path: Path) -> list[Image.Image]:
    """All pictures of a written file, opened as they are stored."""
    found = []
    for row in rows_of(path):
        if "images" in row:
            for entry in row["images"]:
                held = path.parent / entry if isinstance(entry, str) else io.BytesIO(entry["bytes"])
                found.append(Image.open(held))
            continue
        for message in row["messages"]:
            for part in message["content"] if isinstance(message["content"], list) else []:
                if part["type"] == "image_url":
                    found.append(Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].partition(",")[2]))))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_pictures_become_upright_rgb_without_places_and_the_file_passes_its_rules(folder: Path, name: str) -> None:
    """The raw file breaks the same rules."""
    files = ["clock.jpg", "scan.tif", "press.jpg", "old.bmp", "side.jpg", "sign.gif"]
    source = written(folder, *(shown(f"images/{file}") for file in files), *[shown(asked="Hours?")] * 4)
    out = folder / f"made{SUFFIX[name]}"
    done = convert_for(source, out, name, Options())
    assert (done.conversations, done.pictures, sum(done.refused.values())) == (10, 6, 0)
    found = pictures_of(out)
    assert [picture.format in ("JPEG", "PNG") and picture.mode for picture in found] == ["RGB"] * 6
    assert [picture.size for picture in found] == [(60, 40)] * 4 + [(40, 60), (60, 40)]
    assert all(not picture.getexif() for picture in found)
    assert validate_for(out, name).problems == []
    assert not validate_for(source, name).good


def test_a_picture_that_fits_stays_the_file_it_is(folder: Path) -> None:
    out = folder / "made.jsonl"
    convert_for(written(folder, shown("images/clock.jpg")), out, "ms-swift", Options())
    assert lines(out)[0]["images"] == ["images/clock.jpg"]
    assert not (folder / "made-images").exists()


def test_pictures_outside_of_the_output_s_folder_are_copied_beside_it(folder: Path, tmp_path_factory: Any) -> None:
    """The file and its folder can be moved to the machine that trains."""
    out = tmp_path_factory.mktemp("elsewhere") / "made.jsonl"
    convert_for(written(folder, shown("images/clock.jpg")), out, "llama-factory", Options())
    (named,) = lines(out)[0]["images"]
    assert named.startswith("made-images/")
    assert (out.parent / named).read_bytes() == (folder / "images" / "clock.jpg").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_stands_once_in_a_conversation(folder: Path, name: str) -> None:
    """Also where a copy of it has another name."""
    (folder / "images" / "copy.jpg").write_bytes((folder / "images" / "clock.jpg").read_bytes())
    row = shown("images/clock.jpg", turns=12)
    row["messages"] += shown("images/copy.jpg")["messages"]
    out = folder / f"made{SUFFIX[name]}"
    done = convert_for(written(folder, *[row] * 10), out, name, Options())
    assert (done.repeated, len(pictures_of(out))) == (120, 10)
    assert validate_for(out, name).problems == []


@pytest.mark.parametrize("name", ["trl", "llama-factory", "ms-swift"])
def test_special_tokens_in_a_text_are_refused_or_escaped(folder: Path, name: str) -> None:
    """`<image>` of a text about markup would take the place of a picture."""
    text = "Write <image> and <|eot_id|>; <b>bold</b> and <think> are no such tokens."
    source = written(folder, shown("images/clock.jpg", said=text), *[shown("images/clock.jpg")] * 10)
    out = folder / f"made{SUFFIX[name]}"
    done = convert_for(source, out, name, Options())
    assert (done.conversations, sum(done.refused.values())) == (10, 1)
    (reject,) = lines(folder / "made.rejects.jsonl")
    assert reject["detail"].endswith("chat.jsonl:1: <image>, <|eot_id|>")
    assert text in json.loads(reject["raw"])["messages"][1]["content"]
    done = convert_for(source, out, name, Options(special_tokens="escape"))
    assert (done.conversations, done.escaped, done.rejects) == (11, 2, None)
    assert not (folder / "made.rejects.jsonl").exists()
    content = rows_of(out)[0]["messages"][1]["content"]
    said = content if isinstance(content, str) else content[0]["text"]
    assert said == "Write ＜image> and ＜|eot_id|>; <b>bold</b> and <think> are no such tokens."
    assert validate_for(out, name).problems == []


def test_for_openai_image_is_text(folder: Path) -> None:
    source = written(folder, *[shown("images/clock.jpg", said="Write <image>.")] * 10)
    done = convert_for(source, folder / "made.jsonl", "openai", Options())
    assert done.conversations == 10
    assert lines(folder / "made.jsonl")[0]["messages"][1]["content"] == "Write <image>."


def test_parts_that_stand_for_listed_pictures_leave_marks_in_texts_alone(folder: Path) -> None:
    """The form of docent's own chat files: `<image>` in a text is text."""
    question = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What does <image> do?"}]}
    answer = {"role": "assistant", "content": [{"type": "text", "text": "It marks a picture."}]}
    rows = [{"messages": [question, answer], "images": ["images/clock.jpg"]}]
    rows.append({"messages": [{**question, "content": question["content"][1:]}, answer], "images": []})
    done = convert_for(written(folder, *rows), folder / "made.jsonl", "ms-swift", Options(special_tokens="escape"))
    assert done.conversations == 2
    made = lines(folder / "made.jsonl")
    assert [row["messages"][0]["content"] for row in made] == [
        "<image>What does ＜image> do?",
        "What does ＜image> do?",
    ]
    assert [row["images"] for row in made] == [["images/clock.jpg"], []]


def test_marks_of_sharegpt_become_parts_in_their_places(folder: Path) -> None:
    row = {
        "conversations": [
            {"from": "system", "value": "Be brief."},
            {"from": "human", "value": "Compare <image> with <image>."},
            {"from": "gpt", "value": "The same."},
        ],
        "images": ["images/clock.jpg", "images/old.bmp"],
    }
    convert_for(written(folder, row), folder / "made.parquet", "trl", Options())
    (made,) = rows_of(folder / "made.parquet")
    assert [part["text"] or part["type"] for part in made["messages"][1]["content"]] == [
        "Compare ", "image", " with ", "image", ".",
    ]  # fmt: skip
    assert len(made["images"]) == 2


def test_datasets_gives_trl_pictures_back(folder: Path) -> None:
    datasets = pytest.importorskip("datasets")
    source = written(folder, shown("images/old.bmp"), shown(asked="Hours?"))
    convert_for(source, folder / "made.parquet", "trl", Options())
    made = datasets.load_dataset("parquet", data_files=str(folder / "made.parquet"), cache_dir=str(folder / "cache"))
    assert [[picture.size for picture in row["images"]] for row in made["train"]] == [[(60, 40)], []]


def test_trl_gets_no_column_of_pictures_where_there_are_none(folder: Path) -> None:
    """With one, TRL asks for a model that reads pictures."""
    convert_for(written(folder, shown(asked="Hours?")), folder / "made.parquet", "trl", Options())
    assert list(rows_of(folder / "made.parquet")[0]) == ["messages"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (shown("images/gone.jpg"), "a picture is missing"),
        (shown("../secret.jpg"), "a picture outside the data set's folder (allow another folder with --images)"),
        (shown("images/text.jpg"), "a picture that cannot be decoded"),
        (shown("https://example.org/a.jpg"), "a picture at a URL, which this trainer does not download"),
        (shown("data:image/png;base64,!!"), "a data URL that is not base64"),
        (
            {"messages": [*shown()["messages"], {"role": "user", "content": "And?"}]},
            "the conversation does not end with an answer",
        ),
        (
            {"messages": [{"role": "user", "content": "a"}] * 2 + shown()["messages"][1:]},
            "questions and answers do not",
        ),
        ({"messages": [{"role": "tool", "content": "7"}]}, "a role other than system, user and assistant"),
        (shown(said=" "), "an empty message"),
        ({**shown(), "images": ["images/clock.jpg"]}, "the numbers of marks and pictures differ"),
        ({**shown(), "audios": ["a.wav"]}, "the numbers of marks and pictures differ"),
        ("no row", "not an object"),
        (shown(said="half \ud83d"), "a text with a lone surrogate"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}, *shown()["messages"][1:]]}, "a part of type"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}, *shown()["messages"][1:]]}, "a part other"),
    ],
)
def test_what_cannot_be_written_is_refused_with_its_line(folder: Path, row: Any, reason: str) -> None:
    (folder / "images" / "text.jpg").write_text("no picture", encoding="utf-8")
    (folder.parent / "secret.jpg").write_bytes((folder / "images" / "clock.jpg").read_bytes())
    done = run(written(folder, shown(), row, shown()), folder / "made.jsonl", "--for", "llama-factory")
    assert done.exit_code == 0, done.output
    (reject,) = lines(folder / "made.rejects.jsonl")
    assert reject["reason"].startswith(reason)
    assert "chat.jsonl:2" in reject["detail"]
    assert f"refused 1 conversation: {reason}" in done.output
    assert len(lines(folder / "made.jsonl")) == 2


def test_a_folder_of_pictures_elsewhere_is_allowed_by_name(folder: Path) -> None:
    (folder.parent / "secret.jpg").write_bytes((folder / "images" / "clock.jpg").read_bytes())
    source = written(folder, shown("../secret.jpg"))
    done = run(source, folder / "made.jsonl", "--for", "ms-swift", "--images", folder.parent)
    assert done.exit_code == 0, done.output
    assert lines(folder / "made.jsonl")[0]["images"][0].startswith("made-images/")


def test_nothing_is_written_where_nothing_can_be(folder: Path) -> None:
    """What lay there stays."""
    (folder / "made.jsonl").write_text("earlier\n", encoding="utf-8")
    done = run(written(folder, shown("images/gone.jpg")), folder / "made.jsonl", "--for", "openai")
    assert getattr(done.exception, "exit_code", None) == 6
    assert "1 rejected, first reason: a picture is missing" in str(done.exception)
    assert (folder / "made.jsonl").read_text(encoding="utf-8") == "earlier\n"
    assert sorted(path.name for path in folder.iterdir()) == ["chat.jsonl", "images", "made.jsonl"]


@pytest.mark.parametrize(("rows", "parts"), [(35, [20, 15]), (43, [20, 13, 10]), (20, [20])])
def test_a_file_larger_than_openai_takes_is_written_in_parts(
    folder: Path, monkeypatch: pytest.MonkeyPatch, rows: int, parts: list[int]
) -> None:
    """In their order, each with as many examples as OpenAI asks for."""
    small = dataclasses.replace(openai.OPENAI, max_rows_with_pictures=20)
    monkeypatch.setitem(convert_for.__globals__["TRAINERS"], "openai", small)
    source = written(folder, *(shown("images/clock.jpg", asked=f"Number {number}?") for number in range(rows)))
    (folder / "made.jsonl").write_text("earlier", encoding="utf-8")
    done = convert_for(source, folder / "made.jsonl", "openai", Options())
    assert [len(lines(path)) for path in done.files] == parts
    asked = [row["messages"][0]["content"][1]["text"] for path in done.files for row in lines(path)]
    assert asked == [f"Number {number}?" for number in range(rows)]
    assert all(validate_for(path, "openai").good for path in done.files)
    if len(parts) > 1:
        assert done.files[0].name == f"made-part-1-of-{len(parts)}.jsonl"
        assert not (folder / "made.jsonl").exists()


def test_too_few_examples_for_openai_are_written_and_said(folder: Path) -> None:
    done = run(written(folder, *[shown("images/clock.jpg")] * 3), folder / "made.jsonl", "--for", "openai")
    assert done.exit_code == 0
    assert "warning: made.jsonl: 3 examples, fewer than 10" in done.output


def test_a_picture_of_more_bytes_than_openai_takes_is_reduced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = dataclasses.replace(openai.OPENAI, max_picture_bytes=100_000)
    monkeypatch.setitem(convert_for.__globals__["TRAINERS"], "openai", small)
    Image.effect_noise((600, 500), 90).convert("RGB").save(folder / "images" / "noise.png")
    source = written(folder, *[shown("images/noise.png")] * 10)
    done = convert_for(source, folder / "made.jsonl", "openai", Options())
    assert (done.converted, done.reduced, done.conversations) == (1, 1, 10)
    (picture, *_) = pictures_of(folder / "made.jsonl")
    assert picture.width < 600


def test_other_entries_of_dataset_info_stay(folder: Path) -> None:
    info = folder / "dataset_info.json"
    info.write_text('{"other": {"file_name": "o.json"}}', encoding="utf-8")
    convert_for(written(folder, shown("images/clock.jpg")), folder / "made.jsonl", "llama-factory", Options())
    entries = json.loads(info.read_text(encoding="utf-8"))
    assert entries["other"] == {"file_name": "o.json"}
    assert (entries["made"]["file_name"], entries["made"]["formatting"]) == ("made.jsonl", "sharegpt")


def test_a_damaged_dataset_info_is_named_and_left(folder: Path) -> None:
    info = folder / "dataset_info.json"
    info.write_text("{", encoding="utf-8")
    done = run(written(folder, shown()), folder / "made.jsonl", "--for", "llama-factory")
    assert getattr(done.exception, "exit_code", None) == 6
    assert info.read_text(encoding="utf-8") == "{"
    assert not (folder / "made.jsonl").exists()


def test_options_that_do_not_go_together_are_usage_errors(folder: Path) -> None:
    source = written(folder, shown())
    assert run(source, folder / "a.jsonl", "--for", "trl", "--shuffle").exit_code == 2
    assert run(source, folder / "a.jsonl", "--special-tokens", "escape").exit_code == 2
    done = run(source, folder / "a.jsonl", "--for", "trl")
    assert "name the output a.parquet" in str(getattr(done.exception, "next_step", ""))


def test_single_turns_and_a_system_message_go_with_a_trainer(folder: Path) -> None:
    source = written(folder, shown("images/clock.jpg", turns=3))
    out = folder / "made.jsonl"
    done = run(source, out, "--for", "ms-swift", "--turns", "single", "--system", "You guide.")
    assert done.exit_code == 0, done.output
    made = lines(out)
    assert [row["messages"][0]["content"] for row in made] == ["You guide."] * 3
    assert [row["images"] for row in made] == [["images/clock.jpg"]] * 3


def test_a_mark_without_a_picture_after_a_split_into_turns_is_rejected(folder: Path) -> None:
    """In the whole row the part stands for the picture and `<image>` is text; in the second turn alone it is a mark."""
    asked = ([{"type": "image"}], "What does <image> mean in HTML?")
    turns = [{"role": "user", "content": content} for content in asked]
    answers = [{"role": "assistant", "content": text} for text in ("A clock.", "A picture.")]
    row = {"messages": [turns[0], answers[0], turns[1], answers[1]], "images": ["images/clock.jpg"]}
    done = convert_for(written(folder, row), folder / "made.jsonl", "ms-swift", Options(Wanted(turns="single")))
    assert (done.conversations, dict(done.refused)) == (1, {"a picture without a path or URL": 1})


def test_rows_of_docent_are_read(folder: Path) -> None:
    part = folder / "part-00000.jsonl"
    row = {"id": "a", "parents": [], "question": "What?", "answer": "A clock.", "files": ["images/clock.jpg"]}
    part.write_text(json.dumps(row) + "\n", encoding="utf-8")
    convert_for(part, folder / "made.jsonl", "ms-swift", Options())
    assert lines(folder / "made.jsonl")[0]["images"] == ["images/clock.jpg"]


BAD_OPENAI = [
    ({"messages": [{"role": "user", "content": "a"}]}, "does not end with an assistant message"),
    ({**shown(), "images": []}, "unknown keys: images"),
    ({"messages": [{"role": "guide", "content": "a"}, *shown()["messages"]]}, "unknown role 'guide'"),
    (shown("images/clock.jpg"), "neither a URL nor a data URL"),
    (shown("data:image/png;base64,AAAA"), "not an image"),
    (shown(*["https://example.org/a.jpg"] * 11), "11 pictures, more than 10"),
    (shown(said="It ends with <|im_end|>"), "special tokens in a text: <|im_end|>"),
]


def test_all_rules_of_openai_are_checked_at_once_with_line_numbers(folder: Path) -> None:
    path = written(folder, *(row for row, _ in BAD_OPENAI))
    done = CliRunner().invoke(validate, ["--for", "openai", str(path), "-o", "json"])
    assert done.exit_code == 6
    found = [(one["where"], one["problem"]) for one in json.loads(done.output)["problems"]]
    assert found[0] == (0, "7 examples, fewer than 10")
    for number, (_, problem) in enumerate(BAD_OPENAI, 1):
        assert any(where == number and problem in said for where, said in found), (number, found)


def test_a_picture_in_an_answer_is_a_problem_for_openai(folder: Path) -> None:
    picture = base64.b64encode((folder / "images" / "clock.jpg").read_bytes()).decode()
    row = shown(f"data:image/jpeg;base64,{picture}")
    row["messages"][1]["content"] = row["messages"][0]["content"]
    (problem,) = validate_for(written(folder, *[shown()] * 9, row), "openai").problems
    assert problem.where == 10
    assert problem.problem == "a picture in a message with the role assistant (message 2)"


@pytest.mark.parametrize(
    ("name", "row", "problem"),
    [
        (
            "ms-swift",
            {**shown(), "images": ["images/clock.jpg"]},
            "0 <image> marks in the texts, but 1 entry in `images`",
        ),
        ("ms-swift", shown("images/scan.tif"), "TIFF, not JPEG, PNG or WebP"),
        ("ms-swift", shown("images/side.jpg"), "it is stored rotated, with its orientation only in EXIF"),
        ("ms-swift", shown("images/press.jpg"), "its mode is CMYK, not RGB or RGBA"),
        ("trl", shown("images/clock.jpg"), "content is a string, but a list of parts in other messages (message 2)"),
        ("llama-factory", shown("images/clock.jpg"), "`conversations` is missing, empty or not a list"),
    ],
)
def test_rules_of_the_other_trainers(folder: Path, name: str, row: Any, problem: str) -> None:
    found = validate_for(written(folder, row), name).problems
    assert problem in [one.problem for one in found], found


def test_a_file_that_dataset_info_does_not_name_is_a_problem(folder: Path) -> None:
    convert_for(written(folder, shown("images/clock.jpg")), folder / "made.jsonl", "llama-factory", Options())
    (folder / "made.jsonl").rename(folder / "other.jsonl")
    found = [one.problem for one in validate_for(folder / "other.jsonl", "llama-factory").problems]
    assert "no entry of the dataset_info.json in its folder has the file_name other.jsonl" in found


def test_lines_that_are_no_rows_are_named(folder: Path) -> None:
    path = folder / "bad.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"messages": []}\n\n{"a\n\xff\n')
    result = validate_for(path, "ms-swift")
    found = {(one.where, one.problem) for one in result.problems}
    assert result.rows == 4, "the mark is no row"
    assert {
        (0, "the file begins with a byte order mark"),
        (2, "an empty line"),
        (3, "not JSON"),
        (4, "not UTF-8"),
    } <= found


def test_a_data_url_is_read_like_a_file(folder: Path) -> None:
    """A CMYK picture in a chat file of another tool becomes RGB; one that fits is the same bytes again."""
    urls = []
    for name in ("press.jpg", "clock.jpg"):
        data = (folder / "images" / name).read_bytes()
        urls.append(f"data:image/jpeg;base64,{base64.b64encode(data).decode()}")
    done = convert_for(written(folder, *map(shown, urls)), folder / "made.jsonl", "openai", Options())
    assert (done.conversations, done.converted) == (2, 1)
    made = [row["messages"][0]["content"][0]["image_url"]["url"] for row in lines(folder / "made.jsonl")]
    assert made[1] == urls[1]
    assert [picture.mode for picture in pictures_of(folder / "made.jsonl")] == ["RGB", "RGB"]


def test_a_picture_of_more_pixels_than_pillow_opens_is_looked_at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    out = folder / "made.jsonl"
    assert convert_for(written(folder, shown("images/clock.jpg")), out, "ms-swift", Options()).conversations == 1
    assert validate_for(out, "ms-swift").problems == []


def test_without_for_a_chat_file_in_parts_may_speak_of_marks(folder: Path) -> None:
    """`<image>` in a text was counted as a picture that the row does not list."""
    question = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What does <image> do?"}]}
    answer = {"role": "assistant", "content": [{"type": "text", "text": "It marks a picture."}]}
    source = written(folder, {"messages": [question, answer] * 2, "images": ["images/clock.jpg"] * 2})
    assert run(source, folder / "single.jsonl", "--turns", "single").exit_code == 0
    assert [row["images"] for row in lines(folder / "single.jsonl")] == [["images/clock.jpg"]] * 2
    done = CliRunner().invoke(validate, [str(source)])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("name", ["s3:" + "a" * 300 + ".jpg", "a" * 600 + "\ud800.jpg", "zero\0byte.jpg"])
def test_a_picture_whose_name_no_system_takes_is_refused_and_ends_nothing(folder: Path, name: str) -> None:
    with pytest.raises(RefusedError):
        Pictures(folder, folder, folder).prepare(name)


def test_parts_of_an_earlier_conversion_do_not_stay_beside_the_new_ones(folder: Path) -> None:
    for name in ("out-part-2-of-3.jsonl", "out-part-one.jsonl", "other-part-1-of-2.jsonl"):
        (folder / name).write_text("{}\n")
    source = written(folder, {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]})
    assert run(source, folder / "out.jsonl", "--for", "ms-swift").exit_code == 0
    left = {path.name for path in folder.glob("*-part-*")}
    assert left == {"out-part-one.jsonl", "other-part-1-of-2.jsonl"}
