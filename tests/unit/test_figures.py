"""Figure references in Markdown: found in order, looked for in six places, kept, or named."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from tests.markdown_files import PHOTOS, TIDE_CLOCK, document, intake, listed, load, written

from docent.records import Document, Figure, Reject
from docent.stages.ingest.text import figures
from docent.stages.ingest.text.figures import candidates, find_file
from docent.text.markdown.figures import with_descriptions, without_figures
from docent.text.markdown.references import Reference, Syntax, code_spans, references_in

TOKENS = re.compile(r"\{\{\s*([^{}\n]{1,100}?)\s*\}\}")
PICTURES = PHOTOS


def found_in(text: str) -> list[str]:
    return [reference.name for reference in references_in(text, Syntax(TOKENS))]


def only_figures(found: Document) -> list[Figure]:
    return [figure for section in found.sections for figure in section.figures]


def rejects(path: Path, name: str = "") -> list[tuple[str, str, str]]:
    return [(one.reason, one.raw, one.detail) for one in load(path, name) if isinstance(one, Reject)]


@pytest.mark.feature("figure-references")
def test_tokens_put_into_a_manual_are_found_in_order_at_their_place(tmp_path: Path) -> None:
    text = TIDE_CLOCK.read_text(encoding="utf-8").replace("![the dial](dial.png)", "shown elsewhere")
    text = text.replace("## Parts\n", "## Parts\n\nSee {{FIGURE_1.2}} and {{ TABLE_3 }}.\n\n{{FIGURE_1.2}}\n")
    text = text.replace("### Tools", "Then `{{NOT_THIS}}` and {{FIGURE_9}}.\n\n### Tools")
    text = text.replace("# the last ten", "# not {{FIGURE_8}}, the last ten")
    path = tmp_path / "manual.md"
    path.write_text(text, encoding="utf-8")
    by_title = {section.title: section for section in document(path).sections}
    assert [one.token for one in by_title["Parts"].figures] == ["{{FIGURE_1.2}}", "{{ TABLE_3 }}", "{{FIGURE_9}}"]
    assert "{{ TABLE_3 }}" in by_title["Parts"].text
    assert sum(len(section.figures) for section in by_title.values()) == 3
    in_file = text.splitlines()
    for reason, raw, detail in rejects(path):
        line = int(detail.split("line ")[1])
        assert reason == "figure not found" and raw in in_file[line - 1]


@pytest.mark.feature("figure-references")
def test_another_pattern_can_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("See [fig: 7] and {{FIGURE_1}} and [fig: 2].")
    found = document(path, figure_pattern=r"\[fig: (\d+)\]")
    assert [one.token for one in only_figures(found)] == ["[fig: 7]", "[fig: 2]"]
    assert [one.token for one in only_figures(document(path, figure_pattern="FIGURE_[0-9]"))] == ["FIGURE_1"]


@pytest.mark.feature("figure-references")
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("![a](x.png) {{B}} ![c](<y z.png> \"t\") ![d](e(1).png 't')", ["x.png", "B", "y z.png", "e(1).png"]),
        ("`{{a}}` ``{{b}} ` `` {{c}} ` {{d}}", ["c", "d"]),
        ("\\`{{a}}` and `\\`{{b}}", ["a", "b"]),
        ("\\![a](b) [c](d) {{}} {{ }} {{a\nb}}", []),
        ("![{{a}}](b.png) ![x [y] z](c.png)", ["b.png", "c.png"]),
        ("```{{a}}``` {{b}}", ["b"]),
        ("| {{a}} | `{{b}}` | {{c}} |", ["a", "c"]),
    ],
)
def test_references_in_code_are_none(text: str, names: list[str]) -> None:
    assert found_in(text) == names


def test_code_spans_end_at_a_run_of_the_same_length() -> None:
    text = "`a ``b` c``d `e"
    assert [text[start:end] for start, end in code_spans(text)] == ["`a ``b`"]


@pytest.mark.feature("figure-references")
def test_references_in_blocks_of_code_comments_and_html_are_none(tmp_path: Path) -> None:
    text = "```\n{{a}}\n```\n\n    {{b}}\n\n<!-- {{c}} -->\n\n"
    text += "- item {{FIG_d}}\n\n  ~~~\n  {{e}}\n  ~~~\n\n> {{f}}\n\n|{{FIG_g}}|\n|-|\n|{{FIG_h}}|\n"
    found = only_figures(written(tmp_path, text))
    assert [one.token for one in found] == ["{{FIG_d}}", "{{f}}", "{{FIG_g}}", "{{FIG_h}}"]


@pytest.mark.feature("figure-paths")
def test_each_of_the_six_places_wins_where_those_before_it_are_empty(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "doc.md").write_text("# A\n\nSee {{FIGURE_1.2}} here.\n")
    one = listed(tmp_path, "deep/er/doc.md")
    places = list(candidates("FIGURE_1.2", one))
    assert places == [
        "deep/er/doc/FIGURE_1.2.png",
        "deep/er/doc/FIGURE_1.2.jpg",
        "deep/er/doc/FIGURE_1.2.jpeg",
        "doc/FIGURE_1.2.png",
        "doc/FIGURE_1.2.jpg",
        "doc/FIGURE_1.2.jpeg",
    ]
    assert rejects(tmp_path, "deep/er/doc.md") == [("figure not found", "{{FIGURE_1.2}}", "deep/er/doc.md line 3")]
    for number, place in reversed(list(enumerate(places))):
        photo = PICTURES[number % len(PICTURES)].read_bytes()
        (tmp_path / place).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / place).write_bytes(photo)
        saved: dict[str, bytes] = {}
        (figure,) = only_figures(document(tmp_path, "deep/er/doc.md", saved))
        assert figure.image is not None and figure.image.name == place.replace("/", "_")
        assert figure.image.sha256 == hashlib.sha256(photo).hexdigest()
        assert saved == {figure.image.file: photo} and figure.image.file.endswith(".jpg")


@pytest.mark.feature("figure-paths")
def test_nothing_outside_the_folder_is_opened(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "doc").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(PICTURES[0].read_bytes())
    (root / "doc" / "link.png").symlink_to(tmp_path / "secret.png")
    secret = tmp_path / "secret.png"
    (root / "doc.md").write_text(
        f"{{{{../../secret}}}} {{{{../secret}}}} {{{{link}}}} {{{{{tmp_path}/secret}}}}\n\n"
        f"![a](../secret.png) ![b]({secret}) ![c](%2e%2e/secret.png) ![d](doc/link.png) ![e](doc/../../secret.png)\n"
    )
    saved: dict[str, bytes] = {}
    found = load(root, "doc.md", saved)
    reasons = [one.reason for one in found[:-1] if isinstance(one, Reject)]
    assert reasons.pop(3) == "figure not found"  # an absolute name is one below the document's folder
    assert reasons == ["figure lies outside the source's folder"] * 8
    assert saved == {} and isinstance(found[-1], Document)
    assert all(figure.image is None for figure in only_figures(found[-1]))


@pytest.mark.feature("figure-paths")
def test_an_image_is_relative_to_its_file_and_may_climb_inside_the_source(tmp_path: Path) -> None:
    for name in ("manuals/a b.jpg", "pictures/x.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(PICTURES[1].read_bytes())
    (tmp_path / "manuals" / "m.md").write_text(
        "![one](a%20b.jpg) and ![two](<./a b.jpg>) and ![](../pictures/x.jpg)\n*Below*\n"
    )
    found = only_figures(document(tmp_path, "manuals/m.md"))
    assert [(one.caption, one.image and one.image.name) for one in found] == [
        ("one", "manuals_a b.jpg"),
        ("two", "manuals_a b.jpg"),
        ("Below", "pictures_x.jpg"),
    ]
    first, _, third = (one.image for one in found)
    assert first and third and first.group == third.group and first.id != third.id


def test_addresses_are_named_and_never_fetched(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(
        f"![a](https://example.org/a.png) ![b](//example.org/b.png) ![c](data:image/png;base64,{'A' * 5000})\n"
    )
    found = rejects(path)
    assert [reason for reason, _, _ in found] == ["figure is not a file"] * 3
    assert all(len(raw) <= 501 for _, raw, _ in found)


def test_a_picture_that_cannot_be_read_is_named_and_the_document_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "text.png").write_text("no picture")
    (tmp_path / "a" / "large.jpg").write_bytes(b"\xff" * 1_000_001)
    (tmp_path / "a.md").write_text("# A\n\nText {{text}} and {{large}}.\n\n# B\n\nMore {{text}}.\n")
    assert rejects(tmp_path, "a.md") == [
        ("not an image", "{{text}}", rejects(tmp_path, "a.md")[0][2]),
        ("file too large", "{{large}}", "a.md line 3: more than 1000000 bytes"),
        ("not an image", "{{text}}", rejects(tmp_path, "a.md")[2][2]),
    ]
    assert rejects(tmp_path, "a.md")[2][2].startswith("a.md line 7")
    assert len(document(tmp_path, "a.md").sections) == 2


@pytest.mark.feature("figure-references")
def test_captions_are_what_the_image_shows_or_the_line_in_italics_below(tmp_path: Path) -> None:
    text = "{{a}}\n*One `x`*\n\n{{b}}\n\n_Two_\n\n{{c}}\n\n\n*far*\n\n{{d}}\n**bold**\n\n"
    text += "![**alt** _e_](e.png)\n*not this*\n\n{{FIG_f}} more\n*no*\n"
    found = only_figures(written(tmp_path, text))
    assert [one.caption for one in found] == ["One x", "Two", "", "", "alt e", ""]


def test_a_figure_is_looked_for_once_and_there_is_an_end_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "MAX_FIGURES", 3)
    (tmp_path / "a.md").write_text("\n\n".join(f"{{{{f{number}}}}}" for number in [*range(10), 0]))
    found = rejects(tmp_path, "a.md")
    assert [reason for reason, _, _ in found] == ["figure not found"] * 3 + ["too many figures"]
    assert len(only_figures(document(tmp_path, "a.md"))) == 3


def test_names_that_no_file_can_have_are_not_found(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("text")
    one = listed(tmp_path, "a.md")
    for name in ("x" * 5000, "a\x00b", "."):
        assert find_file(Reference(0, "t", name, "", True), one) is None
    assert intake().limits.file_bytes == 1_000_000


def test_tokens_that_begin_alike_and_descriptions_that_hold_tokens_are_told_apart() -> None:
    told = [("FIGURE_1", "a dial"), ("FIGURE_1.2", "see FIGURE_1"), ("FIGURE_12", ""), ("{{A}}", "the {{B}}")]
    found = [Figure(token=token, caption=caption) for token, caption in [*told, ("{{B}}", "a lamp")]]
    text = "FIGURE_1, FIGURE_1.2, FIGURE_12 and FIGURE_1. {{A}} {{B}}"
    shown = "[Figure: a dial], [Figure: see FIGURE_1],  and [Figure: a dial]. [Figure: the {{B}}] [Figure: a lamp]"
    assert with_descriptions(text, found) == with_descriptions(text, found[::-1]) == shown
    assert without_figures(text, found) == ", ,  and ."
