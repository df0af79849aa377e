"""One walk for hashing and reading: links, pipes, depth, spelling, and the run's own folder inside a source."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docent.config import PipelineConfig
from docent.config.sources import Source
from docent.errors import InputError
from docent.records import Reject
from docent.source_files.digests import digest_of_paths
from docent.source_files.walk import walk
from docent.spec import RunStates, plan_hashes
from docent.stages.ingest.exhibits.folder_loader import list_exhibits
from docent.stages.ingest.sources import ListedFile, list_files

MARKDOWN = frozenset({".md"})


def digest(*paths: Path) -> str:
    return digest_of_paths(paths, outwards=False)


def listed(path: Path) -> tuple[list[str], list[tuple[str, str]]]:
    found = list_files(Source(kind="markdown", path=path), MARKDOWN)
    return (
        [one.name for one in found if isinstance(one, ListedFile)],
        [(one.reason, one.raw) for one in found if isinstance(one, Reject)],
    )


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    folder = tmp_path / "manual"
    (folder / "care").mkdir(parents=True)
    (folder / "care" / "dusting.md").write_text("# Dusting\n\nUse a soft brush.\n")
    return folder


def test_links_out_of_a_source_are_named_and_neither_read_nor_hashed(manual: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("one")
    (manual / "all").symlink_to(outside)
    (manual / "one.md").symlink_to(outside / "secret.md")
    (manual / "environment.md").symlink_to("/proc/self/environ")
    (manual / "processes").symlink_to("/proc")
    (manual / "devices").symlink_to("/dev")
    before = digest(manual)
    (outside / "secret.md").write_text("another")
    assert digest(manual) == before
    names, rejects = listed(manual)
    assert names == ["care/dusting.md"]
    assert rejects == [("path leaves the images folder", name) for name in ("environment.md", "one.md")]
    (manual / "one.md").unlink()
    assert digest(manual) != before, "the reject is gone, so the rows change"


def test_links_to_folders_above_end_and_files_count_once(manual: Path) -> None:
    for name, target in (("loop", "."), ("care/up", ".."), ("care/same", "../care"), ("ring", "ring")):
        (manual / name).symlink_to(target)
    assert listed(manual)[0] == ["care/dusting.md"]
    before = digest(manual)
    assert len(list(walk(manual))) == 7
    assert len(list(walk(manual, outwards=True))) <= 12
    (manual / "care" / "dusting.md").write_text("# Dusting\n\nUse a vacuum.\n")
    assert digest(manual) != before


def test_a_link_inside_is_hashed_with_where_it_leads(manual: Path) -> None:
    (manual / "cure").mkdir()
    (manual / "latest").symlink_to("care")
    before = digest(manual)
    (manual / "latest").unlink()
    (manual / "latest").symlink_to("cure")
    assert digest(manual) != before


def test_pipes_sockets_and_dead_links_are_rejected_by_name_and_never_opened(manual: Path) -> None:
    os.mkfifo(manual / "pipe.md")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(manual / "socket.md"))
        (manual / "dead.md").symlink_to("nowhere.md")
        names, rejects = listed(manual)
    assert names == ["care/dusting.md"]
    assert rejects == [
        ("link to nothing", "dead.md"),
        ("not a regular file", "pipe.md"),
        ("not a regular file", "socket.md"),
    ]
    assert digest(manual)


def test_exhibits_that_cannot_be_read_are_rejected_by_name(tmp_path: Path) -> None:
    folder, outside = tmp_path / "museum", tmp_path / "outside"
    for path in (folder / "vase", outside / "jar"):
        path.mkdir(parents=True)
        (path / "description.txt").write_text("A vessel.")
    (folder / "jar").symlink_to(outside / "jar")
    (folder / "machine").symlink_to("/proc")
    (folder / "gone").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    (folder / "notes.txt").symlink_to(outside / "jar" / "description.txt")
    found = list_exhibits(Source(kind="exhibits-folder", path=folder))
    assert [(one.reason, one.raw) if isinstance(one, Reject) else one.name for one in found] == [
        ("link to nothing", "gone"),
        ("path leaves the images folder", "jar"),
        ("path leaves the images folder", "machine"),
        ("not a regular file", "pipe"),
        "vase",
    ]


def test_what_lies_deep_is_hashed_and_read(tmp_path: Path) -> None:
    deep = tmp_path / "manual" / "/".join("abcdefghijklmnopqrst")
    deep.mkdir(parents=True)
    (deep / "deep.md").write_text("one")
    before = digest(tmp_path / "manual")
    (deep / "deep.md").write_text("two")
    assert digest(tmp_path / "manual") != before
    assert listed(tmp_path / "manual")[0] == [f"{'/'.join('abcdefghijklmnopqrst')}/deep.md"]


def test_what_lies_too_deep_to_be_opened_is_refused_by_name(tmp_path: Path) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=handle)
        handle, before = os.open("d" * 200, os.O_RDONLY, dir_fd=handle), handle
        os.close(before)
    os.close(handle)
    with pytest.raises(InputError, match="(?i)too long"):
        digest(tmp_path)
    _remove_deep(tmp_path, "d" * 200)


def _remove_deep(folder: Path, name: str) -> None:
    """Take the chain down from its end: what removes temporary folders cannot open it either."""
    handles = [os.open(folder, os.O_RDONLY)]
    while name in os.listdir(handles[-1]):
        handles.append(os.open(name, os.O_RDONLY, dir_fd=handles[-1]))
    for inner, outer in zip(reversed(handles), reversed(handles[:-1]), strict=False):
        os.close(inner)
        os.rmdir(name, dir_fd=outer)
    os.close(handles[0])


@pytest.mark.parametrize("path", ["/", "/proc", "/proc/self", "/sys/kernel", "/dev", "//", "/tmp/.."])
def test_folders_of_the_system_are_refused_with_a_message(path: str) -> None:
    for ask in (lambda: digest(Path(path)), lambda: listed(Path(path))):
        with pytest.raises(InputError, match="cannot be used as a source") as refused:
            ask()
        assert "use the folder" in str(refused.value)


def test_a_folder_has_the_same_digest_and_rows_however_its_path_is_spelled(
    manual: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spelled = ["manual", "./manual", "manual/", "manual/.", "manual/care/..", "manual//care/../", str(manual)]
    sources = [Source.model_validate({"kind": "markdown", "path": path}) for path in spelled]
    configs = [PipelineConfig.model_validate({"ingest": {"sources": [source.model_dump()]}}) for source in sources]
    assert len({digest(source.path) for source in sources}) == 1
    assert len({plan_hashes(config)["ingest"] for config in configs}) == 1
    assert {tuple(one.document_id for one in list_files(source, MARKDOWN)) for source in sources} == {  # type: ignore[union-attr]
        (list_files(sources[0], MARKDOWN)[0].document_id,)  # type: ignore[union-attr]
    }
    monkeypatch.chdir(manual)
    assert digest(Source(kind="markdown", path=Path()).path) == digest(manual)
    assert Source(kind="markdown", path=Path()).path.name == "manual"
    monkeypatch.chdir(manual / "care")
    assert digest(Source(kind="markdown", path=Path("..")).path) == digest(manual)


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_a_path_that_names_nothing_is_a_problem_of_the_configuration(path: str) -> None:
    with pytest.raises(ValueError, match="must be the path of a file or folder"):
        Source.model_validate({"kind": "markdown", "path": path})


def test_the_place_of_the_project_is_not_part_of_the_digest(manual: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    before = digest(manual)
    manual.rename(tmp_path / "elsewhere" / "manual")
    assert digest(tmp_path / "elsewhere" / "manual") == before


def test_names_that_are_not_utf8_keep_working(manual: Path) -> None:
    os.rename(manual / "care" / "dusting.md", os.fsencode(manual) + b"/caf\xe9.md")
    (manual / "other.md").write_text("text")
    before = digest(manual)
    os.rename(os.fsencode(manual) + b"/caf\xe9.md", os.fsencode(manual) + b"/caf\xe8.md")
    assert digest(manual) != before
    assert listed(manual)[0] == ["other.md"]


def test_a_source_that_holds_the_runs_neither_reads_nor_hashes_them(
    manual: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = digest(manual)
    run = manual / "runs" / "demo"
    (run / "review").mkdir(parents=True)
    (run / "pipeline.resolved.yaml").write_text("seed: 7\n")
    (run / "review" / "pairs.md").write_text("pairs")
    (manual / "runs" / "cache" / "llm").mkdir(parents=True)
    (manual / "runs" / "cache" / "llm" / "journal.md").write_text("journal")
    unit = manual / "runs" / "alone" / "ingest"
    unit.mkdir(parents=True)
    (unit / "log-tail-00000.txt").write_text("said")
    (unit / "note.md").write_text("note")
    assert digest(manual) == before
    assert listed(manual)[0] == ["care/dusting.md"]
    assert f"skipped {manual / 'runs'}: docent writes to this folder" in caplog.text


def test_a_source_inside_the_run_itself_is_refused(tmp_path: Path) -> None:
    run_dir = tmp_path / "runs" / "demo"
    (run_dir / "review").mkdir(parents=True)
    for path in (run_dir, run_dir / "review"):
        config = PipelineConfig.model_validate({"ingest": {"sources": [{"kind": "markdown", "path": str(path)}]}})
        with pytest.raises(InputError, match="inside this run's folder"):
            RunStates(config, run_dir).of("ingest")


def test_a_folder_that_cannot_be_read_is_named(manual: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def refusing(path: Any) -> Iterator[os.DirEntry[str]]:
        if str(path).endswith("care"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    config = PipelineConfig.model_validate({"ingest": {"sources": [{"kind": "markdown", "path": str(manual)}]}})
    with pytest.raises(InputError, match="no permission") as refused:
        RunStates(config, manual.parent / "runs" / "x").of("ingest")
    assert "care" in refused.value.where
