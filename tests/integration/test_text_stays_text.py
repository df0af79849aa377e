"""Names that look like numbers, times or nothing come back as text from every form of a data set."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from docent.convert.published import save_dataset_dict
from docent.launcher.verbs.convert import convert
from docent.records import Answer, Example
from docent.stages.build_dataset.exports.chat import chat_line
from docent.stages.build_dataset.exports.metadata import Metadata
from docent.stages.curate.review.edits import read_edits
from docent.stages.score.exports import answers_csv
from docent.text.encodings.spreadsheet import guarded, unguarded

NAMES = ("042", "n/a", "None", "2019-03-01", "1e9", "-0", "True", "=1+1", "")


def example(name: str, number: int = 0) -> Example:
    return Example(
        id=f"{number:016x}",
        split="test",
        data_id=number,
        item_id="i",
        item_name=name,
        image_name=f"{number}.png",
        files=(f"images/test/{number}.png",),
        group="g",
        question=name or "?",
        answer=name or "?",
        temperature=0.4,
        teacher="t",
        question_type="visitor",
        language="en",
        sources=(),
    )


def exported(folder: Path, rows: list[Example]) -> Path:
    """The folder with pictures, metadata and `hf/` of these rows."""
    (folder / "images/test").mkdir(parents=True)
    (folder / "hf").mkdir()
    files = Metadata(folder / "images/test", lambda: folder / "metadata-test.csv")
    for row in rows:
        Image.new("RGB", (5, 5), (row.data_id, 9, 9)).save(folder / row.files[0])
        files.add(row)
    files.close()
    save_dataset_dict(rows, folder / "images", folder / "hf")
    return folder


def loaded(folder: Path) -> list[str]:
    import datasets

    datasets.disable_progress_bars()
    found = datasets.load_dataset("imagefolder", data_dir=str(folder / "images"), cache_dir=str(folder / "cache"))
    return list(found["test"]["item_name"])


@pytest.mark.feature("dialog-json", "chat-jsonl")
def test_every_name_comes_back_from_the_image_folder_and_from_the_saved_data_set(tmp_path: Path) -> None:
    import datasets

    folder = exported(tmp_path, [example(name, number) for number, name in enumerate(NAMES)])
    assert loaded(folder) == list(NAMES)
    assert list(datasets.load_from_disk(str(folder / "hf"))["test"]["item_name"]) == list(NAMES)
    with (folder / "metadata-test.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [unguarded(row["item_name"]) for row in table] == list(NAMES)
    assert all((folder / row["file_name"]).is_file() for row in table)
    assert not [row for row in table if row["item_name"].startswith("=")]


@pytest.mark.parametrize("name", ["1911", "2019-03-01", "null"])
def test_a_split_of_nothing_but_numbers_times_or_nulls_is_text_too(tmp_path: Path, name: str) -> None:
    assert loaded(exported(tmp_path, [example(name, number) for number in range(2)])) == [name, name]


def test_chat_lines_and_tables_of_answers_hold_the_text(tmp_path: Path) -> None:
    rows = [example(name, number) for number, name in enumerate(NAMES[:-1])]
    said = [json.loads(chat_line([row]))["messages"][1]["content"][0]["text"] for row in rows]
    assert said == list(NAMES[:-1])
    answers = [
        Answer(
            id=row.id,
            arm="base",
            example_id=row.id,
            item_id="i",
            item_name=row.item_name,
            image_name=row.image_name,
            question=row.question,
            answer=row.answer,
            reference=row.answer,
        )
        for row in rows
    ]
    table = list(csv.DictReader(answers_csv(answers, {row.id: row for row in rows}).decode().splitlines()))
    for column in ("item_name", "user_question", "model_generated_answer", "ground_truth_answer"):
        assert [unguarded(row[column]) for row in table] == list(NAMES[:-1])
        assert not [row for row in table if row[column][0] in "=-"]


@pytest.mark.parametrize("text", [*NAMES[:-1], "- first\n- second", "'-5", "-5 °C; -7 °C"])
def test_edited_texts_come_back_as_the_person_wrote_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "edits.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "decision", "edited_question", "edited_answer"])
        writer.writerow(["0" * 16, "edit", "", guarded(text)])
    assert read_edits(path)["0" * 16].answer == text


@pytest.mark.parametrize(
    ("names", "warned"),
    [
        (["NULL", "lamp"], ["NULL"]),
        (["007", "lamp"], []),
        (["007", "1e5"], ["007", "1e5"]),
        (["n/a", "12"], ["n/a", "12"]),
        (["true", "False"], ["true", "False"]),
    ],
)
def test_published_tables_warn_of_names_that_others_read_as_something_else(
    tmp_path: Path, names: list[str], warned: list[str]
) -> None:
    table = tmp_path / "table.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["item_name", "train_images", "validation_images", "test_images", "synthetic_dialogs"])
        for number, name in enumerate(names):
            writer.writerow([name, f"{number}.jpg", "", "", "[Visitor]: What is it?\n[Guide]: A lamp."])
    done = CliRunner().invoke(convert, ["dialogs", str(table), str(tmp_path / "out")])
    assert done.exit_code == 0
    assert ("numbers or null: " in done.output) == bool(warned)
    assert f"numbers or null: {', '.join(warned)}\n" in done.output or not warned
    import pandas

    read = pandas.read_csv(tmp_path / "out/train/metadata.csv")["item_name"].tolist()
    assert [name for name, value in zip(names, read, strict=True) if name != value] == warned
