"""What a source leaves out is named in the log: documents that no loader reads, folders that lie elsewhere."""

import logging
from pathlib import Path

import pytest

from docent.config.sources import Source
from docent.stages.ingest.sources import list_files
from docent.stages.ingest.tables import csv_loader
from docent.stages.ingest.text import text_file


def test_documents_in_unsupported_formats_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a.txt", "loans.XLS", "old/letter.docx", "old/page.html/b.txt", ".hidden/c.doc", "photo.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("Text.")
    with caplog.at_level(logging.WARNING):
        found = list_files(Source(kind="txt", path=tmp_path), text_file.SUFFIXES)
    (message,) = caplog.messages
    assert len(found) == 2
    assert message == f"{tmp_path.name}: skipped files in unsupported formats: loans.XLS, old/letter.docx"


def test_nothing_is_said_of_other_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a.csv", "b.txt", "c.png", "README"):
        (tmp_path / name).write_text("x,y\n1,2\n")
    assert len(list_files(Source(kind="csv", path=tmp_path), csv_loader.SUFFIXES)) == 1 and not caplog.messages


def test_a_folder_that_a_link_leads_to_outside_of_the_source_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("manual/a.txt", "shared/b.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("Text.")
    (tmp_path / "manual" / "more").symlink_to("../shared")
    with caplog.at_level(logging.WARNING):
        assert len(list_files(Source(kind="txt", path=tmp_path / "manual"), text_file.SUFFIXES)) == 1
    assert "is outside the source" in caplog.text and "manual/more" in caplog.text
