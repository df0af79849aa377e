"""What a Markdown document says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.markdown_files import TIDE_CLOCK, document, written

from docent.stages.ingest.text.front_matter import read_front_matter


def read(text: str) -> tuple[dict[str, str], str]:
    meta, start = read_front_matter(text, "a.md")
    return meta, text[start:]


@pytest.mark.feature("front-matter")
def test_a_document_with_front_matter_names_itself() -> None:
    found = document(TIDE_CLOCK)
    assert found.name == "Tide clock: building and reading one"
    assert found.meta == {
        "layout": "manual",
        "title": "Tide clock: building and reading one",
        "description": "How a tide clock is built, set and read, with its program.",
        "permalink": "/clocks/tide/",
        "has_children": "true",
        "nav_order": "4",
    }
    lines = TIDE_CLOCK.read_text(encoding="utf-8").splitlines()
    assert lines[found.sections[0].source.first_line - 1].strip() == found.sections[0].text.splitlines()[0].strip()
    assert not any("nav_order" in section.text for section in found.sections)


@pytest.mark.feature("front-matter")
def test_only_a_line_of_its_own_ends_the_block() -> None:
    meta, body = read("---\ntitle: Before --- after\ndescription: a---b\n--- \nText --- with rules.\n---\nEnd.\n")
    assert meta == {"title": "Before --- after", "description": "a---b"}
    assert body == "Text --- with rules.\n---\nEnd.\n"


@pytest.mark.feature("front-matter")
@pytest.mark.parametrize(
    "yaml", ["title: [unclosed", "a: b: c", "title: 'x", "\tx: y", "[" * 5000, "a: !!python/x b\n- c"]
)
def test_bad_yaml_is_left_out_with_a_warning_and_the_document_goes_on(
    tmp_path: Path, yaml: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = written(tmp_path, f"---\n{yaml}\n---\n# A\n\nThe text goes on.\n")
    assert found.meta == {} and [section.text for section in found.sections] == ["The text goes on."]
    assert "manual.md: skipped invalid front matter" in caplog.text


@pytest.mark.feature("front-matter")
@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("---\ntitle: A\n---\ntext", "has no description"),
        ("---\ndescription: A\n---\ntext", "has no title"),
        ("---\nother: A\n---\ntext", "has no title or description"),
        ("---\n---\ntext", "has no title or description"),
        ("text", "no title or description"),
        ("---\ntitle: A\ndescription: B\n---\ntext", ""),
    ],
)
def test_a_missing_title_or_description_is_said(text: str, missing: str, caplog: pytest.LogCaptureFixture) -> None:
    read(text)
    assert missing in caplog.text and bool(missing) == bool(caplog.text)


def test_values_stay_as_they_are_written_and_only_scalars_and_their_lists_are_taken() -> None:
    meta, _ = read(
        "---\nzip: 007\nyes: no\nday: 2026-99-99\nversion: 1.10\ntags: [a, b]\nempty:\nnested: {a: b}\n"
        "fold: >\n  one\n  two\nlists: [[a], b]\n---\n"
    )
    assert meta == {
        "zip": "007", "yes": "no", "day": "2026-99-99", "version": "1.10", "tags": "a, b", "fold": "one two",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nA rule above.\n\n---\n\nAnd one below.\n",
        "---\nJust prose here\n---\nMore.\n",
        "---\ntitle: never closed\n\ntext",
        "----\ntitle: a\n---\n",
        " ---\ntitle: a\n---\n",
        "\n---\ntitle: a\n---\n",
        "---",
        "---\n" + "key: value\n" * 10_000 + "---\n",
        "",
    ],
)
def test_what_is_no_front_matter_stays_in_the_text(text: str) -> None:
    assert read(text) == ({}, text)


@pytest.mark.timeout(60)  # grown, they are more than any memory
def test_aliases_are_refused_before_they_grow() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert read(f"---\ntitle: T\n{bomb}---\nText.") == ({}, "Text.")


def test_windows_line_breaks_and_marks_count_as_lines(tmp_path: Path) -> None:
    found = written(tmp_path, "\ufeff---\r\ntitle: T\r\n---\r\n\r\n# A\r\n\r\nText.\r\n")
    (section,) = found.sections
    assert (found.name, section.source.first_line, section.source.last_line) == ("T", 5, 7)


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: Clock\ndescription: A clock.\nauthor:\n  name: Ann\n---\n",
        '+++\ntitle = "Clock"\ndescription = "A clock."\n[author]\nname = "Ann"\n+++\n',
    ],
)
def test_what_of_the_front_matter_is_no_text_is_named(text: str, caplog: pytest.LogCaptureFixture) -> None:
    meta, _ = read(text)
    assert meta == {"title": "Clock", "description": "A clock."}
    assert "skipped" in caplog.text and "author" in caplog.text
