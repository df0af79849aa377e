"""Artifact folders: what counts as complete, and what one flipped byte does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from docent.artifacts.durable import write_durably
from docent.artifacts.listings import OutputFile, intact
from docent.source_files.digests import digest_of_paths
from docent.store import Shard


@given(length=st.integers(0, 500), count=st.integers(1, 40))
def test_shards_cut_any_list_into_blocks_that_join_to_the_list(length: int, count: int) -> None:
    rows = list(range(length))
    joined = [row for i in range(count) for row in rows[Shard(i, count).block(length)]]
    assert joined == rows


def listed_file(folder: Path) -> tuple[Path, Path, list[dict[str, object]]]:
    file, marker = folder / "rows.jsonl", folder / "marker.json"
    write_durably(file, b"one\ntwo\n")
    outputs = [OutputFile.of(folder, file)]
    write_durably(marker, b"{}")
    return file, marker, outputs


def test_a_flipped_byte_is_noticed_although_the_size_is_the_same(tmp_path: Path) -> None:
    file, marker, outputs = listed_file(tmp_path)
    assert intact(tmp_path, marker, outputs)
    file.write_bytes(b"one\ntwx\n")
    later_ns = marker.stat().st_mtime_ns + 1
    os.utime(file, ns=(later_ns, later_ns))
    assert not intact(tmp_path, marker, outputs)


def test_a_touched_file_with_the_same_bytes_still_counts(tmp_path: Path) -> None:
    file, marker, outputs = listed_file(tmp_path)
    later_ns = marker.stat().st_mtime_ns + 10**9
    os.utime(file, ns=(later_ns, later_ns))
    assert intact(tmp_path, marker, outputs)


def test_a_flip_with_a_forged_old_time_is_noticed_by_the_ctime(tmp_path: Path) -> None:
    file, marker, outputs = listed_file(tmp_path)
    file.write_bytes(b"one\ntwx\n")
    os.utime(file, ns=(0, 0))
    assert not intact(tmp_path, marker, outputs)
    assert not intact(tmp_path, marker, outputs, verify=True)


def test_a_missing_or_cut_file_is_not_intact(tmp_path: Path) -> None:
    file, marker, outputs = listed_file(tmp_path)
    file.write_bytes(b"one\n")
    assert not intact(tmp_path, marker, outputs)
    file.unlink()
    assert not intact(tmp_path, marker, outputs)


def test_the_digest_of_sources_sees_content_and_names_not_times(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    before = digest_of_paths([folder])
    os.utime(folder / "a.txt", (0, 0))
    assert digest_of_paths([folder]) == before
    (folder / "a.txt").rename(folder / "b.txt")
    assert digest_of_paths([folder]) != before


def test_nothing_temporary_stays_after_a_write(tmp_path: Path) -> None:
    write_durably(tmp_path / "x.json", b"1")
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_pod_that_takes_the_place_of_another_writes_under_other_temporary_names() -> None:
    code = """
import os, socket, pathlib
os.getpid, socket.gethostname = lambda: 1, lambda: "demo-ingest-0"
from docent.artifacts.durable import temporary_name
print(temporary_name(pathlib.Path("part")))
"""
    names = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)}
    assert len(names) == 2
