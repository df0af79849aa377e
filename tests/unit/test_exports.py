"""The data set in the formats of others."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny_museum import image_row

from docent.convert import published as exports
from docent.convert.published import (
    dialog,
    image_names,
    rows_in_batch,
    save_dataset_dict,
    slug,
)
from docent.records import Example
from docent.stages.build_dataset.exports.chat import chat_line
from docent.stages.build_dataset.exports.metadata import Metadata

# The first row of the published example, cut short: spaces, line ends and quotes as they are there.
PUBLISHED = (
    "data_id,item_name,image_name,file_name,dialog\n"
    "0,1903-wright-flyer,1903-wright-flyer-3.jpg,1903-wright-flyer-3.jpg,"
    '"{""messages"": [{""role"": ""user"", ""content"": [{""type"": ""image""}, '
    '{""type"": ""text"", ""text"": ""Can you describe this exhibit?""} ]}, '
    '{""role"": ""assistant"", ""content"": [{""type"": ""text"", ""text"": ""This exhibit – the Flyer.""} ]} ]}"\n'
)


def example(question: str, answer: str) -> Example:
    return Example(
        id="x",
        split="test",
        data_id=0,
        item_id="i",
        item_name="1903-wright-flyer",
        image_name="1903-wright-flyer-3.jpg",
        files=("images/test/1903-wright-flyer-3.jpg",),
        group="g",
        question=question,
        answer=answer,
        temperature=0.4,
        teacher="t",
        question_type="visitor",
        language="English",
        sources=(),
    )


def metadata(row: Example, folder: Path) -> str:
    """The table of a split with one row."""
    files = Metadata(folder / row.split, lambda: folder / f"metadata-{row.split}.csv")
    files.add(row)
    files.close()
    return (folder / f"metadata-{row.split}.csv").read_bytes().decode()


@pytest.mark.feature("dialog-json", "dataset-dict")
def test_metadata_has_the_bytes_of_the_published_data_set_but_for_the_folder_of_the_picture(tmp_path: Path) -> None:
    row = example("Can you describe this exhibit?", "This exhibit – the Flyer.")
    assert metadata(row, tmp_path).replace("images/test/", "") == PUBLISHED


@pytest.mark.feature("dialog-json")
@given(question=st.text(), answer=st.text())
def test_any_text_survives_the_way_through_json_and_csv(question: str, answer: str) -> None:
    messages = json.loads(dialog(question, answer))["messages"]
    assert messages[0]["content"][1]["text"] == question
    assert messages[1]["content"][0]["text"] == answer


@pytest.mark.parametrize("text", ["a\\b", 'say "no"', "line\nbreak", "Möbius 🌀", "=1+1,2"])
def test_special_characters_come_back_from_both_files(text: str, tmp_path: Path) -> None:
    row = example(text, text)
    table = list(csv.DictReader(io.StringIO(metadata(row, tmp_path), newline="")))
    assert json.loads(table[0]["dialog"])["messages"][1]["content"][0]["text"] == text
    assert json.loads(chat_line([row]))["messages"][1]["content"] == [{"type": "text", "text": text}]


def test_pictures_of_different_items_never_share_a_name() -> None:
    pictures = []
    for name in ("cube", "ball"):
        image = image_row(name, 1).model_copy(update={"name": "photo.jpg" if name == "cube" else "PHOTO.jpg"})
        pictures.append((name, image))
    names = sorted(image_names(pictures).values())
    assert [name[:11] for name in names] == ["ball-PHOTO-", "cube-photo-"]


def test_a_name_does_not_depend_on_other_exhibits_and_numbered_names_stay() -> None:
    mine = [
        (item, image_row(item, number).model_copy(update={"name": name}))
        for item, number, name in (
            ("cube", 1, "cube-1.jpg"),
            ("cube", 2, "cube-1-aug3.jpg"),
            ("Copper kettle", 3, "IMG_0001.JPG"),
            ("a", 4, "a-b-1.jpg"),
        )
    ]
    alone = image_names(mine)
    assert list(alone.values())[:2] == ["cube-1.jpg", "cube-1-aug3.jpg"]
    assert re.fullmatch(r"Copper-kettle-IMG_0001-[0-9a-f]{8}\.JPG", list(alone.values())[2])
    others = [
        (item, image_row(item, number).model_copy(update={"name": image.name}))
        for number, (item, (_, image)) in enumerate(zip(("CUBE", "cube 2", "b", "a-b"), mine, strict=True), 10)
    ]
    together = image_names([*others, *mine])
    assert {one: together[one] for one in alone} == alone
    assert len({name.casefold() for name in together.values()}) == len(together)


def test_two_pictures_of_one_item_with_one_name_are_told_apart_by_id() -> None:
    images = [image_row("cube", number).model_copy(update={"name": "photo.jpg"}) for number in (1, 2)]
    names = image_names([("cube", image) for image in images])
    assert len(set(names.values())) == 2


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b.jpg", "C:\\x.jpg", "..", ".hidden.jpg", "a\nb.jpg"])
def test_a_picture_name_cannot_leave_its_folder(name: str) -> None:
    safe = slug(name)
    assert safe
    assert not set(safe) & set("/\\\n")
    assert not safe.startswith(".")


@pytest.mark.parametrize("letter", ["a", "é", "博", "𝒳"])
def test_a_long_name_is_cut_by_its_bytes_and_keeps_its_suffix(letter: str) -> None:
    images = [image_row("cube", n).model_copy(update={"name": f"{letter * 300}.jpg"}) for n in (1, 2)]
    names = set(image_names([(letter * 300, image) for image in images]).values())
    assert len(names) == 2
    assert all(name.endswith(".jpg") and letter in name and 100 < len(name.encode()) <= 255 for name in names)
    assert 90 < len(slug(letter * 300).encode()) <= 100


def test_a_batch_of_the_arrow_file_holds_few_large_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, out = tmp_path / "images", tmp_path / "out"
    (images / "test").mkdir(parents=True)
    out.mkdir()
    rows = [example("What?", str(n)).model_copy(update={"id": str(n), "image_name": f"{n}.jpg"}) for n in range(7)]
    for number, row in enumerate(rows):
        (images / "test" / row.image_name).write_bytes(bytes([number]) * (1000 - number))
    assert rows_in_batch(rows, images) == exports.MAX_BATCH_ROWS
    monkeypatch.setattr(exports, "MAX_BATCH_BYTES", 3500)
    assert rows_in_batch(rows, images) == 3
    import datasets
    from datasets import arrow_writer

    lengths: list[int] = []
    places: set[Path] = set()
    write = arrow_writer.ArrowWriter.write_examples_on_file

    def spied(writer: arrow_writer.ArrowWriter) -> None:
        lengths.append(len(writer.current_examples))
        places.add(Path(writer._path).parent.parent)
        write(writer)

    monkeypatch.setattr(arrow_writer.ArrowWriter, "write_examples_on_file", spied)
    save_dataset_dict(rows, images, out)
    assert max(lengths) == 3
    assert tmp_path in places
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "out"]
    saved = datasets.load_from_disk(str(out))["test"].cast_column("image", datasets.Image(decode=False))
    assert [row["image"]["bytes"] for row in saved] == [(images / "test" / f"{n}.jpg").read_bytes() for n in range(7)]
    monkeypatch.setattr(exports, "MAX_BATCH_BYTES", 10)
    assert rows_in_batch(rows, images) == 1


def test_a_picture_cannot_take_the_name_of_the_table_beside_it() -> None:
    image = image_row("cube", 1).model_copy(update={"name": "metadata.parquet"})
    assert image_names([("cube", image)])[image.id] != "metadata.parquet"
