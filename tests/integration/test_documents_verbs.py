"""`docent ingest`, `preview`, `review` as a user calls them: on files, on a run that is really made, on mistakes."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from PIL import Image

from docent.launcher.cli import main

MANUAL = """---
title: The pump
description: How to run it
---
Before anything else, read this text to its end.

# Starting

The pump turns at 1,450 revolutions per minute. Open the valve before it starts, because dry running destroys the seal.

- Check the oil:
  - It must stand between the two marks.
- Look at {{VIEW}} and at {{GONE}}.

# Stopping

Close the valve slowly. The pump stops after 12 seconds. The motor stays warm for an hour.

# Care

The seal lasts 4,000 hours. Replace the seal when drops fall more often than one per minute. The oil lasts 2,000 hours.
"""


def docent(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in this process, which saves the imports; `run` starts processes of its own all the same."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["docent", *map(str, arguments)])
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    return subprocess.CompletedProcess(sys.argv, int(str(code or 0)), out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manual with one figure of two, a table, a text, an empty file and one of another kind."""
    folder = tmp_path_factory.mktemp("documents") / "my documents"
    (folder / "manual").mkdir(parents=True)
    (folder / "manual.md").write_text(MANUAL)
    Image.effect_noise((300, 200), 60).save(folder / "manual" / "VIEW.png")
    (folder / "stores.csv").write_text("store,zip,about\nNorth,04567,Opens at 9.\nSouth,10001,Closes at 17.\n")
    (folder / "note.txt").write_text("The key hangs behind the door. Nobody takes it home.\n")
    (folder / "empty.md").write_text("")
    (folder / "photo.docx").write_bytes(b"PK")
    return folder


def test_a_folder_is_read_by_suffix_and_what_cannot_be_used_is_shown(folder: Path) -> None:
    done = docent("ingest", folder, "-o", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    kinds = [document["kind"] for document in found["documents"]]
    assert sorted(kinds) == ["markdown", "row", "row", "text"]
    manual = found["documents"][0]
    assert [section["title"] for section in manual["sections"]] == ["", "Starting", "Stopping", "Care"]
    assert "04567" in json.dumps(found["documents"])
    assert {reject["raw"] for reject in found["rejects"]} >= {"{{GONE}}"}
    assert len(found["rejects"]) == 2
    said = docent("ingest", folder).stdout
    assert "4 documents, 7 sections" in said and "rejected: 2" in said and "{{GONE}}" in said


def test_pictures_are_kept_only_where_that_is_asked_for(folder: Path, tmp_path: Path) -> None:
    done = docent("ingest", folder / "manual.md", "--out", tmp_path / "kept", "-o", "json")
    image = next(f["image"] for s in json.loads(done.stdout)["documents"][0]["sections"] for f in s["figures"])
    assert (tmp_path / "kept" / image["file"]).read_bytes() == (folder / "manual" / "VIEW.png").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ingest", "photo.docx"], "unsupported file type: .docx"),
        (["ingest", "gone.md"], "file or folder not found"),
        (["ingest", "manual"], "the folder contains neither documents"),
        (["preview", "empty.md"], "the file has no usable content"),
        (["preview", "stores.csv", "--document", "9"], "document 9 does not exist; the file has 2 documents"),
        (["preview", "manual.md", "--types", "nonsense"], "nonsense"),
        (["ingest", "manual.md", "--set", "ingest.markdown.max_md=1"], "ingest.markdown.max_md"),
    ],
)
def test_mistakes_are_one_message_with_a_way_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(folder)
    done = docent(*arguments)
    assert done.returncode in (3, 100)
    assert says in done.stderr and "next:" in done.stderr and "Traceback" not in done.stderr


def test_a_preview_shows_all_that_would_be_made_and_asks_nobody(folder: Path) -> None:
    asked = ["--set", "llm.provider=openai", "--set", "llm.base_url=http://127.0.0.1:9/v1"]
    done = docent("preview", folder / "manual.md", *asked, "-o", "json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert [section["title"] for section in shown["sections"]] == ["", "Starting", "Stopping", "Care"]
    assert any(section["related"] for section in shown["sections"])
    assert {prompt["type"] for prompt in shown["prompts"]} == set(shown["calls"])
    assert len(shown["calls"]) == 15
    facts = sum(len(section["facts"]) for section in shown["sections"])
    assert shown["planned"]["fact_based"] == shown["calls"]["fact_based"] == facts
    assert shown["cost"]["requests"] == sum(shown["calls"].values())
    assert shown["cost"]["likely_usd"] > 0
    assert [reject["raw"] for reject in shown["rejects"]] == ["{{GONE}}"]
    assert len({pair["question_type"] for pair in shown["written"]}) >= 5
    for pair in shown["written"]:
        assert all(source["file"] == "manual.md" for source in pair["sources"])


def test_a_preview_for_people_names_figures_pairs_and_cost(folder: Path) -> None:
    done = docent("preview", folder / "manual.md", "--types", "factual_recall, fact_based")
    assert done.returncode == 0, done.stderr
    said = ("The pump", "4 sections", "VIEW.png, 300 x 200 pixels", "figure not found", "factual_recall", "likely usd")
    for words in said:
        assert words in done.stdout
    assert "application" not in done.stdout.split("the first prompt")[0]
    assert "\x1b" not in done.stdout


def test_a_row_of_a_table_is_a_document_of_its_own(folder: Path) -> None:
    done = docent("preview", folder / "stores.csv", "--document", "2", "--types", "fact_based", "-o", "json")
    shown = json.loads(done.stdout)
    assert (shown["number"], shown["documents"], shown["document"]["name"]) == (2, 2, "South")


def test_what_people_decide_comes_back_as_rows(folder: Path, tmp_path: Path) -> None:
    pipeline = tmp_path / "pipeline.yaml"
    sections = {
        "run": {"name": "mine", "workers": 1},
        "ingest": {"sources": [{"kind": "markdown", "path": str(folder / "manual.md")}], "max_reject_rate": 1},
        "assemble": {},
        "generate_qa": {
            "types": ["factual_recall", "boolean", "true_false_fill_blank"],
            "temperatures": [0.7],
            "shards": 1,
            "max_reject_rate": 1,
        },
        "curate": {},
    }
    pipeline.write_text(json.dumps(sections))
    data = ["--data", tmp_path / "runs"]
    assert docent("review", "mine", *data).returncode == 102
    done = docent("run", pipeline, *data, "--yes")
    assert done.returncode == 0, done.stderr
    done = docent("review", "mine", *data)
    assert done.returncode == 0, done.stderr
    table = tmp_path / "runs" / "mine" / "review" / "pairs.csv"
    few = docent("review", "mine", *data, "--limit", 2)
    assert f"2 of {done.stdout.split()[0]} to read; for all: --limit {done.stdout.split()[0]}  " in few.stdout
    assert str(table) in done.stdout and (table.parent / "index.html").is_file()
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    kept = [row for row in rows if row["verdict"] in ("pass", "warn")]
    assert len(kept) > 3 and all(row["file"] == "manual.md" and row["source"] for row in rows)
    kept[0]["decision"] = "approve"
    kept[1]["decision"] = "reject"
    kept[2].update(decision="edit", edited_answer=f"{kept[2]['answer']} So the manual says.")
    edits = tmp_path / "edits.csv"
    with edits.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    done = docent("review", "mine", *data, "--apply", edits)
    assert done.returncode == 0, done.stderr
    assert "1 approve, 1 edit, 1 reject" in done.stdout
    command = next(line for line in done.stdout.splitlines() if line.startswith("next: "))
    stored = table.with_name("edits.csv")
    assert command.endswith(f"--set curate.edits={stored}") and stored.read_bytes() == edits.read_bytes()
    edits.unlink()
    forgotten = docent("run", pipeline, *data, "--yes")
    assert f"the decisions of the review are not used; to use them: --set curate.edits={stored}\n" in forgotten.stdout
    again = docent(*shlex.split(command.removeprefix("next: docent ")), "--yes")
    assert "not used" not in again.stdout and "not there" not in again.stdout
    assert again.returncode == 0, again.stderr
    curated = [
        json.loads(line) for path in (tmp_path / "runs/mine/curate/latest").glob("part-*") for line in path.open()
    ]
    by_parent = {row["parents"][0]: row for row in curated}
    assert by_parent[kept[0]["id"]]["reviewed"] == "approved"
    assert kept[1]["id"] not in by_parent
    assert by_parent[kept[2]["id"]]["answer"].endswith("So the manual says.")
    assert docent("review", "mine", *data).returncode == 0
    with table.open(encoding="utf-8-sig", newline="") as file:
        decided = {row["id"]: row["decision"] for row in csv.DictReader(file)}
    assert [decided[row["id"]] for row in kept[:3]] == ["approve", "reject", "edit"]
    gone = stored.read_text(encoding="utf-8").replace(kept[0]["id"], "0" * 16)
    stored.write_text(gone, encoding="utf-8")
    again = docent(*shlex.split(command.removeprefix("next: docent ")), "--yes")
    named = shlex.join(["docent", "review", "mine", *map(str, data)])
    assert f"1 of 3 decisions belong to pairs that do not exist: {named}\n" in again.stdout


def test_decisions_that_cannot_be_used_are_named_with_their_lines(folder: Path, tmp_path: Path) -> None:
    run_dir = tmp_path / "runs" / "mine"
    run_dir.mkdir(parents=True)
    (run_dir / "pipeline.resolved.yaml").write_text(
        json.dumps({"ingest": {"sources": [{"kind": "markdown", "path": str(folder)}]}})
    )
    (tmp_path / "edits.csv").write_text("id,decision,edited_question,edited_answer\nx,aprove,,\n")
    done = docent("review", "mine", "--data", tmp_path / "runs", "--apply", tmp_path / "edits.csv")
    assert done.returncode == 100
    assert "line 2" in done.stderr and "aprove" in done.stderr


def test_the_printed_place_of_the_decisions_cannot_be_pasted_unread(tmp_path: Path) -> None:
    run_dir = tmp_path / "runs" / "mine"
    run_dir.mkdir(parents=True)
    (run_dir / "pipeline.resolved.yaml").write_text("seed: 7\n")
    done = docent("review", "mine", "--data", tmp_path / "runs", "--apply", "PATH-TO/edits.csv")
    assert done.returncode == 100
    assert "PATH-TO is a placeholder: replace it with the folder in which your browser saved edits.csv" in done.stderr
    assert f"docent review mine --data {tmp_path / 'runs'} --apply" in done.stderr


def test_a_name_that_is_not_utf8_is_listed_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("# Pump\n\nThe pump weighs 12 kg.\n")
    (tmp_path / os.fsdecode(b"caf\xe9.md")).write_text("# Valve\n\nThe valve is made of brass.\n")
    done = docent("ingest", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "file name is not UTF-8" in done.stdout and "Pump" in done.stdout


def test_a_preview_shows_a_section_once_although_the_prompt_of_every_type_has_it(tmp_path: Path) -> None:
    (tmp_path / "pump.md").write_text("# Pump\n\n## Starting\n\nPress the green button for three seconds.\n")
    said = docent("preview", tmp_path / "pump.md", "--types", "inference,application").stdout
    prompts = said.partition("first prompt of each type")[2].partition("first pair of each type")[0]
    assert "inference (about" in prompts and "application (about" in prompts
    assert prompts.count("Press the green button") == 1 and "      (as above)\n" in prompts
