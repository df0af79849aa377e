"""Markdown files become documents whose sections know their lines."""

from __future__ import annotations

import codecs
import re
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tests.markdown_files import TIDE_CLOCK, document, intake, load, written

from docent.config.sources import Source
from docent.records import Document, Reject, Section
from docent.stages.ingest import LOADERS
from docent.stages.ingest.sources import list_files
from docent.stages.ingest.text import markdown
from docent.stages.ingest.text.markdown import SUFFIXES
from docent.text.markdown import blocks

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "manual"
BREAK = re.compile(r"\r\n|\r|\n")


def titles(found: Document) -> list[str]:
    return [section.title for section in found.sections]


def headings_of_the_parser(text: str) -> list[str]:
    """Headings as a full reading of the whole text by markdown-it has them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return [
        tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open" and not token.level
    ]


@pytest.mark.feature("markdown-sections")
def test_a_manual_is_split_at_headers_and_never_inside_code() -> None:
    text = TIDE_CLOCK.read_text(encoding="utf-8")
    lines = text.splitlines()
    assert len([line for line in lines if re.match(r"#+ ", line)]) == 26, "five of them in fenced code"
    assert len(headings_of_the_parser(text.split("---\n", 2)[2])) == 21
    found = document(TIDE_CLOCK)
    with_content = [line for at, line in enumerate(lines) if _begins_a_section(lines, at)]
    assert ["", *(line.strip("# ") for line in with_content)] == titles(found), "the first has no heading"
    assert [section.index for section in found.sections] == list(range(1, len(found.sections) + 1))


def _begins_a_section(lines: list[str], at: int) -> bool:
    """Whether a line is a header outside of code with something below it that is no header."""
    fences = sum(line.strip().startswith(("```", "~~~")) for line in lines[:at])
    following = next((line for line in lines[at + 1 :] if line.strip()), "#")
    return bool(re.match(r"#+ ", lines[at])) and fences % 2 == 0 and not following.startswith("#")


@pytest.mark.feature("markdown-sections")
def test_a_section_has_its_text_below_the_heading_and_the_lines_of_both(tmp_path: Path) -> None:
    text = "---\ntitle: T\ndescription: d\n---\n\nBefore.\n\n# One **bold** `x`\n\n\n  Text.  \nMore.\n"
    text += "\n## Empty\n\nTwo\n===\nEnd."
    first, one, two = written(tmp_path, text).sections
    assert (first.title, first.text, first.source.first_line, first.source.last_line) == ("", "Before.", 6, 6)
    assert (one.title, one.text) == ("One bold x", "  Text.  \nMore.")
    assert (one.source.first_line, one.source.last_line) == (8, 12)
    assert (two.title, two.text, two.source.first_line, two.source.last_line) == ("Two", "End.", 16, 18)
    assert one.facts[0].source.first_line == 11 and two.facts[0].source.first_line == 18


@pytest.mark.feature("markdown-sections")
def test_sections_without_content_and_with_the_marker_are_left_out(tmp_path: Path) -> None:
    text = "<!-- note -->\n\n# A\n\n# B\n\n---\n\n# C\n\nNO_CONTENT_HERE yet {{missing}}\n\n# D\n\nHere is text.\n"
    path = tmp_path / "a.md"
    path.write_text(text)
    (found,) = load(path)
    assert isinstance(found, Document) and titles(found) == ["D"] and found.sections[0].index == 1
    assert titles(document(path, skip_marker="Here is")) == ["C"]
    assert titles(document(path, skip_marker="")) == ["C", "D"]


def test_headings_in_code_quotations_comments_and_lists_begin_no_section(tmp_path: Path) -> None:
    text = (
        "# A\n\n```\n# no\n~~~\n```\n\n    # no\n\n> # no\n\n- # no\n\n<!--\n# no\n-->\n\n"
        "~~~~ x\n# no\n~~~\n# no\n~~~~\n\n#no\n\n   ###### F ###\ntext\n"
    )
    assert titles(written(tmp_path, text)) == ["A", "F"]


def test_code_that_is_never_closed_goes_to_the_end(tmp_path: Path) -> None:
    assert titles(written(tmp_path, "# A\n\nText.\n\n```\n# B\n\n# C\n")) == ["A"]


def test_the_name_is_the_title_else_the_first_heading_else_the_file(tmp_path: Path) -> None:
    assert written(tmp_path, "---\ntitle: The *T*\n---\n# H\n\ntext").name == "The *T*"
    assert written(tmp_path, "before\n\n# H _e_\n").name == "H e"
    assert written(tmp_path, "# [H](x.md) `c`\n\n## B\n\ntext").name == "H c"
    assert written(tmp_path, "only text").name == "manual"
    assert len(written(tmp_path, f"# {'h' * 999}\n\ntext").name) == 200


LINES = st.sampled_from(
    [
        "",
        "",
        "",
        "# A",
        "## B *c*",
        "### ",
        "Title\n===",
        "Title\n---",
        "---",
        "text of a line.",
        "More. And 3.5 more!",
        "- item",
    ]
    + [
        "  - nested",
        "1. step",
        "> quoted",
        "```",
        "~~~",
        "    code",
        "\tcode",
        "# in\ttab",
        "| a | b |\n|---|---|\n| 1 | 2 |",
    ]
    + [
        "<!--",
        "-->",
        "<div>",
        "[a]: b",
        "{{FIG}}",
        "![a](b.png)",
        "*caption*",
        "`{{x}}`",
        "NO_CONTENT_HERE",
        "\x0c",
        "a\u2028b",
        "é\u00a0",
    ]
)


@pytest.mark.feature("markdown-sections")
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(LINES, max_size=40),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    meta=st.booleans(),
    window=st.integers(1, 80),
)
def test_the_lines_of_every_section_hold_its_text_however_it_was_read(
    lines: list[str], end: str, meta: bool, window: int
) -> None:
    text = ("---\ntitle: a\n---\n" if meta else "") + "\n".join(lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.md"
        path.write_bytes(text.replace("\n", end).encode())
        whole = load(path)[-1]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(blocks, "WINDOW_CHARS", window)
            assert load(path)[-1] == whole
        in_file = [line if line.strip() else "" for line in BREAK.split(path.read_bytes().decode())]
    if isinstance(whole, Reject):
        assert whole.reason == "document without content"
        return
    before = 0
    for section in whole.sections:
        _holds(section, in_file)
        assert before < section.source.first_line <= section.source.last_line <= len(in_file)
        before = section.source.last_line


def _holds(section: Section, in_file: list[str]) -> None:
    first, last = section.source.first_line, section.source.last_line
    spanned = "\n".join(in_file[first - 1 : last]).rstrip()
    assert section.text and spanned.endswith(section.text)
    heading = spanned.removesuffix(section.text).strip()
    assert section.title.split()[-1:] == [] or section.title.split()[-1] in heading
    for fact in section.facts:
        assert first <= fact.source.first_line <= fact.source.last_line <= last
        ends = "".join(in_file[fact.source.first_line - 1 : fact.source.last_line])
        last_word = re.sub(r"[^\w.]", "", fact.text.split()[-1])
        assert last_word in re.sub(r"[^\w.]", "", ends)


@pytest.mark.parametrize(
    "data",
    [
        "# Größe\n\nEin café.".encode(),
        codecs.BOM_UTF8 + "# Größe\n\nEin café.".encode(),
        "# Größe\r\n\r\nEin café.".encode("cp1252"),
        "# Größe\r\rEin café.".encode("utf-16"),
    ],
)
def test_every_encoding_and_line_break_gives_the_same_section(tmp_path: Path, data: bytes) -> None:
    (section,) = written(tmp_path, data).sections
    assert (section.title, section.text, section.source.first_line, section.source.last_line) == (
        "Größe",
        "Ein café.",
        1,
        3,
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "document without content"),
        (b"\n \n# Only a heading\n", "document without content"),
        (b"---\ntitle: a\n---\n", "document without content"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" * 50, "not a text file"),
        (b"# A\n\n" + bytes(range(1, 9)) * 20, "not a text file"),
        (b"# A\n\n\x81\x8d\xff", "document in an unknown encoding"),
        (b"x" * 300_000, "document too large"),
        (b"> " * 5000 + b"deep", "blocks nested too deep"),
    ],
)
def test_a_file_that_cannot_be_a_document_is_one_reject_with_its_reason(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    path = tmp_path / "bad.md"
    path.write_bytes(data)
    (found,) = load(path, max_mb=0.25)
    assert isinstance(found, Reject) and found.reason == reason
    assert found.raw == "bad.md" and found.detail.startswith("bad.md") and len(found.parents) == 1


def test_a_file_that_vanished_is_a_reject(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("text")
    (listed,) = list_files(Source(kind="markdown", path=path), SUFFIXES)
    path.unlink()
    (found,) = LOADERS["markdown"].load(listed, intake())
    assert isinstance(found, Reject) and found.reason == "document cannot be read"


def test_a_folder_gives_its_markdown_files_at_any_depth_in_order(tmp_path: Path) -> None:
    for name in ("b.md", "a/z.MARKDOWN", ".git/x.md", "c.txt", "a/a.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text")
    found = LOADERS["markdown"].listed(Source(kind="markdown", path=tmp_path))
    assert [one.name for one in found] == ["a/a.md", "a/z.MARKDOWN", "b.md"]


def test_the_same_file_gives_the_same_ids_wherever_it_lies(tmp_path: Path) -> None:
    for folder in ("x/docs", "y/docs"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.md").write_text("# A\n\ntext")
    assert load(tmp_path / "x" / "docs", "a.md") == load(tmp_path / "y" / "docs", "a.md")


def test_long_blocks_are_read_in_bounded_memory_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "WINDOW_CHARS", 2000)
    monkeypatch.setattr(blocks, "MAX_BLOCK_CHARS", 10_000)
    code = "# A\n\n```\n" + "# no heading\n" * 100_000 + "```\n\n# B\n\nBehind the code.\n"
    tracemalloc.start()
    assert titles(written(tmp_path, code)) == ["A", "B"]
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    items = written(tmp_path, "# A\n\n" + "- An item of a list\n" * 3000 + "\n# B\n\nBehind the list.\n")
    assert [len(section.facts) for section in items.sections] == [3000, 1]
    assert items.sections[1].facts[0].source.first_line == 3006
    path = tmp_path / "manual.md"
    path.write_text("# A\n\ntext\n\n" + "| a | b |\n|---|---|\n" + "| a cell | another |\n" * 3000)
    (found,) = load(path)
    assert isinstance(found, Reject) and found.reason == "block too long" and "line 5" in found.detail
    monkeypatch.setattr(blocks, "MAX_LINE_CHARS", 10_000)
    path.write_text("# A\n\ntext\n\n" + "word " * 3000)
    (found,) = load(path)
    assert isinstance(found, Reject) and found.reason == "block too long" and "line 5" in found.detail


def test_a_file_of_too_many_parts_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "MAX_PARTS", 50)
    path = tmp_path / "a.md"
    path.write_text("# a\n\nb\n\n" * 30)
    (found,) = load(path)
    assert isinstance(found, Reject) and found.reason == "document with too many parts"


def test_a_long_list_of_links_and_marks_that_never_close_takes_no_longer_than_text(tmp_path: Path) -> None:
    hostile = (
        "[a]: b\n" * 10_000 + "\n" + "![*_`" * 10_000 + "\n\n" + "[" * 30_000 + "\n\n" + "`a ``b " * 10_000 + "{{x}}\n"
    )
    found = written(tmp_path, f"# A\n\nA sentence of its own.\n\n{hostile}\n\n# B\n\nThe end is here.")
    assert titles(found) == ["A", "B"]


@pytest.mark.feature("front-matter", "markdown-sections", "figure-references", "figure-paths", "facts")
def test_the_sample_manual_is_whole() -> None:
    manual, care = document(SAMPLES, "turntable-plinth.md"), document(SAMPLES, "care/cleaning-and-faults.md")
    assert manual.name == "Rondo 40 turntable plinth: operating manual" and manual.meta["product_code"] == "0040-07"
    assert "Remote control" not in titles(manual) and "Turning" not in titles(manual)
    sections = [*manual.sections, *care.sections]
    assert 10 <= len(sections) <= 14 and all(section.facts for section in sections)
    figures = [figure for section in sections for figure in section.figures]
    assert len(figures) == 4 and all(figure.image and figure.caption for figure in figures)
    assert (
        len([one for name in ("turntable-plinth.md", "care/cleaning-and-faults.md") for one in load(SAMPLES, name)])
        == 2
    )


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    files = {"a": b"# A\n\ntext", "b": b"\x00\x01\x02" * 99, "c": b"> " * 900 + b"x", "d": b"# D\n\ntext"}
    for name, data in files.items():
        (tmp_path / f"{name}.md").write_bytes(data)
    (tmp_path / "e.md").symlink_to("/etc/hostname")
    loader = LOADERS["markdown"]
    found: list[Document | Reject] = []
    for one in loader.listed(Source(kind="markdown", path=tmp_path)):
        found += [one] if isinstance(one, Reject) else loader.load(one, intake())
    assert [one.name if isinstance(one, Document) else one.reason for one in found] == [
        "A",
        "not a text file",
        "blocks nested too deep",
        "D",
        "path leaves the images folder",
    ]


@pytest.mark.timeout(60)  # a moment, or for ever
def test_many_comments_on_one_line_are_read_in_one_pass(tmp_path: Path) -> None:
    assert titles(written(tmp_path, "# T\n\n" + "<!-- a --> " * 60 + "text\n")) == ["T"]
    assert titles(written(tmp_path, "# T\n\n" + "<!-- a --> " * 60 + "\n\n# U\n\ntext\n")) == ["U"]
