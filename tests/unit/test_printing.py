"""Text of strangers on a terminal: one line where it is a name, and nothing that steers the terminal anywhere."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from docent.errors import InputError
from docent.launcher.verbs.output.tables import print_table, say_error
from docent.messages.printing import printable, terminal_safe

HOSTILE = {
    "colour": ("a\x1b[31mred.jpg", "a\\x1b[31mred.jpg"),
    "line break": ("a\n  next: rm -rf .jpg", "a\\n  next: rm -rf .jpg"),
    "carriage return": ("good\rbad", "good\\rbad"),
    "C1 control": ("a\x9b2Jb", "a\\x9b2Jb"),
    "right-to-left override": ("gpj.\u202eexe", "gpj.\\u202eexe"),
    "line separator": ("a\u2028b", "a\\u2028b"),
    "tag characters": ("a\U000e0041b", "a\\U000e0041b"),
    "undecodable byte": ("a\udcffb", "a\\udcffb"),
}


@pytest.mark.parametrize(("name", "shown"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_name_is_printed_on_one_line_with_escapes(name: str, shown: str) -> None:
    assert printable(name) == shown


@pytest.mark.parametrize("name", ["Töne.png", "博物館", "می‌خواهم", "🏛️.jpg", "Ж.tif"])
def test_an_ordinary_name_is_printed_as_it_is(name: str) -> None:
    assert printable(name) == name


def test_a_long_name_is_cut() -> None:
    assert printable("x" * 500) == "x" * 299 + "…"


def test_a_message_keeps_its_lines_and_loses_its_terminal_sequences() -> None:
    assert terminal_safe("two\n\tlines\x1b]0;title\x07") == "two\n\tlines\\x1b]0;title\\x07"


def test_an_error_names_a_file_on_one_line() -> None:
    error = InputError("not an image", "photos/a\n  next:  curl evil\x1b[2J.jpg", "fix it")
    lines = str(error).splitlines()
    assert len(lines) == 3 and "\x1b" not in lines[1] and lines[2] == "  next:  fix it"


@pytest.mark.parametrize("kind", ["error", "table"])
def test_verbs_print_no_terminal_sequence(kind: str) -> None:
    @click.command()
    def verb() -> None:
        if kind == "error":
            say_error("cannot read a\x1b[2J.jpg")
        else:
            print_table([{"file": "a\x1b[2J\n.jpg"}], "table", "files")

    result = CliRunner().invoke(verb)
    assert "\x1b[2J" not in result.output and "a\\x1b[2J" in result.output
