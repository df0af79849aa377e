"""The first line of a description as the exhibit's name, and what is no title."""

from __future__ import annotations

from pathlib import Path

import pytest

from docent.config.sources import Source
from docent.records import Reject
from docent.stages.ingest.exhibits.description_title import split_title
from docent.stages.ingest.exhibits.folder_loader import list_exhibits
from docent.stages.ingest.exhibits.names import reject_named_twice
from docent.stages.ingest.sources import Exhibit

PROSE = "The kettle was made in Leeds in 1871. It holds 4 litres and still has its lid."


def museum(folder: Path, **texts: str) -> Source:
    """A folder with one exhibit per text; underscores of the keyword are hyphens of the folder."""
    for name, text in texts.items():
        place = folder / name.replace("_", "-")
        place.mkdir(parents=True)
        (place / "description.txt").write_text(text, encoding="utf-8")
    return Source(kind="exhibits-folder", path=folder)


def exhibits(source: Source) -> list[Exhibit]:
    return [one for one in reject_named_twice(list_exhibits(source)) if isinstance(one, Exhibit)]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (f"Copper kettle\n\n{PROSE}", "Copper kettle"),
        (f"Copper kettle\n{PROSE}", "Copper kettle"),
        (f"# Copper kettle\n{PROSE}", "Copper kettle"),
        (f"**Copper kettle**\n\n{PROSE}", "Copper kettle"),
        (f"Copper kettle, 1871\n\n\n{PROSE}", "Copper kettle, 1871"),
        (f"Dr. Reed's kettle\n\n{PROSE}", "Dr. Reed's kettle"),
        ("Kupferkessel um 1871\n\nDer Kessel fasst vier Liter. Er kommt aus Leeds.", "Kupferkessel um 1871"),
        ("「銅のやかん」\n\nこのやかんは一八七一年に作られた。", "「銅のやかん」"),
        ("『源氏物語絵巻』の箱\n\nこの箱は桐で作られている。", "『源氏物語絵巻』の箱"),
        ("《溪山行旅图》卷轴\n\n这幅画高二百厘米。它画在绢上。", "《溪山行旅图》卷轴"),
        ("【特别展】铜壶\n\n这个壶能装四升水。", "【特别展】铜壶"),
        ("银壶\n这个壶是一八七一年制造的。它能装四升水。", "银壶"),
    ],
)
def test_a_short_first_line_above_prose_is_the_title(text: str, title: str) -> None:
    found, below, skipped = split_title(text)
    assert found == title
    assert not below.startswith(title) and below == text.splitlines()[-1]
    assert text.splitlines()[skipped] == below


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        "Copper kettle",
        "The kettle was made in a yard near\nthe river. It holds 4 litres.",
        "The kettle was made in the yard of\nThomas Reed in 1871. It holds four\nlitres.",
        "Maker: Thomas Reed\nYear: 1871\n\nThe kettle holds 4 litres.",
        "Description:\nThe kettle holds 4 litres.",
        "Copper\nBrass\nTin",
        "1871\n\nThe kettle holds 4 litres.",
        "https://example.org/kettle\n\nThe kettle holds 4 litres.",
        "- a handle of horn\n- a lid\n\nThe kettle holds 4 litres.",
        f"A long first line that tells at length what this is and never comes to a full stop of its own\n\n{PROSE}",
        "",
    ],
)
def test_wrapped_prose_lists_and_fields_have_no_title(text: str) -> None:
    assert split_title(text) == ("", text, 0)


def test_the_title_is_the_name_and_no_sentence_of_the_text(tmp_path: Path) -> None:
    (found,) = exhibits(museum(tmp_path, item_0417=f"\nCopper kettle\n\n{PROSE}\n"))
    document = found.document()
    assert (document.name, document.spoken_name) == ("Copper kettle", "")
    assert document.sections[0].text == PROSE
    assert (found.span.first_line, found.span.last_line) == (4, 4)


def test_without_a_title_the_folder_names_the_exhibit_as_before(tmp_path: Path) -> None:
    (found,) = exhibits(museum(tmp_path, copper_kettle=PROSE))
    assert (found.name, found.spoken_name, found.text) == ("copper-kettle", "copper kettle", PROSE)


def test_two_exhibits_of_one_title_stay_two_and_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    source = museum(tmp_path, blue_vase=f"Vase\n\n{PROSE}", red_vase="Vase\n\nAnother text. It is red.", cup="A cup.")
    found = exhibits(source)
    assert [one.name for one in found] == ["Vase (blue-vase)", "cup", "Vase (red-vase)"]
    assert len({one.document_id for one in found}) == 3


def test_the_id_of_an_exhibit_stays_when_its_title_changes(tmp_path: Path) -> None:
    source = museum(tmp_path, kettle=f"Copper kettle\n\n{PROSE}")
    (before,) = exhibits(source)
    (tmp_path / "kettle" / "description.txt").write_text(f"Kettle of copper\n\n{PROSE}")
    (after,) = exhibits(source)
    assert before.name != after.name and before.document_id == after.document_id


def test_folders_of_one_name_in_two_museums_are_two_exhibits_whatever_the_museums_are_called(tmp_path: Path) -> None:
    first = museum(tmp_path / "a" / "photos", vase=f"Blue vase\n\n{PROSE}")
    second = museum(tmp_path / "b" / "photos", vase=f"Red vase\n\n{PROSE}")
    found = reject_named_twice([*list_exhibits(first), *list_exhibits(second)])
    ids = [one.document_id for one in found if isinstance(one, Exhibit)]
    assert len(set(ids)) == 2
    third = museum(tmp_path / "b" / "pictures", vase="Blue vase\n\nAnother text. It is red.")
    again = reject_named_twice([*list_exhibits(first), *list_exhibits(third)])
    assert isinstance(again[1], Reject) and again[1].detail.endswith("rename its folder")
