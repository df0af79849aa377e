"""Pairs for people: each with its verdict and its own lines, safe for spreadsheets and browsers."""

from __future__ import annotations

import csv
import os
import re
from html import unescape
from pathlib import Path

import pytest
from tests.review_run import FORMULA, HOSTILE, make_inputs

from docent.errors import InputError
from docent.records import Item, QAPair
from docent.stages.curate.review.earlier_decisions import APPLIED, BEFORE, TABLE, WITHOUT_PAIR, store
from docent.stages.curate.review.passages import MAX_SOURCE_CHARS
from docent.stages.curate.review.review import pairs_shown, write
from docent.stages.curate.review.selection import Selection
from docent.stages.curate.review.table import COLUMNS
from docent.text.encodings.spreadsheet import guarded


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "pairs.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_every_pair_is_in_the_table_with_verdict_lines_and_what_was_decided_before(tmp_path: Path) -> None:
    counts = write(make_inputs(tmp_path / "run"), tmp_path / "review", "demo", 100)
    about = {"pairs": 6, "on_page": 6, "carried": 0, "without_pair": 0}
    assert counts == {**about, "not kept": 1, "pass": 3, "reject": 1, "warn": 1}
    rows = table(tmp_path / "review")
    assert tuple(rows[0]) == COLUMNS
    assert [row["verdict"] for row in rows] == ["pass", "warn", "reject", "pass", "pass", "not kept"]
    assert [row["decision"] for row in rows] == ["", "", "", "approve", "edit", ""]
    assert rows[0]["lines"] == "line 11"
    assert rows[0]["source"] == "The pump turns at 1,450 revolutions."
    assert rows[2]["reasons"] == "unsupported number: Pump: 5"
    assert rows[4]["edited_answer"] == "Both matter, the oil daily."
    assert rows[4]["lines"] == "lines 10-14; lines 20-21"
    assert "Oil it daily." in rows[4]["source"] and "revolutions" in rows[4]["source"]
    assert rows[5]["question"] == "유지 보수는 언제 합니까?"


def test_nothing_in_the_table_is_a_formula(tmp_path: Path) -> None:
    write(make_inputs(tmp_path / "run"), tmp_path / "review", "demo", 100)
    assert table(tmp_path / "review")[2]["question"] == f"'{FORMULA}"
    assert table(tmp_path / "review")[2]["answer"] == "'-5 degrees"
    for row in table(tmp_path / "review"):
        assert not [value for value in row.values() if value[:1] in ("=", "+", "-", "@", "\t", "\r")]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_what_a_spreadsheet_would_compute_gets_an_apostrophe(begin: str) -> None:
    assert guarded(f"{begin}1") == f"'{begin}1"
    assert guarded(f"1{begin}") == f"1{begin}"


def test_lines_are_numbered_as_in_the_file_although_the_heading_is_not_in_the_text(tmp_path: Path) -> None:
    first, *_ = pairs_shown(make_inputs(tmp_path))
    (passage,) = first.passages
    assert [(line.number, line.used) for line in passage.lines] == [(11, True), (12, False), (13, False), (14, False)]


def test_without_curate_no_verdict_is_claimed(tmp_path: Path) -> None:
    inputs = make_inputs(tmp_path / "run")
    del inputs["curate"]
    assert write(inputs, tmp_path / "review", "demo", 100)["unchecked"] == 6


def test_the_page_takes_what_a_browser_takes_and_says_so(tmp_path: Path) -> None:
    counts = write(make_inputs(tmp_path / "run", 50), tmp_path / "review", "demo", 10)
    assert (counts["pairs"], counts["on_page"]) == (50, 10)
    html = (tmp_path / "review" / "index.html").read_text()
    assert html.count("<article") == 10
    assert "10 of 50 pairs are on this page" in html
    assert len(table(tmp_path / "review")) == 50


def test_a_page_that_does_not_take_all_shows_what_is_flagged_and_something_of_everything() -> None:
    selection = Selection()
    for number in range(400):
        kind = ("pass", "reject", "warn")[0 if number % 20 else 1 + number % 40 // 20]
        selection.add(f"{number:04}", kind != "pass", (kind, f"document {number // 100}", f"type {number % 7}"))
    for flag in range(400, 406):
        selection.add(f"{flag}", False, ("pass", "a small document", "type 0"))
    chosen = selection.chosen(60)
    assert len(chosen) == 60
    flags = [pair_id for pair_id, (later, _) in chosen.items() if not later]
    assert flags == list(chosen)[:20], "all that is flagged, before the others"
    others = [int(pair_id) for pair_id, (later, _) in chosen.items() if later]
    assert {number // 100 for number in others} == {0, 1, 2, 3, 4}
    assert {number % 7 for number in others if number < 400} == set(range(7))
    assert len(selection.chosen(10)) == 10 and sum(not later for later, _ in selection.chosen(10).values()) == 5
    assert [place for place in sorted(selection.chosen(406).values())] == [(False, number) for number in range(406)]


def test_a_page_of_few_shows_rejected_and_warned_first(tmp_path: Path) -> None:
    inputs = make_inputs(tmp_path / "run", 50)
    write(inputs, tmp_path / "review", "demo", 10)
    html = (tmp_path / "review" / "index.html").read_text()
    shown = re.findall(r'data-verdict="([a-z ]+)"', html)
    assert shown[:2] == ["warn", "reject"] and not {"warn", "reject"} & set(shown[2:])
    write(inputs, tmp_path / "second", "demo", 10)
    assert (tmp_path / "second" / "index.html").read_text() == html


def test_the_page_is_one_file_that_asks_for_nothing_and_escapes_everything(tmp_path: Path) -> None:
    write(make_inputs(tmp_path / "run"), tmp_path / "review", "demo", 100)
    html = (tmp_path / "review" / "index.html").read_text()
    assert HOSTILE not in html and "&lt;script&gt;document.title" in html
    assert html.count("<script") == 1
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", html)
    assert "default-src 'none'" in unescape(html)
    assert html.count("data:image/webp;base64,") == 1


def test_of_a_long_section_what_is_around_the_used_lines_is_shown(tmp_path: Path) -> None:
    inputs = make_inputs(tmp_path)
    item = next(inputs["assemble"].rows(Item))
    text = "\n".join(f"Line {number} says something of its own." for number in range(2000))
    fact = item.facts[0].model_copy(update={"text": "Line 1500 says", "source": item.source.model_copy(
        update={"first_line": 1511, "last_line": 1511})})  # fmt: skip
    long = item.model_copy(update={"text": text, "facts": (fact,), "source": item.source.model_copy(
        update={"last_line": 3000})})  # fmt: skip
    pair = next(inputs["generate-qa"].rows(QAPair)).model_copy(update={"sources": (fact.source,)})
    for unit, row in (("assemble", long), ("generate-qa", pair)):
        (tmp_path / unit / "parts.jsonl").write_text(row.model_dump_json() + "\n")
    ((passage,),) = (shown.passages for shown in pairs_shown(inputs))
    assert [line.number for line in passage.lines if line.used] == [1511]
    assert passage.lines[0].number > 1400
    assert sum(len(line.text) for line in passage.lines) <= MAX_SOURCE_CHARS


def filled(folder: Path, changes: dict[int, dict[str, str]]) -> list[dict[str, str]]:
    """Write decisions into the table, as a person does; its rows."""
    rows = table(folder)
    for number, change in changes.items():
        rows[number].update(change)
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return rows


def test_decisions_in_the_table_outlive_another_review(tmp_path: Path) -> None:
    inputs, folder = make_inputs(tmp_path / "run"), tmp_path / "review"
    write(inputs, folder, "demo", 100)
    changes = {
        0: {"decision": "aprove", "note": "a slip is kept too"},
        2: {"decision": "edit", "edited_question": "'=1?", "edited_answer": "-5 degrees Celsius"},
        3: {"decision": "reject"},
        5: {"note": "ask Kim"},
    }
    rows = filled(folder, changes)
    counts = write(inputs, folder, "demo", 100)
    assert (counts["carried"], counts["without_pair"]) == (5, 0)  # one was applied by curate before
    rows[2]["edited_answer"] = "'-5 degrees Celsius"
    assert table(folder) == rows
    html = (folder / "index.html").read_text()
    assert 'data-decision="reject"' in html and "-5 degrees Celsius" in html
    assert not (folder / WITHOUT_PAIR).exists()


def test_decisions_whose_pair_is_gone_are_kept_beside_and_come_back_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "review"
    write(make_inputs(tmp_path / "more", 8), folder, "demo", 100)
    filled(folder, {1: {"decision": "approve"}, 7: {"decision": "reject", "note": "dull"}})
    fewer = make_inputs(tmp_path / "fewer", 6)
    for _ in range(2):  # the second time it is in the other file only
        counts = write(fewer, folder, "demo", 100)
        assert counts["without_pair"] == 1
        with (folder / WITHOUT_PAIR).open(encoding="utf-8-sig", newline="") as file:
            (row,) = csv.DictReader(file)
        assert (row["question"], row["decision"], row["note"]) == ("Question 7?", "reject", "dull")
        assert table(folder)[1]["decision"] == "approve"
    write(make_inputs(tmp_path / "again", 8), folder, "demo", 100)
    assert table(folder)[7]["decision"] == "reject"
    assert not (folder / WITHOUT_PAIR).exists()


def test_a_table_that_cannot_be_read_is_not_written_over(tmp_path: Path) -> None:
    folder = tmp_path / "review"
    folder.mkdir()
    (folder / TABLE).write_text('id,decision,edited_question,edited_answer\n"open,approve,,\n')
    before = (folder / TABLE).read_bytes()
    with pytest.raises(InputError, match="not a valid CSV"):
        write(make_inputs(tmp_path / "run"), folder, "demo", 100)
    assert (folder / TABLE).read_bytes() == before


def test_of_the_table_and_what_was_applied_the_later_counts(tmp_path: Path) -> None:
    inputs, folder = make_inputs(tmp_path / "run"), tmp_path / "review"
    write(inputs, folder, "demo", 100)
    filled(folder, {0: {"decision": "approve", "note": "good"}, 1: {"decision": "approve"}})
    edits = tmp_path / "downloaded.csv"
    first = table(folder)[0]["id"]
    edits.write_text(f"id,decision,edited_question,edited_answer\n{first},reject,,\n")
    store(edits, folder)
    os.utime(folder / TABLE, ns=(0, 0))
    write(inputs, folder, "demo", 100)
    assert [(row["decision"], row["note"]) for row in table(folder)[:2]] == [("reject", "good"), ("approve", "")]
    filled(folder, {0: {"decision": "approve"}})
    os.utime(folder / APPLIED, ns=(0, 0))
    write(inputs, folder, "demo", 100)
    assert table(folder)[0]["decision"] == "approve"


def test_decisions_applied_before_are_kept_when_another_file_lacks_them(tmp_path: Path) -> None:
    head, folder = "id,decision,edited_question,edited_answer\n", tmp_path / "review"
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text(f"{head}{'a' * 16},approve,,\n{'b' * 16},reject,,\n")
    second.write_text(f"{head}{'b' * 16},approve,,\n")
    assert store(first, folder) == 0
    assert store(folder / APPLIED, folder) == 0 and not (folder / BEFORE).exists()
    assert store(second, folder) == 1
    assert (folder / BEFORE).read_bytes() == first.read_bytes()
    assert (folder / APPLIED).read_bytes() == second.read_bytes()
