"""The report of a run over documents: how much of them has pairs, what the teacher left unwritten, and its title."""

from __future__ import annotations

import html
import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.integration.test_own_material import carried_out, manual, page_of, text_of
from tests.integration.test_report_small_museum import steps_of

from docent.launcher.verbs.convert import convert

PARTS = ("winch", "anchor", "rudder", "mast", "keel", "bilge pump", "galley", "chart table", "boom", "tiller")


@pytest.fixture(scope="module")
def handbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over a text whose first heading is two words, with sections 1.1 to 1.10 and a chapter without sentences."""
    folder = tmp_path_factory.mktemp("boat")
    source = folder / "boat-book"
    source.mkdir()
    lines = ["# Boat handbook", ""]
    for number, part in enumerate(PARTS, 1):
        lines += [
            f"## 1.{number} The {part}",
            "",
            f"The {part} weighs {12 * number} kg and was fitted in {1960 + number}. Check the {part} every "
            f"{number + 2} months. If the {part} is older than {10 + number} years, replace it. The {part} must be "
            f"kept dry, because part {number} rusts.",
            "",
        ]
    lines += ["## 2.1 Marks", "", "A – B – C", ""]
    (source / "book.md").write_text("\n".join(lines), encoding="utf-8")
    run_dir = folder / "runs" / "boat"
    carried_out(run_dir, [{"kind": "markdown", "path": str(source)}], report={"max_samples": 4})
    return run_dir


def test_sections_without_a_row_are_counted_and_named(handbook: Path) -> None:
    page = page_of(handbook)
    text = text_of(page)
    found = re.search(r"about (\d+) of (\d+) sections of 1 document", text)
    assert found and int(found[1]) < int(found[2])
    without = int(found[2]) - int(found[1])
    assert f"{without} of {found[2]} sections {'has' if without == 1 else 'have'} no row in the data set." in text
    listed = page.split("Sections without a row")[1].split("</ul>")[0]
    assert listed.count("<li>") == without and "2.1 Marks" in listed
    assert "No section of chapter 2 has a row in the data set." in text


def test_requests_without_a_pair_are_a_share_in_read_with_care(handbook: Path) -> None:
    head = text_of(page_of(handbook).split("<nav")[0])
    assert re.search(r"\d+ of \d+ requests to the teacher \(\d+ %\) gave no pair\.", head.replace("\u00a0", " "))
    assert "are sentences of the documents" not in head
    assert "its questions are fixed patterns" in head and "No person has checked" in head


def test_shown_questions_reach_from_the_first_section_to_the_last(handbook: Path) -> None:
    shown = re.findall(r'<details class="photo" data-exhibit="1\.(\d+)', page_of(handbook))
    assert shown[0] == "1" and int(shown[-1]) >= 9 and len(shown) == 4
    options = re.findall(r"<option>1\.(\d+)", page_of(handbook))
    assert [int(number) for number in options] == sorted(map(int, options))


def test_a_run_that_trained_nothing_names_its_data_set_first_and_shows_rows_of_it(handbook: Path) -> None:
    page = page_of(handbook)
    assert "chat-train.jsonl" in steps_of(page)[0] and "build-dataset/latest/" in steps_of(page)[0]
    assert 3 <= page.split("Some rows of the training split")[1].split("</dl>")[0].count("<dd ") <= 6


def test_the_step_about_the_data_set_writes_the_form_of_another_trainer_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_dir = tmp_path / "runs" / "pump"
    carried_out(run_dir, [{"kind": "markdown", "path": str(manual(tmp_path / "pump-manual"))}])
    step = html.unescape(steps_of(page_of(run_dir))[0])
    assert "This version of docent does not train on documents." in step
    (command,) = re.findall(r"docent (convert chat [^<\n]+)", step)
    done = CliRunner().invoke(convert, shlex.split(command)[1:])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "train.parquet").is_file()


def test_no_count_is_written_in_two_ways(handbook: Path) -> None:
    assert not re.search(r"\d,\d{3}\b", text_of(page_of(handbook)))
    assert "that were asked for are not written" not in text_of(page_of(handbook))


def test_the_licence_that_is_printed_cannot_be_pasted_unread(handbook: Path, tmp_path: Path) -> None:
    step = next(step for step in steps_of(page_of(handbook)) if "licence" in step)
    assert "build_dataset.license=YOUR-LICENSE" in step and "`" not in step
    from pydantic import ValidationError

    from docent.config.stages import BuildDataset

    with pytest.raises(ValidationError, match="is a placeholder: replace it with the name of your licence"):
        BuildDataset(license="your-license")
    assert BuildDataset(license="mit").license == "mit"


def test_the_glossary_explains_what_the_page_says_and_nothing_else(handbook: Path) -> None:
    glossary = page_of(handbook).split('<section id="glossary"')[1].split("</section>")[0]
    assert {"Teacher", "Seed", "Training, validation, test"} <= set(re.findall(r"<dt>(.*?)</dt>", glossary))
    assert not {"LoRA", "Training noise", "Baseline", "Shard"} & set(re.findall(r"<dt>(.*?)</dt>", glossary))


def test_what_an_answer_of_the_offline_teacher_may_lack_is_said_at_the_top_and_in_the_next_steps(
    handbook: Path,
) -> None:
    page = page_of(handbook)
    step = next(step for step in steps_of(page) if "offline teacher" in step)
    for text in (text_of(page.split("<nav")[0]), re.sub(r"\s+", " ", step)):
        assert "its answers are sentences of one section, put in a few fixed forms for cells of tables" in text
        assert "so may the end of the section, even the last step of a procedure." in text
    assert "as it stands" not in step and "that were asked for" not in step
    assert re.search(r"[\d\N{NARROW NO-BREAK SPACE}]+ of the pairs asked for are not written\.", step)


def test_kinds_that_were_not_written_are_listed_with_their_counts_and_nothing_reads_like_an_error(
    handbook: Path,
) -> None:
    text = text_of(page_of(handbook))
    shortfall = json.loads((handbook / "build-dataset/latest/statistics.json").read_text(encoding="utf-8"))["shortfall"]
    listed = text.split("Requested but not written: ")[1]
    missing = {str(line["question_type"]): int(line["missing"]) for line in shortfall}
    assert len(missing) > 3 and all(f"{kind} {count}" in listed for kind, count in missing.items())
    assert list(missing.values()) and listed.startswith(max(missing, key=lambda kind: missing[kind]))
    made = re.search(r"requests (\d+), answered in full (\d+), not answered in full (\d+)", text)
    assert made and int(made[1]) == int(made[2]) + int(made[3])
    assert "requests failed" not in text and not re.search(r"\btries\b", text)
