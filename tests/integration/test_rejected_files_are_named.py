"""Files that could not be used are named where a run ends and in its status, with the command that reads them again."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest
from PIL import Image
from tests.integration.test_failed_attempts import call

PIPELINE = """
run: {name: rope, input_wait_s: 0}
ingest: {sources: [{kind: markdown, path: knots}], max_reject_rate: 1}
assemble: {}
"""


@pytest.fixture(scope="module")
def ropes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a complete run that could not use seven files, one of them with a hostile name."""
    folder = tmp_path_factory.mktemp("ropes")
    (folder / "pipeline.yaml").write_text(PIPELINE)
    (folder / "knots").mkdir()
    (folder / "knots" / "bowline.md").write_text("# Bowline\n\nA bowline makes a loop that does not slip.\n")
    for number in range(6):
        (folder / "knots" / f"empty-{number}.md").write_text("")
    (folder / "knots" / "\x1b[2Jhitch.md").write_text("")
    done = call(folder, "run")
    assert done.exit_code == 0, done.output
    return folder, done.output


@pytest.mark.parametrize("verb", ["run", "status"])
def test_the_first_are_named_and_the_others_counted(ropes: tuple[Path, str], verb: str) -> None:
    folder, said = ropes
    shown = said if verb == "run" else call(folder, "status").output
    names = [line for line in shown.splitlines() if line.startswith("  ") and ".md" in line]
    assert len(names) == 5 and sum("empty-" in name for name in names) >= 4 and "  and 2 others\n" in shown
    assert "\x1b[2J" not in shown and any(r"\x1b[2Jhitch.md" in name for name in names)


def test_the_line_of_a_unit_that_is_done_counts_what_it_rejected(ropes: tuple[Path, str]) -> None:
    _, said = ropes
    (line,) = [line for line in said.splitlines() if line.startswith("ingest") and " done in " in line]
    assert line.endswith(" s, 1 row, 7 rejected")


def test_a_photo_that_is_left_out_is_told_from_an_exhibit_that_is(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE.replace("kind: markdown", "kind: exhibits-folder"))
    for name, colours in (("oar", (20, 90, 160)), ("shelf", (40,))):
        (tmp_path / "knots" / name).mkdir(parents=True)
        for colour in colours:
            picture = Image.effect_noise((96, 96), colour).convert("RGB")
            picture.save(tmp_path / "knots" / name / f"{colour}.jpg")
    (tmp_path / "knots" / "oar" / "description.txt").write_text("The oar is made of ash and three metres long.\n")
    (tmp_path / "knots" / "oar" / "scan.jpg").write_text("no picture")
    said = call(tmp_path, "run").output
    assert "oar/scan.jpg: it is a text (its exhibit stays)\n" in said
    assert "no description.txt: shelf/ has no description.txt\n" in said


@pytest.mark.parametrize("verb", ["run", "status"])
def test_the_command_that_reads_them_again_ends_its_line_and_does(ropes: tuple[Path, str], verb: str) -> None:
    folder, said = ropes
    shown = said if verb == "run" else call(folder, "status").output
    (line,) = [line for line in shown.splitlines() if "after fixing them: " in line]
    assert line.endswith("after fixing them: docent run --run rope")


def test_status_says_what_its_seconds_are_and_where_the_names_cannot_be_read_still_counts(
    ropes: tuple[Path, str],
) -> None:
    folder, _ = ropes
    assert "\nseconds: computing time" in call(folder, "status").output
    (listed,) = (folder / "runs/rope/ingest/latest").glob("rejects-*.jsonl")
    whole = listed.read_bytes()
    listed.write_bytes(b"{}".ljust(len(whole) - 1) + b"\n")
    shown = call(folder, "status").output
    assert "rejected by ingest" not in shown or "rejected by ingest: 7, listed in " in shown
    assert "Traceback" not in shown and call(folder, "status").exit_code == 0
    listed.write_bytes(whole)


def test_they_are_named_while_the_run_goes_on_too(ropes: tuple[Path, str]) -> None:
    folder, _ = ropes
    with (folder / "runs/rope/.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        shown = call(folder, "status").output
    assert "rejected by ingest: 7, listed in " in shown and "  and 2 others\n" in shown and "docent run" not in shown
