"""Texts in a CSV that people open: nothing is computed, and every text comes back as it was."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from importlib.resources import files
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from docent.text.encodings.spreadsheet import FORMULA, guarded, unguarded

TRICKY = st.text(st.sampled_from("=+-@'\"\t\r\n;, a1"), max_size=12)


@given(st.one_of(TRICKY, st.text()))
@example("\t=1")
@example("'=1")
@example("x;\"'=1")
def test_every_text_comes_back(text: str) -> None:
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize(
    "text",
    ["-12.50", "- first\n- second", "'=quoted", "+49 30 1234", "@home", "''-x", "-5 °C; -7 °C", "\ttab", "it's; 'so'"],
)
def test_numbers_lists_and_quotes_come_back(text: str) -> None:
    assert unguarded(guarded(text)) == text


def cells_as_opened(text: str, delimiter: str) -> list[str]:
    """Every cell of a table with this text in it, as a program reads it that splits lines in its own way."""
    file = io.StringIO()
    csv.writer(file).writerow(["0123", "plain", guarded(text), "plain"])
    if delimiter == ",":
        return [cell for row in csv.reader(io.StringIO(file.getvalue(), newline="")) for cell in row]
    return [cell.strip('"') for line in file.getvalue().splitlines() for cell in line.split(delimiter)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@given(text=TRICKY)
@example(text='a;=HYPERLINK("http://example.org")')
@example(text='a;"=1+1"')
@example(text="line\n@SUM(1)")
@example(text="a\t\t=1")
def test_no_cell_begins_a_formula_however_the_line_is_split(delimiter: str, text: str) -> None:
    formulas = [cell for cell in cells_as_opened(text, delimiter) if cell[:1] and cell[0] in FORMULA]
    assert not formulas


@pytest.mark.parametrize("text", ["plain", "a - b", "1 = 1", "mail@example.org", "a, =b"])
def test_a_text_without_a_formula_is_left_alone(text: str) -> None:
    assert guarded(text) == text


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node to run the script of the review page")
def test_the_review_page_guards_its_download_in_the_same_way() -> None:
    script = files("docent.stages.curate.review").joinpath("review.js").read_text(encoding="utf-8")
    (replacing,) = re.findall(r"const safe = (.+);", script)
    random = Random(3)
    texts = ["".join(random.choices("=+-@'\"\t\r\n;, a＝", k=random.randrange(9))) for _ in range(500)]
    program = f"console.log(JSON.stringify({json.dumps(texts)}.map((text) => {replacing})))"
    done = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [guarded(text) for text in texts]
