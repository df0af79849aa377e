"""Exhibits of one name, hyphens that belong to a name, and HTML in descriptions."""

from pathlib import Path

import pytest

from docent.config.sources import Source
from docent.llm.chat import Material
from docent.records import Reject, Score
from docent.stages.assemble import assemble_item
from docent.stages.ingest.exhibits.csv_loader import list_exhibits as from_csv
from docent.stages.ingest.exhibits.folder_loader import list_exhibits as from_folder
from docent.stages.ingest.exhibits.names import reject_named_twice
from docent.stages.ingest.sources import Exhibit
from docent.stages.report.facts import _by_exhibit
from docent.teacher.guide import introduction
from docent.teacher.visitor import write_pairs
from docent.vision.splits import SplitPlan


def table(folder: Path, *rows: str, header: str = "item_id,item_name,description,test_images") -> Source:
    (folder / "images").mkdir(exist_ok=True)
    path = folder / "list.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return Source(kind="exhibits-csv", path=path)


def kept(found: list[Exhibit | Reject]) -> list[Exhibit]:
    return [one for one in reject_named_twice(found) if isinstance(one, Exhibit)]


@pytest.mark.parametrize("column", ["item_id", "id", "inventory_no", "Accession_No", "object_id"])
def test_exhibits_of_one_name_are_told_apart_by_their_ids(tmp_path: Path, column: str) -> None:
    rows = ["A-17,No title,A jug.,a.jpg", "B-2,No title,A bowl.,b.jpg", "C-3,Cup,A cup.,c.jpg"]
    source = table(tmp_path, *rows, header=f"{column},item_name,description,test_images")
    found = kept(from_csv(source))
    assert [one.document().name for one in found] == ["No title (A-17)", "No title (B-2)", "Cup"]
    assert len({one.document_id for one in found}) == 3


def test_an_exhibit_keeps_its_id_and_name_where_no_other_has_its_name(tmp_path: Path) -> None:
    (with_id,) = kept(from_csv(table(tmp_path, "A-17,Cup,A cup.,c.jpg")))
    (without,) = kept(from_csv(table(tmp_path, ",Cup,A cup.,c.jpg")))
    assert with_id.document() == without.document()


def test_a_later_exhibit_without_an_id_of_its_own_is_a_reject_that_says_what_to_add(tmp_path: Path) -> None:
    rows = [
        "7,Jug,A jug.,a.jpg",
        "7,Jug,Another.,b.jpg",
        ",Cup,A cup.,c.jpg",
        ",Cup,Another.,d.jpg",
        "9,Cup,A third.,e.jpg",
    ]
    found = reject_named_twice(from_csv(table(tmp_path, *rows)))
    assert [one.reason if isinstance(one, Reject) else one.name for one in found] == [
        "Jug", "exhibit named twice", "Cup", "exhibit named twice", "Cup (9)",
    ]  # fmt: skip
    same_id, no_id = (one for one in found if isinstance(one, Reject))
    assert "both have the id 7" in same_id.detail and "it has no id: add a column item_id" in no_id.detail


def test_a_name_that_looks_like_one_with_an_id_is_not_taken_twice(tmp_path: Path) -> None:
    rows = ["1,Jug (2),A jug.,a.jpg", "2,Jug,Another.,b.jpg", "3,Jug,A third.,c.jpg"]
    names = [one.name for one in kept(from_csv(table(tmp_path, *rows)))]
    assert names == ["Jug (2)", "Jug (3)"]


@pytest.mark.parametrize(
    ("name", "introduced"),
    [
        ("T-34", "This is the exhibit “T-34”."),
        ("Saint-Denis", "This is the exhibit “Saint-Denis”."),
        ("hand-axe", "This is the hand-axe."),
        ("Coca_Cola tin", "This is the exhibit “Coca_Cola tin”."),
        ("Mary Rose", "This is the exhibit “Mary Rose”."),
        ("Oak chest of drawers", "This is the exhibit “Oak chest of drawers”."),
        ("Roman coin", "This is the exhibit “Roman coin”."),
        ("rowing oars with leather", "These are the rowing oars with leather."),
        ("camera lens", "This is the camera lens."),
        ("rhinoceros", "This is the rhinoceros."),
        ("two oars", "These are two oars."),
        ("our boat", "This is our boat."),
        ("“Spirit”", "This is the exhibit “Spirit”."),
    ],
)
def test_hyphens_of_a_table_belong_to_the_name(tmp_path: Path, name: str, introduced: str) -> None:
    found = kept(from_csv(table(tmp_path, f"1,{name},A thing.,a.jpg", "2,Blue jug,A jug.,b.jpg")))
    item = assemble_item(found[0].document(), SplitPlan((), (), ()), {})
    assert (item.name, item.called) == (name, name)
    material = Material(
        item.name, "It is made of iron. It weighs 3 kg.", (0.4,), 0.4, 2, 40, "English", 1, item.spoken_name
    )
    pairs = write_pairs(material)
    assert pairs and all(answer.startswith(introduced) for _, answer in pairs)


@pytest.mark.parametrize(
    ("name", "text", "introduced"),
    [
        (
            "Spinning wheel",
            "Spinning wheel from Wales, 1820. A spinning wheel twists wool.",
            "This is the spinning wheel.",
        ),
        ("Oak chest", "Oak chest from Kent, with an iron lock.", "This is the exhibit “Oak chest”."),
        ("Oars", "Oars like these were made by hand. The oars are grey.", "These are the oars."),
        ("Miner's lamp", "He wore it. Every miner's lamp had a number.", "This is the miner's lamp."),
        ("Victory", "The crew of Victory was large, and Victory was fast.", "This is Victory."),
        ("", "A thing.", "This is the exhibit."),
    ],
)
def test_the_text_tells_whether_a_name_is_a_common_noun(name: str, text: str, introduced: str) -> None:
    assert introduction(name, text, "en") == introduced


def test_names_made_from_file_names_lose_their_hyphens(tmp_path: Path) -> None:
    for folder in ("Blue-Jug", "klein_bottle"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "description.txt").write_text("A thing.")
    found = kept(from_folder(Source(kind="exhibits-folder", path=tmp_path)))
    assert [(one.document().name, one.document().spoken_name) for one in found] == [
        ("Blue-Jug", "Blue Jug"),
        ("klein_bottle", "klein bottle"),
    ]


def test_a_table_of_file_names_alone_is_spoken_without_hyphens(tmp_path: Path) -> None:
    found = kept(from_csv(table(tmp_path, "1,blue-jug,A jug.,a.jpg", "2,klein-bottle,A bottle.,b.jpg")))
    assert [one.spoken_name for one in found] == ["blue jug", "klein bottle"]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("<p>A <em>brass</em> jug.</p><p>Made &amp; signed.</p><!-- id 7 -->", "A brass jug.\n\nMade & signed."),
        ("A jug &ndash; of&nbsp;brass &#233;", "A jug – of brass é"),
        ("A jug.<!-- draft -->", "A jug."),
        ("&lt;p&gt;A jug.&lt;/p&gt;", "A jug."),
        ("R&D at AT&T; 5 < 6 > 4, a?b=1&copy=2", "R&D at AT&T; 5 < 6 > 4, a?b=1&copy=2"),
        ("First <em>line</em>.\nSecond line.", "First line.\nSecond line."),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
    ],
)
def test_descriptions_of_exhibits_have_no_tags_comments_and_entities(tmp_path: Path, written: str, text: str) -> None:
    quoted = written.replace('"', '""')
    (one,) = from_csv(table(tmp_path, f'1,Jug,"{quoted}",a.jpg'))
    (tmp_path / "folder" / "Jug").mkdir(parents=True)
    (tmp_path / "folder" / "Jug" / "description.txt").write_text(written)
    (other,) = from_folder(Source(kind="exhibits-folder", path=tmp_path / "folder"))
    assert isinstance(one, Exhibit) and isinstance(other, Exhibit)
    assert one.text == other.text == text
    assert (other.span.first_line, other.span.last_line) == (1, 1 + written.count("\n"))


def test_entities_in_a_name_are_the_characters_they_stand_for(tmp_path: Path) -> None:
    (one,) = from_csv(table(tmp_path, "1,Caf&eacute;&nbsp;chair &amp; table,A set.,a.jpg"))
    assert isinstance(one, Exhibit) and one.name == "Café chair & table"


def test_the_report_counts_items_of_one_name_apart() -> None:
    def score(item: str, value: float) -> Score:
        return Score(
            id=item,
            arm="base",
            example_id=item,
            item_id=item,
            item_name="No title",
            metrics={"exhibit_accuracy": value},
        )

    rows = _by_exhibit([score("a", 1.0), score("b", 0.0)], ("base",), {}, {})
    assert [row.exhibit for row in rows] == ["No title", "No title"]


def test_tags_in_a_name_are_left_out(tmp_path: Path) -> None:
    (one,) = from_csv(table(tmp_path, "1,<i>Aeshna grandis</i> &amp; nest,A pair.,a.jpg"))
    assert isinstance(one, Exhibit) and one.name == "Aeshna grandis & nest"
