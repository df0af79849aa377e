"""Names that nobody would choose for a file: pictures and documents stay in their folder, and none takes another's."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny_museum import image_row

from docent.convert.published import image_names, slug
from docent.records import Example, ImageFile, Split
from docent.stages.build_dataset.exports.chat import DocumentFiles

COMPOSED = "T\u00f6ne.jpg"
NAMES = (
    "CON.jpg",
    "nul",
    "Aux.tar.png",
    "com¹.jpg",
    "LPT9 .gif",
    "..\\..\\x.jpg",
    "/etc/passwd",
    "a:b.jpg",
    "....",
    " . ",
    "x.jpg.",
    "\u202egpj.exe",
    "a\u200eb.jpg",
    "ab.jpg",
    "a\x00b.jpg",
    "\u0642\u0637\u0639\u0629.jpg",
    "\u092e\u0942\u0930\u094d\u0924\u093f.jpg",
    COMPOSED,
    "To\u0308ne.jpg",
    "x" * 400,
    "y" + "x" * 399,
    "😀.png",
    "😀😀.png",
    "",
)
FORBIDDEN = set('/\\:*?"<>|') | {chr(code) for code in range(32)}


def picture(name: str, number: int) -> ImageFile:
    return image_row("cube", number).model_copy(update={"name": name, "id": f"{number:016x}"})


def check(names: list[str]) -> None:
    assert len({unicodedata.normalize("NFC", name).casefold() for name in names}) == len(names)
    for name in names:
        assert not FORBIDDEN & set(name)
        assert not [c for c in name if unicodedata.category(c) in ("Cf", "Cc", "Cs")]
        assert not PureWindowsPath(name).is_reserved()
        assert name.strip(". ") == name != ""
        assert len(name.encode()) <= 255


def test_pictures_of_any_names_get_plain_names_of_their_own() -> None:
    pictures = [(item, picture(name, number)) for number, name in enumerate(NAMES) for item in ("../up",)]
    names = image_names(pictures)
    check(list(names.values()))
    composed = f"{NAMES.index(COMPOSED):016x}"
    assert Path(COMPOSED).stem in names[composed]
    assert any("\u092e\u0942\u0930\u094d\u0924\u093f-" in name for name in names.values())


@given(st.lists(st.text(max_size=20), max_size=8))
def test_every_picture_has_a_name_of_its_own(given_names: list[str]) -> None:
    check(list(image_names([(name, picture(name, number)) for number, name in enumerate(given_names)]).values()))


def test_a_name_made_for_another_picture_cannot_be_taken() -> None:
    same = [picture("p.jpg", number) for number in (1, 2)]
    made = image_names([("cube", image) for image in same])
    thief = picture(made[same[0].id], 3)
    names = image_names([("cube", image) for image in (*same, thief)])
    check(list(names.values()))


@pytest.mark.parametrize("name", NAMES)
def test_a_slug_stays_what_it_is(name: str) -> None:
    assert slug(slug(name)) == slug(name)


def row(number: int, split: Split) -> Example:
    return Example(
        id=f"{number}-{split}",
        split=split,
        data_id=number,
        item_id=str(number),
        item_name="Part",
        question=f"{number} {split}",
        answer="It.",
        temperature=0.0,
        teacher="t",
        question_type="figure",
        language="English",
        sources=(),
    )


def test_documents_of_any_titles_get_files_of_their_own(tmp_path: Path) -> None:
    titles = [*NAMES, "con.JPG", "A/B.jpg"]
    files = DocumentFiles(tmp_path, lambda item: (f"{int(item):016x}", titles[int(item)]), set(), think=False)
    splits: tuple[Split, ...] = ("train", "test")
    for number in range(len(titles)):
        for split in splits:
            files.add(row(number, split))
    files.close()
    made = [path.name for path in tmp_path.iterdir()]
    assert len(made) == 2 * len(titles)
    check(made)
    held = [json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in made]
    asked = sorted(one["messages"][0]["content"][0]["text"] for conversations in held for one in conversations)
    assert asked == sorted(f"{number} {split}" for number in range(len(titles)) for split in splits)
